// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transcode

import (
	"context"
	"fmt"
	"slices"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/compare"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// evaluateDecoding decodes results where there is reason to, and evaluates what decoders complained about. Encoding has decoded
// the recording already.
func (m *maker) evaluateDecoding(ctx context.Context, results []result, integrity *step.Integrity) error {
	encoded := m.spec.Preset == v1alpha1.PresetH264
	if !encoded && !m.spec.Strict && m.timeline.State() == timeline.Intact {
		return nil
	}
	if unknown := undecodable(m.timeline); !encoded && unknown != "" {
		if m.spec.Strict {
			return failure.Permanent(workerapi.ReasonUnsupported, "the recording's %s cannot be decoded; the step is strict", unknown)
		}
		return nil
	}
	from := m.doubtsFrom(len(results))
	if !encoded || m.spec.Strict {
		if err := m.decode(ctx, results, from); err != nil {
			return err
		}
	}
	if encoded || from == 0 {
		integrity.Checked = v1alpha1.CheckedDecoded
	}
	return m.evaluateDecoded(integrity)
}

// evaluateDecoded evaluates what decoders said.
func (m *maker) evaluateDecoded(integrity *step.Integrity) error {
	m.sayUndecoded(integrity)
	switch {
	case m.undecoded != nil && m.spec.OnDamage != v1alpha1.DamagePublish:
		return m.nothingDecoded()
	case m.complaints == 0:
		return m.decide(integrity)
	case m.isExplained():
		return nil
	}
	return m.sayComplaints(integrity)
}

// sayComplaints notes where decoders complain: bytes of the recording are wrong. Nobody knows where when they do not complain again while
// that is looked for.
func (m *maker) sayComplaints(integrity *step.Integrity) error {
	first := timeline.Finding{Type: timeline.DecodeErrors, Segment: -1, Message: fmt.Sprintf("decoders report %d error(s): bytes of the recording are wrong", m.complaints)}
	if len(m.spots) == 0 {
		integrity.Find(first)
	} else {
		first = m.timeline.Finding(timeline.DecodeErrors, m.spots[0].From, 0, first.Message)
	}
	for _, spot := range m.spots {
		integrity.Find(m.timeline.Finding(timeline.DecodeErrors, spot.From, spot.To-spot.From,
			"decoders report errors: bytes of the recording are wrong"))
	}
	integrity.State = v1alpha1.IntegrityDamaged
	if m.spec.OnDamage == v1alpha1.DamagePublish {
		return nil
	}
	return failure.Permanent(workerapi.ReasonFramesMissing, "%s: %s", timeline.DecodeErrors, first.Message)
}

// sayUndecoded notes what nothing can be decoded of.
func (m *maker) sayUndecoded(integrity *step.Integrity) {
	if m.undecoded != nil {
		integrity.Find(*m.undecoded)
		integrity.State, integrity.Checked = v1alpha1.IntegrityDamaged, v1alpha1.CheckedDecoded
	}
}

// nothingDecoded is the failure over what nothing can be decoded of.
func (m *maker) nothingDecoded() error {
	return failure.Permanent(workerapi.ReasonFramesMissing, "%s: %s", m.undecoded.Type, m.undecoded.Message)
}

// noPicture notes that no picture of a stretch can be decoded.
func (m *maker) noPicture(at, length int64) {
	if m.undecoded != nil {
		return
	}
	found := m.timeline.Finding(timeline.DecodeErrors, at, length,
		"no picture can be decoded: the key frame that they need is lost, or bytes of the recording are wrong")
	m.undecoded = &found
}

// doubtsFrom is where the result has to be decoded from, in ticks: just the pictures that may not be whole are, when nothing else
// is in doubt.
func (m *maker) doubtsFrom(results int) int64 {
	if m.spec.Strict || results > 1 {
		return 0
	}
	from := m.timeline.Length
	for _, found := range m.timeline.Findings {
		switch {
		case timeline.SeverityOf(found.Type) == timeline.SeverityNote:
		case found.Decoding == "", found.Keyless:
			return 0
		default:
			from = min(from, found.At)
		}
	}
	return max(0, from-media.Clock)
}

// decide drops the findings that decoding has decided: every picture was decoded.
func (m *maker) decide(integrity *step.Integrity) error {
	for _, found := range m.timeline.Findings {
		switch {
		case found.Decoding == "":
		case found.Keyless && m.pictures >= m.countPictures(), !found.Keyless && ffmpeg.ShowsCuts(found.Decoding):
			integrity.Drop(found)
		case m.spec.Strict:
			return notVerified(&found)
		}
	}
	return nil
}

// countPictures is how many pictures a decoder shows when it can decode all of them.
func (m *maker) countPictures() int {
	count, window := 0, m.timeline.Video.Shown()
	for placed := range m.timeline.Packets(media.Video) {
		if _, shown := window.Show(placed.PTS); shown && m.timeline.CanDecode(placed.PTS) {
			count++
		}
	}
	return count
}

// decode decodes the results from a time on, in ticks, and notes what decoders complain about.
func (m *maker) decode(ctx context.Context, results []result, from int64) error {
	m.pictures = 0
	for _, each := range results {
		said, err := m.run.FFmpeg.Decode(ctx, each.path, timeline.Duration(from))
		m.pictures += said.Pictures
		unshown := from == 0 && each.media.VideoCodec != "" && said.Pictures == 0
		if err != nil {
			if err = step.ToolFailure(ctx, "the result cannot be decoded", said, err); !isToolsOwn(err) {
				return err
			}
		}
		switch {
		case unshown:
			m.noPicture(each.start, each.length)
			continue
		case err != nil && said.Decoder == 0:
			return err
		case err != nil:
			m.spots = append(m.spots, compare.Range{From: from, To: m.timeline.Length})
		case said.Decoder > 0:
			if err := m.locate(ctx, each.path); err != nil {
				return err
			}
		}
		m.complaints += said.Decoder
	}
	return nil
}

// isExplained says that decoders complain about nothing but pictures that need others which are not there.
func (m *maker) isExplained() bool {
	const around = media.Clock / 2 // decoders complain about a picture before or after they show it
	known := slices.Clone(m.timeline.Undecodable)
	for i := range known {
		known[i].From = m.pictureBefore(known[i].From)
	}
	return len(m.spots) > 0 && !slices.ContainsFunc(m.spots, func(spot compare.Range) bool {
		return !slices.ContainsFunc(known, func(known timeline.Stretch) bool {
			return spot.From >= known.From-around && spot.To <= known.To+around
		})
	})
}

// pictureBefore is the time of the last picture that is shown before a time: it is what a decoder has shown last when it
// complains. It is the time itself when there is none.
func (m *maker) pictureBefore(at int64) int64 {
	before := int64(-1)
	for placed := range m.timeline.Packets(media.Video) {
		if placed.PTS < at {
			before = max(before, placed.PTS)
		}
	}
	if before < 0 {
		return at
	}
	return before
}

// locate finds where decoders complain about a file.
func (m *maker) locate(ctx context.Context, path string) error {
	var kinds []media.Kind
	for _, track := range m.timeline.Tracks() {
		kinds = append(kinds, track.Kind)
	}
	spots, err := m.run.FFmpeg.Locate(ctx, path, kinds...)
	if err != nil {
		return fmt.Errorf("find what cannot be decoded: %w", err)
	}
	for _, spot := range spots {
		m.spots = append(m.spots, compare.Range{From: recording.Ticks(spot.From), To: recording.Ticks(spot.To)})
	}
	return nil
}

// lost are the stretches that may lack pictures in an encoded result: those of damage, up to the next key frame behind
// it. decoded is the file in which decoders complained; empty: it is known where.
func (m *maker) lost(ctx context.Context, decoded string) ([]compare.Range, error) {
	left := m.leftToDecoder()
	if m.complaints == 0 && m.timeline.State() != timeline.Damaged && len(left) == 0 && len(m.timeline.Undecodable) == 0 {
		return nil, nil
	}
	if m.complaints > 0 && decoded != "" {
		if err := m.locate(ctx, decoded); err != nil {
			return nil, err
		}
	}
	stretches := slices.Concat(left, m.spots)
	for _, finding := range m.timeline.Findings {
		if timeline.SeverityOf(finding.Type) == timeline.SeverityDamage {
			stretches = append(stretches, compare.Range{From: finding.At, To: finding.At + finding.Length})
		}
	}
	// A picture may be shown up to half a second before one that was decoded before it.
	const reordered = media.Clock / 2
	for _, known := range m.timeline.Undecodable {
		// The decoder goes on from the pictures before it, and may show others until the next group.
		stretches = append(stretches, compare.Range{From: m.pictureBefore(known.From), To: known.To})
	}
	for i := range stretches {
		stretches[i].From -= reordered
		stretches[i].To = m.nextKey(stretches[i].To+1) + reordered
	}
	return stretches, nil
}

// leftToDecoder are the stretches of pictures that cannot be decoded and are given to the decoder all the same.
func (m *maker) leftToDecoder() []compare.Range {
	var left []compare.Range
	for _, stretch := range m.timeline.Keyless {
		left = append(left, compare.Range{From: stretch.From, To: stretch.To})
	}
	if m.timeline.Video == nil || len(m.timeline.Video.Edits) == 0 {
		return left
	}
	for _, stretch := range m.timeline.Undecodable {
		left = append(left, compare.Range{From: 0, To: stretch.To})
	}
	return left
}

// nextKey is the time of the first key frame at or behind a time; the end of the timeline when there is none.
func (m *maker) nextKey(at int64) int64 {
	for placed := range m.timeline.Packets(media.Video) {
		if placed.Key && placed.PTS >= at {
			return placed.PTS
		}
	}
	return max(at, m.timeline.Length)
}

// shifted moves stretches by where a part of the timeline begins.
func shifted(stretches []compare.Range, by int64) []compare.Range {
	moved := make([]compare.Range, len(stretches))
	for i, each := range stretches {
		moved[i] = compare.Range{From: each.From + by, To: each.To + by}
	}
	return moved
}
