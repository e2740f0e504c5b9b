// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package ffmpeg holds docs/security.md to what the worker's ffmpeg can parse.
package ffmpeg

import (
	"debug/elf"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
)

// workerFFmpeg is the program that build.sh built. Debian's is not meant.
func workerFFmpeg(t *testing.T) string {
	t.Helper()
	path := os.Getenv("WORKER_FFMPEG")
	if path == "" {
		t.Skip("WORKER_FFMPEG is not set to the ffmpeg that hack/ffmpeg/build.sh builds")
	}
	if config := run(t, path, "-buildconf"); !strings.Contains(config, "--disable-everything") {
		t.Skipf("%s was not built by hack/ffmpeg/build.sh", path)
	}
	return path
}

func run(t *testing.T, path string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), path, append([]string{"-hide_banner"}, args...)...).Output()
	if err != nil {
		t.Fatalf("%s %v: %v", path, args, err)
	}
	return string(out)
}

// found are the first groups of all matches, sorted.
func found(pattern, text string) []string {
	var names []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// documented are the names in one row of the page's table.
func documented(t *testing.T, row string) []string {
	t.Helper()
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, ok := strings.Cut(string(page), "\n| "+row+" |")
	if !ok {
		t.Fatalf("docs/security.md has no row %s", row)
	}
	line, _, _ := strings.Cut(after, "\n")
	return found("`([^`]+)`", line)
}

func TestComponents_AreDocumented(t *testing.T) {
	path := workerFFmpeg(t)
	for row, names := range map[string][]string{
		"Protocols": found(`(?m)^  (\w+)$`, run(t, path, "-protocols")),
		"Demuxers":  found(`(?m)^ D.. ([^=\s]\S*)`, run(t, path, "-demuxers")),
		"Decoders":  found(`(?m)^ [VAS][.FSXBD]{5} ([^=\s]\S*)`, run(t, path, "-decoders")),
		// No option lists the parsers.
		"Parsers": found(`--enable-parser=(\w+)`, run(t, path, "-buildconf")),
	} {
		if len(names) == 0 {
			t.Errorf("%s: ffmpeg lists none", row)
		}
		if want := documented(t, row); !slices.Equal(names, want) {
			t.Errorf("%s: ffmpeg has\n%s\nand docs/security.md lists\n%s", row, strings.Join(names, " "), strings.Join(want, " "))
		}
	}
}

// TestDecoders_AreThoseThatTheWorkerCountsOn: a recording with another encoding fails as unsupported.
func TestDecoders_AreThoseThatTheWorkerCountsOn(t *testing.T) {
	names := found(`(?m)^ [VAS][.FSXBD]{5} ([^=\s]\S*)`, run(t, workerFFmpeg(t), "-decoders"))
	for _, name := range names {
		codec := name
		if name == "libaom-av1" {
			codec = "av1"
		}
		if !ffmpeg.Decodes(media.Codec(codec)) {
			t.Errorf("the worker does not know that ffmpeg decodes %s", name)
		}
	}
	for _, codec := range []media.Codec{"mha1", "dts", "iamf", "flac", ""} {
		if ffmpeg.Decodes(codec) {
			t.Errorf("the worker counts on a decoder of %q", codec)
		}
	}
}

// The program runs in an image without libraries.
func TestProgram_IsStatic(t *testing.T) {
	program, err := elf.Open(workerFFmpeg(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = program.Close() }()
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			t.Error("ffmpeg needs a dynamic linker")
		}
	}
}
