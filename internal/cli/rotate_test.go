// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// TestRotateKey_AsksTheOperator: the command reads and writes no Secret.
func TestRotateKey_AsksTheOperator(t *testing.T) {
	f := newFakeAPI(t)
	registered := builders.MakeRecordingSource("registered").App("app").Key("classroom-callback", "key").Obj()
	registered.Spec.Service = &v1alpha1.Service{}
	f.putSource(registered)
	rotating := registered.DeepCopy()
	rotating.Name = "rotating"
	rotating.Status.Registration = &v1alpha1.RegistrationStatus{Rotation: &v1alpha1.KeyRotation{StartTime: metav1.NewTime(testNow)}}
	f.putSource(rotating)
	f.objects[secrets+"classroom-callback"] = nil // forbidden
	for name, args := range map[string][]string{
		"rotate-key-dry-run":    {"rotate-key", "registered", "--dry-run"},
		"rotate-key-rotating":   {"rotate-key", "rotating"},
		"rotate-key-by-hand":    {"rotate-key", "classroom"},
		"rotate-key-no-source":  {"rotate-key", "nowhere"},
		"rotate-key-nothing":    {"rotate-key"},
		"rotate-key-two":        {"rotate-key", "registered", "rotating"},
		"rotate-key-bad-dryrun": {"rotate-key", "registered", "--dry-run=server"},
		"help-rotate-key":       {"rotate-key", "--help"},
	} {
		golden(t, name, f.run(t, "", args...).String())
	}
	if len(f.patched) != 0 {
		t.Fatalf("patched %v", f.patched)
	}
	golden(t, "rotate-key", f.run(t, "", "rotate-key", "registered").String())
	if got := strings.Join(f.patched, "\n"); got != recordings+`recordingsources/registered {"spec":{"service":{"rotateKey":"2021-04-28T08:58:12Z"}}}` {
		t.Errorf("patched %s", got)
	}
}
