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
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// architectures are those that images are built for, all of Linux.
var architectures = []string{"amd64", "arm64"}

// layouts makes an OCI layout of each image that `make dist-images` built, and notes its digest. What pushes a layout as it
// is keeps that digest, so the manifests can name it before anything is pushed.
func (r *release) layouts(context.Context) ([]string, error) {
	r.digests = map[string]string{}
	for _, image := range images {
		if err := r.layout(image); err != nil {
			return nil, fmt.Errorf("image %s: %w", image, err)
		}
	}
	return nil, nil
}

// runnable is an image without an artifactType in what names it, which is for what is no image: with one, skopeo 1.9 of
// Debian 12 takes an index for something else, and does not push it as it is.
type runnable struct{ v1.Image }

// ArtifactType is that of an image: none.
func (runnable) ArtifactType() (string, error) { return "", nil }

// layout writes one image: an index of what was built for each architecture, so that a cluster pulls what its nodes run.
func (r *release) layout(image string) error {
	built := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	found := 0
	for _, architecture := range architectures {
		one, err := r.built(image, architecture)
		if errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(os.Stderr, "release: %s was not built for %s\n", image, architecture)
			continue
		} else if err != nil {
			return err
		}
		found++
		platform := v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}
		built = mutate.AppendManifests(built, mutate.IndexAddendum{Add: runnable{one}, Descriptor: platform})
	}
	if found == 0 {
		fmt.Fprintf(os.Stderr, "release: %s is named by its tag: make dist-images builds it\n", image)
		return nil
	}
	digest, err := built.Digest()
	if err != nil {
		return err
	}
	dir := filepath.Join(r.out, "images", image)
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	r.digests[image] = digest.String()
	return path.AppendIndex(built, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": r.version}))
}

// built is an image for one architecture, as `make dist-images` saved it.
func (r *release) built(image, architecture string) (v1.Image, error) {
	archive := filepath.Join(r.out, "images", image+"-"+architecture+".tar")
	if _, err := os.Stat(archive); err != nil {
		return nil, err
	}
	saved, err := r.saved(archive, image)
	if err != nil {
		return nil, fmt.Errorf("%s has no %s:%s; make dist-images builds it: %w", archive, image, r.version, err)
	}
	config, err := saved.ConfigFile()
	if err != nil {
		return nil, err
	}
	if config.OS != "linux" || config.Architecture != architecture {
		return nil, fmt.Errorf("%s is for %s/%s", archive, config.OS, config.Architecture)
	}
	return inOCI(saved)
}

// saved reads an archive. One of another version is not found by the tag.
func (r *release) saved(archive, image string) (v1.Image, error) {
	tag, err := name.NewTag(image+":"+r.version, name.WithDefaultRegistry("localhost"))
	if err != nil {
		return nil, err
	}
	if saved, err := tarball.ImageFromPath(archive, &tag); err == nil {
		return saved, nil
	}
	// The name without a registry is the one that Docker writes.
	if tag, err = name.NewTag(image + ":" + r.version); err != nil {
		return nil, err
	}
	return tarball.ImageFromPath(archive, &tag)
}

// inOCI is the image with the media types of OCI. A layout has no others, and an archive has Docker's.
func inOCI(saved v1.Image) (v1.Image, error) {
	config, err := saved.ConfigFile()
	if err != nil {
		return nil, err
	}
	layers, err := saved.Layers()
	if err != nil {
		return nil, err
	}
	// Appending adds what the configuration says of each layer.
	bare := config.DeepCopy()
	bare.RootFS.DiffIDs, bare.History = nil, nil
	image, err := mutate.ConfigFile(mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON), bare)
	if err != nil {
		return nil, err
	}
	for _, layer := range layers {
		if image, err = mutate.Append(image, mutate.Addendum{Layer: layer, MediaType: types.OCILayer}); err != nil {
			return nil, err
		}
	}
	return image, nil
}
