// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mpegts"
)

// program finds a program by an environment variable or in PATH. Without it the test is skipped, unless REQUIRE_MEDIA is
// 1.
func program(t testing.TB, name, variable string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		path = name
	}
	path, err := exec.LookPath(path)
	if err != nil {
		if os.Getenv("REQUIRE_MEDIA") == "1" {
			t.Fatalf("%s is required: %v", name, err)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// makeMedia runs ffmpeg and gives the file that its last argument names.
func makeMedia(t testing.TB, args ...string) string {
	t.Helper()
	path := args[len(args)-1]
	if !filepath.IsAbs(path) {
		path = filepath.Join(t.TempDir(), path)
	}
	args = append([]string{"-v", "error", "-nostdin", "-y"}, append(args[:len(args)-1:len(args)-1], path)...)
	if out, err := exec.CommandContext(t.Context(), program(t, "ffmpeg", "FFMPEG"), args...).CombinedOutput(); err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return path
}

// testStream is a small transport stream of H.264 and AAC.
func testStream(t testing.TB, args ...string) []byte {
	t.Helper()
	all := append([]string{
		"-f", "lavfi", "-i", "testsrc=duration=2:size=160x90:rate=25", "-f", "lavfi", "-i", "sine=duration=2",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac",
	}, args...)
	data, err := os.ReadFile(makeMedia(t, append(all, "t.ts")...))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// probed is a packet as ffprobe tells it.
type probed struct {
	stream, size int
	pts, dts     int64
	key          bool
}

// probe asks ffprobe for the packets of a file, by stream.
func probe(t *testing.T, path string) [][]probed {
	t.Helper()
	command := exec.CommandContext(t.Context(), program(t, "ffprobe", "FFPROBE"), "-v", "error", "-show_entries",
		"packet=stream_index,pts,dts,size,flags", "-of", "json", path)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("ffprobe: %v", err)
	}
	var result struct {
		Packets []struct {
			Stream int    `json:"stream_index"`
			PTS    int64  `json:"pts"`
			DTS    int64  `json:"dts"`
			Size   string `json:"size"`
			Flags  string `json:"flags"`
		} `json:"packets"`
	}
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatal(err)
	}
	var streams [][]probed
	for _, packet := range result.Packets {
		for len(streams) <= packet.Stream {
			streams = append(streams, nil)
		}
		size, err := strconv.Atoi(packet.Size)
		if err != nil {
			t.Fatal(err)
		}
		streams[packet.Stream] = append(streams[packet.Stream], probed{
			stream: packet.Stream, size: size, pts: packet.PTS, dts: packet.DTS, key: strings.HasPrefix(packet.Flags, "K"),
		})
	}
	return streams
}

// read indexes data twice, with samples and without, and checks that both are the same.
func read(t testing.TB, data []byte) (media.File, [][]media.Sample) {
	t.Helper()
	var samples [][]media.Sample
	file, err := mpegts.Read(bytes.NewReader(data), func(sample media.Sample) error {
		for len(samples) <= sample.Stream {
			samples = append(samples, nil)
		}
		if len(sample.Data) != sample.Size {
			t.Errorf("sample of %d bytes says %d", len(sample.Data), sample.Size)
		}
		sample.Data = bytes.Clone(sample.Data)
		samples[sample.Stream] = append(samples[sample.Stream], sample)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range file.Streams {
		at := 0
		for packet := range file.Streams[i].Packets.All() {
			if packet != samples[i][at].Packet {
				t.Fatalf("stream %d: packet %d is %+v, its sample says %+v", i, at, packet, samples[i][at].Packet)
			}
			at++
		}
	}
	index, err := mpegts.Read(bytes.NewReader(data), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range index.Streams {
		if !bytes.Equal(index.Streams[i].Packets.Encoded, file.Streams[i].Packets.Encoded) {
			t.Errorf("stream %d: the index differs without samples", i)
		}
	}
	return file, samples
}

// damages are the kinds of evidence in a file, with their counts.
func damages(file media.File) map[media.DamageKind]int {
	found := map[media.DamageKind]int{}
	for _, damage := range file.Damage {
		found[damage.Kind] += damage.Count
	}
	return found
}
