// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Picture says how one picture is taken from an MP4.
type Picture struct {
	// At is the time of the picture from the MP4's first one. The first picture at that time or after it is taken.
	At time.Duration
	// WebP makes a WebP; otherwise it is a JPEG.
	WebP bool
	// Width and Height in pixels; 0: not known before it is decoded. The picture then keeps its aspect ratio and
	// fits into MaxWidth and MaxHeight, both even; 0: any.
	Width, Height       int
	MaxWidth, MaxHeight int
}

// seekMargin is by how much ffmpeg begins before the wanted picture, so that rounding to microseconds never passes it
// over. No two pictures are as close as that.
const seekMargin = 500 * time.Microsecond

// Picture takes one picture from an MP4. When there is none at that time or after it, output is not written.
func (t Tool) Picture(ctx context.Context, input, output string, p Picture) (Outcome, error) {
	return t.run(ctx, pictureArgs(input, output, p), func([]byte) {})
}

func pictureArgs(input, output string, p Picture) []string {
	from := max(0, p.At-seekMargin)
	args := append([]string{"-ss", strconv.FormatFloat(from.Seconds(), 'f', 6, 64)}, in(input)...)
	args = append(args, "-map", "0:v:0", "-frames:v", "1", "-vf", stillFilter(p), "-map_metadata", "-1", "-bitexact", "-threads", "1")
	if p.WebP {
		args = append(args, "-c:v", "libwebp", "-quality", "80")
	} else {
		args = append(args, "-c:v", "mjpeg", "-q:v", "3")
	}
	return append(args, "-f", "image2", "-update", "1", output)
}

func stillFilter(p Picture) string {
	scale := fmt.Sprintf("scale=%d:%d", p.Width, p.Height)
	if p.Width == 0 {
		scale = "scale='trunc(iw*sar/2+0.5)*2':'trunc(ih/2+0.5)*2',setsar=1"
		if p.MaxWidth > 0 || p.MaxHeight > 0 {
			scale += fmt.Sprintf(",scale=w='min(iw,%s)':h='min(ih,%s)':force_original_aspect_ratio=decrease:force_divisible_by=2",
				bound(p.MaxWidth, "iw"), bound(p.MaxHeight, "ih"))
		}
	}
	format := "yuvj420p"
	if p.WebP {
		format = "yuv420p"
	}
	return scale + ",setsar=1,format=" + format
}

// bound is a bound in pixels as ffmpeg reads it; without one it is the picture's own size.
func bound(pixels int, own string) string {
	if pixels == 0 {
		return own
	}
	return strconv.Itoa(pixels)
}
