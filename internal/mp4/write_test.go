// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"cmp"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

// outTracks are the tracks of a movie as they are, for Write.
func outTracks(tb testing.TB, movie *mp4.Movie, file media.File) []mp4.OutTrack {
	tb.Helper()
	var tracks []mp4.OutTrack
	for i, track := range movie.Tracks() {
		stream := file.Streams[i]
		out := mp4.OutTrack{
			Kind: track.Kind, Timescale: track.Timescale, Language: stream.Language, Matrix: stream.Matrix,
			Edits: stream.Edits, Samples: planned(tb, track), Disabled: !stream.Default,
		}
		for _, params := range track.Params {
			out.Entries = append(out.Entries, params.Entry)
		}
		tracks = append(tracks, out)
	}
	return tracks
}

func planned(tb testing.TB, track *mp4.Track) iter.Seq[mp4.OutSample] {
	tb.Helper()
	return func(yield func(mp4.OutSample) bool) {
		for s, err := range track.Samples() {
			if err != nil {
				tb.Error(err)
				return
			}
			out := mp4.OutSample{DTS: s.DTS, PTS: s.PTS, Duration: s.Duration, Size: s.Size, Key: s.Key, Entry: s.Description}
			if !yield(out) {
				return
			}
		}
	}
}

// rewrite writes a movie's tracks into another file.
func rewrite(tb testing.TB, movie *mp4.Movie, tracks []mp4.OutTrack, path string) {
	tb.Helper()
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	size, err := mp4.Write(file, tracks, func(emit func(int, []byte) error) error {
		return movie.Samples(func(s media.Sample) error { return emit(s.Stream, s.Data) })
	})
	if err != nil {
		tb.Fatal(err)
	}
	if err := file.Close(); err != nil {
		tb.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != size {
		tb.Fatalf("%d bytes, said %d", info.Size(), size)
	}
}

// frames are the digests and times of what a player shows and plays.
func frames(tb testing.TB, path string) []string {
	tb.Helper()
	out := ffmpeg(tb, filepath.Dir(path), "-i", path, "-map", "0", "-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "framemd5", "-")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#") })
}

func TestWrite_PlaysAsTheOriginal(t *testing.T) {
	for name, args := range shapes {
		if name == "every.mp4" {
			continue // its fragments overlap, so that ffmpeg leaves out some of its frames
		}
		t.Run(name, func(t *testing.T) {
			original, path := makeMedia(t, name, args...), filepath.Join(t.TempDir(), "out.mp4")
			movie := open(t, original)
			file := index(t, movie)
			rewrite(t, movie, outTracks(t, movie, file), path)

			written := index(t, open(t, path))
			compare(t, name, written, ffprobe(t, path, "-ignore_editlist", "1"))
			for i, stream := range written.Streams {
				got, want := slices.Collect(stream.Packets.All()), slices.Collect(file.Streams[i].Packets.All())
				for j := range want {
					want[j].Opens, want[j].Order = false, media.Order{} // it has no fragments
				}
				if !slices.Equal(got, want) {
					t.Errorf("stream %d: the packets differ", i)
				}
			}
			got, want := ffprobe(t, path).Streams, ffprobe(t, original).Streams
			for i := range want {
				want[i].Tags.Language = cmp.Or(want[i].Tags.Language, "und")
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			if got, want := frames(t, path), frames(t, original); !slices.Equal(got, want) {
				t.Errorf("%d frames, want %d", len(got), len(want))
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						t.Fatalf("frame %d is %s, want %s", i, got[i], want[i])
					}
				}
			}
		})
	}
}

