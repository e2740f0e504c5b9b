// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package kubebuild builds Kubernetes from the module in hack/localkube/kube and
// keeps the binaries in a cache outside the checkout.
package kubebuild

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var kubernetesRequirement = regexp.MustCompile(`(?m)^\s*(?:require\s+)?k8s\.io/kubernetes (v\S+)`)

// Version reads from the module which Kubernetes it builds.
func Version(repo string) (string, error) {
	file := filepath.Join(repo, kubeModule, "go.mod")
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("find the version of Kubernetes: %w", err)
	}
	m := kubernetesRequirement.FindSubmatch(data)
	if m == nil {
		return "", fmt.Errorf("%s does not require k8s.io/kubernetes", file)
	}
	return string(m[1]), nil
}

// sourceHash covers everything that the binaries are made from: the modules'
// pinned versions, the main packages, and the toolchain with its flags.
func sourceHash(repo string, flags ...string) (string, error) {
	h := sha256.New()
	for _, dir := range []string{kubeModule, pauseDir} {
		if err := hashDir(h, repo, dir); err != nil {
			return "", fmt.Errorf("hash the sources: %w", err)
		}
	}
	for _, f := range flags {
		fmt.Fprintf(h, "flag %q\n", f)
	}
	return hex.EncodeToString(h.Sum(nil))[:12], nil
}

func hashDir(h interface{ Write([]byte) (int, error) }, repo, dir string) error {
	var files []string
	err := filepath.WalkDir(filepath.Join(repo, dir), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		isSource := name == "go.mod" || name == "go.sum" ||
			strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go")
		if !d.IsDir() && isSource {
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(repo, path)
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "file %q %x\n", rel, sha256.Sum256(data))
	}
	return nil
}
