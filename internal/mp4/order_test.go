// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"cmp"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestIndex_OrderOfPictures: the pictures of a fragmented file say themselves in which order they are shown, which is that of their times.
func TestIndex_OrderOfPictures(t *testing.T) {
	const fragmented = "frag_keyframe+empty_moov+default_base_moof"
	h264 := func(args ...string) []string {
		return slices.Concat([]string{"-c:v", "libx264", "-preset", "veryfast", "-bf", "5"}, args, []string{"-an", "-movflags", fragmented})
	}
	hevc := func(tag, params string) []string {
		return []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:bframes=4:" + params, "-tag:v", tag, "-an", "-movflags", fragmented}
	}
	tests := map[string][]string{
		"order-one-group":   h264("-g", "250"),
		"order-groups":      h264("-g", "20"),
		"order-open":        h264("-x264-params", "keyint=20:open-gop=1"),
		"order-fields":      h264("-flags", "+ilme+ildct", "-x264-params", "tff=1"),
		"order-444":         h264("-pix_fmt", "yuv444p"),
		"order-hevc":        hevc("hvc1", "keyint=20:open-gop=0"),
		"order-hevc-open":   hevc("hvc1", "keyint=20:open-gop=1"),
		"order-hevc-radl":   hevc("hvc1", "keyint=20:open-gop=0:radl=2"),
		"order-hevc-inband": hevc("hev1", "keyint=250:repeat-headers=1"),
	}
	for name, args := range tests {
		t.Run(name, func(t *testing.T) {
			file := index(t, open(t, makeMedia(t, name+".mp4", args...)))
			stream := file.Streams[0]
			packets := slices.Collect(stream.Packets.All())
			for i, packet := range packets {
				if packet.Order.Sequence == 0 {
					t.Fatalf("the order of picture %d is not known", i)
				}
			}
			if stream.OrderBits < 4 || !packets[0].Opens || packets[1].Opens {
				t.Errorf("%d bits, picture 0 opens a fragment: %v, picture 1: %v", stream.OrderBits, packets[0].Opens, packets[1].Opens)
			}
			slices.SortFunc(packets, func(x, y media.Packet) int {
				return cmp.Or(cmp.Compare(x.Order.Sequence, y.Order.Sequence), cmp.Compare(x.Order.Number, y.Order.Number))
			})
			for i := 1; i < len(packets); i++ {
				if packets[i].PTS <= packets[i-1].PTS {
					t.Errorf("picture %+v is shown at %d, and %+v at %d", packets[i-1].Order, packets[i-1].PTS, packets[i].Order, packets[i].PTS)
				}
			}
		})
	}
}

// TestIndex_OrderIsOfFragmentsAlone: the times of other files are their pictures' own.
func TestIndex_OrderIsOfFragmentsAlone(t *testing.T) {
	file := index(t, open(t, makeMedia(t, "whole.mp4", shapes["whole.mp4"]...)))
	if stream := &file.Streams[0]; stream.OrderBits != 0 || stream.Packets.Last.Order != (media.Order{}) {
		t.Errorf("%d bits, order %+v", stream.OrderBits, stream.Packets.Last.Order)
	}
}
