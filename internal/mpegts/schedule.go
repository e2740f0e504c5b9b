// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import "sparkrtc.dev/recording-operator/internal/media"

// schedule is the time of a picture and the distance to the next one.
type schedule struct{ dts, pts, step int64 }

// spread distributes pictures, of which only the first has a time, over the time up to the next one. Without that, a
// picture lasts as long as its parameter sets say. A first picture without a time follows the last packet.
func spread(begin, next mark, last media.Packet, hasLast bool, count int, ticks int64) schedule {
	if !begin.timed {
		switch {
		case hasLast:
			begin.dts = last.DTS + ticks
			begin.pts = begin.dts + last.PTS - last.DTS
			if next.timed && next.dts > last.DTS && next.dts < begin.dts+int64(count)*ticks {
				ticks = (next.dts - last.DTS) / int64(count+1)
				begin.dts = last.DTS + ticks
				begin.pts = begin.dts + last.PTS - last.DTS
			}
		case next.timed:
			begin.dts = next.dts - int64(count)*ticks
			begin.pts = begin.dts + next.pts - next.dts
		}
		return schedule{dts: begin.dts, pts: begin.pts, step: ticks}
	}
	if distance := next.dts - begin.dts; next.timed && distance > 0 && distance <= int64(count)*media.Clock {
		ticks = distance / int64(count)
	}
	return schedule{dts: begin.dts, pts: begin.pts, step: ticks}
}
