// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/doctor"
)

func TestDoctor_Help(t *testing.T) {
	golden(t, "help-doctor", run(t, "", "doctor", "--help").String())
	golden(t, "help-debug", run(t, "", "debug", "--help").String())
}

// TestDoctor_EmptyCluster: a cluster without the operator has errors, says how to install it, and ends with 1.
func TestDoctor_EmptyCluster(t *testing.T) {
	f := newFakeAPI(t)
	f.objects["/version"] = map[string]string{"gitVersion": "v1.37.2", "major": "1", "minor": "37"}
	got := f.run(t, "", "doctor", "-o", "json")
	var report struct {
		Kind string
		doctor.Report
	}
	if err := json.Unmarshal([]byte(got.out), &report); err != nil || got.code != ExitFailed || report.Kind != "DoctorReport" {
		t.Fatal(err, got)
	}
	if first := report.Findings[0]; first.Check != "definitions" || first.Level != doctor.Error || !strings.Contains(first.Fix, "crds.yaml") {
		t.Errorf("%+v", first)
	}
	if text := f.run(t, "", "doctor"); text.code != ExitFailed || !strings.Contains(text.out, "$ kubectl apply --server-side --force-conflicts -f crds.yaml") || text.err != "" {
		t.Error(text)
	}
}

// TestDoctor_Pre: a cluster that nothing is installed in can be ready for it.
func TestDoctor_Pre(t *testing.T) {
	f := newFakeAPI(t)
	f.objects["/version"] = func(*http.Request) any { return map[string]string{"gitVersion": "v1.30.1+k3s1", "minor": "30+"} }
	if got := f.run(t, "", "doctor", "--pre"); got.code != ExitFailed || !strings.Contains(got.out, "The API server has version v1.30.1+k3s1; the operator needs Kubernetes 1.31 or later.") {
		t.Error(got)
	}
}

func TestDoctor_Usage(t *testing.T) {
	for _, args := range [][]string{
		{"--url", "recordings.example.com"}, {"--url", "https://x/callbacks"}, {"--pre", "--url", "https://x"}, {"--wait", "--timeout", "0s"}, {"now"}, {"-o", "xml"},
	} {
		if got := run(t, "", append([]string{"doctor"}, args...)...); got.code != ExitUsage {
			t.Errorf("%v: %v", args, got)
		}
	}
}

// TestPrintReport_EscapesUntrustedText: what the cluster says cannot command the terminal.
func TestPrintReport_EscapesUntrustedText(t *testing.T) {
	var out bytes.Buffer
	err := printReport(&out, &doctor.Report{Errors: 1, Warnings: 1, Findings: []doctor.Finding{
		{Check: "definitions", Level: doctor.OK, Message: "The API server serves every kind of this version."},
		{Check: "storage", Level: doctor.Error, Object: "StorageLocation media/obs", Message: "Unreachable: \x1b[2Jconnection refused", Fix: "kubectl -n media describe storagelocation obs"},
		{Check: "webhooks", Level: doctor.Warning, Message: "Not checked: Forbidden: you may not list x", Fix: "kubectl auth can-i list x"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "doctor-report", out.String())
}

// TestDebug_WritesItsFileOnce: the archive is for its user alone, and replaces nothing.
func TestDebug_WritesItsFileOnce(t *testing.T) {
	f := newFakeAPI(t)
	path := filepath.Join(t.TempDir(), "debug.tar.gz")
	if got := f.run(t, "", "debug", "-f", path); got.code != ExitDone || got.out != path+"\n" || !strings.Contains(got.err, "left out: Secrets of namespace recording-system") {
		t.Fatal(got)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() == 0 {
		t.Errorf("%v: %v", err, info)
	}
	if got := f.run(t, "", "debug", "-f", path); got.code != ExitFailed || !strings.Contains(got.err, "file exists") {
		t.Error(got)
	}
	if got := f.run(t, "", "debug", "-f", "-"); got.code != ExitDone || !strings.HasPrefix(got.out, "\x1f\x8b") {
		t.Error("standard output is no gzip")
	}
}
