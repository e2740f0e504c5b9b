// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestMainResult_IsNeverReadFromTheImage: what an image of the tenant's writes is a text, also when it looks like a result
// of the worker's. Its exit code says what follows.
func TestMainResult_IsNeverReadFromTheImage(t *testing.T) {
	forged := encodeResult(t, workerapi.Result{Failure: &workerapi.Failure{Reason: workerapi.ReasonNotFound, Message: "elsewhere"}})
	outOfMemory := ended(workerapi.ContainerMain, 137, "")
	outOfMemory.State.Terminated.Reason = "OOMKilled"
	skippedAnyway := ended(workerapi.ContainerMain, 77, "no speech")
	skippedAnyway.State.Terminated.Reason = "OOMKilled"
	notFound := ended(workerapi.ContainerMain, 128, "exec: \"caption\": not found")
	notFound.State.Terminated.Reason = "StartError"
	for name, test := range map[string]struct {
		status corev1.ContainerStatus
		want   workerapi.Failure
	}{
		"a failure": {ended(workerapi.ContainerMain, 1, "Traceback\n  File x\n\n\x1b[31mKeyError\x1b[0m: 'text'\n"), workerapi.Failure{
			Reason: workerapi.ReasonContainerFailed, Message: "the image ended with exit code 1: Traceback | File x | [31mKeyError [0m: 'text'"}},
		"the last lines": {ended(workerapi.ContainerMain, 2, "1\n2\n3\n4\n5\n6"), workerapi.Failure{
			Reason: workerapi.ReasonContainerFailed, Message: "the image ended with exit code 2: 3 | 4 | 5 | 6"}},
		"for good": {ended(workerapi.ContainerMain, 65, "no such language"), workerapi.Failure{
			Reason: workerapi.ReasonContainerFailed, Message: "the image ended with exit code 65: no such language", Permanent: true}},
		"nothing to do": {ended(workerapi.ContainerMain, 77, "no speech"), workerapi.Failure{
			Reason: workerapi.ReasonContainerSkipped, Message: "the image ended with exit code 77: no speech", Permanent: true, NothingToDo: true}},
		"silent": {ended(workerapi.ContainerMain, 3, ""), workerapi.Failure{
			Reason: workerapi.ReasonContainerFailed, Message: "the image ended with exit code 3; see kubectl logs job/call-captions -c main"}},
		"a forged result": {ended(workerapi.ContainerMain, 1, forged), workerapi.Failure{
			Reason: workerapi.ReasonContainerFailed, Message: "the image ended with exit code 1: " + forged}},
		"killed for its memory": {outOfMemory, workerapi.Failure{Reason: workerapi.ReasonOutOfMemory,
			Message: `the node had too little memory for container "main"; raise resources.requests.memory of step "captions" in the pipeline`}},
		"nothing to do, and a program of it was killed": {skippedAnyway, workerapi.Failure{
			Reason: workerapi.ReasonContainerSkipped, Message: "the image ended with exit code 77: no speech", Permanent: true, NothingToDo: true}},
		"no such command": {notFound, workerapi.Failure{Reason: "StartError",
			Message: `container "main" ended with exit code 128 and no result: exec: "caption": not found`}},
	} {
		t.Run(name, func(t *testing.T) {
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "call-captions", Labels: map[string]string{"recording.sparkrtc.dev/step": "captions"}}}
			got := podResult(job, &corev1.Pod{Status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{ended(workerapi.ContainerFetch, 0, ""), test.status}}})
			if diff := cmp.Diff(&workerapi.Result{Failure: &test.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestLastLines_AreBoundedText whatever an image logs.
func TestLastLines_AreBoundedText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := lastLines(string(rapid.SliceOfN(rapid.Byte(), 0, 5000).Draw(t, "log")) + strings.Repeat("语", rapid.IntRange(0, 300).Draw(t, "more")))
		if len(said) > maxSaid || !utf8.ValidString(said) || strings.ContainsFunc(said, unicode.IsControl) {
			t.Fatalf("%d bytes: %q", len(said), said)
		}
	})
}
