// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package transcode makes MP4s of a recording.
package transcode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/compare"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// New reads the settings: a v1alpha1.Transcode.
func New(settings json.RawMessage) (step.Kind, error) {
	kind := &transcode{}
	return kind, step.Decode(settings, &kind.spec)
}

// transcode makes MP4s by one step's settings.
type transcode struct {
	spec v1alpha1.Transcode
}

// KeepsOriginals is false: an MP4 is made of what can be read.
func (k *transcode) KeepsOriginals() bool { return false }

// Run makes an MP4 and compares it with the recording before it gets its final name.
func (k *transcode) Run(ctx context.Context, run *step.Run) (step.Product, error) {
	t := run.Timeline()
	product := step.Product{Integrity: step.NewIntegrity()}
	product.Integrity.Add(t)
	if len(t.Tracks()) == 0 {
		return product, damaged(t, failure.Permanent(workerapi.ReasonNotMedia, "the recording holds neither picture nor sound that can be read"))
	}
	if err := step.CheckLength(t); err != nil {
		return product, err
	}
	if err := k.mayPublish(t); err != nil {
		return product, err
	}
	m := &maker{run: run, timeline: t, sources: run.Recording.Sources(0, run.SourceDir), spec: &k.spec, allSizes: step.KnowsSizes(run.Files)}
	results, err := m.make(ctx)
	if err != nil {
		m.sayUndecoded(product.Integrity)
		return product, err
	}
	m.sayDark(product.Integrity)
	m.sayUnfilled(product.Integrity)
	if err := m.evaluateDecoding(ctx, results, product.Integrity); err != nil {
		return product, err
	}
	for i, result := range results {
		name := run.Stem() + ".mp4"
		if len(results) > 1 {
			name = fmt.Sprintf("%s-%d.mp4", run.Stem(), i+1)
		}
		if err := os.Rename(result.path, run.OutputPath(name)); err != nil {
			return product, fmt.Errorf("name the MP4: %w", err)
		}
		product.Add(name, result.media)
	}
	return product, nil
}

// sayDark notes what the result shows where the recording has no pictures.
func (m *maker) sayDark(integrity *step.Integrity) {
	for _, dark := range m.timeline.Dark {
		text := "a black picture is inserted: nothing was recorded to be shown for %s"
		if !m.encodes(media.Video) {
			text = "the last picture stays for %s although none was recorded: a black one cannot be made without encoding"
		}
		length := dark.To - dark.From
		integrity.Find(m.timeline.Finding(timeline.LayoutChange, dark.From, length,
			fmt.Sprintf(text, recording.Round(timeline.Duration(length)))))
	}
}

// sayUnfilled notes where a browser plays sound too early.
func (m *maker) sayUnfilled(integrity *step.Integrity) {
	if m.encodes(media.Audio) {
		return
	}
	for _, hole := range remux.Unfilled(m.timeline) {
		integrity.Find(m.timeline.Finding(timeline.Mute, hole.From, hole.To-hole.From, fmt.Sprintf(
			"no silence can be written into %s sound without encoding: players that know no holes, as browsers do, play what follows %s early",
			m.timeline.Audio.Params[0].Codec, recording.Round(timeline.Duration(hole.To-hole.From)))))
	}
}

// encodes says that a track of the result is encoded.
func (m *maker) encodes(kind media.Kind) bool {
	return m.spec.Preset == v1alpha1.PresetH264 || m.spec.OnChange == v1alpha1.ChangeReencode &&
		slices.ContainsFunc(m.timeline.Changes(), func(c timeline.Change) bool { return c.Kind == kind })
}

// mayPublish says whether the step's policy lets what the timeline found be published.
func (k *transcode) mayPublish(t *timeline.Timeline) error {
	if k.spec.OnDamage == v1alpha1.DamagePublish {
		return nil
	}
	switch t.State() {
	case timeline.Damaged:
		return damaged(t, nil)
	case timeline.Unknown:
		if !k.spec.Strict {
			return nil
		}
		if found := step.First(t, timeline.SeverityUnknown); found != nil {
			return notVerified(found)
		}
	case timeline.Intact:
	}
	return nil
}

