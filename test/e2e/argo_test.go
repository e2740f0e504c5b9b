//go:build e2e && integrations

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const argoVersion = "argoproj.io/v1alpha1"

// captionsTemplate takes the place of the recipe's WorkflowTemplate. It has its name, its parameters and its result, and no
// container, since Argo's executor is not there.
const captionsTemplate = `
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: captions}
spec:
  entrypoint: captions
  templates:
  - name: captions
    inputs: {parameters: [{name: mp4}, {name: room}]}
    steps: [[{name: wait, template: wait}]]
    outputs:
      parameters: [{name: vtt, globalName: vtt, valueFrom: {expression: "sprig.trimSuffix('.mp4', inputs.parameters.mp4) + '.vtt'"}}]
  - name: wait
    suspend: {duration: "2"}
`

// workflow reads the Workflow that a step has created.
func (r *room) workflow(step *v1alpha1.StepStatus) (*unstructured.Unstructured, error) {
	workflow := &unstructured.Unstructured{}
	workflow.SetAPIVersion(argoVersion)
	workflow.SetKind("Workflow")
	return workflow, k8s.Get(r.t.Context(), client.ObjectKey{Namespace: r.namespace, Name: step.Object.Name}, workflow)
}

// TestArgo_RunsAWorkflowAndReadsItsResult applies the recipe of docs/triggers.md: the Workflow is created with the tenant's
// rights alone, a later step sees its result, and it goes with the file.
func TestArgo_RunsAWorkflowAndReadsItsResult(t *testing.T) {
	g := NewWithT(t)
	r := newRoom(t)
	r.apply(recipe(t, "triggers.md", "## Grant the account"))
	r.apply(recipe(t, "triggers.md", "## Argo Workflows"))
	r.apply(captionsTemplate)
	r.allow("", "configmaps", "create", "get")
	pipeline := &v1alpha1.RecordingPipeline{}
	r.must(k8s.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: "lecture"}, pipeline))
	pipeline.Spec.Steps = append(pipeline.Spec.Steps, v1alpha1.Step{Name: "note", Trigger: &v1alpha1.Trigger{
		Object: &v1alpha1.TriggerObject{APIVersion: "v1", Kind: "ConfigMap"},
		Set:    []v1alpha1.TriggerValue{{Path: "/data", Value: "{'vtt': steps.captions.results.vtt}"}},
	}})
	r.must(k8s.Update(t.Context(), pipeline))

	r.complete("job", "camera", r.record("camera"), seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonSucceeded)
	mp4, captions, note := file.Status.Steps[0], file.Status.Steps[1], file.Status.Steps[2]
	vtt := strings.TrimSuffix(mp4.Outputs[0].URI, ".mp4") + ".vtt"
	g.Expect(captions.Results).To(Equal([]v1alpha1.StepResult{{Name: "vtt", Value: vtt}}))
	written := &corev1.ConfigMap{}
	r.must(k8s.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: note.Object.Name}, written))
	g.Expect(written.Data).To(Equal(map[string]string{"vtt": vtt}))
	workflow, err := r.workflow(&captions)
	r.must(err)
	g.Expect(workflow.GetOwnerReferences()).To(HaveLen(1))
	g.Expect(workflow.GetOwnerReferences()[0].UID).To(Equal(file.UID))

	r.must(k8s.Delete(t.Context(), file))
	g.Eventually(func(g Gomega) {
		_, err := r.workflow(&captions)
		g.Expect(apierrors.IsNotFound(err)).To(BeTrue(), "%v", err)
	}, settled, poll).Should(Succeed())
	r.must(k8s.Get(t.Context(), client.ObjectKeyFromObject(written), written))
}

