// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"fmt"
	"strings"
	"testing"
)

// TestEncodeArgs holds the command lines as they were measured: a change of one is a decision.
func TestEncodeArgs(t *testing.T) {
	const head = "-hide_banner -nostdin -y -loglevel repeat+level+warning -nostats -progress pipe:1 -stats_period 1 " +
		"-protocol_whitelist file -format_whitelist mov -i in.mp4 "
	const tail = "-video_track_timescale 90000 -movflags +faststart -f mp4 out.mp4"
	coder := fmt.Sprintf("-c:v libx264 -preset veryfast -crf 23 -pix_fmt yuv420p -threads %d -fps_mode vfr -enc_time_base:v -1 ", threads())
	tests := map[string]struct {
		encoding Encoding
		want     string
	}{
		"picture and sound": {
			Encoding{Width: 640, Height: 360, CRF: 23, Sound: true, AudioKbps: 128},
			"-map 0:v:0 -vf scale='trunc(iw*sar/2+0.5)*2':'trunc(ih/2+0.5)*2',setsar=1,scale=640:360:force_original_aspect_ratio=decrease:" +
				"force_divisible_by=2,pad=640:360:-1:-1,setsar=1 " + coder + "-map 0:a:0 -af aresample=async=1:min_hard_comp=0.05 -c:a aac -b:a 128k ",
		},
		"square pixels": {
			Encoding{Width: 640, Height: 360, SquarePixels: true, CRF: 23},
			"-map 0:v:0 -vf setsar=1,scale=640:360:force_original_aspect_ratio=decrease:force_divisible_by=2,pad=640:360:-1:-1,setsar=1 " + coder,
		},
		"pictures as large as the canvas": {
			Encoding{Width: 640, Height: 360, SquarePixels: true, Fills: true, CRF: 23},
			"-map 0:v:0 -vf scale=640:360,setsar=1 " + coder,
		},
		"black pictures": {
			Encoding{Width: 640, Height: 360, SquarePixels: true, Fills: true, CRF: 23, Black: []float64{6.016, 20}},
			"-map 0:v:0 -vf scale=640:360,setsar=1,pad=640:720:0:0,crop=640:360:0:'if(between(t,6.01500,6.01700)+between(t,19.99900,20.00100),360,0)' " + coder,
		},
		"sound alone, of one kind": {
			Encoding{Sound: true, SampleRate: 48_000, Channels: 2, AudioKbps: 64},
			"-map 0:a:0 -af aresample=async=1:min_hard_comp=0.05 -c:a aac -b:a 64k -ar 48000 -ac 2 ",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(encodeArgs("in.mp4", "out.mp4", test.encoding), " "); got != head+test.want+tail {
				t.Errorf("%s\nwant\n%s", got, head+test.want+tail)
			}
		})
	}
}

// TestEncodeArgs_KeepsStart: a first picture that is late stays late.
func TestEncodeArgs_KeepsStart(t *testing.T) {
	if got := encodeArgs("in.mp4", "out.mp4", Encoding{Sound: true, KeepsStart: true}); got[0] != "-copyts" {
		t.Errorf("%q", got)
	}
}

// TestIn_OpensNothingButOneMP4: a recording that names other files or addresses opens none of them.
func TestIn_OpensNothingButOneMP4(t *testing.T) {
	args := in("evil.m3u8")
	for _, want := range []string{"-nostdin", "-protocol_whitelist file ", "-format_whitelist mov "} {
		if all := strings.Join(args, " "); !strings.Contains(all, want) {
			t.Errorf("%s is missing in %s", want, all)
		}
	}
	if count := len(args); args[count-2] != "-i" || args[count-1] != "evil.m3u8" {
		t.Errorf("%q", args)
	}
}

func TestProgress(t *testing.T) {
	p := &Progress{Total: 10}
	for _, step := range []struct {
		line    string
		changed bool
		percent int
	}{
		{"frame=1", false, 0}, {"out_time_us=N/A", false, 0}, {"out_time_us=-5", false, 0}, {"out_time_us=2500000\n", true, 25},
		{"out_time_ms=9000000", false, 25}, {"out_time_us=1000000", false, 25}, {"out_time_us=99000000", true, 99}, {"progress=continue", false, 99},
		{"progress=end", true, 100}, {"", false, 100}, {"out_time_us=9223372036854775807", false, 100},
	} {
		if changed := p.Line([]byte(step.line)); changed != step.changed || p.Percent() != step.percent {
			t.Errorf("%q: %d %%, changed %v", step.line, p.Percent(), changed)
		}
	}
	unknown := &Progress{}
	if unknown.Line([]byte("out_time_us=2500000")) || unknown.Percent() != 0 {
		t.Errorf("of an unknown length, %d %% are done", unknown.Percent())
	}
}
