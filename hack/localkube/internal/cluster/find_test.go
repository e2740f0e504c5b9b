// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestIsOurs(t *testing.T) {
	line := func(words ...string) []byte { return []byte(strings.Join(words, "\x00") + "\x00") }
	for name, c := range map[string]struct {
		cmdline []byte
		want    bool
	}{
		"component":              {line("/cache/kubelet", "--root-dir=/s/.localkube/kubelet"), true},
		"shim":                   {line("/usr/bin/containerd-shim-runc-v2", "-address", "/run/localkube/containerd.sock", "-id", "x"), true},
		"another's shim":         {line("/usr/bin/containerd-shim-runc-v2", "-address", "/run/containerd/containerd.sock"), false},
		"envtest's API server":   {line("/cache/kube-apiserver", "--cert-dir=/tmp/x"), false},
		"kubectl on our cluster": {line("kubectl", "--kubeconfig=/s/.localkube/kubeconfig", "get", "pods"), false},
		"a look at a log":        {line("tail", "-f", "/s/.localkube/logs/kubelet.log"), false},
		"a longer name":          {line("/cache/kubelet", "--root-dir=/s/.localkube2/kubelet"), false},
		"kernel thread":          {nil, false},
	} {
		if got := isOurs(c.cmdline, "/s/.localkube"); got != c.want {
			t.Errorf("%s: isOurs = %v", name, got)
		}
	}
}

func TestParseMounts(t *testing.T) {
	info := `22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 0:26 / /run/localkube/netns/cni-1 rw shared:1 - nsfs nsfs rw
31 22 0:27 / /s/with\040space/kubelet/pods/x rw - tmpfs tmpfs rw
32 22 0:28 / /run/localkube2/x rw - tmpfs tmpfs rw
`
	got := parseMounts(info, "/run/localkube", "/s/with space")
	want := []string{"/run/localkube/netns/cni-1", "/s/with space/kubelet/pods/x"}
	if !slices.Equal(got, want) {
		t.Errorf("parseMounts = %q", got)
	}
}

func TestParseTables(t *testing.T) {
	got := parseTables("table ip localkube\ntable inet filter\ntable ip6 kube-proxy\ntable ip nat\n")
	if !slices.Equal(got, []string{"ip localkube", "ip6 kube-proxy"}) {
		t.Errorf("parseTables = %q", got)
	}
}

func TestAbandonedSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if abandoned(path) {
		t.Error("what does not exist is not abandoned")
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if abandoned(path) {
		t.Error("somebody listens")
	}
	l.Close()
	if !abandoned(path) {
		t.Error("nobody listens any more")
	}
}

func TestUnmarkedDirectoryStays(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "precious"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := removeUnmarked(dir); err == nil {
		t.Error("no word about a directory that stays")
	}
	if _, err := os.Stat(filepath.Join(dir, "precious")); err != nil {
		t.Error(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 { // there, and not there any more
		if err := removeUnmarked(empty); err != nil {
			t.Error(err)
		}
	}
}

func TestNodeIsReady(t *testing.T) {
	for body, wantErr := range map[string]bool{
		`{"status":{"conditions":[{"type":"MemoryPressure","status":"False"},{"type":"Ready","status":"True"}]}}`: false,
		`{"status":{"conditions":[{"type":"Ready","status":"False","message":"no network"}]}}`:                    true,
		`{"status":{}}`: true,
		`nonsense`:      true,
	} {
		if err := nodeIsReady([]byte(body)); (err != nil) != wantErr {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestImportedNames(t *testing.T) {
	out := "unpacking docker.io/library/a:dev (sha256:00)...done\nunpacking localhost/b:1 (sha256:11)...done\n"
	if got := importedNames(out); !slices.Equal(got, []string{"docker.io/library/a:dev", "localhost/b:1"}) {
		t.Errorf("importedNames = %q", got)
	}
}

func TestImageArchiveHoldsTheProgram(t *testing.T) {
	data, err := imageArchive("x:1", "/pause", []byte("program"))
	if err != nil {
		t.Fatal(err)
	}
	outer := tarContents(t, data)
	if !strings.Contains(outer["manifest.json"], `"RepoTags":["x:1"]`) || !strings.Contains(outer["config.json"], `"Entrypoint":["/pause"]`) {
		t.Errorf("unexpected archive: %q", outer)
	}
	if got := tarContents(t, []byte(outer["layer.tar"]))["pause"]; got != "program" {
		t.Errorf("the layer holds %q", got)
	}
}

func tarContents(t *testing.T, data []byte) map[string]string {
	t.Helper()
	files := map[string]string{}
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(content)
	}
}

func TestPathTooLongForSockets(t *testing.T) {
	if err := (Layout{State: "/srv/checkout/.localkube"}).checkLength(); err != nil {
		t.Error(err)
	}
	if err := (Layout{State: "/" + strings.Repeat("d", 100)}).checkLength(); err == nil || !strings.Contains(err.Error(), "--state-dir") {
		t.Errorf("err = %v", err)
	}
}
