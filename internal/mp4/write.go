// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"sparkrtc.dev/recording-operator/internal/media"
)

// OutTrack is a track that Write writes.
type OutTrack struct {
	// Kind of the track.
	Kind media.Kind
	// Timescale is the number of units in a second of the times in Samples.
	Timescale uint32
	// Language is an ISO 639-2 code; empty: not said ("und").
	Language string
	// Entries are the sample entries, whole boxes, as in media.Params.Entry.
	Entries [][]byte
	// Matrix is the transformation of the picture; zero: none.
	Matrix [9]int32
	// Disabled tracks are not played by default.
	Disabled bool
	// Edits are the edit list in ticks of media.Clock, with media times on the time line of Samples. An edit of
	// Duration 0 lasts to the end of the track. Empty: each sample is shown at its PTS, also when the first one is late;
	// what is before 0 is not shown.
	Edits []media.Edit
	// Samples are the samples in the order of decoding, without their bytes. The sequence is used several times and
	// must be the same each time. DTS must not decrease, and does not have to begin at 0. A sample lasts to the DTS of
	// the next one; Duration counts for the last one, and for where the track ends.
	Samples iter.Seq[OutSample]
}

// OutSample is a sample that Write writes.
type OutSample struct {
	// DTS, PTS and Duration are in units of OutTrack.Timescale.
	DTS, PTS, Duration int64
	// Size in bytes.
	Size int
	// Key says that decoding can begin here.
	Key bool
	// Entry is the index in OutTrack.Entries.
	Entry int
}

// ErrPlan says that the samples that were written are not those that OutTrack.Samples has, or that those cannot be
// written.
var ErrPlan = errors.New("the samples are not as planned")

// Write writes a whole file from its beginning to w and gives its size: ftyp, moov, mdat ("faststart"). data is called
// once and calls emit for each sample, in the order of its track; the order between tracks is free, but samples of one
// time should come close together. emit does not keep the bytes. A size that differs from the plan is an error
// (ErrPlan).
//
// The header is sized before the samples are written, so that nothing is moved, and the tables are made from
// OutTrack.Samples piece by piece: memory is one chunk for each track, at most about a MiB or one sample, whatever the
// length of the recording. The same tracks and samples give the same bytes.
func Write(w io.WriterAt, tracks []OutTrack, data func(emit func(track int, sample []byte) error) error) (int64, error) {
	plans := make([]*plan, len(tracks))
	for i := range tracks {
		p, err := newPlan(&tracks[i])
		if err != nil {
			return 0, fmt.Errorf("track %d: %w", i, err)
		}
		plans[i] = p
	}
	l, err := newLayout(plans)
	if err != nil {
		return 0, err
	}
	header := &headerWriter{w: w}
	l.write(header)
	if err := header.flush(); err != nil {
		return 0, fmt.Errorf("writing the header: %w", err)
	}
	if err := l.writeSamples(w, data); err != nil {
		return 0, err
	}
	return l.first + l.payload, nil
}

// layout is where the parts of the file go.
type layout struct {
	plans   []*plan
	wide    bool  // chunk offsets have 64 bits
	first   int64 // offset of the first sample
	payload int64 // bytes of all samples
}

func newLayout(plans []*plan) (*layout, error) {
	l := &layout{plans: plans}
	for _, p := range plans {
		l.payload += p.bytes
	}
	l.first = l.headerSize()
	if l.first+l.payload > math.MaxUint32 {
		l.wide = true
		l.first = l.headerSize()
	}
	if l.first > math.MaxUint32 {
		return nil, fmt.Errorf("a header of %d bytes: %w", l.first, ErrLimit)
	}
	return l, nil
}

func (l *layout) headerSize() int64 {
	w := &headerWriter{}
	return w.measure(func() { l.write(w) })
}

// write writes everything in front of the samples. The offsets of the chunks are left out.
func (l *layout) write(w *headerWriter) {
	l.fileType(w)
	l.movie(w)
	if l.payload+8 > math.MaxUint32 {
		w.uint32(1)
		w.string("mdat")
		w.uint64(uint64(l.payload + 16)) //nolint:gosec // a size
		return
	}
	w.uint32(uint32(l.payload + 8)) //nolint:gosec // bounded above
	w.string("mdat")
}
