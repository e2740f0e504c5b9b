// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Encoding says how a recording is encoded.
type Encoding struct {
	// Width and Height of the picture in pixels, both even. Pictures of other sizes keep their aspect ratio and are
	// padded. 0: there is no picture, or it is left out.
	Width, Height int
	// SquarePixels says that no picture has other pixels, whatever the container says of the track as a whole.
	SquarePixels bool
	// Fills says that every picture is known to be as large as Width and Height, with square pixels: none is padded, which
	// would copy all of them. One that is of another size all the same is stretched.
	Fills bool
	// Black are the times of pictures to be made black, in seconds. No other picture is within a millisecond of one.
	Black []float64
	// KeepsStart says that the first picture or sound may be late: nothing is moved to the beginning.
	KeepsStart bool
	// CRF is x264's constant rate factor, 0 to 51.
	CRF int
	// Sound says that there is sound, with this sample rate in Hz and this many channels.
	Sound                bool
	SampleRate, Channels int
	// AudioKbps is the sound's bit rate in kilobits a second.
	AudioKbps int
}

// maxThreads bounds x264's threads, since each takes memory.
const maxThreads = 16

// threads is how many threads x264 has: three for two processors, as it would choose by itself. Each waits for the one
// before at times. Go's runtime counts the processors that the container's CPU limit leaves; x264 would count the node's.
func threads() int { return min(runtime.GOMAXPROCS(0)*3/2, maxThreads) }

// in opens an MP4 of our own, and nothing else: no protocol but files, no other container.
func in(path string) []string {
	return []string{
		"-hide_banner", "-nostdin", "-y", "-loglevel", logLevel, "-nostats", "-progress", "pipe:1", "-stats_period", "1",
		"-protocol_whitelist", "file", "-format_whitelist", "mov", "-i", path,
	}
}

// Encode makes output of an MP4: H.264 and AAC in an MP4. Every picture keeps its time (vfr, with the input's clock),
// and sound is filled up where it is missing, so that a picture or a sound that is lost stays visible as a gap or is
// silent, and never moves anything else.
func (t Tool) Encode(ctx context.Context, input, output string, encoding Encoding, onProgress func(line []byte)) (Outcome, error) {
	return t.run(ctx, encodeArgs(input, output, encoding), onProgress)
}

func encodeArgs(input, output string, e Encoding) []string {
	args := in(input)
	if e.KeepsStart {
		args = append([]string{"-copyts"}, args...)
	}
	if e.Width > 0 {
		args = append(args, "-map", "0:v:0", "-vf", pictureFilter(e), "-c:v", "libx264", "-preset", "veryfast", "-crf", strconv.Itoa(e.CRF),
			"-pix_fmt", "yuv420p",
			"-threads", strconv.Itoa(threads()), "-fps_mode", "vfr", "-enc_time_base:v", "-1")
	}
	if e.Sound {
		args = append(args, "-map", "0:a:0", "-af", "aresample=async=1:min_hard_comp=0.05", "-c:a", "aac", "-b:a", fmt.Sprintf("%dk", e.AudioKbps))
		if e.SampleRate > 0 {
			args = append(args, "-ar", strconv.Itoa(e.SampleRate))
		}
		if e.Channels > 0 {
			args = append(args, "-ac", strconv.Itoa(e.Channels))
		}
	}
	return append(args, "-video_track_timescale", "90000", "-movflags", "+faststart", "-f", "mp4", output)
}

// pictureFilter makes pixels square, then fits every picture into the canvas.
func pictureFilter(e Encoding) string { return canvasFilter(e) + blackFilter(e) }

// blackFilter makes pictures black: there is a black one below each, and of those at the times of Black, that is the one
// that is cut out.
func blackFilter(e Encoding) string {
	if len(e.Black) == 0 {
		return ""
	}
	var times strings.Builder
	for _, at := range e.Black {
		fmt.Fprintf(&times, "+between(t,%.5f,%.5f)", at-0.001, at+0.001)
	}
	return fmt.Sprintf(",pad=%d:%d:0:0,crop=%d:%d:0:'if(%s,%d,0)'", e.Width, 2*e.Height, e.Width, e.Height, times.String()[1:], e.Height)
}

func canvasFilter(e Encoding) string {
	if e.Fills {
		return fmt.Sprintf("scale=%d:%d,setsar=1", e.Width, e.Height)
	}
	square := "scale='trunc(iw*sar/2+0.5)*2':'trunc(ih/2+0.5)*2',setsar=1,"
	if e.SquarePixels {
		square = "setsar=1,"
	}
	return square + fmt.Sprintf("scale=%d:%d:force_original_aspect_ratio=decrease:force_divisible_by=2,pad=%d:%d:-1:-1,setsar=1", e.Width, e.Height, e.Width, e.Height)
}

// Decode decodes a file, from the key frame before a time on, and gives what decoders complained about.
func (t Tool) Decode(ctx context.Context, input string, from time.Duration) (Outcome, error) {
	args := append([]string{"-max_error_rate", "1"}, in(input)...) // what cannot be decoded is for the caller to judge
	if from > 0 {
		args = append([]string{"-noaccurate_seek", "-ss", strconv.FormatFloat(from.Seconds(), 'f', 3, 64)}, args...)
	}
	args = append(args, "-map", "0:v:0?", "-map", "0:a:0?", "-fps_mode", "passthrough", "-f", "null", "-")
	return t.run(ctx, args, func([]byte) {})
}