func TestWrite_RotationIsKept(t *testing.T) {
	movie, path := open(t, makeMedia(t, "whole.mp4", shapes["whole.mp4"]...)), filepath.Join(t.TempDir(), "out.mp4")
	tracks := outTracks(t, movie, index(t, movie))
	tracks[0].Matrix = [9]int32{1: 0x10000, 3: -0x10000, 6: 180 << 16, 8: 0x40000000}
	rewrite(t, movie, tracks, path)
	if got := ffprobe(t, path).Streams[0].SideData; len(got) != 1 || got[0].Rotation != -90 {
		t.Errorf("ffprobe finds %+v", got)
	}
	written := index(t, open(t, path))
	if written.Streams[0].Matrix != tracks[0].Matrix || written.Streams[1].Matrix != [9]int32{} {
		t.Errorf("read %v and %v", written.Streams[0].Matrix, written.Streams[1].Matrix)
	}
}

func TestWrite_TracksWithoutEditsStartAtTheirTimes(t *testing.T) {
	movie, path := open(t, makeMedia(t, "whole.mp4", shapes["whole.mp4"]...)), filepath.Join(t.TempDir(), "out.mp4")
	tracks := outTracks(t, movie, index(t, movie))
	for i := range tracks {
		samples, late := tracks[i].Samples, int64(tracks[i].Timescale)*3/2
		tracks[i].Edits = nil
		tracks[i].Samples = func(yield func(mp4.OutSample) bool) {
			for s := range samples {
				s.DTS, s.PTS = s.DTS+late, s.PTS+late
				if !yield(s) {
					return
				}
			}
		}
	}
	rewrite(t, movie, tracks, path)
	// The B-frames' delay is shown as well, since it is in the times.
	for i, want := range []int64{20224, 72000} { // 1.58 s and 1.5 s
		for _, p := range ffprobe(t, path).Packets {
			if p.Stream == i {
				if *p.PTS != want {
					t.Errorf("stream %d begins at %d, want %d", i, *p.PTS, want)
				}
				break
			}
		}
	}
}

func TestWrite_SeveralEntries(t *testing.T) {
	first := open(t, makeMedia(t, "whole.mp4", shapes["whole.mp4"]...))
	second := open(t, makeMedia(t, "small.mp4", withAAC("-vf", "scale=160:90", "-profile:v", "baseline")...))
	path := filepath.Join(t.TempDir(), "out.mp4")
	track := outTracks(t, first, index(t, first))[0]
	other := outTracks(t, second, index(t, second))[0]
	// Decoders that stay want the parameter sets in front of the key frames.
	inBand := second.Tracks()[0].Params[0].InBand
	track.Entries = append(track.Entries, other.Entries...)
	whole := track.Samples
	track.Samples = func(yield func(mp4.OutSample) bool) {
		end := int64(0)
		for s := range whole {
			end = s.DTS + s.Duration
			if !yield(s) {
				return
			}
		}
		for s := range other.Samples {
			s.DTS, s.PTS, s.Entry = s.DTS+end, s.PTS+end+1024, 1
			if s.Key {
				s.Size += len(inBand)
			}
			if !yield(s) {
				return
			}
		}
	}
	track.Edits = nil
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = mp4.Write(file, []mp4.OutTrack{track}, func(emit func(int, []byte) error) error {
		if err := first.Samples(func(s media.Sample) error { return emit(0, s.Data) }, 0); err != nil {
			return err
		}
		return second.Samples(func(s media.Sample) error {
			if s.Key {
				s.Data = slices.Concat(inBand, s.Data)
			}
			return emit(0, s.Data)
		}, 0)
	}); err != nil {
		t.Fatal(err)
	}
	written := index(t, open(t, path))
	if params := written.Streams[0].Params; len(params) != 2 || params[0].Width != 320 || params[1].Width != 160 {
		t.Errorf("the parameters are %+v", params)
	}
	number := 0
	for p := range written.Streams[0].Packets.All() {
		if want := number / 50; p.Params != want {
			t.Fatalf("packet %d has the parameters %d, want %d", number, p.Params, want)
		}
		number++
	}
	if decoded := frames(t, path); number != 100 || len(decoded) != 100 {
		t.Errorf("%d packets, %d pictures decoded, want 100", number, len(decoded))
	}
}
