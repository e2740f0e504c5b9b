/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/media"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
)

// Fetch reads the recording into the work folder.
func (w *Worker) Fetch(ctx context.Context) (task.Result, error) {
	if err := freshDirs(w.sourceDir(), w.renderDir(), w.outputDir(), TempDir(w.WorkDir)); err != nil {
		return task.Result{}, err
	}
	reader, err := storage.NewReader(w.Task.Source, w.Source, w.Rclone, w.Log)
	if err != nil {
		return task.Result{}, err
	}
	fetcher := &fetcher{
		reader: reader, dir: w.sourceDir(), root: w.rootRef(), left: w.Task.Source.MaxBytes,
		reported: time.Duration(w.Task.Source.DurationSeconds) * time.Second, archive: w.Task.Archive != nil,
	}
	w.Log.Info("Fetching", "source", reader.Describe(fetcher.root), "format", w.Task.Source.Format)
	var recording Recording
	if w.Task.Source.Format == formatHLS {
		recording, err = fetcher.hls(ctx)
	} else {
		recording, err = fetcher.single(ctx)
	}
	if err != nil {
		return task.Result{}, err
	}
	w.Log.Info("Fetched", "files", fetcher.fetched, "bytes", w.Task.Source.MaxBytes-fetcher.left)
	return task.Result{}, w.save(recordingFile, recording)
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
	// archive says that the original names are needed.
	archive bool
}

// copy fetches objects and counts their bytes.
func (f *fetcher) copy(ctx context.Context, objects []storage.Object, limit int64) error {
	if err := f.reader.Copy(ctx, objects, f.dir, min(limit, f.left), nil); err != nil {
		return err
	}
	for _, object := range objects {
		info, err := os.Stat(filepath.Join(f.dir, object.File))
		if err != nil {
			return fmt.Errorf("measure what was fetched: %w", err)
		}
		f.left -= info.Size()
		f.fetched++
	}
	if f.left < 0 {
		return failure.Permanent(task.ReasonTooLarge, "the recording is larger than allowed")
	}
	return nil
}

// single fetches a recording that is one file.
func (f *fetcher) single(ctx context.Context) (Recording, error) {
	const file = "recording.mp4"
	if err := f.copy(ctx, []storage.Object{{Ref: f.root, File: file}}, f.left); err != nil {
		return Recording{}, err
	}
	kind, err := f.sniff(file)
	if err != nil {
		return Recording{}, err
	}
	recording := Recording{Input: file, Originals: []Original{{Name: mediaName(f.root), File: file}}}
	switch kind {
	case media.PlaylistFile:
		return Recording{}, failure.Permanent(task.ReasonNotMedia, "%s is a playlist and no media file", f.reader.Describe(f.root))
	case media.Unknown:
		recording.Unreadable = f.reader.Describe(f.root)
	case media.MP4, media.MPEGTS, media.AAC:
	}
	return recording, nil
}

// sniff tells what kind of media a fetched file is.
func (f *fetcher) sniff(file string) (media.Kind, error) {
	opened, err := os.Open(filepath.Join(f.dir, file)) //nolint:gosec // a name of our own
	if err != nil {
		return media.Unknown, fmt.Errorf("look at what was fetched: %w", err)
	}
	defer func() { _ = opened.Close() }()
	head := make([]byte, media.SniffBytes)
	read, err := io.ReadFull(opened, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return media.Unknown, fmt.Errorf("look at what was fetched: %w", err)
	}
	return media.Sniff(head[:read]), nil
}

// baseName is the last part of a key or of a URL's path.
func baseName(ref string) string {
	if parsed, err := url.Parse(ref); err == nil && parsed.Host != "" {
		ref = parsed.Path
	}
	return path.Base(ref)
}

// mediaName is the final name of a recording's MP4: the source's name with its extension replaced.
func mediaName(ref string) string {
	base := baseName(ref)
	return sanitise(strings.TrimSuffix(base, path.Ext(base))) + ".mp4"
}

// maxStem bounds a final name, so that it fits into every file system with an extension.
const maxStem = 200

// sanitise replaces what some store or shell would not take.
func sanitise(name string) string {
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
