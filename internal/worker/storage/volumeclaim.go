// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const (
	// claimTries is how often a claim is tried that others release meanwhile.
	claimTries = 5
	// maxClaimBytes bounds what is read of another's claim.
	maxClaimBytes = 4 << 10
	// takeoverTime is more than it takes to replace a claim. What is older was left by a process that was killed.
	takeoverTime = time.Minute
	takeoverName = ".takeover"
)

// Claim writes owner to a file of its own and links it to name, which fails when name is there: so a claim appears
// whole or not at all, and no two succeed. The age of another's claim is measured against that file's time, which comes
// from the same clock.
func (v *volumeWriter) Claim(_ context.Context, name string, owner []byte, maxAge time.Duration) ([]byte, error) {
	root, err := v.open(true)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	sum := sha256.Sum256(owner)
	own := name + "." + hex.EncodeToString(sum[:8])
	defer func() { _ = root.Remove(own) }()
	for try := 1; ; try++ {
		now, err := writeOwn(root, own, owner)
		if err != nil {
			return nil, v.explain(err, name)
		}
		holder, err := (&claiming{root: root, name: name, own: own, owner: owner, now: now}).claim(maxAge)
		// What is gone was released, or is this recording's own, tidied up by another attempt.
		if errors.Is(err, fs.ErrNotExist) && try < claimTries {
			continue
		}
		if err != nil {
			return nil, v.explain(err, name)
		}
		return holder, nil
	}
}

// writeOwn writes the claim under a name that nobody else uses and tells the volume's time.
func writeOwn(root *os.Root, own string, owner []byte) (time.Time, error) {
	file, err := root.OpenFile(own, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o640)
	if err != nil {
		return time.Time{}, err
	}
	_, err = file.Write(owner)
	info, statErr := file.Stat()
	if err = errors.Join(err, statErr, file.Sync(), file.Close()); err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// claiming is one attempt to claim a folder.
type claiming struct {
	root      *os.Root
	name, own string
	owner     []byte
	now       time.Time
}

func (c *claiming) claim(maxAge time.Duration) ([]byte, error) {
	err := c.link(c.name)
	if err == nil {
		return c.owner, nil
	}
	if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	holder, at, err := c.read(c.name)
	switch {
	case err != nil:
		return nil, err
	case bytes.Equal(holder, c.owner):
		return holder, nil
	case len(holder) == 0:
		// Where links cannot be made, a claim is created before it is written; nobody takes a minute for that.
		maxAge = min(maxAge, takeoverTime)
	}
	if c.now.Sub(at) <= maxAge {
		return holder, nil
	}
	return c.takeOver(holder, at)
}

// link makes the claim appear under a name, unless that is taken.
func (c *claiming) link(name string) error {
	err := c.root.Link(c.own, name)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	if !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.EMLINK) {
		return err
	}
	// The file system has no hard links.
	file, err := c.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return err
	}
	_, err = file.Write(c.owner)
	return errors.Join(err, file.Sync(), file.Close())
}

func (c *claiming) read(name string) ([]byte, time.Time, error) {
	file, err := c.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, time.Time{}, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return nil, time.Time{}, err
	}
	data, err := io.ReadAll(io.LimitReader(file, maxClaimBytes))
	return data, info.ModTime(), err
}

// takeOver replaces a claim that is too old. Of several that try, the one that links the second name does it, and only
// after it has looked again; the rename gives both names up in one step.
func (c *claiming) takeOver(stale []byte, at time.Time) ([]byte, error) {
	second := c.name + takeoverName
	err := c.link(second)
	if errors.Is(err, fs.ErrExist) {
		if _, begun, err := c.read(second); err == nil && c.now.Sub(begun) > takeoverTime {
			_ = c.root.Remove(second)
		}
		return stale, nil
	}
	if err != nil {
		return nil, err
	}
	holder, again, err := c.read(c.name)
	if err != nil || !bytes.Equal(holder, stale) || !again.Equal(at) {
		return holder, errors.Join(err, c.root.Remove(second))
	}
	if err := c.root.Rename(second, c.name); err != nil {
		return nil, errors.Join(err, c.root.Remove(second))
	}
	return c.owner, nil
}
