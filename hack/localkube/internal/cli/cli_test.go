// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// run calls the command in an empty checkout.
func run(t *testing.T, args ...string) (stdout string, err error) {
	t.Helper()
	repo := t.TempDir()
	if err := os.MkdirAll(filepath.Join(repo, "hack/localkube/kube"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(repo, "hack/localkube/kube/go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Join(repo, "hack")) // found from below, too
	var out, errOut bytes.Buffer
	root := New(&out, &errOut)
	root.SetArgs(args)
	err = root.ExecuteContext(t.Context())
	return strings.ReplaceAll(out.String(), repo, "REPO"), err
}

func TestKubeconfig(t *testing.T) {
	out, err := run(t, "kubeconfig")
	if err != nil || out != "REPO/.localkube/kubeconfig\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestStatusWithoutACluster(t *testing.T) {
	out, err := run(t, "status")
	if err == nil || !strings.Contains(out, "localkube up") {
		t.Errorf("%q, %v", out, err)
	}
}

func TestBuildNamesWhatItKnows(t *testing.T) {
	if _, err := run(t, "build", "--only", "kubelet"); err == nil || !strings.Contains(err.Error(), "envtest") {
		t.Errorf("err = %v", err)
	}
}

func TestOutsideOfACheckout(t *testing.T) {
	if _, err := findRepo(t.TempDir()); err == nil || !strings.Contains(err.Error(), "--repo") {
		t.Errorf("err = %v", err)
	}
}

func TestEveryCommandTeaches(t *testing.T) {
	for _, c := range New(nil, nil).Commands() {
		if len(c.Long) < 60 {
			t.Errorf("%s: the help is too short: %q", c.Name(), c.Long)
		}
	}
}
