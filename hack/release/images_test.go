// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// maxInstall is how large install.yaml may be: `kubectl apply -f URL` fetches it each time, and people look into it.
const maxInstall = 120_000

// save saves an image as `make dist-images` does.
func (r *release) save(t *testing.T, image, architecture, tag string) {
	t.Helper()
	built, err := random.Image(1000, 2)
	if err != nil {
		t.Fatal(err)
	}
	config, err := built.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture, config.Config.Entrypoint = "linux", architecture, []string{"/" + image}
	if built, err = mutate.ConfigFile(built, config); err != nil {
		t.Fatal(err)
	}
	reference, err := name.NewTag(tag)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(r.out, "images"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := tarball.WriteToFile(filepath.Join(r.out, "images", image+"-"+architecture+".tar"), reference, built); err != nil {
		t.Fatal(err)
	}
}

// index is the one index of an image's layout.
func (r *release) index(t *testing.T, image string) v1.ImageIndex {
	t.Helper()
	path, err := layout.FromPath(filepath.Join(r.out, "images", image))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := whole.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%v: the layout of %s has not one entry", err, image)
	}
	index, err := whole.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// TestImages_AreNamedByTheirDigest: the manifests name the digest that a registry has when the layout was pushed, and a node
// of each architecture finds its image there. install.yaml is small with digests, too.
func TestImages_AreNamedByTheirDigest(t *testing.T) {
	r := newRelease(t)
	r.registry = "registry.example.com/" + strings.Repeat("m", 20)
	want := map[string]string{"recording-operator": "amd64 arm64", "recording-worker": "amd64", "recording-trigger": "amd64 arm64"}
	for image, built := range want {
		for architecture := range strings.FieldsSeq(built) {
			r.save(t, image, architecture, map[bool]string{true: "localhost/", false: ""}[image == "recording-worker"]+image+":"+testVersion)
		}
	}
	if _, err := r.layouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.manifests(t.Context()); err != nil {
		t.Fatal(err)
	}
	if size := len(r.read(t, "install.yaml")); size > maxInstall {
		t.Errorf("install.yaml has %d bytes, more than %d", size, maxInstall)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	for image, architectures := range want {
		pushed, err := name.ParseReference(strings.TrimPrefix(server.URL, "http://")+"/m/"+image+":"+testVersion, name.Insecure)
		if err != nil {
			t.Fatal(err)
		}
		if err := remote.WriteIndex(pushed, r.index(t, image)); err != nil {
			t.Fatal(err)
		}
		head, err := remote.Head(pushed)
		if err != nil {
			t.Fatal(err)
		}
		if want := r.registry + "/" + image + "@" + head.Digest.String(); !strings.Contains(string(r.read(t, "operator.yaml")), want) {
			t.Errorf("operator.yaml has not %s", want)
		}
		entries, err := r.index(t, image).IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries.Manifests {
			if entry.ArtifactType != "" {
				t.Errorf("%s has artifactType %s: skopeo does not push it as it is", image, entry.ArtifactType)
			}
		}
		for architecture := range strings.FieldsSeq(architectures) {
			pulled, err := remote.Image(pushed, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: architecture}))
			if err != nil {
				t.Fatalf("%s for %s: %v", image, architecture, err)
			}
			if err := validate.Image(pulled); err != nil {
				t.Errorf("%s for %s: %v", image, architecture, err)
			}
			config, err := pulled.ConfigFile()
			if err != nil || config.Architecture != architecture || len(config.Config.Entrypoint) != 1 || config.Config.Entrypoint[0] != "/"+image {
				t.Errorf("%s for %s: %v %+v", image, architecture, err, config)
			}
		}
	}
}

// TestImages_NotBuiltAreNamedByTheirTag, and those of another version or architecture are refused.
func TestImages_NotBuiltAreNamedByTheirTag(t *testing.T) {
	r := newRelease(t)
	r.save(t, "recording-operator", "amd64", "recording-operator:"+testVersion)
	if _, err := r.layouts(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := r.manifests(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(r.read(t, "operator.yaml")), "media/recording-trigger:"+testVersion) {
		t.Error("operator.yaml does not name the image that was not built by its tag")
	}
	r.save(t, "recording-trigger", "amd64", "recording-trigger:v9.9.9")
	if _, err := r.layouts(t.Context()); err == nil || !strings.Contains(err.Error(), "recording-trigger") {
		t.Errorf("an image of another version: %v", err)
	}
	r.save(t, "recording-trigger", "amd64", "recording-trigger:"+testVersion)
	archive := filepath.Join(r.out, "images", "recording-trigger-")
	if err := os.Rename(archive+"amd64.tar", archive+"arm64.tar"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.layouts(t.Context()); err == nil || !strings.Contains(err.Error(), "linux/amd64") {
		t.Errorf("an image of another architecture: %v", err)
	}
}
