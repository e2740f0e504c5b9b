//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// pipelineRuns is as much of Tekton's definition as a trigger meets: the names, and a status of its own.
const pipelineRuns = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: pipelineruns.tekton.dev}
spec:
  group: tekton.dev
  names: {kind: PipelineRun, listKind: PipelineRunList, plural: pipelineruns, singular: pipelinerun}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
`

// pipelineRunList are the PipelineRuns of the namespace.
func (r *room) pipelineRunList(ctx context.Context) (*unstructured.UnstructuredList, error) {
	runs := &unstructured.UnstructuredList{}
	runs.SetAPIVersion("tekton.dev/v1")
	runs.SetKind("PipelineRunList")
	return runs, k8s.List(ctx, runs, client.InNamespace(r.namespace))
}

// playTekton ends every PipelineRun of the namespace as Tekton does, after it has said that it runs.
func (r *room) playTekton(succeeds bool) {
	r.t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(r.t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = wait.PollUntilContextCancel(ctx, poll, true, func(ctx context.Context) (bool, error) {
			runs, err := r.pipelineRunList(ctx)
			if err != nil {
				return false, nil //nolint:nilerr // it is asked again
			}
			for i := range runs.Items {
				if err := advance(ctx, &runs.Items[i], succeeds); err != nil && ctx.Err() == nil {
					r.t.Logf("PipelineRun %s: %v", runs.Items[i].GetName(), err)
				}
			}
			return false, nil
		})
	}()
	r.t.Cleanup(func() { stop(); <-done })
}

// advance writes the next status of a PipelineRun.
func advance(ctx context.Context, run *unstructured.Unstructured, succeeds bool) error {
	condition := map[string]any{"type": "Succeeded", "status": "Unknown", "reason": "Running", "message": "Tasks Completed: 0 (Failed: 0), Incomplete: 1, Skipped: 0"}
	status := map[string]any{"conditions": []any{condition}}
	before, _, err := unstructured.NestedSlice(run.Object, "status", "conditions")
	if err != nil {
		return err
	}
	if len(before) > 0 {
		if before[0].(map[string]any)["status"] != "Unknown" {
			return nil
		}
		condition["status"], condition["reason"], condition["message"] = "False", "Failed", "Tasks Completed: 1 (Failed: 1), Skipped: 0"
		if succeeds {
			condition["status"], condition["reason"], condition["message"] = "True", "Succeeded", "Tasks Completed: 1 (Failed: 0), Skipped: 0"
			params, _, err := unstructured.NestedSlice(run.Object, "spec", "params")
			if err != nil {
				return err
			}
			mp4, _ := params[0].(map[string]any)["value"].(string)
			status["results"] = []any{map[string]any{"name": "words", "value": "10"}, map[string]any{"name": "vtt", "value": strings.TrimSuffix(mp4, ".mp4") + ".vtt"}}
		}
	}
	run.Object["status"] = status
	return k8s.Status().Update(ctx, run)
}

// withTekton is a room with the recipe of docs/triggers.md, and a stand-in for Tekton's controller.
func withTekton(t *testing.T, succeeds bool) *room {
	t.Helper()
	r := newRoom(t)
	r.apply(pipelineRuns)
	r.kubectl("wait", "--for=condition=Established", "--timeout=60s", "crd/pipelineruns.tekton.dev")
	r.apply(recipe(t, "triggers.md", "## Grant the account"))
	r.allow("tekton.dev", "pipelineruns", "create", "get", "list", "watch")
	r.apply(recipe(t, "triggers.md", "## Tekton"))
	r.playTekton(succeeds)
	r.complete("job", "camera", r.record("camera"), seconds).mustSend(t)
	return r
}

// TestTekton_RunsAPipelineRunAndReadsItsResult applies the recipe of docs/triggers.md. Tekton itself is played: what a
// trigger meets is the PipelineRun, its conditions and its results.
func TestTekton_RunsAPipelineRunAndReadsItsResult(t *testing.T) {
	g := NewWithT(t)
	r := withTekton(t, true)
	file := r.eventually(v1alpha1.ReasonSucceeded)
	vtt := strings.TrimSuffix(file.Status.Steps[0].Outputs[0].URI, ".mp4") + ".vtt"
	g.Expect(file.Status.Steps[1].Results).To(Equal([]v1alpha1.StepResult{{Name: "vtt", Value: vtt}}))
	runs, err := r.pipelineRunList(t.Context())
	r.must(err)
	g.Expect(runs.Items).To(HaveLen(1))
	r.must(k8s.Delete(t.Context(), file))
	g.Eventually(func(g Gomega) {
		runs, err := r.pipelineRunList(t.Context())
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(runs.Items).To(BeEmpty())
	}, settled, poll).Should(Succeed())
}

// TestTekton_FailedPipelineRunFailsTheStep with Tekton's words.
func TestTekton_FailedPipelineRunFailsTheStep(t *testing.T) {
	g := NewWithT(t)
	r := withTekton(t, false)
	step := r.eventually(v1alpha1.ReasonFailed).Status.Steps[1]
	g.Expect(step.Reason).To(Equal("ObjectFailed"))
	g.Expect(step.Message).To(And(HavePrefix("PipelineRun"), ContainSubstring("Tasks Completed: 1 (Failed: 1")))
}
