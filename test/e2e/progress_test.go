//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"testing"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// TestProgress_OfARunningStepIsInTheStatus: the manager asks the step's pod how far it is. The step waits for the end of the
// playlist, which the test adds when it has seen the progress: so it runs for as long as that takes.
func TestProgress_OfARunningStepIsInTheStatus(t *testing.T) {
	g := NewWithT(t)
	r := withSteps(t, func(r *room) []v1alpha1.Step { return []v1alpha1.Step{r.remux()} })
	object := r.record("camera")
	playlist := "/data/recordings/" + object
	toolbox(t, `sed -i /EXT-X-ENDLIST/d "$1"`, playlist)
	r.complete("job", "camera", object, seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonProcessing)
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
		g.Expect(file.Status.Steps).To(HaveLen(1))
		progress := file.Status.Steps[0].Progress
		g.Expect(progress).NotTo(BeNil(), "%+v", file.Status.Steps[0])
		g.Expect(progress.Stage).To(Equal(v1alpha1.StageFetch))
		g.Expect(progress.Percent).To(BeNumerically("<=", 20))
		g.Expect(progress.UpdateTime.IsZero()).To(BeFalse())
	}, settled, poll).Should(Succeed())

	toolbox(t, `echo '#EXT-X-ENDLIST' >>"$1"`, playlist)
	step := r.eventually(v1alpha1.ReasonSucceeded).Status.Steps[0]
	g.Expect(step.Progress).To(BeNil(), "it has ended")
	g.Expect(frames(t, "/data/archive/"+r.folder+"/camera/mp4/camera.mp4")).To(Equal(seconds * 25))
}
