// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package archive keeps a recording as it is.
package archive

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/step"
)

// New reads the settings: a v1alpha1.Archive.
func New(settings json.RawMessage) (step.Kind, error) {
	return archive{}, step.Decode(settings, &v1alpha1.Archive{})
}

type archive struct{}

// KeepsOriginals is true.
func (archive) KeepsOriginals() bool { return true }

// Run puts the original files under their final names. An archive keeps what there is, and says whether it is whole.
func (archive) Run(_ context.Context, run *step.Run) (step.Product, error) {
	fetched := run.Recording
	product := step.Product{Integrity: step.NewIntegrity()}
	for i, original := range fetched.Originals {
		local := original.Name
		if !fitsFileSystem(local) {
			local = fmt.Sprintf(".long/%06d", i)
			product.UseLocal(original.Name, local)
		}
		final := run.OutputPath(local)
		err := os.MkdirAll(filepath.Dir(final), 0o750)
		if err == nil {
			// A second name and not a copy: the work volume holds the recording once.
			err = os.Link(filepath.Join(run.SourceDir, original.File), final)
		}
		if err != nil {
			return step.Product{}, fmt.Errorf("name %s: %w", original.Name, err)
		}
		product.Files = append(product.Files, step.File{Name: original.Name})
	}
	product.Outputs = []step.Output{{Files: len(product.Files), Media: product.Integrity.Survey(fetched, run.Files, run.Reported())}}
	return product, nil
}

// fitsFileSystem says that a name can be that of a file: an object store takes longer ones.
func fitsFileSystem(name string) bool {
	const maxPart, maxName = 255, 1024
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPart {
			return false
		}
	}
	return len(name) <= maxName
}
