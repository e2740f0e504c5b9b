// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"hash/maphash"

	"k8s.io/utils/lru"
)

// maxKnown is how many files are remembered, at some 150 bytes each. The service sends a callback again within minutes.
const maxKnown = 4096

// known remembers which files exist, most likely: those that were written last. It only says which call comes first. A
// create that is refused costs the API server as much as one that is not, so that a file which is known is read first; one
// that has gone meanwhile is created after that. It is safe for concurrent use.
type known struct {
	seed  maphash.Seed
	files *lru.Cache
}

// fileName is where a file is.
type fileName struct{ namespace, name string }

func newKnown() known { return known{seed: maphash.MakeSeed(), files: lru.New(maxKnown)} }

func (k known) add(file fileName) { k.files.Add(maphash.Comparable(k.seed, file), nil) }

func (k known) has(file fileName) bool {
	_, found := k.files.Get(maphash.Comparable(k.seed, file))
	return found
}
