// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package remux_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/compare"
)

var rates = []int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000}

// aac are the parameters of AAC: the header of an ADTS frame says so.
func aac(t fails, rate, channels int) media.Params {
	t.Helper()
	number := slices.Index(rates, rate)
	params := codec.ADTSParams([]byte{0xff, 0xf1, byte(1<<6 | number<<2), byte(channels << 6), 0x04, 0x1f, 0xfc, 0x21})
	if params.SampleRate != rate || params.Channels != channels || codec.Silence(params) == nil {
		t.Fatal(params)
	}
	return params
}

// writeSound writes an MP4 of frames of sound at these times, each of its size, with its number in its bytes.
func writeSound(t fails, path string, params media.Params, edits []media.Edit, times []int64, sizes []int) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	length := int64(params.FrameSamples) * second / int64(params.SampleRate)
	out := mp4.OutTrack{Kind: media.Audio, Timescale: media.Clock, Entries: [][]byte{params.Entry}, Edits: edits,
		Samples: func(yield func(mp4.OutSample) bool) {
			for i, at := range times {
				if !yield(mp4.OutSample{DTS: at, PTS: at, Duration: length, Size: sizes[i], Key: true}) {
					return
				}
			}
		},
	}
	_, err = mp4.Write(file, []mp4.OutTrack{out}, func(emit func(track int, sample []byte) error) error {
		for i, size := range sizes {
			data := make([]byte, size)
			binary.BigEndian.PutUint16(data, uint16(i))
			if err := emit(0, data); err != nil {
				return err
			}
		}
		return nil
	})
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestWrite_SoundKeepsBothClocks: whatever the holes and the jitter, each frame of the recording is at its time, and a
// player that knows no holes is within a frame of it.
func TestWrite_SoundKeepsBothClocks(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		params := aac(t, rapid.SampledFrom(rates[3:]).Draw(t, "rate"), rapid.IntRange(1, 2).Draw(t, "channels"))
		silence := len(codec.Silence(params))
		length := int64(1024) * second / int64(params.SampleRate)
		jitter := rapid.SampledFrom([]int64{0, 0, ms, 15 * ms}).Draw(t, "jitter")
		at := rapid.Int64Range(0, second).Draw(t, "begin")
		var times []int64
		var sizes []int
		var small int64 // the holes that have no room for a frame of silence
		for range rapid.IntRange(1, 120).Draw(t, "frames") {
			if rapid.IntRange(0, 15).Draw(t, "hole") == 0 {
				hole := rapid.Int64Range(length/5, 30*length).Draw(t, "length")
				if at += hole; hole < length {
					small += hole
				}
			}
			time := max(0, at+rapid.Int64Range(-jitter, jitter).Draw(t, "moved"))
			if len(times) > 0 {
				time = max(time, times[len(times)-1]+2*ms) // nearer, one of the same size is a repetition
			}
			times, sizes = append(times, time), append(sizes, rapid.SampledFrom([]int{silence, 100, 300}).Draw(t, "size"))
			at += length
		}
		source, path := filepath.Join(dir, "source.mp4"), filepath.Join(dir, "result.mp4")
		writeSound(t, source, params, nil, times, sizes)
		movie := write(t, path, read(t, nil, source))
		checkSound(t, movie.Tracks()[0], times, jitter, small)
	})
}

