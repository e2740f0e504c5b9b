// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"testing"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gstruct"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// A file that is processed has one trace: each step once, under the file, and the second step is ready when the first ends.
func TestFileReconciler_TracesWhatEnded(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, recordingFile(namespace, recorded()))
	fileWith(t, g, namespace, v1alpha1.ReasonProcessing)
	succeed(t, jobOf(t, g, namespace, "mp4"), "s3://archive/lecture-1/mp4/a.mp4")
	succeed(t, jobOf(t, g, namespace, "keep"), "s3://archive/lecture-1/keep/a.m3u8")
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)

	root, named := traceOf(g, namespace, gstruct.Keys{
		"recording": HaveLen(1), "step mp4": HaveLen(1), "step keep": HaveLen(1), "queue": HaveLen(2), "publish": HaveLen(2), "reconcile": HaveLen(2),
	})
	g.Expect(root.GetStartTimeUnixNano()).To(BeEquivalentTo(file.CreationTimestamp.UnixNano()))
	g.Expect(attributeOf(root, "recording.reason")).To(Equal(v1alpha1.ReasonSucceeded))
	for _, step := range []string{"step mp4", "step keep"} {
		g.Expect(named[step][0].GetParentSpanId()).To(Equal(root.GetSpanId()))
	}
	g.Expect(named["step keep"][0].GetStartTimeUnixNano()).To(BeEquivalentTo(file.Status.Steps[0].CompletionTime.UnixNano()))
}

// A step that a person decides is in the trace too, and the step behind it is ready when that was decided.
func TestFileReconciler_TracesWhatAPersonDecides(t *testing.T) {
	g := NewWithT(t)
	steps := released(v1alpha1.Approve{})[1:]
	steps[0].DependsOn = nil
	namespace := classroom(t, steps...)
	create(t, recordingFile(namespace, recorded()))
	decide(t, g, fileWith(t, g, namespace, v1alpha1.ReasonWaitingForApproval), v1alpha1.Approval{Step: "release", Run: 1, By: "alice"})
	succeed(t, jobOf(t, g, namespace, "publish"), "s3://archive/y/a.m3u8")
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	root, named := traceOf(g, namespace, gstruct.Keys{
		"step release": HaveLen(1), "approval": HaveLen(1), "step publish": HaveLen(1), "queue": HaveLen(2), "reconcile": HaveLen(2),
	})
	release, approval := named["step release"][0], named["approval"][0]
	g.Expect(release.GetParentSpanId()).To(Equal(root.GetSpanId()))
	g.Expect(attributeOf(release, "recording.step.kind")).To(Equal("approve"))
	g.Expect(approval.GetParentSpanId()).To(Equal(release.GetSpanId()))
	g.Expect(approval.GetStartTimeUnixNano()).To(BeEquivalentTo(file.Status.Steps[0].StartTime.UnixNano()))
	g.Expect(approval.GetEndTimeUnixNano()).To(BeEquivalentTo(file.Status.Steps[0].CompletionTime.UnixNano()))
	g.Expect(named["step publish"][0].GetStartTimeUnixNano()).To(Equal(approval.GetEndTimeUnixNano()))
}

// traceOf waits for the spans of a namespace's one file, by name.
func traceOf(g Gomega, namespace string, want gstruct.Keys) (root *trace.Span, named map[string][]*trace.Span) {
	g.Eventually(func(g Gomega) {
		root, named = nil, map[string][]*trace.Span{}
		for _, span := range traces.Spans() {
			if span.GetName() == "recording" && attributeOf(span, "recording.namespace") == namespace {
				root = span
			}
		}
		g.Expect(root).NotTo(BeNil())
		for _, span := range traces.Spans() {
			if string(span.GetTraceId()) == string(root.GetTraceId()) {
				named[span.GetName()] = append(named[span.GetName()], span)
			}
		}
		g.Expect(named).To(gstruct.MatchKeys(gstruct.IgnoreExtras, want))
	}, timeout, poll).Should(Succeed())
	return root, named
}

func attributeOf(span *trace.Span, key string) string {
	for _, attribute := range span.GetAttributes() {
		if attribute.GetKey() == key {
			return attribute.GetValue().GetStringValue()
		}
	}
	return ""
}