// notVerified is the failure of a strict step over what cannot be decided.
func notVerified(found *timeline.Finding) error {
	reason := workerapi.ReasonNotVerified
	if found.Type == timeline.DurationMismatch {
		reason = workerapi.ReasonDurationMismatch
	}
	return failure.Permanent(reason, "%s: %s; the step is strict", found.Type, found.Message)
}

// damaged is the failure over the first damage; without any, it is the other one.
func damaged(t *timeline.Timeline, other error) error {
	found := step.First(t, timeline.SeverityDamage)
	if found == nil {
		return other
	}
	if found.Type == timeline.SegmentMissing {
		return failure.Permanent(workerapi.ReasonSegmentMissing, "%s", found.Message)
	}
	return failure.Permanent(workerapi.ReasonFramesMissing, "%s: %s", found.Type, found.Message)
}

// maker makes MP4s of one timeline.
type maker struct {
	run      *step.Run
	timeline *timeline.Timeline
	sources  []index.Source
	spec     *v1alpha1.Transcode
	// allSizes says that the sizes of all pictures are known.
	allSizes bool
	// complaints counts what decoders complained about, and spots are where.
	complaints int
	spots      []compare.Range
	// pictures counts those that were decoded.
	pictures int
	// undecoded is the finding when nothing can be decoded of the recording, or of one of the results; nil: something can.
	undecoded *timeline.Finding
}

// result is an MP4 that was compared with the recording.
type result struct {
	path  string
	media *v1alpha1.Media
	// start and length are of its part of the timeline, in ticks.
	start, length int64
}

// make makes one MP4, or several when the recording is split where it changes.
func (m *maker) make(ctx context.Context) ([]result, error) {
	changes := m.timeline.Changes()
	if len(changes) == 0 {
		made, err := m.whole(ctx)
		return []result{made}, err
	}
	policy := m.spec.OnChange
	if m.spec.Preset == v1alpha1.PresetH264 {
		policy = v1alpha1.ChangeReencode
	}
	change := changes[0]
	switch policy {
	case v1alpha1.ChangeSplit:
		return m.split(ctx)
	case v1alpha1.ChangeReencode:
		made, err := m.reencode(ctx, changes)
		return []result{made}, err
	case v1alpha1.ChangeFail:
	}
	return nil, failure.Permanent(workerapi.ReasonRecordingChanged,
		"%s changes from %s to %s at %s, which one MP4 track cannot hold; set onChange to Reencode or Split, or use preset H264",
		change.Kind, change.From, change.To, recording.Round(timeline.Duration(change.At)))
}

// whole makes the one MP4 of a recording that does not change.
func (m *maker) whole(ctx context.Context) (result, error) {
	remuxed := m.path("remuxed.mp4")
	m.expect(1)
	if m.spec.Preset != v1alpha1.PresetH264 {
		if err := step.Remux(ctx, remuxed, m.copied(bothKinds...)); err != nil {
			return result{}, err
		}
		return m.compareCopied(remuxed, bothKinds...)
	}
	if err := step.Remux(ctx, remuxed, m.forEncoder(bothKinds...)); err != nil {
		return result{}, err
	}
	encoded := m.path("encoded.mp4")
	if err := m.encode(ctx, remuxed, encoded, m.encoding()); err != nil {
		return result{}, err
	}
	lost, err := m.lost(ctx, remuxed)
	if err != nil {
		return result{}, err
	}
	return m.compareEncoded(encoded, lost, bothKinds...)
}

var bothKinds = []media.Kind{media.Video, media.Audio}

func (m *maker) path(name string) string { return m.run.RenderPath(name) }

func (m *maker) input(kinds ...media.Kind) remux.Input {
	return remux.Input{Timeline: m.timeline, Sources: m.sources, Kinds: kinds}
}

// expect says that the recording is gone through so many times, as far as that takes long.
func (m *maker) expect(times int) {
	m.run.Meter.Expect(progress.Milliseconds, timeline.Duration(m.timeline.Length).Milliseconds()*int64(times))
}

// copied is what is written as it is, which is counted.
func (m *maker) copied(kinds ...media.Kind) remux.Input {
	input := m.input(kinds...)
	input.Meter = m.run.Meter
	return input
}

