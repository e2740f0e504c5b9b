// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package remux

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// muxer takes the samples of one input out of its files, in the order of the result.
type muxer struct {
	Input
	ctx context.Context //nolint:containedctx // the context of Write's one call
	// first is the number of the first track in the result.
	first  int
	tracks []*track
	// next and stops pull the planned samples of each track.
	next   []func() (sample, bool)
	stops  []func()
	buffer []byte
	// mark is the picture that marks stretches without pictures.
	mark []byte
}

// addTrack plans a track.
func (m *muxer) addTrack(from *timeline.Track) mp4.OutTrack {
	made := newTrack(m.Timeline, from)
	made.forEncoder = m.ForEncoder
	next, stop := iter.Pull(made.samples())
	m.tracks, m.next, m.stops = append(m.tracks, made), append(m.next, next), append(m.stops, stop)
	return made.out()
}

func (m *muxer) stop() {
	for _, stop := range m.stops {
		stop()
	}
}

// errEnough ends reading when nobody wants more samples.
var errEnough = errors.New("enough")

// samples yields the samples of all pieces with their bytes; an error comes last.
func (m *muxer) samples() iter.Seq2[written, error] {
	return func(yield func(written, error) bool) {
		var reached time.Duration
		take := func(sample written) error {
			if at := timeline.Duration(sample.at); at > reached {
				m.Meter.Add(at.Milliseconds() - reached.Milliseconds())
				reached = at
			}
			if !yield(sample, nil) {
				return errEnough
			}
			return nil
		}
		for number := range m.Timeline.Pieces {
			piece := &m.Timeline.Pieces[number]
			// Streams of one kind that follow one another overlap a little in the file: each is read in a pass of its own.
			for pass := range max(len(piece.Video), len(piece.Audio)) {
				err := m.pass(number, pass, take)
				if errors.Is(err, errEnough) {
					return
				}
				if err != nil {
					yield(written{}, fmt.Errorf("segment %d: %w", piece.Segment, err))
					return
				}
			}
		}
		if err := m.rest(take); err != nil && !errors.Is(err, errEnough) {
			yield(written{}, err)
		}
	}
}

// pass takes the pass-th slice of each kind of a piece.
func (m *muxer) pass(number, pass int, take func(written) error) error {
	piece := &m.Timeline.Pieces[number]
	seen := map[int]int{}
	err := index.Samples(m.Sources[piece.Segment], func(from media.Sample) error {
		at := seen[from.Stream]
		seen[from.Stream]++
		for i, track := range m.tracks {
			if slice := sliceOf(piece, track, pass); slice != nil && slice.Stream == from.Stream && at >= slice.From && at < slice.To {
				return m.take(i, number, at, from.Data, take)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, track := range m.tracks {
		if slice := sliceOf(piece, track, pass); slice != nil && seen[slice.Stream] < slice.To {
			return fmt.Errorf("%w: %s packets are missing", ErrDiffers, track.from.Kind)
		}
	}
	return m.ctx.Err()
}

// sliceOf is the slice that a track takes in a pass; nil: none.
func sliceOf(piece *timeline.Piece, track *track, pass int) *timeline.Slice {
	if all := piece.Slices(track.from.Kind); pass < len(all) {
		return &all[pass]
	}
	return nil
}

// take hands on a sample, and what is inserted before it.
func (m *muxer) take(i, piece, number int, data []byte, take func(written) error) error {
	track := m.tracks[i]
	for {
		next, ok := m.next[i]()
		if ok && next.inserted {
			if err := m.insert(i, &next, take); err != nil {
				return err
			}
			continue
		}
		if !ok || next.Piece != piece || next.Number != number || next.Size != len(data) {
			return ErrDiffers
		}
		if next.left {
			return nil
		}
		if front := track.inBandOf(&next.Placed); len(front) > 0 {
			m.buffer = append(append(m.buffer[:0], front...), data...)
			data = m.buffer
		}
		if track.forEncoder && m.mark == nil && track.from.Kind == media.Video {
			m.mark = bytes.Clone(data)
		}
		return take(written{track: m.first + i, at: next.DTS, data: data})
	}
}

// insert hands on a sample that is none of the recording's.
func (m *muxer) insert(i int, next *sample, take func(written) error) error {
	track, data := m.tracks[i], m.mark
	if track.from.Kind == media.Audio {
		data = track.silence(next.Entry)
	}
	return take(written{track: m.first + i, at: track.ticks(next.dts), data: data})
}

// rest hands on what is inserted behind the last sample of each track.
func (m *muxer) rest(take func(written) error) error {
	for i := range m.tracks {
		for {
			next, ok := m.next[i]()
			if !ok {
				break
			}
			if !next.inserted {
				return ErrDiffers
			}
			if err := m.insert(i, &next, take); err != nil {
				return err
			}
		}
	}
	return nil
}
