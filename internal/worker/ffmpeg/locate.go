// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"strings"
)

// Spot is a stretch in which a decoder reported errors, in seconds.
type Spot struct {
	From, To float64
	// Errors in it.
	Errors int
}

const (
	// spotGap is how far errors of one stretch are apart at most, in seconds.
	spotGap = 2.0
	// maxSpots bounds the stretches.
	maxSpots = 100
)

// Locate decodes a file again to find where its decoders report errors. It is slow: one thread, so that errors and
// pictures come in order.
func (t Tool) Locate(ctx context.Context, input string) ([]Spot, error) {
	var spots []Spot
	for _, track := range []struct{ stream, filter, show string }{
		{"0:v:0?", "-vf", "showinfo=checksum=0"},
		{"0:a:0?", "-af", "ashowinfo"},
	} {
		args := []string{
			"-hide_banner", "-nostdin", "-loglevel", locateLevel, "-nostats", "-threads", "1",
			"-protocol_whitelist", "file", "-format_whitelist", "mov", "-i", input,
			"-map", track.stream, track.filter, track.show, "-fps_mode", "passthrough", "-f", "null", "-",
		}
		l := &locator{}
		if _, err := t.runWith(ctx, args, func([]byte) {}, l.line); err != nil && ctx.Err() != nil {
			return nil, err
		}
		spots = append(spots, l.spots...)
	}
	return spots, nil
}

// locateLevel shows the pictures' times between the errors.
const locateLevel = "repeat+level+info"

// shown is the time in a line of the filters showinfo and ashowinfo.
var shown = regexp.MustCompile(` pts_time:\s*(-?[0-9.]+)`)

// locator pairs errors with the times of what was decoded last.
type locator struct {
	spots []Spot
	last  float64
}

func (l *locator) line(line []byte) {
	text := string(bytes.TrimSpace(line))
	context, level, message := split(text)
	if strings.Contains(context, "showinfo") {
		if found := shown.FindStringSubmatch(message); found != nil {
			if at, err := strconv.ParseFloat(found[1], 64); err == nil {
				l.last = max(0, at)
			}
		}
		return
	}
	if !decoders[context] || level != "error" && level != "fatal" {
		return
	}
	if count := len(l.spots); count > 0 && l.last-l.spots[count-1].To <= spotGap || count == maxSpots {
		l.spots[count-1].To = max(l.spots[count-1].To, l.last)
		l.spots[count-1].Errors++
		return
	}
	l.spots = append(l.spots, Spot{From: l.last, To: l.last, Errors: 1})
}
