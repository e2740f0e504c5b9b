// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"hash"
	"io"
	"log/slog"
	"os"
	"time"

	"sparkrtc.dev/recording-operator/internal/worker/entrypoint"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	counted "sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// receiveTries is how often one object is tried when its server fails; the step's own retries come on top.
const receiveTries = 3

// server is where objects are received from.
type server interface {
	// open asks for an object from an offset on, if it is still the version that was begun; it may give the whole
	// object instead. Its errors are explained.
	open(ctx context.Context, ref string, offset int64, version string) (opened, error)
	// explain says what an error of a body means.
	explain(err error, ref string) error
	// Describe is ref for a person.
	Describe(ref string) string
}

// opened is an object, or the rest of it, on its way.
type opened struct {
	body io.ReadCloser
	// offset is where the body begins.
	offset int64
	// size is that of the body; -1: unknown.
	size int64
	// version tells this object from one that is stored later under its name; empty: unknown.
	version string
}

// sink takes an object's bytes. It can be emptied, for an object that must be received from its beginning again.
type sink interface {
	io.Writer
	Reset() error
}

// receiver receives objects, again where that may help.
type receiver struct {
	server server
	pause  time.Duration
	log    *slog.Logger
}

// receive writes an object to a sink. What cannot be received gives its bytes back to room.
func (r receiver) receive(ctx context.Context, ref string, to sink, room *budget) error {
	progress := &progress{sink: to, room: room, meter: counted.From(ctx)}
	for try := 1; ; try++ {
		err := r.once(ctx, ref, progress)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			// Another transfer has failed, or the container is told to stop: this one says nothing of its own.
			return context.Cause(ctx)
		}
		found := failure.Of(err)
		if found.Permanent || try == receiveTries {
			room.give(progress.written)
			return found.About(ref)
		}
		r.log.Info("Retrying download", "object", r.server.Describe(ref), "try", try, "reason", found.Reason, "bytes", progress.written)
		if err := entrypoint.Pause(ctx, r.pause*time.Duration(try)); err != nil {
			return err
		}
	}
}

// once goes on where the try before ended, or begins again.
func (r receiver) once(ctx context.Context, ref string, to *progress) error {
	offset := to.written
	if to.version == "" {
		offset = 0
	}
	from, err := r.server.open(ctx, ref, offset, to.version)
	if err != nil {
		return err
	}
	defer func() { _ = from.body.Close() }()
	if from.offset != to.written {
		if err := to.restart(); err != nil {
			return workVolumeError(err)
		}
	}
	to.version, to.failed = from.version, nil
	if from.size > to.room.left.Load() {
		return tooLarge(r.server.Describe(ref))
	}
	received, err := io.Copy(to, from.body)
	if err == nil && from.size >= 0 && received != from.size {
		err = io.ErrUnexpectedEOF
	}
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge(r.server.Describe(ref))
	case to.failed != nil:
		return workVolumeError(to.failed)
	case err != nil:
		return r.server.explain(err, ref)
	}
	return nil
}

func tooLarge(where string) *failure.Error {
	return failure.Permanent(workerapi.ReasonTooLarge, "%s does not fit into what may be fetched", where)
}

// progress is how far one object has come, over several tries.
type progress struct {
	sink    sink
	room    *budget
	written int64
	version string
	// failed is the sink's own error, which is not the server's fault.
	failed error
	// meter counts what is written.
	meter *counted.Meter
}

// Write takes bytes from the budget before they are stored.
func (p *progress) Write(data []byte) (int, error) {
	if err := p.room.take(int64(len(data))); err != nil {
		return 0, err
	}
	n, err := p.sink.Write(data)
	p.written += int64(n)
	p.meter.Add(int64(n))
	if err != nil {
		p.room.give(int64(len(data) - n))
		p.failed = err
	}
	return n, err
}

func (p *progress) restart() error {
	p.room.give(p.written)
	p.meter.Add(-p.written)
	p.written = 0
	return p.sink.Reset()
}

// fileSink is a local file.
type fileSink struct{ *os.File }

// Reset empties the file.
func (f fileSink) Reset() error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// hashSink keeps nothing but the sum.
type hashSink struct{ hash.Hash }

// Reset begins again.
func (h hashSink) Reset() error {
	h.Hash.Reset()
	return nil
}

// memorySink keeps a small object.
type memorySink struct{ data []byte }

// Write appends.
func (m *memorySink) Write(data []byte) (int, error) {
	m.data = append(m.data, data...)
	return len(data), nil
}

// Reset forgets.
func (m *memorySink) Reset() error {
	m.data = nil
	return nil
}

// receiveFile receives an object into a new local file.
func (r receiver) receiveFile(ctx context.Context, ref, path string, room *budget) error {
	file, err := os.Create(path) //nolint:gosec // a name of our own
	if err != nil {
		return workVolumeError(err)
	}
	err = r.receive(ctx, ref, fileSink{file}, room)
	closeErr := file.Close()
	if err == nil && closeErr != nil {
		return workVolumeError(closeErr)
	}
	return err
}
