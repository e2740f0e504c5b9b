// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kubebuild

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/progress"
)

func checkout(t *testing.T) string {
	t.Helper()
	repo := t.TempDir()
	write(t, repo, kubeModule+"/go.mod", "module x\n\nrequire (\n\tk8s.io/kubectl v0.37.2\n\tk8s.io/kubernetes v1.37.2\n)\n")
	write(t, repo, kubeModule+"/go.sum", "")
	write(t, repo, kubeModule+"/main.go", "package main\n\nfunc main() {}\n")
	write(t, repo, pauseDir+"/main.go", "package main\n")
	return repo
}

func write(t *testing.T, repo, name, content string) {
	t.Helper()
	path := filepath.Join(repo, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestVersion(t *testing.T) {
	repo := checkout(t)
	if v, err := Version(repo); err != nil || v != "v1.37.2" {
		t.Errorf("Version = %q, %v", v, err)
	}
	write(t, repo, kubeModule+"/go.mod", "module x\n")
	if _, err := Version(repo); err == nil {
		t.Error("a module without Kubernetes gives no error")
	}
}

func TestSourceHashFollowsWhatIsBuilt(t *testing.T) {
	repo := checkout(t)
	hash := func() string {
		t.Helper()
		h, err := sourceHash(repo, "go1")
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	first := hash()
	write(t, repo, kubeModule+"/README.md", "words")
	write(t, repo, kubeModule+"/main_test.go", "package main\n")
	if hash() != first {
		t.Error("files that are not built change the hash")
	}
	for _, name := range []string{kubeModule + "/go.sum", kubeModule + "/coredns/main.go", pauseDir + "/main.go"} {
		before := hash()
		write(t, repo, name, "// changed\n")
		if hash() == before {
			t.Errorf("%s does not change the hash", name)
		}
	}
	if other, _ := sourceHash(repo, "go2"); other == hash() {
		t.Error("another toolchain does not change the hash")
	}
}

func TestLdflagsTellTheVersion(t *testing.T) {
	got := strings.Join(ldflags("v1.37.2"), " ")
	for _, want := range []string{"gitVersion=v1.37.2", "gitMajor=1", "gitMinor=37"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %s", got, want)
		}
	}
}

func TestEnsureServesEnvtestFromAFullBuild(t *testing.T) {
	repo := checkout(t)
	b := Builder{Repo: repo, Cache: t.TempDir(), Progress: progress.New(io.Discard)}
	// The module is a trivial program, so this builds for real, in a moment.
	write(t, repo, "hack/localkube/go.mod", "module y\n")
	write(t, repo, kubeModule+"/go.mod", "module x\n\nrequire k8s.io/kubernetes v1.37.2\n\nreplace k8s.io/kubernetes => ./k\n")
	write(t, repo, kubeModule+"/k/go.mod", "module k8s.io/kubernetes\n")
	write(t, repo, kubeModule+"/coredns/main.go", "package main\n\nfunc main() {}\n")
	write(t, repo, pauseDir+"/main.go", "package main\n\nfunc main() {}\n")

	small, err := b.Ensure(t.Context(), Envtest)
	if err != nil {
		t.Fatal(err)
	}
	full, err := b.Ensure(t.Context(), Cluster)
	if err != nil {
		t.Fatal(err)
	}
	if small == full {
		t.Errorf("both are in %s", small)
	}
	for _, name := range append([]string{"coredns", "pause"}, linked[Cluster]...) {
		if _, err := os.Stat(filepath.Join(full, name)); err != nil {
			t.Error(err)
		}
	}
	for _, name := range envtestPrograms {
		if _, err := os.Stat(filepath.Join(small, name)); err != nil {
			t.Error(err)
		}
	}
	if again, err := b.Ensure(t.Context(), Envtest); err != nil || again != full {
		t.Errorf("envtest is served from %q (%v), want the full build %q", again, err, full)
	}
	left, _ := filepath.Glob(filepath.Join(b.Cache, "kubernetes", "*.building"))
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestEnsureFailsWithTheCompilersWords(t *testing.T) {
	repo := checkout(t)
	write(t, repo, kubeModule+"/go.mod", "module x\n\nrequire k8s.io/kubernetes v1.37.2\n\nreplace k8s.io/kubernetes => ./k\n")
	write(t, repo, kubeModule+"/k/go.mod", "module k8s.io/kubernetes\n")
	write(t, repo, kubeModule+"/main.go", "package main\n\nfunc main() { nonsense() }\n")
	b := Builder{Repo: repo, Cache: t.TempDir(), Progress: progress.New(io.Discard)}
	dir, err := b.Ensure(t.Context(), Envtest)
	if err == nil || !strings.Contains(err.Error(), "undefined: nonsense") {
		t.Errorf("Ensure = %q, %v", dir, err)
	}
	if isDir(dir) {
		t.Error("a failed build is in the cache")
	}
}
