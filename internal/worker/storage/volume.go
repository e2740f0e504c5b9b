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
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
)

// volume is a folder of a mounted claim. All access goes through os.Root: no symlink leads out of the folder.
type volume struct {
	claim  string
	mount  string
	folder string
}

// volumeReader reads files below subPath/bucket; a Ref is a path there.
type volumeReader struct {
	keys
	volume
}

func newVolumeReader(location v1alpha1.PersistentVolumeClaimLocation, bucket string, paths Paths) (*volumeReader, error) {
	if bucket != "" && !bucketName.MatchString(bucket) {
		return nil, failure.Permanent(task.ReasonInvalidTask, "%.80q is not the name of a bucket", bucket)
	}
	opened, err := newVolume(location, bucket, paths)
	return &volumeReader{volume: opened}, err
}

func newVolume(location v1alpha1.PersistentVolumeClaimLocation, below string, paths Paths) (volume, error) {
	folder := path.Join(location.SubPath, below)
	if folder != "" {
		if err := CheckKey(folder); err != nil {
			return volume{}, failure.Permanent(task.ReasonInvalidTask, "folder of claim %s: %w", location.ClaimName, err)
		}
	}
	return volume{claim: location.ClaimName, mount: paths.Volume, folder: folder}, nil
}

func (v volume) uri(name string) string { return "pvc://" + v.claim + "/" + path.Join(v.folder, name) }

// open opens the folder, which is made first when it is to be written to.
func (v volume) open(create bool) (*os.Root, error) {
	root, err := os.OpenRoot(v.mount)
	if err != nil {
		return nil, fmt.Errorf("open claim %s: %w", v.claim, err)
	}
	if v.folder == "" {
		return root, nil
	}
	defer func() { _ = root.Close() }()
	if create {
		if err := root.MkdirAll(v.folder, 0o750); err != nil {
			return nil, v.explain(err, "")
		}
	}
	folder, err := root.OpenRoot(v.folder)
	if err != nil {
		return nil, v.explain(err, "")
	}
	return folder, nil
}

// explain tells what a file error means. os.Root has no error value for a path that leads out, only its text.
func (v volume) explain(err error, name string) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return failure.Permanent(task.ReasonNotFound, "%s is not there", v.uri(name)).About(name)
	case errors.Is(err, fs.ErrPermission):
		return failure.Permanent(task.ReasonForbidden, "the volume refuses access: %w", err).About(name)
	case strings.Contains(err.Error(), "escapes"):
		return failure.Permanent(task.ReasonForbidden, "%s leads out of the volume's folder", v.uri(name)).About(name)
	default:
		return failure.Transient(task.ReasonStorageUnavailable, "%s: %w", v.uri(name), err).About(name)
	}
}

// Describe is the file's pvc:// URI.
func (v *volumeReader) Describe(ref string) string { return v.uri(ref) }

// Copy copies a few files side by side; a volume is not faster for more.
func (v *volumeReader) Copy(ctx context.Context, objects []Object, dir string, maxBytes int64, stored func(index int) error) error {
	root, err := v.open(false)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	room := newBudget(maxBytes)
	return sideBySide(ctx, volumeCopies, len(objects), stored, func(ctx context.Context, index int) error {
		return v.copyOut(ctx, root, objects[index], dir, room)
	})
}

func (v volume) copyOut(ctx context.Context, root *os.Root, object Object, dir string, room *budget) error {
	if err := CheckKey(object.Ref); err != nil {
		return failure.Permanent(task.ReasonUnsupported, "object: %w", err).About(object.Ref)
	}
	source, err := v.openRegular(root, object.Ref)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.Create(filepath.Join(dir, object.File)) //nolint:gosec // a name of our own
	if err != nil {
		return fmt.Errorf("store %s: %w", object.Ref, err)
	}
	err = copyFile(ctx, target, source, room)
	err = errors.Join(err, target.Close())
	switch {
	case errors.Is(err, errTooLarge):
		return failure.Permanent(task.ReasonTooLarge, "more bytes than allowed, at %s", v.uri(object.Ref)).About(object.Ref)
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case err != nil:
		return failure.Transient(task.ReasonStorageUnavailable, "copy %s: %w", v.uri(object.Ref), err).About(object.Ref)
	}
	return nil
}

