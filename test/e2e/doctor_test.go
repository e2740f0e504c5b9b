//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// TestDoctor_HealthyInstallation: in a real cluster, doctor reaches everything that it checks and finds nothing wrong.
func TestDoctor_HealthyInstallation(t *testing.T) {
	r := withSteps(t, func(r *room) []v1alpha1.Step { return []v1alpha1.Step{r.remux()} })
	binary := filepath.Join(t.TempDir(), "kubectl-recordings")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/kubectl-recordings").CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, output)
	}
	// The manager has to look at what the test made.
	NewWithT(t).Eventually(func(g Gomega) {
		output, err := exec.CommandContext(t.Context(), binary, "doctor", "-n", r.namespace, "--url", callbackBase).CombinedOutput()
		g.Expect(err).NotTo(HaveOccurred(), "%s", output)
		g.Expect(string(output)).To(ContainSubstring("\n0 errors, 0 warnings\n"))
	}, time.Minute, time.Second).Should(Succeed())
}
