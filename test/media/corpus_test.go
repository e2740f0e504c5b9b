// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSelf checks generator and checker against each other without the worker.
func TestSelf(t *testing.T) {
	for _, s := range shapes() {
		t.Run(s.name, func(t *testing.T) {
			r := s.make()
			dir := t.TempDir()
			if err := r.store(dir); err != nil {
				t.Fatal(err)
			}
			if keep := os.Getenv("KEEP"); keep != "" {
				_ = r.store(filepath.Join(keep, s.name))
			}
			res, err := decode(t.Context(), filepath.Join(dir, r.object))
			if err != nil {
				t.Fatal(err)
			}
			t.Log(len(res.pictures), len(res.sound), res.duration, res.covered)
			min := 1e9
			for _, p := range res.pictures {
				if p.at < min {
					min = p.at
				}
			}
			for _, p := range res.covered {
				if p.from < min {
					min = p.from
				}
			}
			for i := range res.pictures {
				res.pictures[i].at -= min
			}
			for i := range res.sound {
				res.sound[i].at -= min
			}
			for i := range res.covered {
				res.covered[i].from -= min
				res.covered[i].to -= min
			}
			for _, p := range r.truth.check(res, view{copied: true}) {
				t.Error(p)
			}
		})
	}
	_ = fmt.Sprint
	_ = slices.Contains[[]int]
	_ = strings.Contains
}