// openRegular opens a regular file; opening a pipe with O_NONBLOCK does not wait for a writer.
func (v volume) openRegular(root *os.Root, name string) (*os.File, error) {
	file, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, v.explain(err, name)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = file.Close()
		return nil, v.explain(err, name)
	}
	return file, nil
}

// volumeWriter writes to one folder of a claim.
type volumeWriter struct {
	volume
}

func newVolumeWriter(location v1alpha1.PersistentVolumeClaimLocation, folder string, paths Paths) (*volumeWriter, error) {
	opened, err := newVolume(location, folder, paths)
	return &volumeWriter{volume: opened}, err
}

// URI is pvc://claim/path.
func (v *volumeWriter) URI(name string) string { return v.uri(name) }

// Read reads a small file.
func (v *volumeWriter) Read(ctx context.Context, name string, maxBytes int64) ([]byte, error) {
	root, err := v.open(true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	file, err := v.openRegular(root, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	data, err := io.ReadAll(io.LimitReader(contextReader{ctx, file}, maxBytes+1))
	if err != nil {
		return nil, v.explain(err, name)
	}
	if int64(len(data)) > maxBytes {
		return nil, failure.Permanent(task.ReasonTooLarge, "%s is larger than %d bytes", v.uri(name), maxBytes)
	}
	return data, nil
}

// Write copies each file to a hidden name beside its own and renames it once it is on disk.
func (v *volumeWriter) Write(ctx context.Context, dir string, names []string) error {
	root, err := v.open(true)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	for _, name := range names {
		if err := v.copyIn(ctx, root, filepath.Join(dir, filepath.FromSlash(name)), name); err != nil {
			return v.explain(err, name)
		}
	}
	return nil
}

// partialSuffix marks a file that is being written. A killed attempt leaves it; the next one overwrites it.
const partialSuffix = ".partial"

func (v *volumeWriter) copyIn(ctx context.Context, root *os.Root, local, name string) error {
	folder, base := path.Split(name)
	if folder != "" {
		if err := root.MkdirAll(path.Clean(folder), 0o750); err != nil {
			return err
		}
	}
	source, err := os.Open(local) //nolint:gosec // a file that process made
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	// The base is cut so that the hidden name is never too long.
	partial := folder + "." + base[:min(len(base), maxPartBytes-len(partialSuffix)-1)] + partialSuffix
	target, err := root.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, contextReader{ctx, source})
	if err == nil {
		err = target.Sync()
	}
	if err = errors.Join(err, target.Close()); err != nil {
		_ = root.Remove(partial)
		return err
	}
	return root.Rename(partial, name)
}

// Sums reads the files back.
func (v *volumeWriter) Sums(ctx context.Context, names []string) (map[string]string, error) {
	root, err := v.open(true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	sums := make(map[string]string, len(names))
	for _, name := range names {
		file, err := v.openRegular(root, name)
		if err != nil {
			if failure.Of(err).Reason == task.ReasonNotFound {
				continue
			}
			return nil, err
		}
		hash := sha256.New()
		_, err = io.Copy(hash, contextReader{ctx, file})
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, v.explain(err, name)
		}
		sums[name] = hex.EncodeToString(hash.Sum(nil))
	}
	return sums, nil
}

// Remove removes one file.
func (v *volumeWriter) Remove(_ context.Context, name string) error {
	root, err := v.open(true)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return v.explain(err, name)
	}
	return nil
}

// contextReader stops reading when ctx has ended.
type contextReader struct {
	ctx    context.Context
	reader io.Reader
}

// Read reads, unless ctx has ended.
func (r contextReader) Read(buffer []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.reader.Read(buffer)
}
