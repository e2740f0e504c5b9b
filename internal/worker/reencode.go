// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"fmt"

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
		if len(track.Params) > 1 {
			for _, params := range track.Params {
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

// reencode makes one MP4 of a recording that changes. When only the sound changes, the picture is copied.
func (m *maker) reencode(ctx context.Context, changes []timeline.Change) (result, error) {
	for _, change := range changes {
		if change.Kind == media.Video {
			return result{}, failure.Permanent(task.ReasonUnsupported,
				"video changes from %s to %s at %s; recordings whose video codec changes can be split (preset Remux, onChange: Split), not joined",
				change.From, change.To, round(timeline.Duration(change.At)))
		}
	}
	if m.spec.Preset == v1alpha1.PresetH264 {
		return m.whole(ctx)
	}
	joined, encoded, merged := m.path("sound.mp4"), m.path("sound-encoded.mp4"), m.path("merged.mp4")
	if err := m.remux(ctx, joined, m.input(media.Audio)); err != nil {
		return result{}, err
	}
	encoding := m.encoding()
	encoding.Width, encoding.Height = 0, 0
	if err := m.encode(ctx, joined, encoded, encoding); err != nil {
		return result{}, err
	}
	_, done, err := openResult(encoded)
	if err != nil {
		return result{}, err
	}
	done()
	sound := index.Source{Path: encoded}
	file, err := index.Read(sound)
	if err != nil {
		return result{}, fmt.Errorf("read the encoded sound back: %w", err)
	}
	inputs := []remux.Input{{
		Timeline: timeline.Build(timeline.Recording{Segments: []timeline.Segment{{File: file}}}), Sources: []index.Source{sound},
		Kinds: []media.Kind{media.Audio},
	}}
	if m.timeline.Video != nil {
		inputs = append([]remux.Input{m.input(media.Video)}, inputs...)
	}
	if err := m.remux(ctx, merged, inputs...); err != nil {
		return result{}, err
	}
	if _, err := m.compare(ctx, merged, compare.Copied, []media.Kind{media.Video}); err != nil {
		return result{}, err
	}
	return m.compare(ctx, merged, compare.Encoded, []media.Kind{media.Audio})
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
	for _, each := range results {
		if encoded && !m.spec.Strict {
			break // encoding has decoded all of it
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
	message := fmt.Sprintf("decoders report %d errors", m.complaints)
	integrity.find(timeline.Finding{Type: timeline.DecodeErrors, Segment: -1, Message: message})
	integrity.State = v1alpha1.IntegrityDamaged
	if m.spec.OnDamage != v1alpha1.DamagePublish {
		return failure.Permanent(task.ReasonFramesMissing, "%s: %s", timeline.DecodeErrors, message)
	}
	return nil
}
