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
	"sparkrtc.dev/recording-operator/internal/testing/programs"
)

// makeMedia runs ffmpeg and gives the file that its last argument names.
func makeMedia(tb testing.TB, args ...string) string {
	tb.Helper()
	path := args[len(args)-1]
	if !filepath.IsAbs(path) {
		path = filepath.Join(tb.TempDir(), path)
	}
	args = append([]string{"-v", "error", "-nostdin", "-y"}, append(args[:len(args)-1:len(args)-1], path)...)
	if out, err := exec.CommandContext(tb.Context(), programs.FFmpeg(tb), args...).CombinedOutput(); err != nil {
		tb.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return path
}

// testStream is a small transport stream of H.264 and AAC.
func testStream(tb testing.TB, args ...string) []byte {
	tb.Helper()
	all := append([]string{
		"-f", "lavfi", "-i", "testsrc=duration=2:size=160x90:rate=25", "-f", "lavfi", "-i", "sine=duration=2",
		"-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac",
	}, args...)
	data, err := os.ReadFile(makeMedia(tb, append(all, "t.ts")...))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// probed is a packet as ffprobe tells it.
type probed struct {
	stream, size int
	pts, dts     int64
	key          bool
	hash         string
}

// probe asks ffprobe for the packets of a file, by stream.
func probe(t *testing.T, path string) [][]probed {
	t.Helper()
	command := exec.CommandContext(t.Context(), programs.FFprobe(t), "-v", "error", "-show_data_hash", "md5",
		"-show_entries", "packet=stream_index,pts,dts,size,flags,data_hash", "-of", "json", path)
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
			Hash   string `json:"data_hash"`
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
			hash: packet.Hash,
		})
	}
	return streams
}

// read indexes data twice, with samples and without, and checks that both are the same.
func read(tb testing.TB, data []byte) (media.File, [][]media.Sample) {
	tb.Helper()
	var samples [][]media.Sample
	file, err := mpegts.Read(bytes.NewReader(data), func(sample media.Sample) error {
		for len(samples) <= sample.Stream {
			samples = append(samples, nil)
		}
		if len(sample.Data) != sample.Size {
			tb.Errorf("sample of %d bytes says %d", len(sample.Data), sample.Size)
		}
		sample.Data = bytes.Clone(sample.Data)
		samples[sample.Stream] = append(samples[sample.Stream], sample)
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
	for i := range file.Streams {
		at := 0
		for packet := range file.Streams[i].Packets.All() {
			if packet != samples[i][at].Packet {
				tb.Fatalf("stream %d: packet %d is %+v, its sample says %+v", i, at, packet, samples[i][at].Packet)
			}
			at++
		}
	}
	index, err := mpegts.Read(bytes.NewReader(data), nil)
	if err != nil {
		tb.Fatal(err)
	}
	for i := range index.Streams {
		if !bytes.Equal(index.Streams[i].Packets.Encoded, file.Streams[i].Packets.Encoded) {
			tb.Errorf("stream %d: the index differs without samples", i)
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