// checkSound finds the recording's frames in the result by their order and times.
func checkSound(t fails, track *mp4.Track, times []int64, jitter, small int64) {
	t.Helper()
	length := int64(1024) * second / int64(track.Timescale)
	// What is rounded: half a tick in the source, half a unit in the result, and what snaps.
	miss := 3*ms + 2*second/int64(track.Timescale) + 2
	next, played, begin, last := 0, int64(0), int64(0), int64(-1)
	for sample, err := range track.Samples() {
		if err != nil {
			t.Fatal(err)
		}
		at := track.Ticks(sample.PTS) + track.Shift()
		if played == 0 {
			begin = at
		}
		if at < last {
			t.Fatalf("%d follows %d", at, last)
		}
		last = at
		if off := distance(at, begin+played*1024*second/int64(track.Timescale)); off > length*3/4+miss+2*jitter+small {
			t.Fatalf("a player that knows no holes is %d off at %d", off, at)
		}
		played++
		// A frame of the recording is one at its time; jitter may move it behind the one before.
		if next < len(times) && distance(at, times[next]) <= miss+2*jitter {
			next++
		}
	}
	if next != len(times) {
		t.Fatalf("%d of %d frames are at their times", next, len(times))
	}
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// TestWrite_SilenceIsCounted: holes of any length get the frames that fit.
func TestWrite_SilenceIsCounted(t *testing.T) {
	params := aac(t, 48_000, 2)
	const length = 1920
	for _, test := range []struct {
		hole  int64 // in tenths of a frame
		count int
	}{{0, 0}, {2, 0}, {4, 0}, {7, 0}, {8, 1}, {10, 1}, {14, 1}, {16, 2}, {20, 2}, {300, 30}} {
		dir := t.TempDir()
		times := []int64{0, length, 2*length + test.hole*length/10, 3*length + test.hole*length/10}
		writeSound(t, filepath.Join(dir, "source.mp4"), params, nil, times, []int{50, 50, 50, 50})
		movie := write(t, filepath.Join(dir, "result.mp4"), read(t, nil, filepath.Join(dir, "source.mp4")))
		count := 0
		for _, err := range movie.Tracks()[0].Samples() {
			if err != nil {
				t.Fatal(err)
			}
			count++
		}
		if count-len(times) != test.count {
			t.Errorf("a hole of %d tenths has %d silent frames, want %d", test.hole, count-len(times), test.count)
		}
	}
}

// TestWrite_SilenceOfAWholeFrame: the hole before it got nearly half a frame more than it has, and a hole of one frame is
// filled all the same, since a player that knows no holes is nearer to the right time then.
func TestWrite_SilenceOfAWholeFrame(t *testing.T) {
	const length = 1920
	times := []int64{0, length, 2*length + 555*length/100, 3*length + 555*length/100 + length}
	path := filepath.Join(t.TempDir(), "source.mp4")
	writeSound(t, path, aac(t, 48_000, 2), nil, times, []int{50, 50, 50, 50})
	count := 0
	for _, err := range write(t, filepath.Join(t.TempDir(), "result.mp4"), read(t, nil, path)).Tracks()[0].Samples() {
		if err != nil {
			t.Fatal(err)
		}
		count++
	}
	if want := len(times) + 6 + 1; count != want {
		t.Errorf("%d frames are in the result, want %d", count, want)
	}
}

// A sound clock that is 0.1 % slower than its frames say leaves holes that are too small to fill one by one. A player that
// knows no holes must stay near the right time all the same.
func TestWrite_SlowSoundClockDoesNotAddUp(t *testing.T) {
	dir := t.TempDir()
	const frames, frame = 20_000, 1920
	times, sizes := make([]int64, frames), make([]int, frames)
	for i := range times {
		times[i], sizes[i] = int64(i)*frame*1001/1000, 50
	}
	writeSound(t, filepath.Join(dir, "source.mp4"), aac(t, 48_000, 2), nil, times, sizes)
	input := read(t, nil, filepath.Join(dir, "source.mp4"))
	movie := write(t, filepath.Join(dir, "result.mp4"), input)
	if err := compare.Copied(input.Timeline, movie, media.Audio); err != nil {
		t.Fatal(err)
	}
	count := int64(0)
	for sample, err := range movie.Tracks()[0].Samples() {
		if err != nil {
			t.Fatal(err)
		}
		if off := sample.PTS - count*1024; off > 2*1024 || off < -1024 {
			t.Fatalf("frame %d is shown at %d, a player that knows no holes is at %d", count, sample.PTS, count*1024)
		}
		count++
	}
	if count == frames {
		t.Error("no silence was inserted")
	}
}

// A sound clock that is 0.1 % faster than its frames say overlaps its frames. Pushed behind one another, they would be apart from the
// picture by more and more.
func TestWrite_FastSoundClockKeepsItsTimes(t *testing.T) {
	dir := t.TempDir()
	const frames, frame = 20_000, 1920
	times, sizes := make([]int64, frames), make([]int, frames)
	for i := range times {
		times[i], sizes[i] = int64(i)*frame*999/1000, 50
	}
	writeSound(t, filepath.Join(dir, "source.mp4"), aac(t, 48_000, 2), nil, times, sizes)
	movie := write(t, filepath.Join(dir, "result.mp4"), read(t, nil, filepath.Join(dir, "source.mp4")))
	count := 0
	for sample, err := range movie.Tracks()[0].Samples() {
		if err != nil {
			t.Fatal(err)
		}
		if off := distance(movie.Tracks()[0].Ticks(sample.PTS), times[count]); off > 5*ms {
			t.Fatalf("frame %d is %d off", count, off)
		}
		count++
	}
	if count != frames {
		t.Errorf("%d frames", count)
	}
}
