// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Fetch reads the recording into the work folder, and indexes each file as soon as it is there.
func (w *Worker) Fetch(ctx context.Context) (workerapi.Result, error) {
	if err := freshDirs(w.sourceDir(), w.renderDir(), w.outputDir(), TempDir(w.WorkDir)); err != nil {
		return workerapi.Result{}, err
	}
	reader, err := storage.NewReader(w.Task.Source, w.Source, w.Log)
	if err != nil {
		return workerapi.Result{}, err
	}
	f := &fetcher{
		reader: reader, dir: w.sourceDir(), root: w.rootRef(), left: w.Task.Source.MaxBytes, log: w.Log,
		reported: time.Duration(w.Task.Source.DurationSeconds) * time.Second,
		archive:  w.Task.Archive != nil, download: w.Task.Source.Storage == nil,
		patience: &patience{left: w.Patience, wait: w.Wait},
		byRef:    map[string]*part{},
	}
	w.Log.Info("Fetching recording", "source", reader.Describe(f.root), "format", w.Task.Source.Format)
	var recording Recording
	if w.Task.Source.Format == formatHLS {
		recording, err = f.hls(ctx)
	} else {
		recording, err = f.single(ctx)
	}
	if err != nil {
		return workerapi.Result{}, err
	}
	w.Log.Info("Fetched recording", "files", f.fetched, "bytes", w.Task.Source.MaxBytes-f.left)
	if err := index.Save(filepath.Join(w.WorkDir, indexFile), f.indexes); err != nil {
		return workerapi.Result{}, err
	}
	return workerapi.Result{}, w.save(recordingFile, recording)
}

// rootRef is the object or URL that the task names.
func (w *Worker) rootRef() string {
	if w.Task.Source.Storage == nil {
		return w.Task.Source.URL
	}
	return w.Task.Source.Object
}

// fetcher fetches one recording.
type fetcher struct {
	reader storage.Reader
	log    *slog.Logger
	// dir is where files are stored.
	dir string
	// root is the object that the task names.
	root string
	// left is how many bytes may still be fetched.
	left int64
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
		return failure.Permanent(workerapi.ReasonTooLarge, "the recording is larger than allowed")
	}
	return err
}

// single fetches a recording that is one file.
func (f *fetcher) single(ctx context.Context) (Recording, error) {
	const file = "recording"
	segment := Segment{Name: withoutQuery(baseName(f.root)), Source: index.Source{Path: file}}
	for {
		err := f.copy(ctx, []storage.Object{{Ref: f.root, File: file}}, f.left, nil)
		if err == nil {
			break
		}
		if failure.Of(err).Reason != workerapi.ReasonNotFound {
			return Recording{}, err
		}
		if again, waitErr := f.patience.again(ctx); waitErr != nil || !again {
			return Recording{}, errors.Join(waitErr, err)
		}
	}
	found, err := index.Read(within(f.dir, segment.Source))
	switch {
	case errors.Is(err, index.ErrPlaylist):
		return Recording{}, failure.Permanent(workerapi.ReasonNotMedia, "%s is an HLS playlist and not a media file; is spec.format right?", f.reader.Describe(f.root))
	case errors.Is(err, index.ErrNotMedia) && f.emptyFile(file):
		return Recording{}, failure.Permanent(workerapi.ReasonNotMedia, "%s is empty", f.reader.Describe(f.root))
	case errors.Is(err, index.ErrNotMedia) && f.archive && !f.download:
		// An archive keeps what there is. Its integrity says that it cannot be read.
		found = unreadable()
	case errors.Is(err, mp4.ErrNoMovie):
		return Recording{}, failure.Permanent(workerapi.ReasonNotMedia, "%s is an MP4 without a header (moov), so it is not complete", f.reader.Describe(f.root))
	case errors.Is(err, index.ErrNotMedia):
		return Recording{}, failure.Permanent(workerapi.ReasonNotMedia, "%s is not media of a kind that is known", f.reader.Describe(f.root))
	case err != nil:
		return Recording{}, fmt.Errorf("index %s: %w", f.reader.Describe(f.root), err)
	}
	f.indexes = append(f.indexes, found)
	return Recording{
		Lists:     [][]Segment{{segment}},
		Originals: []Original{{Name: mediaName(f.root), File: file}},
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

// baseName is the last part of a key or of a URL's path.
func baseName(ref string) string {
	if parsed, err := url.Parse(ref); err == nil && parsed.Host != "" {
		ref = parsed.Path
	}
	return path.Base(ref)
}

// withoutQuery drops what may hold a signature.
func withoutQuery(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return uri
}

// mediaName is the final name of a recording's MP4: the source's name with its extension replaced.
func mediaName(ref string) string { return mediaStem(ref) + ".mp4" }

func mediaStem(ref string) string {
	base := baseName(ref)
	return sanitize(strings.TrimSuffix(base, path.Ext(base)))
}

// maxStem bounds a final name, so that it fits into every file system with an extension.
const maxStem = 200

// sanitize replaces what some store or shell would not take.
func sanitize(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0xfffd || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	clean = strings.Trim(clean, " .")
	if len(clean) > maxStem {
		clean = strings.ToValidUTF8(clean[:maxStem], "")
	}
	if clean == "" {
		return "recording"
	}
	return clean
}
