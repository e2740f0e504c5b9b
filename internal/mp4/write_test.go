// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

// outTracks are the tracks of a movie as they are, for Write.
func outTracks(t testing.TB, movie *mp4.Movie, file media.File) []mp4.OutTrack {
	t.Helper()
	var tracks []mp4.OutTrack
	for i, track := range movie.Tracks() {
		stream := file.Streams[i]
		out := mp4.OutTrack{
			Kind: track.Kind, Timescale: track.Timescale, Language: stream.Language, Matrix: stream.Matrix,
			Edits: stream.Edits, Samples: planned(t, track), Disabled: !stream.Default,
		}
		for _, params := range track.Params {
			out.Entries = append(out.Entries, params.Entry)
		}
		tracks = append(tracks, out)
	}
	return tracks
}

func planned(t testing.TB, track *mp4.Track) iter.Seq[mp4.OutSample] {
	return func(yield func(mp4.OutSample) bool) {
		for s, err := range track.Samples() {
			if err != nil {
				t.Error(err)
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
func rewrite(t testing.TB, movie *mp4.Movie, tracks []mp4.OutTrack, path string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	size, err := mp4.Write(file, tracks, func(emit func(int, []byte) error) error {
		return movie.Samples(func(s media.Sample) error { return emit(s.Stream, s.Data) })
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != size {
		t.Fatalf("%d bytes, said %d", info.Size(), size)
	}
}

// frames are the digests and times of what a player shows and plays.
func frames(t testing.TB, dir, name string) []string {
	t.Helper()
	out := ffmpeg(t, dir, "-i", name, "-map", "0", "-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "framemd5", "-")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "#") })
}

func TestWrite_PlaysAsTheOriginal(t *testing.T) {
	for name, args := range shapes {
		if name == "every.mp4" {
			continue // its fragments overlap, so that ffmpeg leaves out some of its frames
		}
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			ffmpeg(t, dir, append(append(inputs(), args...), name)...)
			movie := open(t, filepath.Join(dir, name))
			file := index(t, movie)
			tracks := outTracks(t, movie, file)
			rewrite(t, movie, tracks, filepath.Join(dir, "out.mp4"))

			written := index(t, open(t, filepath.Join(dir, "out.mp4")))
			compare(t, name, written, ffprobe(t, filepath.Join(dir, "out.mp4"), "-ignore_editlist", "1", "-count_frames"))
			for i, stream := range written.Streams {
				got, want := slices.Collect(stream.Packets.All()), slices.Collect(file.Streams[i].Packets.All())
				if !slices.Equal(got, want) {
					t.Errorf("stream %d: the packets differ", i)
				}
			}
			if got, want := frames(t, dir, "out.mp4"), frames(t, dir, name); !slices.Equal(got, want) {
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
