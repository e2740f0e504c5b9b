// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kubebuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/flock"
	"sparkrtc.dev/recording-operator/hack/localkube/internal/progress"
)

const (
	kubeModule = "hack/localkube/kube"
	pauseDir   = "hack/localkube/pause"
)

// What is the set of programs to be built.
type What string

const (
	// Cluster is all that a cluster runs, and kubectl.
	Cluster What = "cluster"
	// Envtest is what controller-runtime's envtest starts, and kubectl.
	Envtest What = "envtest"
)

var envtestPrograms = []string{"kube-apiserver", "etcd", "kubectl"}

// linked are the names under which the one binary is called.
var linked = map[What][]string{
	Envtest: envtestPrograms,
	Cluster: append([]string{"kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"}, envtestPrograms...),
}

// Builder builds from a checkout into a cache.
type Builder struct {
	Repo     string // the checkout's root
	Cache    string // the cache's root
	Progress *progress.Printer
}

// Ensure returns the directory that holds the programs, after building them if
// need be. What is there is complete, because a build becomes visible by a rename.
func (b Builder) Ensure(ctx context.Context, what What) (string, error) {
	version, err := Version(b.Repo)
	if err != nil {
		return "", err
	}
	goVersion, err := b.goEnv(ctx)
	if err != nil {
		return "", err
	}
	hash, err := sourceHash(b.Repo, append(ldflags(version), goVersion...)...)
	if err != nil {
		return "", err
	}
	full := filepath.Join(b.Cache, "kubernetes", version+"-"+hash)
	dir := full
	if what == Envtest {
		dir = full + "-envtest"
	}
	for _, ready := range []string{full, dir} { // a full build serves envtest as well
		if isDir(ready) {
			return ready, nil
		}
	}

	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", fmt.Errorf("make the cache: %w", err)
	}
	unlock, err := flock.Lock(ctx, filepath.Join(b.Cache, "kubernetes", ".lock"), func() {
		b.Progress.Linef("another build of Kubernetes is under way; waiting for it")
	})
	if err != nil {
		return "", fmt.Errorf("lock the cache: %w", err)
	}
	defer unlock()
	for _, ready := range []string{full, dir} { // somebody else built it while this one waited
		if isDir(ready) {
			return ready, nil
		}
	}
	return dir, b.build(ctx, what, version, dir)
}

func (b Builder) build(ctx context.Context, what What, version, dir string) error {
	began := time.Now()
	const tmpSuffix = ".building"
	// Under the lock nobody else builds: a directory like this was left by a build that was cut off.
	tmp := dir + tmpSuffix
	if err := os.RemoveAll(tmp); err != nil {
		return fmt.Errorf("remove an unfinished build: %w", err)
	}
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return fmt.Errorf("make the cache: %w", err)
	}
	flags := strings.Join(ldflags(version), " ")
	steps := []struct {
		out, module, pkg, tags, note string
	}{
		{"kube", kubeModule, ".", "", "8 minutes on 2 cores the first time"},
		{"coredns", kubeModule, "./coredns", "", "1 minute"},
		{"pause", filepath.Dir(pauseDir), "./pause", "", "a second"},
	}
	if what == Envtest {
		steps = steps[:1]
		steps[0].tags, steps[0].note = "envtest", "6 minutes on 2 cores the first time"
	}
	for _, s := range steps {
		what := fmt.Sprintf("building %s of Kubernetes %s (about %s; cached in %s)", s.out, strings.TrimPrefix(version, "v"), s.note, dir)
		done := b.Progress.Long("%s", what)
		err := goBuild(ctx, filepath.Join(b.Repo, s.module), filepath.Join(tmp, s.out), s.pkg, s.tags, flags)
		done()
		if err != nil {
			return fmt.Errorf("build %s: %w", s.out, err)
		}
	}
	for _, name := range linked[what] {
		if err := os.Symlink("kube", filepath.Join(tmp, name)); err != nil {
			return fmt.Errorf("link %s: %w", name, err)
		}
	}
	if err := os.Rename(tmp, dir); err != nil {
		return fmt.Errorf("put the build in its place: %w", err)
	}
	b.Progress.Linef("built Kubernetes %s in %d s", version, int(time.Since(began).Seconds()))
	return nil
}

// goBuild builds without cgo, so that the binary runs on any Linux of its architecture.
func goBuild(ctx context.Context, dir, out, pkg, tags, ldflags string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", tags, "-ldflags", ldflags, "-o", out, pkg)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w in %s:\n%s", err, dir, tail(output.String(), 30))
	}
	return nil
}

// ldflags strip the binary and give it its version, which the published modules lack.
func ldflags(version string) []string {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	const pkg = "k8s.io/component-base/version"
	return []string{
		"-s", "-w",
		"-X", pkg + ".gitVersion=" + version,
		"-X", pkg + ".gitMajor=" + parts[0],
		"-X", pkg + ".gitMinor=" + parts[1],
		"-X", pkg + ".gitTreeState=clean",
	}
}

func (b Builder) goEnv(ctx context.Context) ([]string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOOS", "GOARCH")
	cmd.Dir = filepath.Join(b.Repo, kubeModule)
	out, err := cmd.Output()
	if errors.Is(err, exec.ErrNotFound) {
		return nil, errors.New("go is not in PATH; Kubernetes is built with it, so install Go first")
	}
	if err != nil {
		return nil, fmt.Errorf("ask go for its version: %w", err)
	}
	return strings.Fields(string(out)), nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
