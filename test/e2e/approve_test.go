//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"

	. "github.com/onsi/gomega"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// TestApprove: a recording waits for a person, who approves it with the plugin; the API server holds them to their own name.
func TestApprove(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step {
		mp4 := r.remux()
		mp4.DependsOn = []string{"release"}
		return []v1alpha1.Step{{Name: "release", Approve: &v1alpha1.Approve{Message: "Fit for the students?"}}, mp4}
	})
	object := r.record("camera")
	r.create(&v1alpha1.RecordingFile{ObjectMeta: r.meta("by-hand"), Spec: v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: object}, Stream: "camera",
	}})
	file := r.eventually(v1alpha1.ReasonWaitingForApproval)
	forged := file.DeepCopy()
	forged.Spec.Approvals = []v1alpha1.Approval{{Step: "release", Run: 1, By: "somebody-else"}}
	g.Expect(k8s.Update(t.Context(), forged)).To(MatchError(ContainSubstring("decide in your own name")))

	binary := filepath.Join(t.TempDir(), "kubectl-recordings")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/kubectl-recordings").CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, output)
	}
	output, err := exec.CommandContext(t.Context(), binary, "approve", "-n", r.namespace, file.Name, "release").CombinedOutput()
	g.Expect(err).NotTo(HaveOccurred(), "%s", output)
	file = r.eventually(v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Steps[0].Reason).To(Equal(v1alpha1.ReasonApproved))
}
