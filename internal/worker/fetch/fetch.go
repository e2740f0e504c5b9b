// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fetch reads a recording into a folder, and indexes each file as soon as it is there.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Options say what to fetch, and how.
type Options struct {
	// Input is the recording: one object with its files, bounded by MaxBytes.
	Input *workerapi.Input
	// DeniedNetworks are those of the step.
	DeniedNetworks []string
	// HLS says that the object is a playlist, and not one file.
	HLS bool
	// Source is where the container's mounts are.
	Source storage.Paths
	// Dir is an empty folder, which takes the files under names of our own.
	Dir string
	// KeepOriginals says that everything that playlists name is needed, under its own name, also what is not media.
	KeepOriginals bool
	// Patience is how long to wait for what may be uploaded late: a playlist's end, or a segment. 0: not at all.
	Patience time.Duration
	// Wait waits for a while, or until ctx ends, whose cause it then returns.
	Wait func(ctx context.Context, pause time.Duration) error
	// Log gets what happens.
	Log *slog.Logger
}

// Recording fetches a recording. The indexes are those of its files, as recording.Segment refers to them. Errors are of
// package failure.
func Recording(ctx context.Context, options Options) (recording.Recording, []*media.File, error) {
	f, err := newFetcher(options)
	if err != nil {
		return recording.Recording{}, nil, err
	}
	f.log.Info("Fetching recording", "source", f.reader.Describe(f.root), "format", options.Input.Format)
	var fetched recording.Recording
	if options.HLS {
		fetched, err = f.hls(ctx)
	} else {
		fetched, err = f.single(ctx)
	}
	if err != nil {
		return recording.Recording{}, nil, err
	}
	f.log.Info("Fetched recording", "files", f.fetched, "bytes", options.Input.MaxBytes-f.left)
	return fetched, f.indexes, nil
}

// File fetches one object, whatever is in it, into a file of a name of its own.
func File(ctx context.Context, options Options, name string) error {
	f, err := newFetcher(options)
	if err != nil {
		return err
	}
	f.log.Info("Fetching file", "source", f.reader.Describe(f.root))
	return f.copy(ctx, []storage.Object{{Ref: f.root, File: name}}, f.left, nil)
}

// fetcher fetches one input.
type fetcher struct {
	reader storage.Reader
	log    *slog.Logger
	// dir is where files are stored.
	dir string
	// root is the object that the step names.
	root string
	// most is how many bytes may be fetched, and left how many still.
	most, left int64
	// fetched is how many files were.
	fetched int
	// reported is how long the recording is, as the callback says; 0: unknown.
	reported time.Duration
	// archive says that the original names are needed, and download that the recording comes from a URL.
	archive, download bool
	// patience is for what may appear late.
	patience *patience

	// parts are the distinct files that playlists name, and byRef finds them.
	parts []*part
	byRef map[string]*part
	// indexes are those of the distinct segments. lock guards what is set while files arrive.
	lock    sync.Mutex
	indexes []*media.File
}

func newFetcher(options Options) (*fetcher, error) {
	input := options.Input
	reader, err := storage.NewReader(*input, options.DeniedNetworks, options.Source, options.Log)
	return &fetcher{
		reader: reader, dir: options.Dir, root: input.Ref(), most: input.MaxBytes, left: input.MaxBytes, log: options.Log,
		reported: time.Duration(input.DurationSeconds) * time.Second,
		archive:  options.KeepOriginals, download: input.Storage == nil,
		patience: &patience{left: options.Patience, wait: options.Wait},
		byRef:    map[string]*part{},
	}, err
}

// patience is how long fetch waits for what is not there, or not whole: a last upload may come after the callback.
type patience struct {
	left time.Duration
	next time.Duration
	wait func(ctx context.Context, pause time.Duration) error
}

// firstPause is the first pause; each following one is twice as long.
const firstPause = 2 * time.Second

// again waits for the next try; false: there is none.
func (p *patience) again(ctx context.Context) (bool, error) {
	if p.left <= 0 || p.wait == nil {
		return false, nil
	}
	p.next = max(firstPause, 2*p.next)
	pause := min(p.next, p.left)
	p.left -= pause
	return true, p.wait(ctx, pause)
}

