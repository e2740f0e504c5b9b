// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"hash/maphash"
	"sync/atomic"
)

// maxKnown is how many files are remembered at most, at 8 bytes each. The service sends a callback again within minutes.
const maxKnown = 1 << 14

// known remembers which files exist, most likely: a file is forgotten when another one comes whose hash ends with the same bits. It only
// says which call comes first. A create that is refused costs the API server as much as one that is not, so that a file which is known is
// read first; one that has gone meanwhile is created after that. It is safe for concurrent use.
type known struct {
	seed   maphash.Seed
	hashes []atomic.Uint64
}

// fileName is where a file is.
type fileName struct{ namespace, name string }

func newKnown() known {
	return known{seed: maphash.MakeSeed(), hashes: make([]atomic.Uint64, maxKnown)}
}

func (k known) add(file fileName) {
	hash := maphash.Comparable(k.seed, file)
	k.hashes[hash%maxKnown].Store(hash)
}

func (k known) has(file fileName) bool {
	hash := maphash.Comparable(k.seed, file)
	return k.hashes[hash%maxKnown].Load() == hash
}
