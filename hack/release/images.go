// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// layouts makes an OCI layout of each image that `make dist-images` built, and notes its digest. What pushes a layout as it
// is keeps that digest, so the manifests can name it before anything is pushed.
func (r *release) layouts(context.Context) ([]string, error) {
	r.digests = map[string]string{}
	for _, image := range images {
		if err := r.layout(image); errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(os.Stderr, "release: %s was not built, and is named by its tag: make dist-images builds it\n", image)
		} else if err != nil {
			return nil, fmt.Errorf("image %s: %w", image, err)
		}
	}
	return nil, nil
}

func (r *release) layout(image string) error {
	archive := filepath.Join(r.out, "images", image+".tar")
	if _, err := os.Stat(archive); err != nil {
		return err
	}
	// An archive of another version is not found by this tag.
	tag, err := name.NewTag(image+":"+r.version, name.WithDefaultRegistry("localhost"))
	if err != nil {
		return err
	}
	built, err := tarball.ImageFromPath(archive, &tag)
	if err != nil {
		// The name without a registry is the one that Docker writes.
		plain, plainErr := name.NewTag(image + ":" + r.version)
		if plainErr != nil {
			return plainErr
		}
		if built, err = tarball.ImageFromPath(archive, &plain); err != nil {
			return fmt.Errorf("%s has no %s:%s; make dist-images builds it: %w", archive, image, r.version, err)
		}
	}
	dir := filepath.Join(r.out, "images", image)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendImage(built, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version})); err != nil {
		return err
	}
	digest, err := built.Digest()
	if err != nil {
		return err
	}
	r.digests[image] = digest.String()
	return nil
}
