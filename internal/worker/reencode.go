// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"fmt"
	"os"
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/compare"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// Defaults of encoding; the API server sets them too, when the settings are there at all.
const (
	defaultCRF       = 23
	defaultAudioKbps = 128
)

// encoding is how the timeline is encoded: the canvas is as large as the largest picture.
func (m *maker) encoding() ffmpeg.Encoding {
	e := ffmpeg.Encoding{CRF: defaultCRF, AudioKbps: defaultAudioKbps}
	maxHeight := 0
	if video := m.spec.Video; video != nil {
		if video.CRF != nil {
			e.CRF = int(*video.CRF)
		}
		if video.MaxHeight != nil {
			maxHeight = int(*video.MaxHeight)
		}
	}
	if audio := m.spec.Audio; audio != nil && audio.BitrateKbps != nil {
		e.AudioKbps = int(*audio.BitrateKbps)
	}
	if track := m.timeline.Video; track != nil {
		e.Width, e.Height = canvas(track, maxHeight)
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

// canvas is a size that holds every picture of a track, even in both directions, and at most maxHeight high; 0: any.
func canvas(track *timeline.Track, maxHeight int) (width, height int) {
	for _, params := range track.Params {
		width, height = max(width, params.Width), max(height, params.Height)
	}
	if track.Matrix[0] == 0 && track.Matrix[4] == 0 && track.Matrix[1] != 0 {
		width, height = height, width // turned by a quarter
	}
	if maxHeight > 0 && height > maxHeight {
		width, height = width*maxHeight/height, maxHeight
	}
	return max(2, (width+1)/2*2), max(2, (height+1)/2*2)
}

// reencode makes one MP4 of a recording that changes. Preset Remux copies the track that does not change.
func (m *maker) reencode(ctx context.Context, changes []timeline.Change) (result, error) {
	var inputs []remux.Input
	var copied, encoded []media.Kind
	for _, track := range m.timeline.Tracks() {
		changed := slices.ContainsFunc(changes, func(c timeline.Change) bool { return c.Kind == track.Kind })
		if !changed && m.spec.Preset == v1alpha1.PresetRemux {
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
	if err := m.remux(ctx, path, inputs...); err != nil {
		return result{}, err
	}
	if _, err := m.compare(ctx, path, compare.Copied, copied); err != nil {
		return result{}, err
	}
	return m.compare(ctx, path, compare.Encoded, encoded)
}

// stretches encodes each stretch of a track between its changes alone, all onto the same canvas and with the same sound,
// and gives the results at their times.
func (m *maker) stretches(ctx context.Context, kind media.Kind) (remux.Input, error) {
	encoding := m.encoding()
	if kind == media.Audio {
		encoding.Width, encoding.Height = 0, 0
	}
	encoding.Sound = kind == media.Audio
	recording := timeline.Recording{}
	var paths []string
	for i, stretch := range m.timeline.SplitTrack(kind) {
		part := *m
		part.timeline = stretch
		copied, encoded := m.path(fmt.Sprintf("%s-%d.mp4", kind, i)), m.path(fmt.Sprintf("%s-%d-encoded.mp4", kind, i))
		if err := part.remux(ctx, copied, part.input(kind)); err != nil {
			return remux.Input{}, err
		}
		if err := part.encode(ctx, copied, encoded, encoding); err != nil {
			return remux.Input{}, err
		}
		m.complaints = part.complaints
		if _, err := part.compare(ctx, encoded, compare.Encoded, []media.Kind{kind}); err != nil {
			return remux.Input{}, err
		}
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
		_, done, err := openResult(path)
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
	for i, stretch := range m.timeline.Split() {
		part := *m
		part.timeline = stretch
		path := m.path(fmt.Sprintf("part-%d.mp4", i))
		if err := part.remux(ctx, path, part.input(bothKinds...)); err != nil {
			return nil, err
		}
		made, err := part.compare(ctx, path, compare.Copied, bothKinds)
		if err != nil {
			return nil, err
		}
		results = append(results, made)
	}
	return results, nil
}

// judgeDecoding decodes results where there is reason to, and judges what decoders complained about.
func (m *maker) judgeDecoding(ctx context.Context, results []result, integrity *Integrity) error {
	encoded := m.spec.Preset == v1alpha1.PresetH264
	if !encoded && !m.spec.Strict && m.timeline.State() == timeline.Intact {
		return nil
	}
	// Encoding has decoded the recording already.
	for _, each := range results {
		if encoded && !m.spec.Strict {
			break
		}
		complaints, err := m.tool.Decode(ctx, each.path)
		if err != nil {
			return toolFailure(ctx, "the result cannot be decoded", complaints, err)
		}
		m.complaints += complaints.Decoder
	}
	integrity.Checked = v1alpha1.CheckedDecoded
	if m.complaints == 0 {
		return nil
	}
	findings, err := m.locate(ctx, results)
	if err != nil {
		return err
	}
	for _, finding := range findings {
		integrity.find(finding)
	}
	integrity.State = v1alpha1.IntegrityDamaged
	if m.spec.OnDamage != v1alpha1.DamagePublish {
		return failure.Permanent(task.ReasonFramesMissing, "%s: %s", timeline.DecodeErrors, findings[0].Message)
	}
	return nil
}

// locate finds where decoders complain, in what they decoded.
func (m *maker) locate(ctx context.Context, results []result) ([]timeline.Finding, error) {
	path := m.path("remuxed.mp4")
	if _, err := os.Stat(path); err != nil {
		path = results[0].path
	}
	spots, err := m.tool.Locate(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("find what cannot be decoded: %w", err)
	}
	var findings []timeline.Finding
	for _, spot := range spots {
		at := ticks(spot.From)
		findings = append(findings, m.timeline.Finding(timeline.DecodeErrors, at, ticks(spot.To)-at,
			fmt.Sprintf("decoders report %d error(s): bytes of the recording are wrong", spot.Errors)))
	}
	if len(findings) == 0 {
		findings = append(findings, timeline.Finding{
			Type: timeline.DecodeErrors, Segment: -1, Message: fmt.Sprintf("decoders report %d error(s): bytes of the recording are wrong", m.complaints),
		})
	}
	return findings, nil
}
