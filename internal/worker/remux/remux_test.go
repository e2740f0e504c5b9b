// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package remux_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/compare"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

const (
	second = int64(media.Clock)
	ms     = second / 1000
)

var bothKinds = []media.Kind{media.Video, media.Audio}

// makeMedia runs ffmpeg in a folder. Without it the test is skipped, unless REQUIRE_MEDIA is 1.
func makeMedia(t *testing.T, dir string, args ...string) {
	t.Helper()
	path := os.Getenv("FFMPEG")
	if path == "" {
		path = "ffmpeg"
	}
	path, err := exec.LookPath(path)
	if err != nil {
		if os.Getenv("REQUIRE_MEDIA") == "1" {
			t.Fatal(err)
		}
		t.Skip("ffmpeg is not installed")
	}
	command := exec.CommandContext(t.Context(), path, append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg: %v\n%s", err, out)
	}
}

// fails is what a test and a property have in common.
type fails interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// read indexes files as the segments of a recording.
func read(t fails, edit func(segments []timeline.Segment), paths ...string) remux.Input {
	t.Helper()
	input := remux.Input{Kinds: bothKinds}
	var recording timeline.Recording
	for _, path := range paths {
		source := index.Source{Path: path}
		file, err := index.Read(source)
		if err != nil {
			t.Fatal(err)
		}
		input.Sources = append(input.Sources, source)
		recording.Segments = append(recording.Segments, timeline.Segment{File: file, Name: filepath.Base(path)})
	}
	if edit != nil {
		edit(recording.Segments)
	}
	input.Timeline = timeline.Build(recording)
	return input
}

// write writes a result, compares it with the recording, and gives it with its file.
func write(t fails, path string, inputs ...remux.Input) *mp4.Movie {
	t.Helper()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	size, err := remux.Write(context.Background(), out, inputs...)
	if err = errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil || int64(len(data)) != size {
		t.Fatalf("%d bytes, want %d: %v", len(data), size, err)
	}
	movie, err := mp4.Open(bytes.NewReader(data), size)
	if err != nil {
		t.Fatal(err)
	}
	for _, input := range inputs {
		if err := compare.Copied(input.Timeline, movie, input.Kinds...); err != nil {
			t.Fatal(err)
		}
	}
	return movie
}

