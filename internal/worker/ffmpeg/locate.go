// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"bytes"
	"context"
	"regexp"
	"strconv"

	"sparkrtc.dev/recording-operator/internal/media"
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

// only are the arguments that choose the first stream of a kind. Where there is none, ffmpeg must not take one of the other kind.
var only = map[media.Kind][]string{
	media.Video: {"-map", "0:v:0?", "-an"},
	media.Audio: {"-map", "0:a:0?", "-vn"},
}

// Locate decodes the streams of these kinds in a file again to find where their decoders report errors. It is slow: one thread, so that
// errors and pictures come in order.
func (t Tool) Locate(ctx context.Context, input string, kinds ...media.Kind) ([]Spot, error) {
	var spots []Spot
	for _, kind := range kinds {
		args := []string{
			"-hide_banner", "-nostdin", "-loglevel", locateLevel, "-nostats", "-debug_ts", "-threads", "1",
			"-protocol_whitelist", "file", "-format_whitelist", "mov", "-i", input,
		}
		args = append(append(args, only[kind]...), "-fps_mode", "passthrough", "-f", "null", "-")
		l := &locator{}
		if _, err := t.runWith(ctx, args, func([]byte) {}, l.line); err != nil && ctx.Err() != nil {
			return nil, err
		}
		spots = append(spots, l.spots...)
	}
	return spots, nil
}

// locateLevel shows the times of -debug_ts between the errors.
const locateLevel = "repeat+level+info"

// decoded is the time in a line of -debug_ts about what a decoder gave. ffmpeg 5.1 has none for sound, but hands it to the encoder at
// once. ffmpeg 7.1 has one only where the sound enters the filters, up to eight frames later, since these have a thread of their own.
var decoded = regexp.MustCompile(`^(?:decoder ->|filter_raw ->|encoder <- type:audio) .*?[ _]pts_time:(-?[0-9.]+)`)

// locator pairs errors with the times of what was decoded last.
type locator struct {
	spots []Spot
	last  float64
}

func (l *locator) line(line []byte) {
	text := string(bytes.TrimSpace(line))
	context, level, message := split(text)
	if found := decoded.FindStringSubmatch(message); found != nil {
		if at, err := strconv.ParseFloat(found[1], 64); err == nil {
			l.last = max(l.last, at)
		}
		return
	}
	if !isComplaint(context, level, message) {
		return
	}
	if count := len(l.spots); count > 0 && l.last-l.spots[count-1].To <= spotGap || count == maxSpots {
		l.spots[count-1].To = max(l.spots[count-1].To, l.last)
		l.spots[count-1].Errors++
		return
	}
	l.spots = append(l.spots, Spot{From: l.last, To: l.last, Errors: 1})
}