// workflowSpec is a Workflow that gives its parameters back as results. It waits for
// SECONDS. LIMIT is for what else its spec has.
const workflowSpec = `{"spec": {
	"entrypoint": "main",
	LIMIT
	"arguments": {"parameters": [{"name": "text"}, {"name": "raw"}, {"name": "other", "value": "of another"}]},
	"templates": [
		{
			"name": "main",
			"inputs": {"parameters": [{"name": "text"}, {"name": "raw"}]},
			"steps": [[{"name": "pause", "template": "pause"}]],
			"outputs": {"parameters": [
				{"name": "text", "globalName": "text", "valueFrom": {"expression": "inputs.parameters.text"}},
				{"name": "raw", "globalName": "raw", "valueFrom": {"expression": "inputs.parameters.raw"}}
			]}
		},
		{"name": "pause", "suspend": {"duration": "SECONDS"}}
	]
}}`

// withWorkflow is a room whose pipeline starts that Workflow with the name of the stream, once as docs/triggers.md says and
// once as it is.
func withWorkflow(t *testing.T, seconds, limit string) *room {
	t.Helper()
	result := func(name string) v1alpha1.TriggerResult {
		return v1alpha1.TriggerResult{Name: name, Value: "object.status.outputs.parameters.filter(p, p.name == '" + name + "')[0].value"}
	}
	r := triggering(t, func(*room) []v1alpha1.Step {
		return []v1alpha1.Step{{Name: "captions", Trigger: &v1alpha1.Trigger{
			Object: &v1alpha1.TriggerObject{APIVersion: argoVersion, Kind: "Workflow", Fields: fieldsOf(t, strings.NewReplacer("SECONDS", seconds, "LIMIT", limit).Replace(workflowSpec))},
			Set: []v1alpha1.TriggerValue{
				{Path: "/spec/arguments/parameters/0/value", Value: "recording.stream.replace('{', '{ ')"},
				{Path: "/spec/arguments/parameters/1/value", Value: "recording.stream"},
			},
			Wait: &v1alpha1.TriggerWait{
				Success: "object.?status.?phase.orValue('') == 'Succeeded'",
				Failure: "object.?status.?phase.orValue('') in ['Failed', 'Error']",
				Message: "object.?status.?message.orValue('')",
				Results: []v1alpha1.TriggerResult{result("text"), result("raw")},
			},
		}}}
	})
	r.allow("argoproj.io", "workflows", "create", "get", "list", "watch")
	return r
}

// TestArgo_FailedWorkflowFailsTheStep, with Argo's words, at once.
func TestArgo_FailedWorkflowFailsTheStep(t *testing.T) {
	g := NewWithT(t)
	r := withWorkflow(t, "60", `"activeDeadlineSeconds": 3,`)
	r.complete("job", "camera", r.record("camera"), seconds).mustSend(t)
	step := r.eventually(v1alpha1.ReasonFailed).Status.Steps[0]
	g.Expect(step.Reason).To(Equal("ObjectFailed"))
	g.Expect(step.Attempts).To(BeEquivalentTo(1))
	workflow, err := r.workflow(&step)
	r.must(err)
	said, _, err := unstructured.NestedString(workflow.Object, "status", "message")
	r.must(err)
	g.Expect(said).NotTo(BeEmpty())
	g.Expect(step.Message).To(And(HavePrefix("Workflow"), HaveSuffix(": "+said)))
	g.Expect(workflow.GetOwnerReferences()).To(BeEmpty(), "it stays when the file is deleted")
}

// TestArgo_NamesStayText: Argo evaluates what it finds between braces in a parameter, and finds nothing in the name of a
// stream that is passed as docs/triggers.md says.
func TestArgo_NamesStayText(t *testing.T) {
	g := NewWithT(t)
	r := withWorkflow(t, "1", "")
	stream := `}}'"; rm -rf # {{workflow.parameters.other}} {{=1+1}} {{{ $(HOME)`
	r.complete("job", stream, r.record("camera"), seconds).mustSend(t)
	results := r.eventually(v1alpha1.ReasonSucceeded).Status.Steps[0].Results
	g.Expect(results[0]).To(Equal(v1alpha1.StepResult{Name: "text", Value: strings.ReplaceAll(stream, "{", "{ ")}))
	g.Expect(results[1].Value).To(ContainSubstring("of another"), "without that Argo evaluates it: else the page can say less")
}
