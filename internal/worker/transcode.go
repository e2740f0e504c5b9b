// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/compare"
	"sparkrtc.dev/recording-operator/internal/worker/exec"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/ffmpeg"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/sandbox"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// transcode makes an MP4 and compares it with the recording before it gets its final name.
func (w *Worker) transcode(ctx context.Context, recording *Recording, files []*media.File) (Product, error) {
	t := recording.timeline(0, files, w.reported())
	product := Product{Integrity: newIntegrity()}
	product.Integrity.add(t)
	if len(t.Tracks()) == 0 {
		return product, w.damaged(t, failure.Permanent(workerapi.ReasonNotMedia, "the recording holds neither picture nor sound that can be read"))
	}
	if t.Length > timeline.MaxLength {
		return product, failure.Permanent(workerapi.ReasonTooLarge, "the recording's clock goes on for %s, which is longer than the %s that are allowed",
			round(timeline.Duration(t.Length)), round(timeline.Duration(timeline.MaxLength)))
	}
	if err := w.mayPublish(t); err != nil {
		return product, err
	}
	m := &maker{
		worker: w, timeline: t, sources: recording.sources(0, w.sourceDir()), spec: w.Task.Transcode, allSizes: knowsSizes(files),
		tool: ffmpeg.Tool{Program: w.FFmpeg, Worker: w.Self, Read: []string{w.sourceDir()}, Write: []string{w.renderDir()},
			RequireLandlock: w.Task.RequireLandlock, Log: w.Log},
	}
	results, err := m.make(ctx)
	if err != nil {
		return product, err
	}
	if err := m.judgeDecoding(ctx, results, product.Integrity); err != nil {
		return product, err
	}
	for i, result := range results {
		name := mediaName(w.rootRef())
		if len(results) > 1 {
			name = fmt.Sprintf("%s-%d.mp4", mediaStem(w.rootRef()), i+1)
		}
		if err := os.Rename(result.path, filepath.Join(w.outputDir(), name)); err != nil {
			return product, fmt.Errorf("name the MP4: %w", err)
		}
		product.Files = append(product.Files, ProductFile{Name: name})
		product.Outputs = append(product.Outputs, ProductOutput{Files: 1, Media: result.media})
	}
	return product, nil
}

// mayPublish says whether the step's policy lets what the timeline found be published.
func (w *Worker) mayPublish(t *timeline.Timeline) error {
	spec := w.Task.Transcode
	if spec.OnDamage == v1alpha1.DamagePublish {
		return nil
	}
	switch t.State() {
	case timeline.Damaged:
		return w.damaged(t, nil)
	case timeline.Unknown:
		if !spec.Strict {
			return nil
		}
		found := first(t, timeline.SeverityUnknown)
		reason := workerapi.ReasonNotVerified
		if found.Type == timeline.DurationMismatch {
			reason = workerapi.ReasonDurationMismatch
		}
		return failure.Permanent(reason, "%s: %s; the step is strict", found.Type, found.Message)
	case timeline.Intact:
	}
	return nil
}

// damaged is the failure over the first damage; without any, it is the other one.
func (w *Worker) damaged(t *timeline.Timeline, other error) error {
	found := first(t, timeline.SeverityDamage)
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
	worker   *Worker
	timeline *timeline.Timeline
	sources  []index.Source
	spec     *v1alpha1.Transcode
	tool     ffmpeg.Tool
	// allSizes says that the sizes of all pictures are known.
	allSizes bool
	// complaints counts what decoders complained about, and spots are where.
	complaints int
	spots      []compare.Range
}

// result is an MP4 that was compared with the recording.
type result struct {
	path  string
	media *v1alpha1.Media
}

// knowsSizes says that the indexes have every picture's size: that of a transport stream has all parameter sets. An MP4 may
// hold other ones than its header says.
func knowsSizes(files []*media.File) bool {
	return !slices.ContainsFunc(files, func(f *media.File) bool { return f != nil && f.Container != media.MPEGTS })
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
		change.Kind, change.From, change.To, round(timeline.Duration(change.At)))
}

