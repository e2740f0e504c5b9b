// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package thumbnails makes still pictures of a recording.
package thumbnails

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// New reads the settings: a v1alpha1.Thumbnails.
func New(settings json.RawMessage) (step.Kind, error) {
	kind := &thumbnails{}
	if err := step.Decode(settings, &kind.spec); err != nil {
		return nil, err
	}
	for _, text := range kind.spec.Times {
		at, err := time.ParseDuration(string(text))
		if err != nil || at < 0 {
			return nil, failure.Permanent(workerapi.ReasonInvalidStep, "settings: times: %.40q is not a time from the beginning", text)
		}
		kind.times = append(kind.times, at)
	}
	return kind, nil
}

// thumbnails makes pictures by one step's settings.
type thumbnails struct {
	spec  v1alpha1.Thumbnails
	times []time.Duration
}

// KeepsOriginals is false: pictures are made of what can be read.
func (k *thumbnails) KeepsOriginals() bool { return false }

// Run makes the pictures of an MP4 of our own, since ffmpeg reads nothing else, and verifies each before it gets its final
// name.
func (k *thumbnails) Run(ctx context.Context, run *step.Run) (step.Product, error) {
	t := run.Timeline()
	product := step.Product{Integrity: step.NewIntegrity()}
	product.Integrity.Add(t)
	if err := step.CheckLength(t); err != nil {
		return product, err
	}
	if t.Video == nil {
		return product, failure.Skip(workerapi.ReasonNoVideo, "the recording has no picture that can be read")
	}
	taker, err := k.taker(ctx, run, t)
	if err != nil {
		return product, err
	}
	moments, pictures := k.moments(t.Length), 0
	if k.spec.Poster {
		pictures = posterCandidates
	}
	run.Meter.Expect(progress.Items, int64(pictures+len(moments)))
	if k.spec.Poster {
		if err := taker.poster(ctx, &product); err != nil {
			return product, err
		}
	}
	for _, each := range moments {
		made, err := taker.take(ctx, each.at)
		if err != nil {
			return product, err
		}
		if err := taker.keep(made, each.name, &product); err != nil {
			return product, err
		}
	}
	return product, nil
}

// taker takes pictures of one recording.
type taker struct {
	run  *step.Run
	spec *v1alpha1.Thumbnails
	// stretches are the parts of the recording that an MP4 track can hold, each as an MP4.
	stretches []stretch
	// sizesKnown says that the index has the size of every picture.
	sizesKnown bool
	// taken counts the pictures that were taken.
	taken int
}

// stretch is a part of the recording's picture.
type stretch struct {
	*timeline.Timeline
	path string
	// first is the time of its first picture.
	first int64
}

func (k *thumbnails) taker(ctx context.Context, run *step.Run, t *timeline.Timeline) (*taker, error) {
	made := &taker{run: run, spec: &k.spec, sizesKnown: step.KnowsSizes(run.Files)}
	for i, part := range t.SplitTrack(media.Video) {
		each := stretch{Timeline: part, path: run.RenderPath(fmt.Sprintf("stretch-%d.mp4", i)), first: firstPicture(part)}
		input := remux.Input{Timeline: part, Sources: run.Recording.Sources(0, run.SourceDir), Kinds: []media.Kind{media.Video}}
		if err := step.Remux(ctx, each.path, input); err != nil {
			return nil, err
		}
		made.stretches = append(made.stretches, each)
	}
	return made, nil
}

// made is a picture that was taken and verified.
type made struct {
	path          string
	bytes         int64
	width, height int
}

// posterCandidates is how many pictures a poster is chosen from.
const posterCandidates = 10

// poster keeps the picture with the most detail: the one that takes the most bytes at the same quality.
func (t *taker) poster(ctx context.Context, product *step.Product) error {
	last := &t.stretches[len(t.stretches)-1]
	length := last.Start + last.Length
	var best made
	for i := range int64(posterCandidates) {
		candidate, err := t.take(ctx, length*(2*i+1)/(2*posterCandidates))
		if err != nil {
			return err
		}
		if candidate.bytes > best.bytes {
			best = candidate
		}
	}
	return t.keep(best, "poster", product)
}

// take takes the picture that is shown at a time. Where it cannot be decoded, because the recording is damaged, the key
// frames around it stand in.
func (t *taker) take(ctx context.Context, at int64) (made, error) {
	defer t.run.Meter.Add(1)
	part, found := t.find(at)
	for _, each := range found {
		picture, err := t.picture(ctx, part, each)
		if err == nil || !isUndecodable(err) {
			return picture, err
		}
	}
	return made{}, failure.Permanent(workerapi.ReasonFramesMissing, "no picture around %s can be decoded", recording.Round(timeline.Duration(at)))
}

// isUndecodable says that ffmpeg found no picture, or failed at what is there.
func isUndecodable(err error) bool {
	failed := failure.Of(err)
	return errors.Is(err, fs.ErrNotExist) || failed.Permanent && failed.Reason == workerapi.ReasonTranscodeFailed
}

// picture takes one picture and verifies it; fs.ErrNotExist: ffmpeg found none.
func (t *taker) picture(ctx context.Context, part *stretch, shown shot) (made, error) {
	t.taken++
	name := fmt.Sprintf("picture-%d", t.taken)
	asked := t.size(part, shown)
	asked.At, asked.WebP = timeline.Duration(shown.at-part.first), t.spec.Format == v1alpha1.PictureWebP
	path := t.run.RenderPath(name)
	if complaints, err := t.run.FFmpeg.Picture(ctx, part.path, path, asked); err != nil {
		return made{}, step.ToolFailure(ctx, "the picture at "+recording.Round(timeline.Duration(part.Start+shown.at))+" cannot be made", complaints, err)
	}
	return verify(t.run.RenderDir, name, asked)
}

// keep gives a picture its final name.
func (t *taker) keep(picture made, name string, product *step.Product) error {
	found := &v1alpha1.Media{Container: "jpeg", Width: int32(picture.width), Height: int32(picture.height)} //nolint:gosec // verified
	final := name + ".jpg"
	if t.spec.Format == v1alpha1.PictureWebP {
		found.Container, final = "webp", name+".webp"
	}
	if err := os.Rename(picture.path, t.run.OutputPath(final)); err != nil {
		return fmt.Errorf("name the picture: %w", err)
	}
	product.Add(final, found)
	return nil
}
