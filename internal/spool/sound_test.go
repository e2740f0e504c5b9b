// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// Whatever bbolt makes of its pages while records come and go, in trees that grow, split, merge and shrink to nothing,
// is no damage: the scan asks for no more than bbolt keeps to.
func TestSoundFiles(t *testing.T) {
	dir, clean := fastDir(t)
	defer clean()
	random := rand.New(rand.NewPCG(1, 2))
	m := makeFile(t, dir)
	var ids []uint64
	churn := func(c *change, added, removed int) error {
		for range added {
			content, err := recordOf(deliver("job", random.IntN(900))).encode()
			if err != nil {
				return err
			}
			id, err := put(c.events, &c.ledger.Events, content)
			if err != nil {
				return err
			}
			ids = append(ids, id)
		}
		for range min(removed, len(ids)) {
			at := random.IntN(len(ids)) * random.IntN(2) // every other time the oldest
			if err := remove(c.events, &c.ledger.Events, ids[at]); err != nil {
				return err
			}
			ids = slices.Delete(ids, at, at+1)
		}
		return nil
	}
	for round := range 300 {
		added, removed := random.IntN(120), random.IntN(120)
		switch {
		case round%100 == 99:
			removed = len(ids) - random.IntN(3)
		case round%100 < 50:
			removed /= 4
		}
		m.write(func(c *change) error { return churn(c, added, removed) })
		if round%5 > 0 {
			continue
		}
		f, err := inspect(filepath.Join(dir, fileName))
		if err != nil || f.damage != nil || len(f.events) != len(ids) {
			t.Fatalf("round %d: %v, %v, %d events of %d", round, err, f.damage, len(f.events), len(ids))
		}
	}
}
