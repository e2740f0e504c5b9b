// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

// platform is what the plugin is built for.
type platform struct{ os, arch string }

var platforms = []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}, {"windows", "amd64"}}

// binary is the plugin's file name on the platform.
func (p platform) binary() string {
	if p.os == "windows" {
		return "kubectl-recordings.exe"
	}
	return "kubectl-recordings"
}

// archive is the name of the platform's archive.
func (p platform) archive(version string) string {
	ending := ".tar.gz"
	if p.os == "windows" {
		ending = ".zip"
	}
	return fmt.Sprintf("kubectl-recordings_%s_%s_%s%s", version, p.os, p.arch, ending)
}

// entry is a file of an archive.
type entry struct {
	name    string
	content []byte
	mode    os.FileMode
}

// plugins builds the kubectl plugin for each platform, and writes archives and the krew manifest that names them.
func (r *release) plugins(ctx context.Context) ([]string, error) {
	var files []string
	for _, platform := range platforms {
		entries, err := r.plugin(ctx, platform)
		if err != nil {
			return nil, fmt.Errorf("plugin for %s/%s: %w", platform.os, platform.arch, err)
		}
		pack := r.tarball
		if platform.os == "windows" {
			pack = r.zip
		}
		content, err := pack(entries)
		if err != nil {
			return nil, err
		}
		name, err := r.write(platform.archive(r.version), content)
		if err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	krew, err := r.krew()
	if err != nil {
		return nil, err
	}
	return append(files, krew), nil
}

// plugin builds the plugin, and returns what belongs into its archive.
func (r *release) plugin(ctx context.Context, p platform) ([]entry, error) {
	dir, err := os.MkdirTemp("", "plugin-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, p.binary())
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+r.version, "-o", binary, "./cmd/kubectl-recordings")
	build.Dir, build.Stderr = r.repo, os.Stderr
	build.Env = append(os.Environ(), "GOOS="+p.os, "GOARCH="+p.arch, "CGO_ENABLED=0")
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("go build: %w", err)
	}
	sources := []struct {
		path string
		mode os.FileMode
	}{{binary, 0o755}, {filepath.Join(r.repo, "LICENSE"), 0o644}}
	if p.os != "windows" {
		// The shell script by which kubectl completes the plugin's command line.
		sources = append(sources, struct {
			path string
			mode os.FileMode
		}{filepath.Join(r.repo, "cmd", "kubectl-recordings", "kubectl_complete-recordings"), 0o755})
	}
	var entries []entry
	for _, source := range sources {
		content, err := os.ReadFile(source.path)
		if err != nil {
			return nil, err
		}
		entries = append(entries, entry{name: filepath.Base(source.path), content: content, mode: source.mode})
	}
	return entries, nil
}

func (r *release) tarball(entries []entry) ([]byte, error) {
	content := &bytes.Buffer{}
	zipped := gzip.NewWriter(content)
	packed := tar.NewWriter(zipped)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Mode: int64(e.mode), Size: int64(len(e.content)), ModTime: r.time}
		if err := packed.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := packed.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := packed.Close(); err != nil {
		return nil, err
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

func (r *release) zip(entries []entry) ([]byte, error) {
	content := &bytes.Buffer{}
	packed := zip.NewWriter(content)
	for _, e := range entries {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: r.time}
		header.SetMode(e.mode)
		file, err := packed.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := file.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := packed.Close(); err != nil {
		return nil, err
	}
	return content.Bytes(), nil
}

// krew writes the manifest by which krew finds the archives: https://krew.sigs.k8s.io/docs/developer-guide/plugin-manifest/
func (r *release) krew() (string, error) {
	var platformSpecs []map[string]any
	for _, p := range platforms {
		sum, err := r.sha256(p.archive(r.version))
		if err != nil {
			return "", err
		}
		platformSpecs = append(platformSpecs, map[string]any{
			"selector": map[string]any{"matchLabels": map[string]string{"os": p.os, "arch": p.arch}},
			"uri":      strings.TrimSuffix(r.downloads, "/") + "/" + p.archive(r.version),
			"sha256":   sum,
			"bin":      p.binary(),
		})
	}
	content, err := yaml.Marshal(map[string]any{
		"apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
		"kind":       "Plugin",
		"metadata":   map[string]any{"name": "recordings"},
		"spec": map[string]any{
			"version":          r.version,
			"homepage":         "https://sparkrtc.dev/recording-operator",
			"shortDescription": "Work with SparkRTC's recordings and their callbacks",
			"description": "Sends signed callbacks, explains captured ones, finds recordings in a bucket that have no RecordingFile,\n" +
				"and replays rejected callbacks. It acts with your rights in the cluster.\n",
			"caveats":   "Completion: kubectl recordings completion kubectl > ~/.local/bin/kubectl_complete-recordings\n",
			"platforms": platformSpecs,
		},
	})
	if err != nil {
		return "", err
	}
	return r.write("recordings.krew.yaml", content)
}

func (r *release) sha256(name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(content)), nil
}

// checksums writes SHA256SUMS, which `sha256sum --check` reads.
func (r *release) checksums(names []string) (string, error) {
	lines := &bytes.Buffer{}
	for _, name := range slices.Sorted(slices.Values(names)) {
		sum, err := r.sha256(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(lines, "%s  %s\n", sum, name)
	}
	return r.write("SHA256SUMS", lines.Bytes())
}
