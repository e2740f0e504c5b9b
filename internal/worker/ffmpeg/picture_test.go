// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"strings"
	"testing"
	"time"
)

// TestPictureArgs holds the command lines as they were tried: a change of one is a decision.
func TestPictureArgs(t *testing.T) {
	const head = "-hide_banner -nostdin -y -loglevel repeat+level+warning -nostats -progress pipe:1 -stats_period 1 " +
		"-protocol_whitelist file -format_whitelist mov -i in.mp4 -map 0:v:0 -frames:v 1 -vf "
	const middle = " -map_metadata -1 -bitexact -threads 1 "
	const tail = " -f image2 -update 1 out"
	const jpeg, webp = "-c:v mjpeg -q:v 3", "-c:v libwebp -quality 80"
	const square = "scale='trunc(iw*sar/2+0.5)*2':'trunc(ih/2+0.5)*2',setsar=1"
	tests := map[string]struct {
		picture Picture
		want    string
	}{
		"a size that is known": {Picture{At: 90 * time.Second, Width: 640, Height: 360, MaxWidth: 640},
			"-ss 89.999500 " + head + "scale=640:360,setsar=1,format=yuvj420p" + middle + jpeg + tail},
		"the first picture": {Picture{Width: 640, Height: 360}, "-ss 0.000000 " + head + "scale=640:360,setsar=1,format=yuvj420p" + middle + jpeg + tail},
		"a size that is not known": {Picture{At: time.Second, WebP: true, MaxWidth: 640, MaxHeight: 480},
			"-ss 0.999500 " + head + square + ",scale=w='min(iw,640)':h='min(ih,480)':force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1,format=yuv420p" + middle + webp + tail},
		"bounded on one side": {Picture{At: time.Second, MaxHeight: 480},
			"-ss 0.999500 " + head + square + ",scale=w='min(iw,iw)':h='min(ih,480)':force_original_aspect_ratio=decrease:force_divisible_by=2,setsar=1,format=yuvj420p" + middle + jpeg + tail},
		"any size": {Picture{At: time.Second}, "-ss 0.999500 " + head + square + ",setsar=1,format=yuvj420p" + middle + jpeg + tail},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(pictureArgs("in.mp4", "out", test.picture), " "); got != test.want {
				t.Errorf("%s\nwant\n%s", got, test.want)
			}
		})
	}
}
