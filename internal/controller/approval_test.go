// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// released are steps whose last one runs after a person has approved.
func released(question v1alpha1.Approve) []v1alpha1.Step {
	question.Message = "Fit for the students?"
	return []v1alpha1.Step{
		{Name: "keep", Archive: &v1alpha1.Archive{}, Output: output("x/")},
		{Name: "release", DependsOn: []string{"keep"}, Approve: &question},
		{Name: "publish", DependsOn: []string{"release"}, Archive: &v1alpha1.Archive{}, Output: output("y/")},
	}
}

// decide writes decisions as a person does.
func decide(t *testing.T, g Gomega, file *v1alpha1.RecordingFile, approvals ...v1alpha1.Approval) {
	t.Helper()
	before := file.DeepCopy()
	file.Spec.Approvals = approvals
	g.Expect(k8s.Patch(t.Context(), file, client.MergeFrom(before))).To(Succeed())
}

// TestFileReconciler_WaitsForAPerson: without a Job and a slot, until somebody approves this run. It costs as many status
// patches as a step with a Job, and asks again in the next run.
func TestFileReconciler_WaitsForAPerson(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, released(v1alpha1.Approve{})...)
	create(t, recordingFile(namespace, recorded()))
	succeed(t, jobOf(t, g, namespace, "keep"), "s3://archive/x/a.m3u8")
	file := fileWith(t, g, namespace, v1alpha1.ReasonWaitingForApproval)
	step := file.Status.Steps[1]
	g.Expect(step.State).To(Equal(v1alpha1.StepPending))
	g.Expect(step.StartTime).NotTo(BeNil())
	g.Expect(step.Message).To(ContainSubstring(`"Fit for the students?"; decide with: kubectl recordings approve -n ` + namespace + " lecture-1 release"))
	g.Expect(meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady).Message).To(ContainSubstring(step.Message))
	g.Expect(file.Status.Summary.Reason).To(BeEmpty())
	g.Expect(file.Status.Queue).To(BeNil())

	decide(t, g, file, v1alpha1.Approval{Step: "release", Run: 2, By: "mallory"})
	g.Consistently(func() int { return len(jobsOf(t, namespace, "release")) + len(jobsOf(t, namespace, "publish")) }, time.Second, poll).Should(BeZero())
	decide(t, g, file, v1alpha1.Approval{Step: "release", Run: 1, By: "alice"})
	succeed(t, jobOf(t, g, namespace, "publish"), "s3://archive/y/a.m3u8")
	file = fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Steps[1].Reason).To(Equal(v1alpha1.ReasonApproved))
	g.Expect(file.Status.Steps[1].Message).To(Equal("approved by alice"))
	// The decision about run 2 costs one more, since the generation is part of the status.
	g.Expect(statusPatches.of(client.ObjectKeyFromObject(file))).To(BeNumerically("<=", 2+3+1))

	before := file.DeepCopy()
	file.Spec.Rerun = &v1alpha1.Rerun{Token: "again"}
	g.Expect(k8s.Patch(t.Context(), file, client.MergeFrom(before))).To(Succeed())
	g.Eventually(func(g Gomega) {
		file = fileWith(t, g, namespace, v1alpha1.ReasonWaitingForApproval)
		g.Expect(file.Status.Run).To(BeEquivalentTo(2))
		g.Expect(file.Status.Steps[0].Reason).To(Equal(v1alpha1.ReasonReused))
	}, timeout, poll).Should(Succeed())
	decide(t, g, file, v1alpha1.Approval{Step: "release", Run: 2, By: "bob", Decision: v1alpha1.DecisionReject})
	file = fileWith(t, g, namespace, v1alpha1.ReasonFailed)
	g.Expect(file.Status.Steps[1].Reason).To(Equal(v1alpha1.ReasonRejected))
	g.Expect(file.Status.Steps[2].Reason).To(Equal(v1alpha1.ReasonDependencyFailed))
	g.Expect(file.Status.Summary.Reason).To(Equal(v1alpha1.ReasonRejected))
}

// TestFileReconciler_ApprovalTimesOut by itself: no watch says that time has passed.
func TestFileReconciler_ApprovalTimesOut(t *testing.T) {
	g := NewWithT(t)
	steps := released(v1alpha1.Approve{Timeout: durationOf(time.Second), OnTimeout: v1alpha1.OnTimeoutSkip})[1:]
	steps[0].DependsOn = nil
	namespace := classroom(t, steps...)
	create(t, recordingFile(namespace, recorded()))
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	g.Expect(file.Status.Steps[0].State).To(Equal(v1alpha1.StepSkipped))
	g.Expect(file.Status.Steps[0].Reason).To(Equal(v1alpha1.ReasonApprovalTimeout))
	g.Expect(file.Status.Steps[1].Reason).To(Equal(v1alpha1.ReasonDependencySkipped))
	g.Expect(jobsOf(t, namespace, "publish")).To(BeEmpty())
}
