// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// The files in the spool's folder.
const (
	fileName   = "spool.db"
	newName    = "spool.db.new"
	brokenName = "spool.db.broken"
	lockName   = "lock"
)

// found is what a file held when it was opened.
type found struct {
	// events are in the order in which they came.
	events []entry
	// damage is why the file had to be made anew, or nil, and lost the records that could not be read.
	damage error
	lost   int
}

// limits bound the file.
type limits struct {
	eventBytes, letterBytes int64
}

// fileBytes bounds the file: a record fills its page by half at least, a commit needs new pages before it frees the
// old ones, and the file grows by 16 MiB at a time.
func (l limits) fileBytes() int { return int(2*(l.eventBytes+l.letterBytes) + 64<<20) }

// openStore opens the spool's file, and makes it when it is missing. A file that is broken is put aside and made anew
// from all that can be read of it.
func openStore(folder string, l limits) (*store, found, error) {
	lock, err := lockFolder(folder)
	if err != nil {
		return nil, found{}, err
	}
	s, held, err := openLocked(folder, l)
	if err != nil {
		return nil, found{}, errors.Join(err, lock.Close())
	}
	s.lock = lock
	return s, held, nil
}

// lockFolder keeps a second process out. The lock ends with the process, however it ends.
func lockFolder(folder string) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(folder, lockName), os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the operator's own folder
	if err != nil {
		return nil, fmt.Errorf("open the spool's lock: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("another process uses the spool in %s", folder)
		}
		return nil, fmt.Errorf("lock the spool: %w", err)
	}
	return lock, nil
}

func openLocked(folder string, l limits) (*store, found, error) {
	path := filepath.Join(folder, fileName)
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		if err := create(folder, nil); err != nil {
			return nil, found{}, err
		}
	}
	held, err := inspect(path)
	if err != nil {
		return nil, found{}, err
	}
	if held.damage != nil {
		if held, err = rescue(folder, held); err != nil {
			return nil, found{}, err
		}
	}
	db, err := openFile(path, l.fileBytes())
	if err != nil {
		return nil, found{}, err
	}
	s := &store{db: db, limit: l.eventBytes}
	err = db.View(func(tx *bbolt.Tx) error {
		s.ledger, err = decodeLedger(tx.Bucket(ledgerBucket).Get(ledgerKey))
		return err
	})
	if err != nil {
		return nil, found{}, errors.Join(err, db.Close())
	}
	return s, held, nil
}

func openFile(path string, maxSize int) (*bbolt.DB, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: time.Second, PageSize: pageSize, MaxSize: maxSize,
		// The list of free pages would be written with every commit: half a megabyte of it after a long outage.
		NoFreelistSync: true, FreelistType: bbolt.FreelistMapType,
	})
	if err != nil {
		return nil, fmt.Errorf("open the spool's file: %w", err)
	}
	return db, nil
}

// create makes a file with what fill puts into it. The file gets its name when it is whole and synced.
func create(folder string, fill func(*bbolt.DB) error) error {
	made := filepath.Join(folder, newName)
	if err := os.Remove(made); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove a file that was never finished: %w", err)
	}
	db, err := openFile(made, 0)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, name := range spoolBuckets {
			if _, err := tx.CreateBucket(name); err != nil {
				return err
			}
		}
		return tx.Bucket(ledgerBucket).Put(ledgerKey, ledger{Commit: uint64(tx.ID())}.encode()) //nolint:gosec // never negative
	})
	if err == nil && fill != nil {
		err = fill(db)
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("make the spool's file: %w", err)
	}
	if err := os.Rename(made, filepath.Join(folder, fileName)); err != nil {
		return fmt.Errorf("name the spool's file: %w", err)
	}
	if err := syncFolder(folder); err != nil {
		return fmt.Errorf("sync the spool's folder: %w", err)
	}
	return nil
}

// syncFolder makes the names in a folder durable.
func syncFolder(path string) error {
	folder, err := os.Open(path) //nolint:gosec // the operator's own folder
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
