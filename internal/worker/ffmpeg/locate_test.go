// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"slices"
	"strings"
	"testing"
)

// TestLocator_ErrorIsBehindWhatWasDecoded, in what ffmpeg 5.1 and 7.1 write with -debug_ts.
func TestLocator_ErrorIsBehindWhatWasDecoded(t *testing.T) {
	for name, test := range map[string]struct {
		lines string
		want  []Spot
	}{
		"pictures, 7.1": {`
[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [info] decoder -> pts:165600 pts_time:1.84 pkt_dts:165600 pkt_dts_time:1.84 duration:3600
[vist#0:0/h264 @ 0x1] [dec:h264 @ 0x2] [info] decoder -> pts:169200 pts_time:1.88 pkt_dts:169200 pkt_dts_time:1.88 duration:3600
[vf#0:0 @ 0x3] [info] filter_raw -> pts:144000 pts_time:1.6 time_base:1/90000
[vost#0:0/wrapped_avframe @ 0x4] [info] encoder <- type:video frame_pts:45 frame_pts_time:1.8 time_base:1/25
[h264 @ 0x5] [error] error while decoding MB 8 3, bytestream -8`,
			[]Spot{{From: 1.88, To: 1.88, Errors: 1}}},
		"pictures, 5.1": {`
[info] decoder -> ist_index:0 type:video frame_pts:172800 frame_pts_time:1.92 best_effort_ts:172800 best_effort_ts_time:1.92 keyframe:0
[info] encoder <- type:video frame_pts:48 frame_pts_time:1.92 time_base:1/25
[h264 @ 0x1] [error] error while decoding MB 8 3, bytestream -8
[h264 @ 0x1] [error] concealing 84 DC, 84 AC, 84 MV errors in P frame`,
			[]Spot{{From: 1.92, To: 1.92, Errors: 2}}},
		"sound, 7.1": {`
[af#0:0 @ 0x1] [info] filter_raw -> pts:240 pts_time:0.005 time_base:1/48000
[aac @ 0x2] [error] Prediction is not allowed in AAC-LC.`,
			[]Spot{{From: 0.005, To: 0.005, Errors: 1}}},
		"sound, 5.1": {`
[info] encoder <- type:audio frame_pts:2288 frame_pts_time:0.0476667 time_base:1/48000
[aac @ 0x2] [error] Prediction is not allowed in AAC-LC.`,
			[]Spot{{From: 0.0476667, To: 0.0476667, Errors: 1}}},
		"no time": {`
[info] decoder -> ist_index:0 type:video frame_pts:NOPTS frame_pts_time:NOPTS
[h264 @ 0x1] [error] no frame!`,
			[]Spot{{Errors: 1}}},
	} {
		l := &locator{}
		for line := range strings.Lines(strings.TrimSpace(test.lines)) {
			l.line([]byte(line))
		}
		if !slices.Equal(l.spots, test.want) {
			t.Errorf("%s: got %+v, want %+v", name, l.spots, test.want)
		}
	}
}
