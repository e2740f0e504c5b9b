// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestLifeOfACluster takes a real cluster of this machine through its life. It needs
// root, and a machine without a cluster: LOCALKUBE_INTEGRATION=1 go test ./internal/cli
func TestLifeOfACluster(t *testing.T) {
	if os.Getenv("LOCALKUBE_INTEGRATION") == "" {
		t.Skip("LOCALKUBE_INTEGRATION is not set")
	}
	state := filepath.Join(t.TempDir(), "s")
	localkube := func(args ...string) (string, error) {
		var out bytes.Buffer
		root := New(&out, t.Output())
		root.SetArgs(append(args, "--state-dir", state))
		err := root.ExecuteContext(t.Context())
		return out.String(), err
	}
	must := func(args ...string) string {
		t.Helper()
		out, err := localkube(args...)
		if err != nil {
			t.Fatalf("localkube %v: %v\n%s", args, err, out)
		}
		return out
	}
	kubectl := func(stdin string, args ...string) string {
		t.Helper()
		cmd := exec.Command(filepath.Join(state, "bin", "kubectl"), args...)
		cmd.Env = append(os.Environ(), "KUBECONFIG="+filepath.Join(state, "kubeconfig"))
		cmd.Stdin = strings.NewReader(stdin)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("kubectl %v: %v\n%s", args, err, out)
		}
		return string(out)
	}

	if out, err := localkube("status", "--leftovers"); err != nil {
		t.Skipf("this machine has a cluster already, or remains of one:\n%s", out)
	}
	t.Cleanup(func() { _, _ = localkube("down") })
	must("up")
	must("status")

	kubectl(`
apiVersion: v1
kind: Namespace
metadata: {name: strict, labels: {pod-security.kubernetes.io/enforce: restricted}}
`, "apply", "-f", "-")
	kubectl(`
apiVersion: v1
kind: Pod
metadata: {name: one, namespace: strict}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: pause
    image: localhost/localkube/pause:1
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`, "apply", "-f", "-")
	kubectl("", "-n", "strict", "wait", "--for=condition=Ready", "pod/one", "--timeout=60s")

	began := time.Now()
	must("up")
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("a second up on a healthy cluster took %s", d)
	}

	for _, name := range []string{"etcd", "kube-apiserver", "kubelet", "containerd"} {
		kill(t, filepath.Join(state, "processes", name+".json"))
	}
	if out, err := localkube("status"); err == nil {
		t.Errorf("a cluster without its parts passes for healthy:\n%s", out)
	}
	must("up")
	kubectl("", "-n", "strict", "wait", "--for=condition=Ready", "pod/one", "--timeout=60s")

	must("down")
	must("status", "--leftovers")
	if _, err := os.Stat(state); err == nil {
		t.Error("the state directory is still there")
	}
}

func kill(t *testing.T, record string) {
	t.Helper()
	data, err := os.ReadFile(record)
	if err != nil {
		t.Fatal(err)
	}
	var r struct{ PID int }
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(r.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}
