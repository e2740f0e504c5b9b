// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	spdxjson "github.com/spdx/tools-golang/json"
	"sigs.k8s.io/yaml"
)

// TestArchives_HoldWhatIsPacked: content, mode and time, in both formats, and the same bytes each time.
func TestArchives_HoldWhatIsPacked(t *testing.T) {
	r := newRelease(t)
	entries := []entry{{"kubectl-recordings", []byte("program"), 0o755}, {"LICENSE", []byte("text"), 0o644}}
	check := func(i int, name string, mode os.FileMode, content io.Reader) {
		t.Helper()
		got, err := io.ReadAll(content)
		if err != nil || name != entries[i].name || mode.Perm() != entries[i].mode || !bytes.Equal(got, entries[i].content) {
			t.Errorf("entry %d is %s %v %q: %v", i, name, mode, got, err)
		}
	}
	for _, pack := range []func([]entry) ([]byte, error){r.tarball, r.zip} {
		first, err := pack(entries)
		if err != nil {
			t.Fatal(err)
		}
		if second, err := pack(entries); err != nil || !bytes.Equal(first, second) {
			t.Errorf("a second archive differs: %v", err)
		}
	}
	packed, _ := r.tarball(entries)
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	reader := tar.NewReader(unzipped)
	for i := range entries {
		header, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		check(i, header.Name, header.FileInfo().Mode(), reader)
	}
	if _, err := reader.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("after the last file: %v", err)
	}
	packed, _ = r.zip(entries)
	files, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil || len(files.File) != len(entries) {
		t.Fatalf("%d files: %v", len(files.File), err)
	}
	for i, file := range files.File {
		content, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		check(i, file.Name, file.Mode(), content)
	}
}

// TestPlugin_IsBuiltForItsPlatform builds the one of this machine's tests, and holds what is beside it.
func TestPlugin_IsBuiltForItsPlatform(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the plugin")
	}
	r := newRelease(t)
	entries, err := r.plugin(t.Context(), platform{"linux", "amd64"})
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, e.name)
	}
	if got := strings.Join(names, " "); got != "kubectl-recordings LICENSE kubectl_complete-recordings" {
		t.Errorf("the archive would have %s", got)
	}
	if !bytes.HasPrefix(entries[0].content, []byte("\x7fELF")) || !bytes.Contains(entries[0].content, []byte(testVersion)) {
		t.Error("the plugin is no program for Linux, or has another version")
	}
}

// TestKrew_NamesEachArchive: the manifest has the checksum of what was written, and SHA256SUMS has the same.
func TestKrew_NamesEachArchive(t *testing.T) {
	r := newRelease(t)
	var names []string
	for _, p := range platforms {
		name, err := r.write(p.archive(r.version), []byte(p.os+p.arch))
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	krew, err := r.krew()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.checksums(append(names, krew)); err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Metadata struct{ Name string }
		Spec     struct {
			Version   string
			Platforms []struct {
				URI, SHA256, Bin string
				Selector         struct{ MatchLabels map[string]string }
			}
		}
	}
	if err := yaml.Unmarshal(r.read(t, krew), &manifest); err != nil {
		t.Fatal(err)
	}
	if manifest.Metadata.Name != "recordings" || manifest.Spec.Version != testVersion || len(manifest.Spec.Platforms) != 5 {
		t.Errorf("the manifest is %+v", manifest)
	}
	for i, p := range platforms {
		got := manifest.Spec.Platforms[i]
		sum := fmt.Sprintf("%x", sha256.Sum256([]byte(p.os+p.arch)))
		if got.SHA256 != sum || got.Bin != p.binary() || got.URI != r.downloads+"/"+p.archive(r.version) ||
			got.Selector.MatchLabels["os"] != p.os || got.Selector.MatchLabels["arch"] != p.arch {
			t.Errorf("%s/%s: %+v", p.os, p.arch, got)
		}
		if !strings.Contains(string(r.read(t, "SHA256SUMS")), sum+"  "+p.archive(r.version)+"\n") {
			t.Errorf("SHA256SUMS has not the sum of %s", p.archive(r.version))
		}
	}
}

// TestSBOM_ListsWhatIsInside: modules that are imported and no others, Go, and the worker's ffmpeg with its libraries.
func TestSBOM_ListsWhatIsInside(t *testing.T) {
	if testing.Short() {
		t.Skip("lists modules")
	}
	r := newRelease(t)
	r.ffmpeg = t.TempDir()
	for _, dir := range []string{"ffmpeg", "libx264-dev"} {
		if err := os.MkdirAll(filepath.Join(r.ffmpeg, "copyright", dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(r.ffmpeg, "version"), []byte("7.1.5-0+deb13u1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	files, err := r.sboms(t.Context())
	if err != nil || len(files) != 4 {
		t.Fatalf("wrote %v: %v", files, err)
	}
	for name, c := range map[string]struct{ has, hasNot string }{
		"kubectl-recordings": {"pkg:golang/github.com/spf13/cobra@", "pkg:deb/"},
		"recording-operator": {"pkg:golang/sigs.k8s.io/controller-runtime@", "pkg:golang/pgregory.net/rapid@"},
		"recording-worker":   {"pkg:deb/debian/ffmpeg@7.1.5-0+deb13u1", "pkg:golang/sigs.k8s.io/controller-runtime@"},
		"recording-trigger":  {"pkg:golang/stdlib@", "pkg:deb/"},
	} {
		content := r.read(t, name+".spdx.json")
		document, err := spdxjson.Read(bytes.NewReader(content))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if document.SPDXVersion != "SPDX-2.3" || len(document.Packages) < 2 || len(document.Relationships) != len(document.Packages) {
			t.Errorf("%s: %s with %d packages and %d relationships", name, document.SPDXVersion, len(document.Packages), len(document.Relationships))
		}
		ids := map[string]bool{}
		for _, p := range document.Packages {
			if ids[string(p.PackageSPDXIdentifier)] {
				t.Errorf("%s: %s is there twice", name, p.PackageSPDXIdentifier)
			}
			ids[string(p.PackageSPDXIdentifier)] = true
		}
		if !bytes.Contains(content, []byte(c.has)) || bytes.Contains(content, []byte(c.hasNot)) {
			t.Errorf("%s: want %s, and not %s", name, c.has, c.hasNot)
		}
	}
	r.ffmpeg = ""
	if _, err := r.sboms(t.Context()); err == nil || !strings.Contains(err.Error(), "-ffmpeg") {
		t.Errorf("without ffmpeg: %v", err)
	}
}

// TestRelease_RefusesWrongFlags names the flag.
func TestRelease_RefusesWrongFlags(t *testing.T) {
	for _, c := range []struct {
		flag   string
		change func(*release)
	}{
		{"-version", func(r *release) { r.version = "0.1.0" }},
		{"-registry", func(r *release) { r.registry = "" }},
		{"-registry", func(r *release) { r.registry = "registry.example.com/" }},
		{"-downloads", func(r *release) { r.downloads = "" }},
	} {
		r := newRelease(t)
		c.change(r)
		if err := r.run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), c.flag) {
			t.Errorf("%s: %v", c.flag, err)
		}
	}
}
