// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

const (
	// suffix ends the names of segments, which begin with their number in 16 hexadecimal digits.
	suffix   = ".seg"
	lockName = "lock"
)

func (l *Log) path(id uint64) string {
	return filepath.Join(l.dir, fmt.Sprintf("%016x%s", id, suffix))
}

// list returns the numbers of the segments in a folder, oldest first.
func list(dir string) ([]uint64, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list segments: %w", err)
	}
	var ids []uint64
	for _, entry := range entries {
		digits, ok := strings.CutSuffix(entry.Name(), suffix)
		id, err := strconv.ParseUint(digits, 16, 64)
		if ok && err == nil && len(digits) == 16 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// lockDir keeps other processes out. The lock ends with the process, however it ends.
func lockDir(dir string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("open the lock: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
		}
		return nil, fmt.Errorf("lock %s: %w", dir, err)
	}
	return lock, nil
}

// createFile makes an empty segment with its disk space reserved, so that a full disk is met here and not by appends.
func (l *Log) createFile(id uint64) (*os.File, error) {
	path := l.path(id)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("create a segment: %w", err)
	}
	if err = preallocate(file, l.size); err == nil {
		err = errors.Join(file.Sync(), syncDir(l.dir))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create a segment: %w", err), file.Close(), os.Remove(path))
	}
	return file, nil
}

// fill reserves disk space where the file system cannot do so without writing.
func fill(file *os.File, size int64) error {
	_, err := io.Copy(io.NewOffsetWriter(file, 0), io.LimitReader(zeroReader{}, size))
	return err
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// blockBytes is what is read at once when a segment cannot be read as a whole.
const blockBytes = 4 << 10

// readFile reads a segment into a buffer of the log's segment size. Blocks that the disk cannot read are zero, and make
// whole false: the records in other blocks are still good.
func (l *Log) readFile(id uint64, buffer []byte) (data []byte, whole bool, err error) {
	file, err := os.Open(l.path(id))
	if err != nil {
		return nil, false, fmt.Errorf("open a segment: %w", err)
	}
	defer func() { _ = file.Close() }()
	data, whole = readBlocks(file, buffer)
	return data, whole, nil
}

func readBlocks(file io.ReaderAt, buffer []byte) (data []byte, whole bool) {
	n, err := file.ReadAt(buffer, 0)
	if err == nil || errors.Is(err, io.EOF) {
		return buffer[:n], true
	}
	for at := 0; at < len(buffer); at += blockBytes {
		block := buffer[at:min(at+blockBytes, len(buffer))]
		n, err := file.ReadAt(block, int64(at))
		if errors.Is(err, io.EOF) {
			return buffer[:at+n], false
		}
		if err != nil {
			clear(block)
		}
	}
	return buffer, false
}

// syncDir makes the names in a folder durable.
func syncDir(path string) error {
	dir, err := os.Open(path) //nolint:gosec // the operator's own folder
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