// copy fetches objects and counts their bytes.
func (f *fetcher) copy(ctx context.Context, objects []storage.Object, limit int64, stored func(int) error) error {
	done := make([]bool, len(objects))
	err := f.reader.Copy(ctx, objects, f.dir, min(limit, f.left), func(i int) error {
		f.lock.Lock()
		done[i] = true
		f.lock.Unlock()
		if stored != nil {
			return stored(i)
		}
		return nil
	})
	for i, object := range objects {
		if !done[i] {
			continue
		}
		info, err := os.Stat(filepath.Join(f.dir, object.File))
		if err != nil {
			return fmt.Errorf("measure what was fetched: %w", err)
		}
		f.left -= info.Size()
		f.fetched++
	}
	if err == nil && f.left < 0 {
		err = failure.Permanent(workerapi.ReasonTooLarge, "the recording is larger")
	}
	if failure.Of(err).Reason == workerapi.ReasonTooLarge {
		return f.tooLarge(err)
	}
	return err
}

// tooLarge says what the bound is that something exceeds.
func (f *fetcher) tooLarge(cause error) error {
	return failure.Permanent(workerapi.ReasonTooLarge,
		"%w: at most %d bytes are fetched, twice the reported size and 1 GiB (108 GiB when no size was reported)", cause, f.most).
		About(failure.Of(cause).Object)
}

// single fetches a recording that is one file.
func (f *fetcher) single(ctx context.Context) (recording.Recording, error) {
	const file = "recording"
	segment := recording.Segment{Name: withoutQuery(recording.BaseName(f.root)), Source: index.Source{Path: file}}
	for {
		err := f.copy(ctx, []storage.Object{{Ref: f.root, File: file}}, f.left, nil)
		if err == nil {
			break
		}
		if failure.Of(err).Reason != workerapi.ReasonNotFound {
			return recording.Recording{}, err
		}
		if again, waitErr := f.patience.again(ctx); waitErr != nil || !again {
			return recording.Recording{}, errors.Join(waitErr, err)
		}
	}
	found, err := index.Read(recording.Within(f.dir, segment.Source))
	switch {
	case errors.Is(err, index.ErrPlaylist):
		return recording.Recording{}, failure.Permanent(workerapi.ReasonNotMedia, "%s is an HLS playlist and not a media file; is spec.format right?", f.reader.Describe(f.root))
	case errors.Is(err, index.ErrNotMedia) && f.emptyFile(file):
		return recording.Recording{}, failure.Permanent(workerapi.ReasonNotMedia, "%s is empty", f.reader.Describe(f.root))
	case errors.Is(err, index.ErrNotMedia) && f.archive && !f.download:
		// An archive keeps what there is. Its integrity says that it cannot be read.
		found = unreadable()
	case errors.Is(err, mp4.ErrNoMovie):
		return recording.Recording{}, failure.Permanent(workerapi.ReasonNotMedia, "%s is an MP4 without a header (moov), so it is not complete", f.reader.Describe(f.root))
	case errors.Is(err, index.ErrNotMedia):
		return recording.Recording{}, failure.Permanent(workerapi.ReasonNotMedia, "%s is not media of a kind that is known", f.reader.Describe(f.root))
	case err != nil:
		return recording.Recording{}, fmt.Errorf("index %s: %w", f.reader.Describe(f.root), err)
	}
	f.indexes = append(f.indexes, found)
	return recording.Recording{
		Lists:     [][]recording.Segment{{segment}},
		Originals: []recording.Original{{Name: recording.Stem(f.root) + ".mp4", File: file}},
	}, nil
}

// unreadable is the index of a file that is no media: all of it is damage.
func unreadable() *media.File {
	return &media.File{Damage: []media.Damage{{Kind: media.SyncLost, Stream: -1, Count: 1}}}
}

func (f *fetcher) emptyFile(file string) bool {
	info, err := os.Stat(filepath.Join(f.dir, file))
	return err == nil && info.Size() == 0
}

// withoutQuery drops what may hold a signature.
func withoutQuery(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return uri
}