// forEncoder is what is encoded: the beginning of each stretch without pictures is marked, and becomes black.
func (m *maker) forEncoder(kinds ...media.Kind) remux.Input {
	input := m.input(kinds...)
	input.ForEncoder = true
	return input
}

// encode runs ffmpeg, and counts what its decoders complain about.
func (m *maker) encode(ctx context.Context, from, to string, encoding ffmpeg.Encoding) error {
	length := timeline.Duration(m.timeline.Length)
	said, err := m.run.FFmpeg.Encode(ctx, from, to, encoding, m.run.Progress(length))
	m.complaints += said.Decoder
	m.pictures += said.Pictures
	switch {
	case err == nil && encoding.Width > 0 && said.Pictures == 0 && said.Decoder == 0:
		m.noPicture(0, m.timeline.Length)
		return m.nothingDecoded()
	case err == nil:
		return nil
	}
	err = step.ToolFailure(ctx, "the recording cannot be encoded", said, err)
	if !isToolsOwn(err) {
		return err
	}
	if unknown := undecodable(m.timeline); unknown != "" {
		return failure.Permanent(workerapi.ReasonUnsupported, "the recording's %s cannot be decoded; preset Remux keeps it as it is",
			strings.TrimSpace(string(unknown)))
	}
	if said.Decoder > 0 {
		found := m.timeline.Finding(timeline.DecodeErrors, 0, m.timeline.Length, fmt.Sprintf(
			"decoders report %d error(s), and nothing can be encoded: bytes of the recording are wrong", said.Decoder))
		m.undecoded = &found
		return m.nothingDecoded()
	}
	return err
}

// isToolsOwn says that ffmpeg failed over what it was given, and over nothing around it.
func isToolsOwn(err error) bool {
	failed := failure.Of(err)
	return failed.Permanent && failed.Reason == workerapi.ReasonTranscodeFailed
}

// undecodable is the first encoding of a timeline that is none that the worker's ffmpeg is known to decode; empty: there is
// none.
func undecodable(t *timeline.Timeline) media.Codec {
	for _, track := range t.Tracks() {
		for _, params := range track.Params {
			if !ffmpeg.Decodes(params.Codec) {
				return params.Codec
			}
		}
	}
	return ""
}

// compareCopied opens a result and compares the streams that were copied with the timeline.
func (m *maker) compareCopied(path string, kinds ...media.Kind) (result, error) {
	return m.compare(path, func(movie *mp4.Movie) error { return compare.Copied(m.timeline, movie, kinds...) })
}

// compareEncoded opens a result and compares the streams that were encoded. What decoders could not decode is excused.
func (m *maker) compareEncoded(path string, lost []compare.Range, kinds ...media.Kind) (result, error) {
	return m.compare(path, func(movie *mp4.Movie) error { return compare.Encoded(m.timeline, movie, lost, kinds...) })
}

func (m *maker) compare(path string, compare func(*mp4.Movie) error) (result, error) {
	movie, done, err := step.OpenMP4(path)
	if err != nil {
		return result{}, err
	}
	defer done()
	if err := compare(movie); err != nil {
		return result{}, resultFailure(err)
	}
	return result{path: path, media: m.describe(movie), start: m.timeline.Start, length: m.timeline.Length}, nil
}

// resultFailure says that a result is not what it must be.
func resultFailure(err error) error {
	if _, ok := errors.AsType[*compare.Difference](err); ok {
		return failure.Permanent(workerapi.ReasonResultDiffers, "%w", err)
	}
	return fmt.Errorf("compare the MP4 with the recording: %w", err)
}

// describe is the result for the status.
func (m *maker) describe(movie *mp4.Movie) *v1alpha1.Media {
	found := step.Describe(m.timeline, "mp4", timeline.Duration(m.timeline.Length))
	for _, track := range movie.Tracks() {
		if len(track.Params) == 0 {
			continue
		}
		params := track.Params[0]
		switch track.Kind {
		case media.Video:
			found.VideoCodec, found.Width, found.Height = string(params.Codec), int32(params.Width), int32(params.Height) //nolint:gosec // pixels
		case media.Audio:
			found.AudioCodec = string(params.Codec)
		case media.Data:
		}
	}
	return found
}
