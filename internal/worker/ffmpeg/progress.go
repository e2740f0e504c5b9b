// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"bytes"
	"strconv"
	"time"
)

// Progress reads ffmpeg's -progress lines.
type Progress struct {
	// Total is the duration of the whole in seconds; 0: unknown.
	Total float64

	percent int
	done    time.Duration
}

// Line reads one line and says whether it changed the percentage. out_time_us is right in every ffmpeg; out_time_ms
// is microseconds too, so it is not read.
func (p *Progress) Line(line []byte) bool {
	key, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte{'='})
	before := p.percent
	switch string(key) {
	case "out_time_us":
		micros, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || micros <= 0 {
			break
		}
		if p.done = max(p.done, time.Duration(min(micros, maxMicros))*time.Microsecond); p.Total > 0 {
			p.percent = max(p.percent, int(min(99, float64(micros)/1e4/p.Total)))
		}
	case "progress":
		if string(value) == "end" {
			p.percent = 100
			p.done = max(p.done, time.Duration(p.Total*float64(time.Second)))
		}
	}
	return p.percent != before
}

// maxMicros is a year: what goes on for longer is no recording.
const maxMicros = 366 * 24 * 3600 * 1_000_000

// Done is how much of the recording is done. It never goes back.
func (p *Progress) Done() time.Duration { return p.done }

// Percent is how much is done; at most 99 until ffmpeg says that it has ended.
func (p *Progress) Percent() int { return p.percent }
