// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// shapes are files as ffmpeg writes them: the arguments behind the inputs.
var shapes = map[string][]string{
	"whole.mp4":      withAAC(),
	"faststart.mp4":  withAAC("-movflags", "+faststart"),
	"empty_moov.mp4": withAAC("-movflags", "frag_keyframe+empty_moov"),
	"base_moof.mp4":  withAAC("-movflags", "frag_keyframe+empty_moov+default_base_moof"),
	"hybrid.mp4":     withAAC("-movflags", "frag_keyframe"),
	"every.mp4":      withAAC("-movflags", "frag_every_frame+empty_moov+default_base_moof"),
	"sidx.mp4":       withAAC("-movflags", "dash+global_sidx+frag_keyframe"),
	"negative.mp4":   withAAC("-movflags", "negative_cts_offsets"),
	"late.mp4":       withAAC("-af", "asetpts=PTS+1.5/TB"),
	"language.mp4":   withAAC("-metadata:s:a:0", "language=deu"),
	"hevc.mp4":       {"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hvc1", "-c:a", "aac"},
	"hev1.mp4":       {"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-tag:v", "hev1", "-c:a", "aac"},
	"opus.mp4":       slices.Concat(x264, []string{"-c:a", "libopus"}),
	"mp3.mp4":        slices.Concat(x264, []string{"-c:a", "libmp3lame"}),
	"ac3.mp4":        slices.Concat(x264, []string{"-c:a", "ac3"}),
	"eac3.mp4":       slices.Concat(x264, []string{"-c:a", "eac3"}),
	"vp9.mp4":        {"-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus"},
	"av1.mp4":        {"-c:v", "libaom-av1", "-cpu-used", "8", "-usage", "realtime", "-frames:v", "10", "-c:a", "aac"},
	"qt.mov":         withAAC(),
	"monotone.mp4":   withAAC("-bf", "0"),
	"wide.mp4":       withAAC("-vf", "setsar=4/3"),
	"rate44100.mp4":  withAAC("-ar", "44100", "-ac", "2"),
}

// rounded is a time of a stream in ticks.
func rounded(t *testing.T, value int64, base string) int64 {
	t.Helper()
	var numerator, denominator int64
	if _, err := fmt.Sscanf(base, "%d/%d", &numerator, &denominator); err != nil {
		t.Fatal(err)
	}
	scaled := value * numerator * media.Clock
	if scaled < 0 {
		return -((-scaled + denominator/2) / denominator)
	}
	return (scaled + denominator/2) / denominator
}

// compare checks an index against what ffprobe finds.
func compare(t *testing.T, name string, file media.File, want probed) {
	t.Helper()
	if len(file.Streams) != len(want.Streams) {
		t.Fatalf("%d streams, want %d", len(file.Streams), len(want.Streams))
	}
	if len(file.Damage) > 0 {
		t.Errorf("damage in a good file: %+v", file.Damage)
	}
	for i, stream := range file.Streams {
		compareStream(t, stream, want.Streams[i])
		var packets []media.Packet
		for _, p := range want.Packets {
			if p.Stream != i {
				continue
			}
			size, err := strconv.Atoi(p.Size)
			if err != nil {
				t.Fatal(err)
			}
			dts, pts := rounded(t, *p.DTS, want.Streams[i].TimeBase), rounded(t, *p.PTS, want.Streams[i].TimeBase)
			if name == "negative.mp4" && i == 0 {
				dts += 7200 // ffmpeg moves decoding times to before the display times
			}
			packets = append(packets, media.Packet{DTS: dts, PTS: pts, Size: size, Key: p.Flags[0] == 'K'})
		}
		got := slices.Collect(stream.Packets.All())
		for j := range got {
			if got[j].Duration < 0 {
				t.Errorf("stream %d: packet %d lasts %d", i, j, got[j].Duration)
			}
			// ffprobe says none of these.
			got[j].Duration, got[j].Params, got[j].Closed, got[j].Opens, got[j].Order = 0, 0, false, false, media.Order{}
		}
		if !slices.Equal(got, packets) {
			t.Errorf("stream %d: %d packets, want %d", i, len(got), len(packets))
			for j := range min(len(got), len(packets)) {
				if got[j] != packets[j] {
					t.Fatalf("packet %d is %+v, want %+v", j, got[j], packets[j])
				}
			}
		}
	}
}

