//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// triggering is a room whose pipeline has triggers, with an account that may do nothing yet.
func triggering(t *testing.T, steps func(r *room) []v1alpha1.Step) *room {
	t.Helper()
	r := newRoom(t)
	r.create(
		&corev1.ServiceAccount{ObjectMeta: r.meta("recording-trigger")},
		&v1alpha1.RecordingPipeline{ObjectMeta: r.meta("lecture"), Spec: v1alpha1.RecordingPipelineSpec{
			TriggerServiceAccountName: "recording-trigger", Steps: steps(r),
		}},
	)
	return r
}

// allow gives the account of triggers rights to a resource.
func (r *room) allow(group, resource string, verbs ...string) {
	r.t.Helper()
	r.create(
		&rbacv1.Role{ObjectMeta: r.meta("trigger-" + resource), Rules: []rbacv1.PolicyRule{{APIGroups: []string{group}, Resources: []string{resource}, Verbs: verbs}}},
		&rbacv1.RoleBinding{ObjectMeta: r.meta("trigger-" + resource), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "trigger-" + resource},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: "recording-trigger"}}},
	)
}

// fieldsOf are an object's fields but for apiVersion, kind and metadata.
func fieldsOf(t *testing.T, text string) map[string]runtime.RawExtension {
	t.Helper()
	fields := map[string]runtime.RawExtension{}
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatal(err)
	}
	return fields
}

const tellJob = `{"spec": {"backoffLimit": 0, "template": {"spec": {
	"restartPolicy": "Never", "automountServiceAccountToken": false,
	"securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
	"containers": [{
		"name": "tell", "image": "recording-worker:dev", "imagePullPolicy": "IfNotPresent", "args": ["version"],
		"env": [{"name": "MP4", "value": ""}],
		"securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}
	}]
}}}}`

// TestTrigger_StartsAJobAndReadsItsResult: a Job of the tenant's own runs after the MP4, what it is told arrives as it is, and
// a step of finally stores what came of it in a ConfigMap.
func TestTrigger_StartsAJobAndReadsItsResult(t *testing.T) {
	g := NewWithT(t)
	r := triggering(t, func(r *room) []v1alpha1.Step {
		return []v1alpha1.Step{
			r.remux(),
			{Name: "tell", Trigger: &v1alpha1.Trigger{
				Object: &v1alpha1.TriggerObject{APIVersion: "batch/v1", Kind: "Job", Fields: fieldsOf(t, tellJob)},
				Set:    []v1alpha1.TriggerValue{{Path: "/spec/template/spec/containers/0/env/0/value", Value: "steps.mp4.outputs[0].uri"}},
				Owned:  true,
				Wait: &v1alpha1.TriggerWait{
					Success: "object.?status.?succeeded.orValue(0) > 0",
					Failure: "object.?status.?conditions.orValue([]).exists(c, c.type == 'Failed' && c.status == 'True')",
					Results: []v1alpha1.TriggerResult{{Name: "pods", Value: "string(object.status.succeeded)"}},
				},
			}},
			{Name: "note", Trigger: &v1alpha1.Trigger{
				Object: &v1alpha1.TriggerObject{APIVersion: "v1", Kind: "ConfigMap"},
				Set:    []v1alpha1.TriggerValue{{Path: "/data", Value: "{'pods': steps.tell.results.pods, 'stream': recording.stream}"}},
			}},
		}
	})
	r.allow("batch", "jobs", "create", "get", "list", "watch")
	r.allow("", "configmaps", "create", "get")
	stream := `}}'"; rm -rf # {{workflow.name}} $(HOME)`
	r.complete("job", stream, r.record("camera"), seconds).mustSend(t)
	file := r.eventually(v1alpha1.ReasonSucceeded)

	tell, note := file.Status.Steps[1], file.Status.Steps[2]
	g.Expect(tell.Results).To(Equal([]v1alpha1.StepResult{{Name: "pods", Value: "1"}}))
	job := &batchv1.Job{}
	g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: tell.Object.Name}, job)).To(Succeed())
	g.Expect(job.Spec.Template.Spec.Containers[0].Env[0].Value).To(Equal(file.Status.Steps[0].Outputs[0].URI))
	g.Expect(job.OwnerReferences).To(HaveLen(1))
	g.Expect(job.OwnerReferences[0].UID).To(Equal(file.UID))
	written := &corev1.ConfigMap{}
	g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: r.namespace, Name: note.Object.Name}, written)).To(Succeed())
	g.Expect(written.Data).To(Equal(map[string]string{"pods": "1", "stream": stream}))
	g.Expect(written.OwnerReferences).To(BeEmpty(), "it stays when the file is deleted")
}

// TestTrigger_SaysWhichRightIsMissing, and goes on once the right is granted.
func TestTrigger_SaysWhichRightIsMissing(t *testing.T) {
	g := NewWithT(t)
	r := triggering(t, func(*room) []v1alpha1.Step {
		return []v1alpha1.Step{{Name: "note", StepSettings: v1alpha1.StepSettings{Retries: new(int32(5))}, Trigger: &v1alpha1.Trigger{
			Object: &v1alpha1.TriggerObject{APIVersion: "v1", Kind: "ConfigMap"},
			Set:    []v1alpha1.TriggerValue{{Path: "/data", Value: "{'room': recording.room}"}},
		}}}
	})
	r.complete("job", "camera", r.record("camera"), seconds).mustSend(t)
	g.Eventually(func(g Gomega) {
		files := r.files()
		g.Expect(files).To(HaveLen(1))
		g.Expect(files[0].Status.Steps).To(HaveLen(1))
		step := files[0].Status.Steps[0]
		g.Expect(step.Reason).To(Equal("Forbidden"))
		g.Expect(step.Message).To(ContainSubstring(`cannot create resource "configmaps"`))
	}, settled, poll).Should(Succeed())
	r.allow("", "configmaps", "create", "get")
	r.eventually(v1alpha1.ReasonSucceeded)
}
