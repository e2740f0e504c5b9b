// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// sounds are five PES packets of sound, each in three transport packets: the last one is stuffed.
func sounds() (b *builder, begins []int) {
	b = newBuilder()
	b.tables(aacEntry)
	for i := range int64(5) {
		begins = append(begins, len(b.data))
		b.sound(9000+i*1920, adts(400))
	}
	return b, begins
}

// TestRead_AdaptationFieldOverPayload: the bit that announces one is set by damage, so that payload is taken for it.
func TestRead_AdaptationFieldOverPayload(t *testing.T) {
	b, begins := sounds()
	wantNoDamage(t, firstOf(read(t, b.data)))
	b.data[begins[3]+188+3] |= 0x20
	b.data[begins[3]+188+4] = 20 // its length, and flags that announce nothing
	b.data[begins[3]+188+5] = 0
	for i := range 19 {
		b.data[begins[3]+188+6+i] = byte(i)
	}
	if found := damages(firstOf(read(t, b.data))); found[media.TransportError] != 1 {
		t.Errorf("damage %v", found)
	}
}

// TestRead_FirstAdaptationFieldOverPayload: those behind it tell that it is none.
func TestRead_FirstAdaptationFieldOverPayload(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	var begins []int
	for i := range int64(12) {
		begins = append(begins, len(b.data))
		b.sound(9000+i*1920, adts(400))
	}
	wantNoDamage(t, firstOf(read(t, b.data)))
	b.data[begins[0]+2*188+4] += 32 // the length of the field, which is stuffed
	if found := damages(firstOf(read(t, b.data))); found[media.TransportError] != 1 {
		t.Errorf("damage %v", found)
	}
}

// TestRead_StuffingTakenForPayload: the bit that announces an adaptation field is gone. Filler data is as uniform, and no damage.
func TestRead_StuffingTakenForPayload(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	var begins []int
	for i := range int64(5) {
		begins = append(begins, len(b.data))
		b.picture(9000+i*3600, -1, append([]byte{0x41, 0x9a}, bytes.Repeat([]byte{0x55}, 300)...), append([]byte{0x0c}, bytes.Repeat([]byte{0xff}, 600)...))
	}
	wantNoDamage(t, firstOf(read(t, b.data)))
	last := b.data[begins[3]-188:]
	if last[3]&0x20 == 0 || last[4] < 16 {
		t.Fatalf("%d bytes of stuffing", last[4])
	}
	last[3] &^= 0x20
	if found := damages(firstOf(read(t, b.data))); found[media.TransportError] != 1 {
		t.Errorf("damage %v", found)
	}
}

// TestRead_StuffingThatIsNotCleared is a muxer's way when it is so from the beginning.
func TestRead_StuffingThatIsNotCleared(t *testing.T) {
	b, begins := sounds()
	for _, begin := range begins {
		last := b.data[begin+2*188:]
		for i := range int(last[4]) - 1 {
			last[6+i] = byte(i)
		}
	}
	wantNoDamage(t, firstOf(read(t, b.data)))
}

// TestRead_HeaderTooShortForItsFields: where others are not so, it is damage.
func TestRead_HeaderTooShortForItsFields(t *testing.T) {
	const flags, length = 4 + 7, 4 + 8
	for name, damage := range map[string]func(packet []byte){
		"a shorter header":  func(packet []byte) { packet[length] = 3 },
		"another time":      func(packet []byte) { packet[flags] |= 0x40 },
		"an ESCR":           func(packet []byte) { packet[flags] |= 0x20 },
		"an extension":      func(packet []byte) { packet[flags] |= 0x01 },
		"uneven stuffing":   func(packet []byte) { packet[length] += 4 },
		"a copyright field": func(packet []byte) { packet[flags] |= 0x04 },
	} {
		t.Run(name, func(t *testing.T) {
			b, begins := sounds()
			damage(b.data[begins[3]:])
			if found := firstOf(read(t, b.data)).Damage; len(found) == 0 {
				t.Error("no damage")
			}
			b, begins = sounds()
			for _, begin := range begins {
				b.data[begin+flags] |= 0x04 // of a muxer that forgets the field
			}
			wantNoDamage(t, firstOf(read(t, b.data)))
		})
	}
}

func firstOf(file media.File, _ [][]media.Sample) media.File { return file }

// TestRead_StuffingThatIsNotClearedBesideEmptyFields: fields without stuffing say nothing of how a muxer stuffs.
func TestRead_StuffingThatIsNotClearedBesideEmptyFields(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	for i := range int64(12) {
		whole := pes(0xc0, 9000+i*1920, -1, adts(400))
		for at := 0; at < len(whole); {
			size := min(182, len(whole)-at)
			b.packet(audioPID, at == 0, whole[at:at+size])
			at += size
		}
		stuffed := b.data[len(b.data)-188:]
		for k := range int(stuffed[4]) - 1 {
			stuffed[6+k] = byte(k) // what was there before
		}
	}
	wantNoDamage(t, firstOf(read(t, b.data)))
}

// TestRead_TablesMayBeFilledWithZeros, as one muxer does it, though the standard has other bytes for it.
func TestRead_TablesMayBeFilledWithZeros(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	for at := 0; at < len(b.data); at += 188 {
		packet := b.data[at : at+188]
		payload := slices.Clone(packet[5+packet[4]:]) // the table is at its end, behind stuffing
		packet[3] &^= 0x20
		clear(packet[4+copy(packet[4:], payload):])
	}
	for i := range int64(12) {
		b.sound(9000+i*1920, adts(400))
	}
	file := firstOf(read(t, b.data))
	wantNoDamage(t, file)
	if len(file.Streams) != 1 || file.Streams[0].Packets.Count != 12 {
		t.Errorf("%+v", file.Streams)
	}
	clear(b.data[4:188])
	if found := damages(firstOf(read(t, b.data))); found[media.TablesMissing] == 0 {
		t.Errorf("nothing but zeros is no table: %v", found)
	}
}
