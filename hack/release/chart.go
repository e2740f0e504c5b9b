// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	containerregistry "github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"helm.sh/helm/v4/pkg/chart/common"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/chart/v2/util"
	"helm.sh/helm/v4/pkg/registry"
)

// chart packages config/chart with the version and the images of the release, as an archive and as an OCI layout.
func (r *release) chart(ctx context.Context) ([]string, error) {
	loaded, err := loader.LoadDir(filepath.Join(r.repo, "config", "chart"))
	if err != nil {
		return nil, fmt.Errorf("load the chart: %w", err)
	}
	loaded.Metadata.Version = strings.TrimPrefix(r.version, "v")
	loaded.Metadata.AppVersion = r.version
	if err := r.setImages(loaded); err != nil {
		return nil, err
	}
	// The same files make the same archive, whenever they were checked out.
	loaded.ModTime, loaded.SchemaModTime = r.time, r.time
	for _, files := range [][]*common.File{loaded.Raw, loaded.Templates, loaded.Files} {
		for _, file := range files {
			file.ModTime = r.time
		}
	}
	path, err := util.Save(loaded, r.out)
	if err != nil {
		return nil, fmt.Errorf("package the chart: %w", err)
	}
	if err := r.chartLayout(ctx, path, loaded); err != nil {
		return nil, fmt.Errorf("make an OCI layout of the chart: %w", err)
	}
	return []string{filepath.Base(path)}, nil
}

// setImages writes the registry and the digests into the text of the default values, which keeps its comments.
func (r *release) setImages(loaded *v2.Chart) error {
	replacements := map[string]string{`registry: ""`: fmt.Sprintf("registry: %q", r.registry)}
	for _, image := range images {
		if digest := r.digests[image]; digest != "" {
			before := fmt.Sprintf(`repository: %s, tag: "", digest: ""`, image)
			replacements[before] = fmt.Sprintf(`repository: %s, tag: "", digest: %q`, image, digest)
		}
	}
	for _, file := range loaded.Raw {
		if file.Name != util.ValuesfileName {
			continue
		}
		for before, after := range replacements {
			if bytes.Count(file.Data, []byte(before)) != 1 {
				return fmt.Errorf("config/chart/values.yaml has not one %s", before)
			}
			file.Data = bytes.Replace(file.Data, []byte(before), []byte(after), 1)
		}
		return nil
	}
	return fmt.Errorf("config/chart has no %s", util.ValuesfileName)
}

// chartLayout has Helm push the chart into a registry in this process, and copies from it what came there.
func (r *release) chartLayout(ctx context.Context, archive string, loaded *v2.Chart) error {
	data, err := os.ReadFile(archive)
	if err != nil {
		return err
	}
	server := httptest.NewServer(containerregistry.New(containerregistry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	client, err := registry.NewClient(registry.ClientOptPlainHTTP(), registry.ClientOptWriter(io.Discard))
	if err != nil {
		return err
	}
	at := fmt.Sprintf("%s/charts/%s:%s", strings.TrimPrefix(server.URL, "http://"), loaded.Metadata.Name, loaded.Metadata.Version)
	if _, err := client.Push(data, at, registry.PushOptCreationTime(r.time.Format(time.RFC3339))); err != nil {
		return err
	}
	reference, err := name.ParseReference(at, name.Insecure)
	if err != nil {
		return err
	}
	pushed, err := remote.Image(reference, remote.WithContext(ctx))
	if err != nil {
		return err
	}
	dir := filepath.Join(r.out, "chart")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	return path.AppendImage(pushed, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": loaded.Metadata.Version}))
}