func compareStream(t *testing.T, stream media.Stream, want probedStream) {
	t.Helper()
	if stream.Kind.String() != want.CodecType || string(stream.Codec) != want.CodecName {
		t.Errorf("%s %s, want %s %s", stream.Kind, stream.Codec, want.CodecType, want.CodecName)
	}
	if language := want.Tags.Language; language != "" && stream.Language != language {
		t.Errorf("language %q, want %q", stream.Language, language)
	}
	if len(stream.Params) != 1 || !stream.Default {
		t.Fatalf("%d params, default %t", len(stream.Params), stream.Default)
	}
	p := stream.Params[0]
	// For sound other than AAC, the entry says two channels, and MP3 has no box that says more.
	channels := p.Channels == want.Channels || stream.Codec == media.MP3
	if p.Width != want.Width || p.Height != want.Height || !channels {
		t.Errorf("%dx%d, %d channels, want %dx%d, %d", p.Width, p.Height, p.Channels, want.Width, want.Height, want.Channels)
	}
	if rate, _ := strconv.Atoi(want.SampleRate); p.SampleRate != rate {
		t.Errorf("%d Hz, want %d", p.SampleRate, rate)
	}
	frames := map[media.Codec]int{media.AAC: 1024, media.Opus: 960, media.MP3: 1152, media.AC3: 1536}
	if p.FrameSamples != frames[stream.Codec] {
		t.Errorf("%d samples in a frame", p.FrameSamples)
	}
}

func TestIndex_AgreesWithFFprobe(t *testing.T) {
	for name, args := range shapes {
		t.Run(name, func(t *testing.T) {
			path := makeMedia(t, name, args...)
			file := index(t, open(t, path))
			compare(t, name, file, ffprobe(t, path, "-ignore_editlist", "1"))
		})
	}
}

// TestIndex_BytesBehindTheLastBoxLoseNothing: the tables name every sample, as where a box is cut. Behind fragments, and
// where the movie box announces some, others may have been among those bytes.
func TestIndex_BytesBehindTheLastBoxLoseNothing(t *testing.T) {
	whole := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
	fragments := readFile(t, makeMedia(t, "base_moof.mp4", shapes["base_moof.mp4"]...))
	for name, test := range map[string]struct {
		data []byte
		lost int
	}{
		"whole":     {whole, 0},
		"fragments": {fragments, 1},
		"announced": {fragments[:bytes.Index(fragments, []byte("moof"))-4], 1},
	} {
		want := index(t, openBytes(t, test.data))
		for rest, junk := range map[string][]byte{"four bytes": {0, 0, 0, 4}, "no header": {0, 0, 0, 4, 12, 0, 0, 0}, "zeros": make([]byte, 5000)} {
			file := index(t, openBytes(t, slices.Concat(test.data, junk)))
			for i, stream := range file.Streams {
				if stream.Packets.Count != want.Streams[i].Packets.Count {
					t.Errorf("%s, %s: %d packets of %d", name, rest, stream.Packets.Count, want.Streams[i].Packets.Count)
				}
			}
			if found := kinds(file); found[media.BoxTruncated] != test.lost || len(found) != test.lost {
				t.Errorf("%s, %s: %+v", name, rest, file.Damage)
			}
		}
	}
}

// TestIndex_EditListWithoutMediaShowsAll: an edit list of pauses alone would show nothing of the track. Players that keep
// to it play nothing; what was recorded is there.
func TestIndex_EditListWithoutMediaShowsAll(t *testing.T) {
	for name, test := range map[string]struct {
		duration uint32
		want     []media.Edit
	}{
		"nothing": {0, nil},
		"a pause": {500, []media.Edit{{Duration: media.Clock / 2, Start: -1}, {}}},
	} {
		data := readFile(t, makeMedia(t, "faststart.mp4", shapes["faststart.mp4"]...))
		entry := data[bytes.Index(data, []byte("elst"))+12:]
		binary.BigEndian.PutUint32(entry, test.duration)
		binary.BigEndian.PutUint32(entry[4:], 1<<32-1)
		if got := index(t, openBytes(t, data)).Streams[0].Edits; !slices.Equal(got, test.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, test.want)
		}
	}
}
