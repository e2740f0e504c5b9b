// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package remux_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
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
	command := exec.CommandContext(t.Context(), programs.FFmpeg(t), append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
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

// TestWrite_ForEncoder: where the camera is off, the first picture marks it; pictures before the first key frame are left out.
func TestWrite_ForEncoder(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, "-f", "lavfi", "-i", "testsrc=duration=4:rate=10:size=64x36", "-f", "lavfi", "-i", "sine=duration=4:sample_rate=48000", "-c:v", "libx264", "-preset", "ultrafast",
		"-g", "20", "-keyint_min", "20", "-pix_fmt", "yuv420p", "-c:a", "aac", "both.ts")
	makeMedia(t, dir, "-f", "lavfi", "-i", "sine=duration=3:sample_rate=48000", "-c:a", "aac", "sound.ts")
	both, sound := filepath.Join(dir, "both.ts"), filepath.Join(dir, "sound.ts")
	edit := func(segments []timeline.Segment) {
		for i := range segments {
			segments[i].Discontinuity, segments[i].Duration = i > 0, 4*second
		}
		segments[1].Duration = 3 * second
		// The last one begins within a group: its first picture is no key frame.
		var packets media.Packets
		stream := &segments[2].File.Streams[0]
		for packet := range stream.Packets.All() {
			packet.Key = packet.Key && packet.DTS != stream.Packets.First.DTS
			packets.Append(packet)
		}
		packets.Close()
		stream.Packets = packets
	}
	input := read(t, edit, both, sound, both)
	if len(input.Timeline.Dark) != 1 || len(input.Timeline.Undecodable) != 1 {
		t.Fatalf("%v, %v: %v", input.Timeline.Dark, input.Timeline.Undecodable, input.Timeline.Findings)
	}
	path := filepath.Join(dir, "result.mp4")
	write(t, path, input)
	if got := len(samplesOf(t, path, media.Video)); got != 80 {
		t.Errorf("%d pictures without an encoder", got)
	}
	input.ForEncoder = true
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := remux.Write(t.Context(), out, input); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	got := samplesOf(t, path, media.Video)
	if len(got) != 40+1+20 {
		t.Fatalf("%d pictures", len(got))
	}
	if !bytes.Equal(got[40], got[0]) {
		t.Error("the mark is another picture")
	}
}

// TestWrite_EditForAnEncoderBeginsWithAPicture: the ffmpeg program would show a picture early that follows the beginning of an
// edit, and all behind it.
func TestWrite_EditForAnEncoderBeginsWithAPicture(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, "-f", "lavfi", "-i", "testsrc=duration=4:rate=10:size=64x36", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "0", "-pix_fmt", "yuv420p", "video.mp4")
	input := read(t, nil, filepath.Join(dir, "video.mp4"))
	begin := input.Timeline.Pieces[0].Offset
	edits := []media.Edit{{Duration: second, Start: -1}, {Duration: second, Start: begin + 2*second + 30*ms}}
	input.Timeline.Video.Edits = edits
	for _, forEncoder := range []bool{false, true} {
		want := edits
		if forEncoder {
			want = []media.Edit{edits[0], {Duration: 70 * ms, Start: -1}, {Duration: second - 70*ms, Start: begin + 2*second + 100*ms}}
		}
		input.ForEncoder = forEncoder
		path := filepath.Join(dir, "result.mp4")
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		size, err := remux.Write(t.Context(), out, input)
		if err != nil {
			t.Fatal(err)
		}
		movie, err := mp4.Open(out, size)
		if err != nil {
			t.Fatal(err)
		}
		if got := movie.Tracks()[0].Edits(); !slices.Equal(got, want) {
			t.Errorf("for an encoder %v: %v, want %v", forEncoder, got, want)
		}
		if err := out.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
