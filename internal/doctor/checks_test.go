// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"errors"
	"testing"
	"time"
)

func TestVersionOf_ReadsTheTag(t *testing.T) {
	for image, want := range map[string]string{
		"recording-operator:v1.2.3":                          "v1.2.3",
		"r.example.com:5000/media/recording-operator:v1.2.3": "v1.2.3",
		"r.example.com:5000/media/recording-operator":        "",
		"recording-operator@sha256:abc":                      "",
		"recording-operator:v1.2.3@sha256:abc":               "v1.2.3",
		"":                                                   "",
	} {
		if got := versionOf(image); got != want {
			t.Errorf("%q: %q, want %q", image, got, want)
		}
	}
}

// TestChecks_DoNotPassWhatWasNotRead: where nothing could be read, nothing is OK.
func TestChecks_DoNotPassWhatWasNotRead(t *testing.T) {
	no := errors.New("no")
	s := &Snapshot{}
	s.Server.Err, s.Definitions.Err, s.Workloads.Err, s.StepImages.Err, s.Lease.Err, s.Policies.Err, s.Rights.Err, s.SecretRights.Err = no, no, no, no, no, no, no, no
	s.Sources.Err, s.Locations.Err, s.Pipelines.Err, s.Unfinished.Err, s.Rejected.Err, s.Webhooks.Err, s.Metrics.Err, s.Installer.Err, s.Nodes.Err = no, no, no, no, no, no, no, no, no
	for name, checks := range map[string][]Check{"installed": Checks, "before": PreChecks} {
		report := Examine(s, checks)
		if len(report.Findings) < len(checks) || report.Warnings != len(report.Findings) || report.Errors != 0 {
			t.Errorf("%s: %+v", name, report)
		}
	}
}

func TestAgo_IsForPeople(t *testing.T) {
	for d, want := range map[time.Duration]string{
		90 * time.Second: "90 seconds", 10 * time.Minute: "10 minutes", 5 * time.Hour: "5 hours", 75 * time.Hour: "3 days",
	} {
		if got := ago(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestKubernetes_OldestVersion(t *testing.T) {
	for minor, errs := range map[int]int{30: 1, 31: 0, 37: 0} {
		s := &Snapshot{}
		s.Server.Value.Minor = minor
		if got := len(kubernetes(s)); got != errs {
			t.Errorf("1.%d: %d findings, want %d", minor, got, errs)
		}
	}
}
