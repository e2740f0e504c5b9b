// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transcode

import (
	"context"
	"fmt"
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// encoding is how the timeline is encoded: the canvas is as large as the largest picture.
func (m *maker) encoding() ffmpeg.Encoding {
	settings := *m.spec
	settings.Preset = v1alpha1.PresetH264 // also where preset Remux re-encodes what changes
	settings.Default()
	e := ffmpeg.Encoding{CRF: int(*settings.Video.CRF), AudioKbps: int(*settings.Audio.BitrateKbps), KeepsStart: m.startsLate()}
	maxHeight := 0
	if settings.Video.MaxHeight != nil {
		maxHeight = int(*settings.Video.MaxHeight)
	}
	if track := m.timeline.Video; track != nil {
		e.Width, e.Height = canvas(track, maxHeight)
		e.SquarePixels = !slices.ContainsFunc(track.Params, func(p media.Params) bool { return mp4.HasPixelAspect(p.Entry) })
		e.Black = m.black()
		e.Fills = e.SquarePixels && m.allSizes && fills(track, e.Width, e.Height)
	}
	if track := m.timeline.Audio; track != nil {
		e.Sound = true
		for _, params := range track.Params {
			if len(track.Params) > 1 {
				e.SampleRate, e.Channels = max(e.SampleRate, params.SampleRate), max(e.Channels, params.Channels)
			}
		}
	}
	return e
}

// black are the times at which stretches without pictures begin, in seconds.
func (m *maker) black() []float64 {
	var times []float64
	for _, dark := range m.timeline.Dark {
		times = append(times, timeline.Duration(dark.From).Seconds())
	}
	return times
}

// startsLate says that what is encoded begins neither with a picture nor with sound.
func (m *maker) startsLate() bool {
	if len(m.timeline.Undecodable) > 0 {
		return true
	}
	for _, track := range m.timeline.Tracks() {
		looked, window := 0, track.Shown()
		for placed := range m.timeline.Packets(track.Kind) {
			if at, shown := window.Show(placed.PTS); shown && at <= 0 {
				return false
			}
			if looked++; looked > maxReordered {
				break
			}
		}
	}
	return true
}

// maxReordered is how many pictures may be decoded before the one that is shown first.
const maxReordered = 16

// canvas is a size that holds every picture of a track, even in both directions, and at most maxHeight high; 0: any.
func canvas(track *timeline.Track, maxHeight int) (width, height int) {
	for _, params := range track.Params {
		width, height = max(width, params.Width), max(height, params.Height)
	}
	if track.IsQuarterTurn() {
		width, height = height, width
	}
	if maxHeight > 0 && height > maxHeight {
		width, height = width*maxHeight/height, maxHeight/2*2
	}
	return max(2, (width+1)/2*2), max(2, (height+1)/2*2)
}

// fills says that every picture of a track is as large as the canvas.
func fills(track *timeline.Track, width, height int) bool {
	return track.Matrix == [9]int32{} && !slices.ContainsFunc(track.Params, func(p media.Params) bool {
		return p.Width != width || p.Height != height
	})
}

// reencode makes one MP4 of a recording that changes. Preset Remux copies the track that does not change.
func (m *maker) reencode(ctx context.Context, changes []timeline.Change) (result, error) {
	var inputs []remux.Input
	var copied, encoded []media.Kind
	copies := func(track *timeline.Track) bool {
		changed := slices.ContainsFunc(changes, func(c timeline.Change) bool { return c.Kind == track.Kind })
		return !changed && m.spec.Preset == v1alpha1.PresetRemux
	}
	m.expect(len(slices.DeleteFunc(m.timeline.Tracks(), copies)))
	for _, track := range m.timeline.Tracks() {
		if copies(track) {
			inputs, copied = append(inputs, m.input(track.Kind)), append(copied, track.Kind)
			continue
		}
		joined, err := m.stretches(ctx, track.Kind)
		if err != nil {
			return result{}, err
		}
		inputs, encoded = append(inputs, joined), append(encoded, track.Kind)
	}
	path := m.path("joined.mp4")
	if err := step.Remux(ctx, path, inputs...); err != nil {
		return result{}, err
	}
	if _, err := m.compareCopied(path, copied...); err != nil {
		return result{}, err
	}
	lost, err := m.lost(ctx, "")
	if err != nil {
		return result{}, err
	}
	return m.compareEncoded(path, lost, encoded...)
}

// stretches encodes each stretch of a track between its changes alone, all onto the same canvas and with the same sound,
// and gives the results at their times.
func (m *maker) stretches(ctx context.Context, kind media.Kind) (remux.Input, error) {
	whole := m.encoding()
	if kind == media.Audio {
		whole.Width, whole.Height = 0, 0
	}
	whole.Sound = kind == media.Audio
	recording := timeline.Recording{}
	var paths []string
	for i, stretch := range m.timeline.SplitTrack(kind) {
		part := *m
		part.timeline = stretch
		copied, encoded := m.path(fmt.Sprintf("%s-%d.mp4", kind, i)), m.path(fmt.Sprintf("%s-%d-encoded.mp4", kind, i))
		if err := step.Remux(ctx, copied, part.forEncoder(kind)); err != nil {
			return remux.Input{}, err
		}
		encoding := whole
		encoding.Black, encoding.KeepsStart = part.black(), part.startsLate()
		if err := part.encode(ctx, copied, encoded, encoding); err != nil {
			m.undecoded = part.undecoded
			return remux.Input{}, err
		}
		m.complaints, m.pictures = part.complaints, part.pictures
		lost, err := part.lost(ctx, copied)
		if err != nil {
			return remux.Input{}, err
		}
		if _, err := part.compareEncoded(encoded, lost, kind); err != nil {
			return remux.Input{}, err
		}
		m.spots = append(m.spots, shifted(part.spots, stretch.Start)...)
		paths = append(paths, encoded)
		recording.Starts = append(recording.Starts, stretch.Start)
	}
	joined, err := reread(recording, paths...)
	joined.Kinds = []media.Kind{kind}
	return joined, err
}

// reread indexes MP4s that ffmpeg made, as the segments of a recording.
func reread(recording timeline.Recording, paths ...string) (remux.Input, error) {
	input := remux.Input{}
	for _, path := range paths {
		_, done, err := step.OpenMP4(path)
		if err != nil {
			return remux.Input{}, err
		}
		done()
		source := index.Source{Path: path}
		file, err := index.Read(source)
		if err != nil {
			return remux.Input{}, fmt.Errorf("read what was encoded: %w", err)
		}
		input.Sources = append(input.Sources, source)
		recording.Segments = append(recording.Segments, timeline.Segment{File: file})
	}
	input.Timeline = timeline.Build(recording)
	return input, nil
}

// split makes one MP4 of each stretch without a change.
func (m *maker) split(ctx context.Context) ([]result, error) {
	var results []result
	m.expect(1)
	for i, stretch := range m.timeline.Split() {
		part := *m
		part.timeline = stretch
		path := m.path(fmt.Sprintf("part-%d.mp4", i))
		if err := step.Remux(ctx, path, part.copied(bothKinds...)); err != nil {
			return nil, err
		}
		made, err := part.compareCopied(path, bothKinds...)
		if err != nil {
			return nil, err
		}
		results = append(results, made)
	}
	return results, nil
}
