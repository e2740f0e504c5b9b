// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

func TestOpenSegment_AgreesWithTheWholeRecording(t *testing.T) {
	dir := t.TempDir()
	original := makeMedia(t, "whole.mp4", shapes["whole.mp4"]...)
	ffmpeg(t, dir, "-i", original, "-c", "copy", "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "0.5",
		"-hls_list_size", "0", "index.m3u8")
	init := open(t, filepath.Join(dir, "init.mp4"))
	want := index(t, open(t, original))

	first := index(t, init)
	if first.Container != media.FragmentMP4 || len(first.Streams) != 2 || first.Streams[0].Packets.Count != 0 {
		t.Fatalf("the initialization section is %+v", first)
	}
	if got := first.Streams[0].Params; len(got) != 1 || !bytes.Equal(got[0].InBand, want.Streams[0].Params[0].InBand) {
		t.Errorf("the initialization section has the parameters %+v", got)
	}
	packets := make([][]media.Packet, 2)
	segments, err := filepath.Glob(filepath.Join(dir, "index*.m4s"))
	if err != nil || len(segments) < 2 {
		t.Fatalf("segments %v: %v", segments, err)
	}
	for _, segment := range segments {
		file, size := openFile(t, segment)
		movie, err := mp4.OpenSegment(init, file, size)
		if err != nil {
			t.Fatal(err)
		}
		found := index(t, movie)
		if found.Container != media.FragmentMP4 || len(found.Damage) > 0 || found.Bytes != size {
			t.Errorf("%s is %+v", segment, found)
		}
		for i, stream := range found.Streams {
			packets[i] = append(packets[i], slices.Collect(stream.Packets.All())...)
			if len(stream.Params) != 1 || !bytes.Equal(stream.Params[0].Entry, first.Streams[i].Params[0].Entry) {
				t.Errorf("%s: stream %d has the parameters %+v", segment, i, stream.Params)
			}
		}
	}
	for i, stream := range want.Streams {
		all := slices.Collect(stream.Packets.All())
		if len(packets[i]) != len(all) {
			t.Fatalf("stream %d: %d packets, want %d", i, len(packets[i]), len(all))
		}
		for j, packet := range packets[i] {
			if packet.Size != all[j].Size || packet.Key != all[j].Key || packet.PTS-packets[i][0].PTS != all[j].PTS-all[0].PTS {
				t.Fatalf("stream %d: packet %d is %+v, want %+v", i, j, packet, all[j])
			}
		}
	}
}

// TestSamples_AgreeWithIndex also checks the bytes, against those that ffmpeg reads.
func TestSamples_AgreeWithIndex(t *testing.T) {
	for _, name := range []string{"whole.mp4", "hybrid.mp4", "base_moof.mp4", "empty_moov.mp4", "hevc.mp4", "opus.mp4"} {
		t.Run(name, func(t *testing.T) {
			path := makeMedia(t, name, shapes[name]...)
			movie := open(t, path)
			file := index(t, movie)
			contents, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			packets := make([][]media.Packet, len(file.Streams))
			last := int64(0)
			err = movie.Samples(func(s media.Sample) error {
				if len(s.Data) != s.Size || !bytes.Contains(contents, s.Data) {
					t.Errorf("a sample of %d bytes has %d", s.Size, len(s.Data))
				}
				if s.DTS < last-media.Clock {
					t.Errorf("a sample at %d comes after one at %d", s.DTS, last)
				}
				last = s.DTS
				packets[s.Stream] = append(packets[s.Stream], s.Packet)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			places := map[int64]int{}
			for i, track := range movie.Tracks() {
				if got, want := packets[i], slices.Collect(file.Streams[i].Packets.All()); !slices.Equal(got, want) {
					t.Errorf("stream %d: %d packets, want %d", i, len(got), len(want))
				}
				for s, err := range track.Samples() {
					if err != nil {
						t.Fatal(err)
					}
					places[s.Offset] = s.Size
				}
			}
			for _, p := range ffprobe(t, path).Packets {
				at, size := json.Number(p.Pos), json.Number(p.Size)
				offset, _ := at.Int64()
				if n, _ := size.Int64(); places[offset] != int(n) {
					t.Fatalf("a packet of %s bytes is at %s", p.Size, p.Pos)
				}
			}
			chosen := 0
			if err := movie.Samples(func(s media.Sample) error { chosen += s.Stream; return nil }, 1); err != nil {
				t.Fatal(err)
			}
			if want := file.Streams[1].Packets.Count; chosen != want {
				t.Errorf("%d samples of stream 1, want %d", chosen, want)
			}
			enough := errors.New("enough")
			if err := movie.Samples(func(media.Sample) error { return enough }); !errors.Is(err, enough) {
				t.Errorf("an error of yield ends in %v", err)
			}
		})
	}
}

func TestIndex_EditsAreInTicks(t *testing.T) {
	whole := index(t, open(t, makeMedia(t, "whole.mp4", shapes["whole.mp4"]...)))
	// Two frames of B-frames' delay, and a frame of priming.
	if got := whole.Streams[0].Edits; len(got) != 1 || got[0].Start != 7200 || got[0].Duration != 180000 {
		t.Errorf("the video's edits are %+v", got)
	}
	if got := whole.Streams[1].Edits; len(got) != 1 || got[0].Start != 1920 {
		t.Errorf("the sound's edits are %+v", got)
	}
	late := index(t, open(t, makeMedia(t, "late.mp4", shapes["late.mp4"]...)))
	if got := late.Streams[1].Edits; len(got) != 2 || got[0] != (media.Edit{Duration: 133020, Start: -1}) {
		t.Errorf("the late sound's edits are %+v", got)
	}
}

func TestIndex_PCMComesInGroups(t *testing.T) {
	path := makeMedia(t, "pcm.mov", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le")
	file := index(t, open(t, path))
	stream := file.Streams[1]
	if stream.Codec != "pcm_s16le" || stream.Packets.Bytes != 2*96000 {
		t.Errorf("%s, %d bytes", stream.Codec, stream.Packets.Bytes)
	}
	if stream.Packets.End != 2*media.Clock || stream.Packets.Count > 250 {
		t.Errorf("%d packets end at %d", stream.Packets.Count, stream.Packets.End)
	}
	if len(file.Damage) > 0 {
		t.Errorf("damage in a good file: %+v", file.Damage)
	}
}

// TestIndex_UniformFramesAreNoGroup: frames of silence are as small and as uniform as samples of PCM.
func TestIndex_UniformFramesAreNoGroup(t *testing.T) {
	for name, args := range map[string][]string{
		"silent.mp4": nil, "fragments.mp4": {"-movflags", "frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"},
	} {
		dir := t.TempDir()
		args = append([]string{"-f", "lavfi", "-i", "anullsrc=r=48000:cl=mono:d=4", "-c:a", "aac"}, args...)
		ffmpeg(t, dir, append(args, name)...)
		file := index(t, open(t, filepath.Join(dir, name)))
		if stream := file.Streams[0]; stream.Packets.Count < 187 || stream.Packets.Last.Size > 64 {
			t.Errorf("%s: %d packets, the last one of %d bytes", name, stream.Packets.Count, stream.Packets.Last.Size)
		}
	}
}
