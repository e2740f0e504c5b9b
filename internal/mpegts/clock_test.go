// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// reference adds a packet that says what the clock is.
func (b *builder) reference(at int64) {
	field := make([]byte, 183)
	field[0] = 0x10
	field[1], field[2], field[3], field[4], field[5] = byte(at>>25), byte(at>>17), byte(at>>9), byte(at>>1), byte(at<<7)
	b.data = append(append(b.data, 0x47, videoPID>>8, videoPID&0xff, 0x20|b.counters[videoPID]&0xf, 183), field...)
}

// clocked is sound of 20 PES packets, of two frames each, with the clock in front of each; edit changes the number of one, its time, and
// what the clock says.
func clocked(edit func(i int, time, clock *int64)) []byte {
	b := newBuilder()
	b.tables(aacEntry)
	for i := range 20 {
		clock := int64(i) * 3840
		time := clock + 9000
		if edit != nil {
			edit(i, &time, &clock)
		}
		b.reference(clock)
		b.sound(time, adts(300), adts(300))
	}
	return append(b.data, b.closing()...)
}

// closing is a last word of the clock.
func (b *builder) closing() []byte {
	last := newBuilder()
	last.reference(20 * 3840)
	return last.data
}

// TestRead_TimeContradictsTheClock: of few PES packets whose times are far ahead of a clock that goes on evenly, the times are wrong.
func TestRead_TimeContradictsTheClock(t *testing.T) {
	const leap = 1 << 18
	for name, test := range map[string]struct {
		edit func(i int, time, clock *int64)
		want []media.PacketRange
	}{
		"no time": {nil, nil},
		"the first time": {func(i int, time, _ *int64) {
			if i == 0 {
				*time += leap
			}
		}, []media.PacketRange{{From: 0, To: 2}}},
		"a time within": {func(i int, time, _ *int64) {
			if i == 7 {
				*time += leap
			}
		}, []media.PacketRange{{From: 14, To: 16}}},
		"the last time": {func(i int, time, _ *int64) {
			if i == 19 {
				*time += leap
			}
		}, []media.PacketRange{{From: 38, To: 40}}},
		"two times": {func(i int, time, _ *int64) {
			if i == 3 || i == 9 {
				*time += leap
			}
		}, []media.PacketRange{{From: 6, To: 8}, {From: 18, To: 20}}},
		"too many": {func(i int, time, _ *int64) {
			if i%3 == 0 {
				*time += leap
			}
		}, nil},
		"a little": {func(i int, time, _ *int64) {
			if i == 7 {
				*time += media.Clock / 2
			}
		}, nil},
		"a time behind the clock, which a muxer has held back": {func(i int, time, _ *int64) {
			if i == 7 {
				*time -= leap / 2
			}
		}, nil},
		"a time far behind the clock": {func(i int, time, _ *int64) {
			if i == 7 {
				*time += 1 << 32
			}
		}, []media.PacketRange{{From: 14, To: 16}}},
		"a clock that leaps as well": {func(i int, time, clock *int64) {
			if i >= 18 {
				*time += leap
				*clock += leap
			}
		}, nil},
		"a clock that leaps later": {func(i int, time, clock *int64) {
			if i >= 18 {
				*time += leap
			}
			if i >= 19 {
				*clock += leap
			}
		}, nil},
		"times that drift": {func(i int, time, _ *int64) { *time += int64(i) * media.Clock / 4 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			file, _ := read(t, clocked(test.edit))
			if got := file.Streams[0].Strays; !slices.Equal(got, test.want) {
				t.Errorf("strays %v, want %v", got, test.want)
			}
		})
	}
}

// TestRead_ClockThatStandsStill says nothing of times behind it: what they follow may have paused, too.
func TestRead_ClockThatStandsStill(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	for i := range int64(20) {
		at := i * 3840
		if i >= 18 {
			at += 1 << 18
		}
		if i <= 18 {
			b.reference(min(i, 17) * 3840)
		}
		b.sound(9000+at, adts(300), adts(300))
	}
	file, _ := read(t, b.data)
	if got := file.Streams[0].Strays; got != nil {
		t.Errorf("strays %v", got)
	}
}
