// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

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

	"golang.org/x/sync/errgroup"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	counted "sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// hashBuffer is what is read at once to be hashed.
const hashBuffer = 1 << 20

// volumeWriter writes to one folder of a claim.
type volumeWriter struct {
	volume
	// below is the folder below subPath.
	below string
}

func newVolumeWriter(location v1alpha1.PersistentVolumeClaimLocation, folder string, paths Paths) (*volumeWriter, error) {
	opened, err := newVolume(location, folder, paths)
	opened.access = "write"
	return &volumeWriter{volume: opened, below: folder}, err
}

// URI is pvc://claim/path.
func (v *volumeWriter) URI(name string) string { return v.uri(name) }

// Artifact refers to a file by its path below subPath.
func (v *volumeWriter) Artifact(name string) v1alpha1.Artifact {
	return v1alpha1.Artifact{Name: name, URI: v.URI(name), Key: path.Join(v.below, name), MediaType: MediaType(name)}
}

// Read reads a small file.
func (v *volumeWriter) Read(_ context.Context, name string, maxBytes int64) ([]byte, error) {
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
	data, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	if err != nil {
		return nil, v.explain(err, name)
	}
	if int64(len(data)) > maxBytes {
		return nil, tooLarge(printable(v.uri(name)))
	}
	return data, nil
}

// Write copies each file to a hidden name beside its own and renames it once it is on disk.
func (v *volumeWriter) Write(ctx context.Context, dir string, files []File) (map[string]Written, error) {
	for _, file := range files {
		if err := checkVolumePath(file.Name); err != nil {
			return nil, failure.Permanent(workerapi.ReasonUnsupported, "publish to claim %s: %w", v.claim, err)
		}
	}
	root, err := v.open(true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	written := newResults[Written](len(files))
	err = sideBySide(ctx, volumeWrites, len(files), func(ctx context.Context, index int) error {
		local, err := OpenRegular(dir, files[index].local())
		if err != nil {
			return workVolumeError(err)
		}
		defer func() { _ = local.Close() }()
		sent, err := v.copyIn(ctx, root, local, files[index].Name, partialName(index))
		if err != nil {
			return v.explain(err, files[index].Name)
		}
		written.set(files[index].Name, sent)
		return nil
	})
	return written.all, err
}

// partialName is where a file is written until it is whole. A killed attempt leaves it; the next one overwrites it.
func partialName(index int) string { return fmt.Sprintf(".recording-%d.partial", index) }

// copyIn copies one file, and hashes it and its copy meanwhile.
func (v *volumeWriter) copyIn(ctx context.Context, root *os.Root, local *os.File, name, partial string) (Written, error) {
	folder, _ := path.Split(name)
	if folder != "" {
		if err := root.MkdirAll(path.Clean(folder), 0o750); err != nil {
			return Written{}, err
		}
	}
	partial = folder + partial
	target, err := root.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return Written{}, err
	}
	written, err := copyAndHash(ctx, root, target, local, partial)
	if err = errors.Join(err, target.Close()); err == nil {
		err = root.Rename(partial, name)
	}
	if err != nil {
		_ = root.Remove(partial)
	}
	return written, err
}

// copyAndHash copies a file to the disk, hashes it, and hashes what is read back of the copy, all at one time: the
// kernel copies, this process hashes.
func copyAndHash(ctx context.Context, root *os.Root, target, source *os.File, name string) (Written, error) {
	info, err := source.Stat()
	if err != nil {
		return Written{}, err
	}
	stored, err := root.Open(name)
	if err != nil {
		return Written{}, err
	}
	defer func() { _ = stored.Close() }()
	written := Written{SizeBytes: info.Size()}
	chunks := make(chan int64, info.Size()/copyChunk+2) // it never blocks
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer close(chunks)
		err := copyFile(ctx, target, source, newBudget(info.Size()), func(bytes int64) { chunks <- bytes })
		if err != nil {
			return err
		}
		return target.Sync()
	})
	group.Go(func() error {
		var err error
		written.SHA256, err = hashFile(ctx, io.NewSectionReader(source, 0, info.Size()))
		return err
	})
	group.Go(func() error {
		var err error
		written.ReadBack, err = hashFile(ctx, &follower{file: stored, chunks: chunks, meter: counted.From(ctx)})
		return err
	})
	err = group.Wait()
	return written, err
}

// follower reads a file that is being written, up to what has been written. It ends where the file does, once nothing
// more is written.
type follower struct {
	file   *os.File
	chunks <-chan int64
	left   int64
	// meter counts what is read.
	meter *counted.Meter
}

// Read waits for the next chunk when it has read the last one.
func (f *follower) Read(into []byte) (int, error) {
	for f.left == 0 {
		next, open := <-f.chunks
		if !open {
			return f.file.Read(into)
		}
		f.left = next
	}
	n, err := f.file.Read(into[:min(int64(len(into)), f.left)])
	f.left -= int64(n)
	f.meter.Add(int64(n))
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// hashFile hashes what a reader holds, as long as ctx lasts.
func hashFile(ctx context.Context, reader io.Reader) (string, error) {
	hash := sha256.New()
	buffer := make([]byte, hashBuffer)
	for {
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		n, err := reader.Read(buffer)
		hash.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), nil
		}
		if err != nil {
			return "", err
		}
	}
}

// Sums reads the files back.
func (v *volumeWriter) Sums(ctx context.Context, names []string) (map[string]string, error) {
	root, err := v.open(true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	sums := newResults[string](len(names))
	err = sideBySide(ctx, volumeReads, len(names), func(ctx context.Context, index int) error {
		file, err := v.openRegular(root, names[index])
		if err != nil {
			return ignoreMissing(err)
		}
		defer func() { _ = file.Close() }()
		sum, err := hashFile(ctx, file)
		if err != nil {
			return v.explain(err, names[index])
		}
		sums.set(names[index], sum)
		return nil
	})
	return sums.all, err
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