// samplesOf are the bytes of the samples of a kind.
func samplesOf(t fails, path string, kind media.Kind) [][]byte {
	t.Helper()
	source := index.Source{Path: path}
	file, err := index.Read(source)
	if err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	err = index.Samples(source, func(s media.Sample) error {
		if file.Streams[s.Stream].Kind == kind {
			all = append(all, bytes.Clone(s.Data))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

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
				time = max(time, times[len(times)-1]+1)
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

// TestWrite_KeepsTheEditListOfAWholeMP4.
func TestWrite_KeepsTheEditListOfAWholeMP4(t *testing.T) {
	dir := t.TempDir()
	edits := []media.Edit{{Duration: second, Start: -1}, {Duration: 10 * 1920, Start: 2 * 1920}}
	var times []int64
	for i := range int64(20) {
		times = append(times, i*1920)
	}
	writeSound(t, filepath.Join(dir, "source.mp4"), aac(t, 48_000, 2), edits, times, slices.Repeat([]int{50}, 20))
	movie := write(t, filepath.Join(dir, "result.mp4"), read(t, nil, filepath.Join(dir, "source.mp4")))
	if got := movie.Tracks()[0].Edits(); !slices.Equal(got, edits) {
		t.Errorf("%v, want %v", got, edits)
	}
}

// TestWrite_ParameterSetsOfSeveralEntriesAreInBand: not every player looks at the sample entry when it changes.
func TestWrite_ParameterSetsOfSeveralEntriesAreInBand(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]string{"a.mp4": "64x36", "b.mp4": "96x54"} {
		makeMedia(t, dir, "-f", "lavfi", "-i", "testsrc=duration=2:rate=10:size="+size, "-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", name)
	}
	a, b, result := filepath.Join(dir, "a.mp4"), filepath.Join(dir, "b.mp4"), filepath.Join(dir, "result.mp4")
	input := read(t, func(segments []timeline.Segment) { segments[1].Discontinuity = true }, a, b)
	movie := write(t, result, input)
	if len(movie.Tracks()[0].Params) != 2 {
		t.Fatalf("%d entries", len(movie.Tracks()[0].Params))
	}
	have, want := samplesOf(t, result, media.Video), append(samplesOf(t, a, media.Video), samplesOf(t, b, media.Video)...)
	if len(have) != 40 || len(want) != 40 {
		t.Fatalf("%d and %d pictures", len(have), len(want))
	}
	for i := range have {
		var front []byte
		if i%10 == 0 {
			front = input.Timeline.Video.Params[i/20].InBand
			if len(front) == 0 {
				t.Fatal("no parameter sets")
			}
		}
		if !bytes.Equal(have[i], append(slices.Clone(front), want[i]...)) {
			t.Errorf("picture %d has other bytes", i)
		}
	}
	// Alone, a file keeps its bytes.
	write(t, result, read(t, nil, a))
	if !slices.EqualFunc(samplesOf(t, result, media.Video), samplesOf(t, a, media.Video), bytes.Equal) {
		t.Error("a recording that does not change has other bytes")
	}
}

// TestWrite_BFramesAtAJoint: decoding times grow, and each picture keeps the time at which it is shown.
func TestWrite_BFramesAtAJoint(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, "-f", "lavfi", "-i", "testsrc=duration=4:rate=25:size=64x36", "-f", "lavfi", "-i", "sine=duration=4", "-c:v", "libx264", "-bf", "3", "-g", "50", "-keyint_min", "50",
		"-sc_threshold", "0", "-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "segment", "-segment_time", "2", "seg%d.ts")
	makeMedia(t, dir, "-i", "seg1.ts", "-c", "copy", "-output_ts_offset", "100", "reset.ts")
	paths := []string{filepath.Join(dir, "seg0.ts"), filepath.Join(dir, "reset.ts"), filepath.Join(dir, "seg1.ts")}
	input := read(t, func(segments []timeline.Segment) {
		for i := range segments {
			segments[i].Duration, segments[i].Discontinuity = 2*second, i > 0
		}
	}, paths...)
	movie := write(t, filepath.Join(dir, "result.mp4"), input)
	var shown []int64
	last := int64(-1)
	for sample, err := range movie.Tracks()[0].Samples() {
		if err != nil {
			t.Fatal(err)
		}
		if sample.DTS <= last {
			t.Fatalf("decoded at %d after %d", sample.DTS, last)
		}
		last = sample.DTS
		shown = append(shown, movie.Tracks()[0].Ticks(sample.PTS))
	}
	slices.Sort(shown)
	if len(shown) != 150 {
		t.Fatalf("%d pictures", len(shown))
	}
	for i := 1; i < len(shown); i++ {
		// At a joint, the sound of the run before may be a little longer than its pictures.
		if step := shown[i] - shown[i-1]; step < second/25 || step > second/25+100*ms {
			t.Errorf("picture %d is shown %d after the one before", i, step)
		}
	}
}

// TestWrite_SeveralInputsAreMerged by time: players read a file from its beginning.
func TestWrite_SeveralInputsAreMerged(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, "-f", "lavfi", "-i", "testsrc=duration=10:rate=10:size=64x36", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "video.mp4")
	makeMedia(t, dir, "-f", "lavfi", "-i", "sine=duration=10", "-c:a", "aac", "sound.mp4")
	video, sound := read(t, nil, filepath.Join(dir, "video.mp4")), read(t, nil, filepath.Join(dir, "sound.mp4"))
	video.Kinds, sound.Kinds = []media.Kind{media.Video}, []media.Kind{media.Audio}
	movie := write(t, filepath.Join(dir, "result.mp4"), video, sound)
	if len(movie.Tracks()) != 2 {
		t.Fatalf("%d tracks", len(movie.Tracks()))
	}
	if !slices.EqualFunc(samplesOf(t, filepath.Join(dir, "result.mp4"), media.Audio), samplesOf(t, filepath.Join(dir, "sound.mp4"), media.Audio), bytes.Equal) {
		t.Error("sound has other bytes")
	}
	// At each second of sound, the pictures of that second are near.
	var offsets [2][]int64
	for i, track := range movie.Tracks() {
		for sample, err := range track.Samples() {
			if err != nil {
				t.Fatal(err)
			}
			if number := int(track.Ticks(sample.DTS) / second); number == len(offsets[i]) {
				offsets[i] = append(offsets[i], sample.Offset)
			}
		}
	}
	for i := 1; i < 10; i++ {
		if offsets[0][i] < offsets[1][i-1] || offsets[1][i] < offsets[0][i-1] {
			t.Errorf("second %d: pictures at %d, sound at %d", i, offsets[0][i], offsets[1][i])
		}
	}
}

func TestWrite_Errors(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "source.mp4")
	times, sizes := []int64{0, 1920, 3840}, []int{50, 60, 70}
	writeSound(t, path, aac(t, 48_000, 2), nil, times, sizes)
	write := func(input remux.Input) error {
		out, err := os.Create(filepath.Join(dir, "result.mp4"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = remux.Write(t.Context(), out, input)
		return errors.Join(err, out.Close())
	}
	input := read(t, nil, path)
	for name, change := range map[string]func(){
		"another size":  func() { writeSound(t, path, aac(t, 48_000, 2), nil, times, []int{50, 61, 70}) },
		"a frame less":  func() { writeSound(t, path, aac(t, 48_000, 2), nil, times[:2], sizes[:2]) },
		"another frame": func() { writeSound(t, path, aac(t, 48_000, 2), nil, []int64{0, 1920, 3840}, []int{60, 50, 70}) },
	} {
		change()
		if err := write(input); !errors.Is(err, remux.ErrDiffers) {
			t.Errorf("%s: %v", name, err)
		}
	}
	writeSound(t, path, aac(t, 48_000, 2), nil, times, sizes)
	input.Timeline.Audio.Params[0].Entry = nil
	if err := write(input); !errors.Is(err, remux.ErrUnsupported) {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	out, err := os.Create(filepath.Join(dir, "result.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = remux.Write(ctx, out, read(t, nil, path))
	if err := errors.Join(err, out.Close()); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
