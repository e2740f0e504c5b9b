// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/progress"
)

func ctr(ctx context.Context, args ...string) (string, error) {
	return run(ctx, "", "ctr", append([]string{"--address", containerdSocket(), "--namespace", "k8s.io"}, args...)...)
}

// LoadImages brings image archives, as `docker save` writes them, into the cluster.
func LoadImages(ctx context.Context, p *progress.Printer, files []string) error {
	if _, err := os.Stat(containerdSocket()); err != nil {
		return errors.New("no cluster is running here: start one with `localkube up`")
	}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("load an image: %w", err)
		}
		done := p.Long("loading %s", file)
		out, err := ctr(ctx, "images", "import", file)
		done()
		if err != nil {
			return fmt.Errorf("load %s (an archive as `docker save` or `buildah push ... docker-archive:` writes it): %w", file, err)
		}
		names := importedNames(out)
		if len(names) == 0 {
			return fmt.Errorf("load %s: the archive names no image; save it by its name and tag", file)
		}
		for _, name := range names {
			p.Linef("loaded %s", name)
		}
	}
	return nil
}

var importedLine = regexp.MustCompile(`(?m)^unpacking (\S+) \(`)

// importedNames reads what ctr says about an import.
func importedNames(out string) []string {
	var names []string
	for _, m := range importedLine.FindAllStringSubmatch(out, -1) {
		names = append(names, m[1])
	}
	return names
}

// ensurePauseImage makes and loads the image that every pod starts with.
func ensurePauseImage(ctx context.Context, l Layout) error {
	out, err := ctr(ctx, "images", "list", "--quiet", "name=="+pauseImage)
	if err != nil {
		return fmt.Errorf("look for the pause image: %w", err)
	}
	if strings.TrimSpace(out) == pauseImage {
		return nil
	}
	binary, err := os.ReadFile(l.binary("pause"))
	if err != nil {
		return fmt.Errorf("read the pause program: %w", err)
	}
	archive, err := imageArchive(pauseImage, "/pause", binary)
	if err != nil {
		return fmt.Errorf("make the pause image: %w", err)
	}
	file := filepath.Join(runDir, "pause.tar")
	if err := os.WriteFile(file, archive, 0o644); err != nil {
		return fmt.Errorf("write the pause image: %w", err)
	}
	defer os.Remove(file)
	if _, err := ctr(ctx, "images", "import", file); err != nil {
		return fmt.Errorf("load the pause image: %w", err)
	}
	// The kubelet's garbage collection spares what carries this label.
	if _, err := ctr(ctx, "images", "label", pauseImage, "io.cri-containerd.pinned=pinned"); err != nil {
		return fmt.Errorf("pin the pause image: %w", err)
	}
	return nil
}

// imageArchive makes an image of one static program, in the format of `docker save`.
func imageArchive(name, program string, binary []byte) ([]byte, error) {
	layer, err := tarOf(tarFile{strings.TrimPrefix(program, "/"), 0o755, binary})
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{program}, "User": "65535:65535"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal([]any{map[string]any{
		"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"},
	}})
	if err != nil {
		return nil, err
	}
	return tarOf(
		tarFile{"manifest.json", 0o644, manifest},
		tarFile{"config.json", 0o644, config},
		tarFile{"layer.tar", 0o644, layer},
	)
}

type tarFile struct {
	name string
	mode int64
	data []byte
}

func tarOf(files ...tarFile) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: f.mode, Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return out.Bytes(), err
}
