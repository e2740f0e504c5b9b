// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// volume is a folder of a mounted claim. All access goes through os.Root: no symlink leads out of the folder.
type volume struct {
	claim  string
	mount  string
	folder string
	// access is what the folder is used for, for people: read or write.
	access string
}

// volumeReader reads files below subPath/bucket; a Ref is a path there.
type volumeReader struct {
	keys
	volume
}

func newVolumeReader(location v1alpha1.PersistentVolumeClaimLocation, bucket string, paths Paths) (*volumeReader, error) {
	if bucket != "" && !bucketName.MatchString(bucket) {
		return nil, failure.Permanent(workerapi.ReasonInvalidStep, "%.80q is not the name of a bucket", bucket)
	}
	opened, err := newVolume(location, bucket, paths)
	opened.access = "read"
	return &volumeReader{volume: opened}, err
}

func newVolume(location v1alpha1.PersistentVolumeClaimLocation, below string, paths Paths) (volume, error) {
	folder := path.Join(location.SubPath, below)
	if folder != "" {
		if err := checkVolumePath(folder); err != nil {
			return volume{}, failure.Permanent(workerapi.ReasonInvalidStep, "folder of claim %s: %w", location.ClaimName, err)
		}
	}
	return volume{claim: location.ClaimName, mount: paths.Volume, folder: folder}, nil
}

// uri is pvc://claim/path, byte for byte.
func (v volume) uri(name string) string { return "pvc://" + v.claim + "/" + path.Join(v.folder, name) }

// open opens the folder, which is made first when it is to be written to.
func (v volume) open(create bool) (*os.Root, error) {
	root, err := os.OpenRoot(v.mount)
	if err != nil {
		return nil, v.explain(err, "")
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

// explain says what a file error means, in one sentence. os.Root has no error value for a path that leads out, only its
// text.
func (v volume) explain(err error, name string) error {
	if found, ok := errors.AsType[*failure.Error](err); ok {
		return found
	}
	where := printable(v.uri(name))
	var found *failure.Error
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		found = failure.Permanent(workerapi.ReasonNotFound, "%s is not there", where)
	case errors.Is(err, fs.ErrPermission):
		found = failure.Permanent(workerapi.ReasonForbidden, "%s: steps run as user %d, group %d, which may not %s the folder %q of claim %s; "+
			"give it that right, or use a volume that Kubernetes gives to the pod's fsGroup: %w",
			where, stepUser, stepUser, v.access, "/"+v.folder, v.claim, fs.ErrPermission)
	case errors.Is(err, syscall.EROFS):
		found = failure.Permanent(workerapi.ReasonForbidden, "%s: claim %s can only be read: %w", where, v.claim, syscall.EROFS)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		found = failure.Transient(workerapi.ReasonStorageUnavailable, "%s: claim %s is full: %w", where, v.claim, cause(err))
	case errors.Is(err, syscall.ENAMETOOLONG):
		found = failure.Permanent(workerapi.ReasonUnsupported, "%s: the name is too long for the file system of claim %s: %w", where, v.claim, cause(err))
	case strings.Contains(err.Error(), "escapes"):
		found = failure.Permanent(workerapi.ReasonForbidden, "%s leads out of the volume's folder", where)
	default:
		found = failure.Transient(workerapi.ReasonStorageUnavailable, "%s: claim %s cannot be used now: %w", where, v.claim, cause(err))
	}
	return found.About(name)
}

// stepUser is the user and group that steps run as: runAsUser and fsGroup of their pods.
const stepUser = 65532

// Describe is the file's pvc:// URI, fit for a message.
func (v *volumeReader) Describe(ref string) string { return printable(v.uri(ref)) }

// Copy copies a few files side by side: while one waits for the volume, others are copied.
func (v *volumeReader) Copy(ctx context.Context, objects []Object, dir string, maxBytes int64, stored func(index int) error) error {
	root, err := v.open(false)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	room := newBudget(maxBytes)
	return storeSideBySide(ctx, volumeReads, len(objects), stored, func(ctx context.Context, index int) error {
		return v.copyOut(ctx, root, objects[index], dir, room)
	})
}

func (v *volumeReader) copyOut(ctx context.Context, root *os.Root, object Object, dir string, room *budget) error {
	if err := checkVolumePath(object.Ref); err != nil {
		return failure.Permanent(workerapi.ReasonUnsupported, "object: %w", err).About(object.Ref)
	}
	source, err := v.openRegular(root, object.Ref)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	target, err := os.Create(filepath.Join(dir, object.File)) //nolint:gosec // a name of our own
	if err != nil {
		return workVolumeError(err)
	}
	err = copyFile(ctx, target, source, room, nil)
	err = errors.Join(err, target.Close())
	switch {
	case errors.Is(err, errTooLarge):
		return tooLarge(v.Describe(object.Ref)).About(object.Ref)
	case err != nil && ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return workVolumeError(err)
	case err != nil:
		return failure.Transient(workerapi.ReasonStorageUnavailable, "copy %s: %w", v.Describe(object.Ref), cause(err)).About(object.Ref)
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
		err = fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		_ = file.Close()
		return nil, v.explain(err, name)
	}
	return file, nil
}
