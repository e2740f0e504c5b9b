// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// tenant is a user who may write pipelines in a namespace, and what the rules add.
func tenant(t *testing.T, namespace, name string, rules ...rbacv1.PolicyRule) client.Client {
	t.Helper()
	role := &rbacv1.Role{ObjectMeta: named(namespace, name), Rules: append(rules, rbacv1.PolicyRule{
		APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"recordingpipelines"}, Verbs: []string{"create", "update", "get", "patch"},
	})}
	create(t, role, &rbacv1.RoleBinding{ObjectMeta: named(namespace, name), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: name + "-of-" + namespace}}})
	config := rest.CopyConfig(restConfig)
	config.Impersonate.UserName = name + "-of-" + namespace
	made, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func triggering(namespace string, change ...func(*v1alpha1.RecordingPipelineSpec)) *v1alpha1.RecordingPipeline {
	made := &v1alpha1.RecordingPipeline{ObjectMeta: named(namespace, "captions"), Spec: v1alpha1.RecordingPipelineSpec{
		TriggerServiceAccountName: "recording-trigger",
		Steps: []v1alpha1.Step{{Name: "tell", Trigger: &v1alpha1.Trigger{Object: &v1alpha1.TriggerObject{
			APIVersion: "v1", Kind: "ConfigMap", Fields: map[string]runtime.RawExtension{"data": {Raw: []byte(`{"a":"b"}`)}},
		}}}},
	}}
	for _, each := range change {
		each(&made.Spec)
	}
	return made
}

// TestTriggers_NameOnlyAccountsOfTheirWriter: a trigger does what its account may do, so only who may act as the account
// anyway writes triggers for it.
func TestTriggers_NameOnlyAccountsOfTheirWriter(t *testing.T) {
	g := NewWithT(t)
	const namespace = "triggers"
	create(t, &corev1.Namespace{ObjectMeta: named("", namespace)})
	writer := tenant(t, namespace, "writer")
	owner := tenant(t, namespace, "owner", rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"serviceaccounts"},
		ResourceNames: []string{"recording-trigger"}, Verbs: []string{"impersonate"}})
	refusal := And(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring("you may not name ServiceAccount recording-trigger")))
	g.Eventually(func() error { // the API server has read the policy
		return writer.Create(t.Context(), triggering(namespace), client.DryRunAll)
	}, timeout, poll).Should(refusal)
	g.Expect(owner.Create(t.Context(), triggering(namespace))).To(Succeed())
	g.Expect(owner.Create(t.Context(), triggering(namespace, func(spec *v1alpha1.RecordingPipelineSpec) {
		spec.TriggerServiceAccountName = "recording-trigger-admin"
	}), client.DryRunAll)).To(Satisfy(apierrors.IsForbidden), "the right to one account is none to another")

	changes := map[string]struct {
		change  func(*v1alpha1.RecordingPipelineSpec)
		allowed bool
	}{
		"what is created": {func(spec *v1alpha1.RecordingPipelineSpec) {
			spec.Steps[0].Trigger.Object.Fields["data"] = runtime.RawExtension{Raw: []byte(`{"a":"c"}`)}
		}, false},
		"a value": {func(spec *v1alpha1.RecordingPipelineSpec) {
			spec.Steps[0].Trigger.Set = []v1alpha1.TriggerValue{{Path: "/data/a", Value: "recording.room"}}
		}, false},
		"a second trigger": {func(spec *v1alpha1.RecordingPipelineSpec) {
			second := *spec.Steps[0].DeepCopy()
			second.Name = "second"
			spec.Steps = append(spec.Steps, second)
		}, false},
		"a trigger of finally": {func(spec *v1alpha1.RecordingPipelineSpec) {
			last := *spec.Steps[0].DeepCopy()
			last.Name = "last"
			spec.Finally = append(spec.Finally, last)
		}, false},
		"the account":  {func(spec *v1alpha1.RecordingPipelineSpec) { spec.TriggerServiceAccountName = "recording-trigger-b" }, false},
		"another step": {func(spec *v1alpha1.RecordingPipelineSpec) { spec.Steps = append(spec.Steps, keep()) }, true},
		"nothing":      {func(*v1alpha1.RecordingPipelineSpec) {}, true},
	}
	for name, test := range changes {
		changed := &v1alpha1.RecordingPipeline{}
		g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "captions"}, changed)).To(Succeed())
		test.change(&changed.Spec)
		changed.Labels = map[string]string{"touched": "true"}
		if err := writer.Update(t.Context(), changed, client.DryRunAll); (err == nil) != test.allowed {
			t.Errorf("%s: allowed %t, want %t: %v", name, err == nil, test.allowed, err)
		}
	}
}

