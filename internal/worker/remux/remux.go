// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package remux writes the packets of timelines into an MP4 without encoding anything. All runs share one clock. A track
// has one sample entry for each set of parameters that the recording uses.
package remux

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// ErrUnsupported says that packets of an encoding cannot be put into an MP4.
var ErrUnsupported = errors.New("cannot be put into an MP4")

// ErrDiffers says that a file does not hold what its index says.
var ErrDiffers = errors.New("the file is not as it was when it was indexed")

// Input is a timeline whose tracks are written.
type Input struct {
	Timeline *timeline.Timeline
	// Sources are the files of the timeline's segments, in the order of the recording.
	Sources []index.Source
	// Kinds of the tracks to be written.
	Kinds []media.Kind
	// ForEncoder puts a picture where each stretch without pictures begins, for an encoder that makes it black. It is the
	// recording's first one, since only that is known to be decoded without any other. And it leaves out pictures that
	// cannot be decoded: decoders would show something else in their place.
	ForEncoder bool
	// Meter counts the milliseconds of the timeline that are written; nil: nobody wants to know.
	Meter *progress.Meter
}

// Write writes an MP4 of the inputs' tracks and gives its size. It returns ErrUnsupported, ErrDiffers, ctx's error, or
// an error of reading or writing.
func Write(ctx context.Context, w io.WriterAt, inputs ...Input) (int64, error) {
	var outs []mp4.OutTrack
	var muxers []*muxer
	for _, input := range inputs {
		m := &muxer{ctx: ctx, Input: input, first: len(outs)}
		defer m.stop()
		for _, from := range input.Timeline.Tracks() {
			if !slices.Contains(input.Kinds, from.Kind) {
				continue
			}
			for _, params := range from.Params {
				switch {
				case params.Codec == media.Encrypted:
					return 0, fmt.Errorf("%s is encrypted and %w", from.Kind, ErrUnsupported)
				case len(params.Entry) == 0 && (params.Codec == media.H264 || params.Codec == media.HEVC):
					return 0, fmt.Errorf("%s has no parameter sets, with which decoders begin, and %w: its beginning may be lost", params.Codec, ErrUnsupported)
				case len(params.Entry) == 0:
					return 0, fmt.Errorf("%s %w", strings.TrimSpace(string(params.Codec)), ErrUnsupported)
				}
			}
			outs = append(outs, m.addTrack(from))
		}
		muxers = append(muxers, m)
	}
	return mp4.Write(w, outs, func(emit func(track int, sample []byte) error) error { return merge(muxers, emit) })
}

// written is a sample that is to be written.
type written struct {
	track int
	// at is its time in ticks, for the order between tracks.
	at   int64
	data []byte
}

// merge emits the samples of all muxers in the order of their times.
func merge(muxers []*muxer, emit func(track int, sample []byte) error) error {
	if len(muxers) == 1 {
		for sample, err := range muxers[0].samples() {
			if err == nil {
				err = emit(sample.track, sample.data)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	nexts := make([]func() (written, error, bool), len(muxers))
	heads := make([]*written, len(muxers))
	for i, m := range muxers {
		next, stop := iter.Pull2(m.samples())
		defer stop()
		nexts[i] = next
		if err := advance(next, &heads[i]); err != nil {
			return err
		}
	}
	for {
		first := -1
		for i, head := range heads {
			if head != nil && (first < 0 || head.at < heads[first].at) {
				first = i
			}
		}
		if first < 0 {
			return nil
		}
		if err := emit(heads[first].track, heads[first].data); err != nil {
			return err
		}
		if err := advance(nexts[first], &heads[first]); err != nil {
			return err
		}
	}
}

// advance pulls the next sample; head is nil when there is none.
func advance(next func() (written, error, bool), head **written) error {
	sample, err, more := next()
	*head = nil
	if more && err == nil {
		*head = &sample
	}
	return err
}
