// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
)

// ffmpeg runs ffmpeg in a folder and gives what it writes to standard output.
func ffmpeg(tb testing.TB, dir string, args ...string) string {
	tb.Helper()
	command := exec.CommandContext(tb.Context(), programs.FFmpeg(tb), append([]string{"-v", "error", "-nostdin", "-y"}, args...)...)
	command.Dir = dir
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil || complaints.Len() > 0 {
		tb.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, complaints.String())
	}
	return string(out)
}

// probed is what ffprobe says of a file, in units of the streams.
type probed struct {
	Streams []probedStream `json:"streams"`
	Packets []probedPacket `json:"packets"`
	Format  struct {
		Duration string `json:"duration"`
	} `json:"format"`
}

type probedStream struct {
	CodecName  string `json:"codec_name"`
	CodecType  string `json:"codec_type"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Aspect     string `json:"display_aspect_ratio"`
	SampleRate string `json:"sample_rate"`
	Channels   int    `json:"channels"`
	TimeBase   string `json:"time_base"`
	Duration   string `json:"duration"`
	Tags       struct {
		Language string `json:"language"`
	} `json:"tags"`
	SideData []struct {
		Rotation int `json:"rotation"`
	} `json:"side_data_list"`
}

type probedPacket struct {
	Stream   int    `json:"stream_index"`
	PTS      *int64 `json:"pts"`
	DTS      *int64 `json:"dts"`
	Duration int64  `json:"duration"`
	Size     string `json:"size"`
	Pos      string `json:"pos"`
	Flags    string `json:"flags"`
}

// ffprobe describes a file without edit lists, which this package reports beside the packets.
func ffprobe(tb testing.TB, path string, args ...string) probed {
	tb.Helper()
	args = append([]string{"-v", "error", "-print_format", "json", "-show_packets", "-show_streams", "-show_format"}, args...)
	command := exec.CommandContext(tb.Context(), programs.FFprobe(tb), append(args, path)...)
	out, err := command.Output()
	if err != nil {
		tb.Fatalf("ffprobe: %v", err)
	}
	var found probed
	if err := json.Unmarshal(out, &found); err != nil {
		tb.Fatal(err)
	}
	return found
}

// open opens a file for the length of a test.
func open(tb testing.TB, path string) *mp4.Movie {
	tb.Helper()
	file, size := openFile(tb, path)
	movie, err := mp4.Open(file, size)
	if err != nil {
		tb.Fatalf("opening %s: %v", path, err)
	}
	return movie
}

func openFile(tb testing.TB, path string) (*os.File, int64) {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = file.Close() })
	info, err := file.Stat()
	if err != nil {
		tb.Fatal(err)
	}
	return file, info.Size()
}

func index(tb testing.TB, movie *mp4.Movie) media.File {
	tb.Helper()
	file, err := movie.Index()
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(made.dir)
	os.Exit(code)
}

// made are the files that tests share, by name, in a folder.
var made struct {
	sync.Mutex
	dir   string
	files map[string]bool
}

// makeMedia makes a file of synthetic pictures and sound with ffmpeg, unless it is there, and gives its path. The
// arguments are those behind the inputs.
func makeMedia(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	made.Lock()
	defer made.Unlock()
	if made.files == nil {
		dir, err := os.MkdirTemp("", "mp4-test-")
		if err != nil {
			tb.Fatal(err)
		}
		made.dir, made.files = dir, map[string]bool{}
	}
	if !made.files[name] {
		inputs := []string{"-f", "lavfi", "-i", "testsrc=duration=2:size=320x180:rate=25",
			"-f", "lavfi", "-i", "sine=frequency=440:duration=2:sample_rate=48000"}
		ffmpeg(tb, made.dir, append(append(inputs, args...), name)...)
		made.files[name] = true
	}
	return filepath.Join(made.dir, name)
}

// x264 has B-frames and several key frames.
var x264 = []string{"-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-pix_fmt", "yuv420p"}

// withAAC are arguments behind those of x264.
func withAAC(args ...string) []string { return slices.Concat(x264, []string{"-c:a", "aac"}, args) }
