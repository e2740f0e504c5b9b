// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	counted "sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// How many transfers run side by side: to or from a server, from a volume, which has its own delays until a file's bytes
// come, and to a volume.
const (
	serverTransfers = 4
	volumeReads     = 4
	volumeWrites    = 2
)

// errTooLarge says that a transfer has used up its budget.
var errTooLarge = errors.New("larger than allowed")

// sideBySide transfers count objects, at most limit at a time. The first error ends all.
func sideBySide(ctx context.Context, limit, count int, transfer func(ctx context.Context, index int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for index := range count {
		group.Go(func() error {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return transfer(ctx, index)
		})
	}
	return group.Wait()
}

// storeSideBySide does what Reader.Copy says of what is stored and what is not there, with transfer for each object.
func storeSideBySide(ctx context.Context, limit, count int, stored func(index int) error, transfer func(ctx context.Context, index int) error) error {
	var lock sync.Mutex
	var missing error
	first := count
	err := sideBySide(ctx, limit, count, func(ctx context.Context, index int) error {
		err := transfer(ctx, index)
		if err != nil && failure.Of(err).Reason == workerapi.ReasonNotFound {
			lock.Lock()
			defer lock.Unlock()
			if index < first {
				missing, first = err, index
			}
			return nil
		}
		if err != nil || stored == nil {
			return err
		}
		return stored(index)
	})
	if err != nil {
		return err
	}
	return missing
}

// budget is how many bytes may still be stored. Transfers side by side share one.
type budget struct{ left atomic.Int64 }

func newBudget(bytes int64) *budget {
	b := &budget{}
	b.left.Store(bytes)
	return b
}

// unbounded is the budget of what is not stored.
func unbounded() *budget { return newBudget(math.MaxInt64) }

// take takes bytes before they are stored. Bytes that do not fit are not taken.
func (b *budget) take(bytes int64) error {
	if b.left.Add(-bytes) < 0 {
		b.left.Add(bytes)
		return errTooLarge
	}
	return nil
}

// give gives bytes back that a failed transfer took.
func (b *budget) give(bytes int64) { b.left.Add(bytes) }

// copyChunk is how much of a file is copied between two looks at the context.
const copyChunk = 8 << 20

// copyFile copies the rest of source. The size that source has is taken from room before the first byte, and what it
// grows by meanwhile before the copy ends. Both are files, so that the kernel copies without passing bytes through this
// process where it can (copy_file_range). progress, unless it is nil, is told how much each chunk was.
func copyFile(ctx context.Context, target, source *os.File, room *budget, progress func(bytes int64)) error {
	info, err := source.Stat()
	if err != nil {
		return err
	}
	meter, taken, copied := counted.From(ctx), info.Size(), int64(0)
	if err := room.take(taken); err != nil {
		return err
	}
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		chunk, err := io.CopyN(target, source, copyChunk)
		copied += chunk
		meter.Add(chunk)
		if copied > taken {
			if err := room.take(copied - taken); err != nil {
				return err
			}
			taken = copied
		}
		if progress != nil {
			progress(chunk)
		}
		if errors.Is(err, io.EOF) {
			room.give(taken - copied)
			return nil
		}
		if err != nil {
			return err
		}
	}
}