// whole makes the one MP4 of a recording that does not change.
func (m *maker) whole(ctx context.Context) (result, error) {
	remuxed := m.path("remuxed.mp4")
	if err := m.remux(ctx, remuxed, m.input(bothKinds...)); err != nil {
		return result{}, err
	}
	if m.spec.Preset != v1alpha1.PresetH264 {
		return m.compareCopied(remuxed, bothKinds...)
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

func (m *maker) path(name string) string { return filepath.Join(m.worker.renderDir(), name) }

func (m *maker) input(kinds ...media.Kind) remux.Input {
	return remux.Input{Timeline: m.timeline, Sources: m.sources, Kinds: kinds}
}

// remux writes an MP4 of the inputs.
func (m *maker) remux(ctx context.Context, path string, inputs ...remux.Input) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return fmt.Errorf("make the MP4: %w", err)
	}
	_, err = remux.Write(ctx, file, inputs...)
	if err = errors.Join(err, file.Close()); errors.Is(err, remux.ErrUnsupported) {
		return failure.Permanent(workerapi.ReasonUnsupported, "the recording's %w", err)
	}
	if err != nil {
		return fmt.Errorf("make the MP4: %w", err)
	}
	return nil
}

// encode runs ffmpeg, and counts what its decoders complain about.
func (m *maker) encode(ctx context.Context, from, to string, encoding ffmpeg.Encoding) error {
	length := timeline.Duration(m.timeline.Length)
	complaints, err := m.tool.Encode(ctx, from, to, encoding, m.worker.progress(length))
	m.complaints += complaints.Decoder
	if err != nil {
		return toolFailure(ctx, "the recording cannot be encoded", complaints, err)
	}
	return nil
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
	movie, done, err := openResult(path)
	if err != nil {
		return result{}, err
	}
	defer done()
	if err := compare(movie); err != nil {
		return result{}, resultFailure(err)
	}
	return result{path: path, media: m.describe(movie)}, nil
}

// openResult opens an MP4 that was made here. ffmpeg may have been taken over by a hostile recording: what stands under
// the name must be a regular file.
func openResult(path string) (*mp4.Movie, func(), error) {
	file, err := storage.OpenRegular(filepath.Dir(path), filepath.Base(path))
	if err != nil {
		return nil, nil, fmt.Errorf("read the MP4 back: %w", err)
	}
	info, err := file.Stat()
	var movie *mp4.Movie
	if err == nil {
		movie, err = mp4.Open(file, info.Size())
	}
	if err != nil {
		return nil, nil, errors.Join(failure.Permanent(workerapi.ReasonResultDiffers, "the MP4 that was made cannot be read back: %w", err), file.Close())
	}
	return movie, func() { _ = file.Close() }, nil
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
	found := describe(m.timeline, "mp4", timeline.Duration(m.timeline.Length))
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

// progressInterval is how often progress is logged at most.
const progressInterval = 10 * time.Second

// progress logs ffmpeg's progress, sparingly.
func (w *Worker) progress(total time.Duration) func(line []byte) {
	progress := &ffmpeg.Progress{Total: total.Seconds()}
	var logged time.Time
	return func(line []byte) {
		if !progress.Line(line) {
			return
		}
		if now := w.Now(); progress.Percent() == 100 || now.Sub(logged) >= progressInterval {
			logged = now
			w.Log.Info("Encoding", "percent", progress.Percent())
		}
	}
}

// toolFailure says what an error of ffmpeg means: what it cannot do is permanent, since the input is the same next time;
// a full disk, a missing sandbox or a kill is not the recording's fault.
func toolFailure(ctx context.Context, what string, complaints ffmpeg.Complaints, err error) error {
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case stopped(ctx, err):
		return err
	case errors.Is(err, sandbox.ErrSetup), !failed:
		return fmt.Errorf("%s: %w", what, err)
	case complaints.FullDisk:
		return failure.Transient(workerapi.ReasonInternal, "%s: the work volume is full", what)
	case exit.OutOfMemory():
		return failure.Transient(workerapi.ReasonOutOfMemory, "%s: %w", what, exit)
	case complaints.OutOfMemory:
		return failure.Transient(workerapi.ReasonOutOfMemory, "%s: ffmpeg ran out of memory: raise the step's resources.limits.memory", what)
	case exit.Signal != 0:
		return failure.Transient(workerapi.ReasonTranscodeFailed, "%s: %w; the step's log has its last lines", what, exit)
	}
	return failure.Permanent(workerapi.ReasonTranscodeFailed, "%s: %w; the step's log has its last lines", what, exit)
}
