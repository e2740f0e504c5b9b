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

package storage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
)

// s3Reader reads objects of one bucket; a Ref is a key.
type s3Reader struct {
	keys
	rclone *rclone
}

// keys resolves references between objects of one store.
type keys struct{}

// Resolve gives the key below the playlist's folder.
func (keys) Resolve(base, uri string) (string, error) { return resolveKey(base, uri) }

// RelativeName cuts the playlist's folder off.
func (keys) RelativeName(base, ref string) (string, error) { return relativeKey(base, ref) }

func newS3Reader(location v1alpha1.S3Location, bucket string, paths Paths, program string, log *slog.Logger) (*s3Reader, error) {
	driver, err := newRclone("SRC", location, bucket, paths, program, log)
	if err != nil {
		return nil, err
	}
	return &s3Reader{rclone: driver}, nil
}

// Describe is the object's s3:// URI.
func (s *s3Reader) Describe(ref string) string { return s.rclone.uri(ref) }

// Copy has rclone copy all objects and then looks for each: rclone passes over a listed file that is not there and
// ends with success.
func (s *s3Reader) Copy(ctx context.Context, objects []Object, dir string, maxBytes int64, stored func(index int) error) error {
	staging, err := os.MkdirTemp(s.rclone.temp, "objects-*")
	if err != nil {
		return fmt.Errorf("make room for objects: %w", err)
	}
	defer func() { _ = os.RemoveAll(staging) }()

	wanted := make([]string, len(objects))
	for i, object := range objects {
		if err := CheckKey(object.Ref); err != nil {
			return failure.Permanent(task.ReasonUnsupported, "object: %w", err)
		}
		wanted[i] = object.Ref
	}
	err = s.rclone.withList(wanted, func(list string) error {
		return s.rclone.run(ctx, nil, "copy", "--files-from-raw="+list, "--no-traverse", "--no-check-dest",
			fmt.Sprintf("--max-transfer=%dB", maxBytes), "--cutoff-mode=hard", s.rclone.at(""), staging)
	})
	if err != nil {
		return err
	}
	for i, object := range objects {
		err := os.Rename(filepath.Join(staging, filepath.FromSlash(object.Ref)), filepath.Join(dir, object.File))
		if errors.Is(err, fs.ErrNotExist) {
			return failure.Permanent(task.ReasonNotFound, "%s is not there", s.Describe(object.Ref)).About(object.Ref)
		}
		if err != nil {
			return fmt.Errorf("store %s: %w", object.Ref, err)
		}
		if stored != nil {
			if err := stored(i); err != nil {
				return err
			}
		}
	}
	return nil
}

// s3Writer writes to one folder of a bucket.
type s3Writer struct {
	rclone *rclone
	folder string
}

func newS3Writer(location v1alpha1.S3Location, folder string, paths Paths, program string, log *slog.Logger) (*s3Writer, error) {
	driver, err := newRclone("DST", location, location.Bucket, paths, program, log)
	if err != nil {
		return nil, err
	}
	full := path.Join(location.Prefix, folder)
	if full != "" {
		if err := CheckKey(full); err != nil {
			return nil, failure.Permanent(task.ReasonInvalidTask, "destination: %w", err)
		}
	}
	return &s3Writer{rclone: driver, folder: full}, nil
}

// URI is s3://bucket/key.
func (s *s3Writer) URI(name string) string { return s.rclone.uri(path.Join(s.folder, name)) }

// Read copies the file to the work volume and reads it there, so that its size is bounded by rclone.
func (s *s3Writer) Read(ctx context.Context, name string, maxBytes int64) ([]byte, error) {
	dir, err := os.MkdirTemp(s.rclone.temp, "read-*")
	if err != nil {
		return nil, fmt.Errorf("make room for %s: %w", name, err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	reader := &s3Reader{rclone: s.rclone}
	if err := reader.Copy(ctx, []Object{{Ref: path.Join(s.folder, name), File: "object"}}, dir, maxBytes, nil); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "object")) //nolint:gosec // a folder of our own
}

// Write uploads the files always, whatever is there: the caller decides what is to be written. S3 shows an object
// whole or not at all. Each is marked as ours.
func (s *s3Writer) Write(ctx context.Context, dir string, names []string) error {
	return s.rclone.withList(names, func(list string) error {
		return s.rclone.run(ctx, nil, "copy", "--files-from-raw="+list, "--no-traverse", "--no-check-dest",
			"--header-upload=x-amz-meta-"+task.MarkName+": "+task.MarkValue, dir, s.rclone.at(s.folder))
	})
}

// Sums downloads each object and hashes what comes: the only sum that holds for every store, for multipart uploads and
// for encrypted objects. Nothing is stored.
func (s *s3Writer) Sums(ctx context.Context, names []string) (map[string]string, error) {
	var answer bytes.Buffer
	err := s.rclone.withList(names, func(list string) error {
		return s.rclone.run(ctx, &answer, "hashsum", "SHA256", "--download", "--files-from-raw="+list, "--no-traverse",
			s.rclone.at(s.folder))
	})
	if err != nil {
		return nil, err
	}
	sums := make(map[string]string, len(names))
	for line := range strings.SplitSeq(answer.String(), "\n") {
		if sum, name, found := strings.Cut(line, "  "); found {
			sums[name] = sum
		}
	}
	return sums, nil
}

// Remove deletes one object.
func (s *s3Writer) Remove(ctx context.Context, name string) error {
	err := s.rclone.run(ctx, nil, "deletefile", s.rclone.at(path.Join(s.folder, name)))
	if err != nil && failure.Of(err).Reason == task.ReasonNotFound {
		return nil
	}
	return err
}