func keep() v1alpha1.Step {
	return v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: "archive"}}}
}

// TestTriggers_HostilePipelinesAreRefused by the definition alone, even where an admin writes them.
func TestTriggers_HostilePipelinesAreRefused(t *testing.T) {
	g := NewWithT(t)
	const namespace = "hostile-triggers"
	create(t, &corev1.Namespace{ObjectMeta: named("", namespace)})
	object := func(set func(fields map[string]any)) func(map[string]any) {
		return func(step map[string]any) { set(step["trigger"].(map[string]any)["object"].(map[string]any)) }
	}
	metadata := func(key string, value any) func(map[string]any) {
		return object(func(fields map[string]any) { fields["metadata"] = map[string]any{key: value} })
	}
	set := func(path, value string) func(map[string]any) {
		return func(step map[string]any) {
			step["trigger"].(map[string]any)["set"] = []any{map[string]any{"path": path, "value": value}}
		}
	}
	for name, change := range map[string]func(step map[string]any){
		"another namespace":          metadata("namespace", "kube-system"),
		"a name":                     metadata("name", "kube-root-ca.crt"),
		"a generated name":           metadata("generateName", "x-"),
		"owners":                     metadata("ownerReferences", []any{map[string]any{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "y"}}),
		"finalizers":                 metadata("finalizers", []any{"a/b"}),
		"managed fields":             metadata("managedFields", []any{}),
		"a namespace by a value":     set("/metadata/namespace", "'kube-system'"),
		"a name by a value":          set("/metadata/name", "'x'"),
		"all metadata by a value":    set("/metadata", "{'namespace': 'kube-system'}"),
		"another kind by a value":    set("/kind", "'Secret'"),
		"another version by a value": set("/apiVersion", "'v2'"),
		"the whole object":           set("/", "{}"),
		"no kind":                    object(func(fields map[string]any) { delete(fields, "kind") }),
		"no version":                 object(func(fields map[string]any) { delete(fields, "apiVersion") }),
		"a list of objects":          func(step map[string]any) { step["trigger"].(map[string]any)["object"] = []any{} },
	} {
		made := triggering(namespace)
		encoded, err := json.Marshal(made)
		g.Expect(err).NotTo(HaveOccurred())
		fields := map[string]any{}
		g.Expect(json.Unmarshal(encoded, &fields)).To(Succeed())
		fields["apiVersion"], fields["kind"] = v1alpha1.GroupVersion.String(), "RecordingPipeline"
		change(fields["spec"].(map[string]any)["steps"].([]any)[0].(map[string]any))
		err = admin.Create(t.Context(), &unstructured.Unstructured{Object: fields}, client.DryRunAll)
		g.Expect(apierrors.IsInvalid(err)).To(BeTrue(), "%s: %v", name, err)
	}
	for _, account := range []string{"default", "deployer", "recording-trigger.", "recording-triggers", "Recording-trigger"} {
		made := triggering(namespace, func(spec *v1alpha1.RecordingPipelineSpec) { spec.TriggerServiceAccountName = account })
		g.Expect(admin.Create(t.Context(), made, client.DryRunAll)).To(Satisfy(apierrors.IsInvalid), account)
	}
	g.Expect(admin.Create(t.Context(), &v1alpha1.RecordingPipeline{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "none"},
		Spec: triggering(namespace, func(spec *v1alpha1.RecordingPipelineSpec) { spec.TriggerServiceAccountName = "" }).Spec}, client.DryRunAll)).
		To(Satisfy(apierrors.IsInvalid), "no account")
}
