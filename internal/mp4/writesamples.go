// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"fmt"
	"io"
	"iter"
)

// trackWriter writes the chunks of a track.
type trackWriter struct {
	plan    *plan
	planned func() (OutSample, bool) // the next sample of the plan
	chunker chunker
	chunk   []byte
	open    bool // the chunk has samples
	offsets []byte
	written int64 // chunks whose offset was written
}

// sampleWriter writes mdat.
type sampleWriter struct {
	w      io.WriterAt
	at     int64
	wide   bool
	tracks []trackWriter
}

// writeSamples writes the samples that data emits, and the offsets of their chunks.
func (l *layout) writeSamples(w io.WriterAt, data func(emit func(track int, sample []byte) error) error) error {
	out := sampleWriter{w: w, at: l.first, wide: l.wide, tracks: make([]trackWriter, len(l.plans))}
	for i, p := range l.plans {
		next, stop := iter.Pull(p.Samples)
		defer stop()
		out.tracks[i] = trackWriter{plan: p, planned: next, chunker: chunker{timescale: p.Timescale}}
	}
	if err := data(out.emit); err != nil {
		return err
	}
	for i := range out.tracks {
		t := &out.tracks[i]
		if _, more := t.planned(); more {
			return fmt.Errorf("track %d has fewer samples: %w", i, ErrPlan)
		}
		if err := out.flush(t); err != nil {
			return err
		}
		if err := out.flushOffsets(t); err != nil {
			return err
		}
		if t.written != t.plan.chunkCount {
			return fmt.Errorf("track %d has %d chunks for %d: %w", i, t.written, t.plan.chunkCount, ErrPlan)
		}
	}
	return nil
}

// emit takes the next sample of a track.
func (w *sampleWriter) emit(track int, sample []byte) error {
	if track < 0 || track >= len(w.tracks) {
		return fmt.Errorf("no track %d: %w", track, ErrPlan)
	}
	t := &w.tracks[track]
	planned, ok := t.planned()
	if !ok || planned.Size != len(sample) {
		return fmt.Errorf("track %d: a sample of %d bytes for %d: %w", track, len(sample), planned.Size, ErrPlan)
	}
	if t.chunker.begins(planned) {
		if err := w.flush(t); err != nil {
			return err
		}
	}
	t.chunk, t.open = append(t.chunk, sample...), true
	return nil
}

// flush writes the chunk of a track.
func (w *sampleWriter) flush(t *trackWriter) error {
	if !t.open {
		return nil
	}
	if w.wide {
		t.offsets = binary.BigEndian.AppendUint64(t.offsets, uint64(w.at)) //nolint:gosec // an offset
	} else {
		t.offsets = binary.BigEndian.AppendUint32(t.offsets, uint32(w.at)) //nolint:gosec // by its width
	}
	if _, err := w.w.WriteAt(t.chunk, w.at); err != nil {
		return fmt.Errorf("writing samples: %w", err)
	}
	w.at += int64(len(t.chunk))
	t.chunk, t.open = t.chunk[:0], false
	if len(t.offsets) >= 4096 {
		return w.flushOffsets(t)
	}
	return nil
}

// flushOffsets writes the offsets of chunks to their place in the header.
func (w *sampleWriter) flushOffsets(t *trackWriter) error {
	size := 4
	if w.wide {
		size = 8
	}
	if _, err := w.w.WriteAt(t.offsets, t.plan.offsetsAt+int64(size)*t.written); err != nil {
		return fmt.Errorf("writing the places of chunks: %w", err)
	}
	t.written += int64(len(t.offsets) / size)
	t.offsets = t.offsets[:0]
	return nil
}
