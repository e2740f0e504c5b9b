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
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// TestApprovals_AreInOnesOwnName: who releases a recording has the right to, says so in their own name, and cannot take back
// what another decided.
func TestApprovals_AreInOnesOwnName(t *testing.T) {
	g := NewWithT(t)
	const namespace = "approvals"
	create(t, &corev1.Namespace{ObjectMeta: named("", namespace)})
	editor := person(t, namespace, "editor", "create", "get", "update", "patch")
	alice := person(t, namespace, "alice", "create", "get", "patch", "approve")
	bob := person(t, namespace, "bob", "get", "patch", "approve")
	file := &v1alpha1.RecordingFile{ObjectMeta: named(namespace, "mine"), Spec: v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "a.m3u8"},
	}}
	create(t, file)
	before := file.DeepCopy()
	file.Status.Run = 2
	g.Expect(admin.Status().Patch(t.Context(), file, client.MergeFrom(before))).To(Succeed())

	approval := func(step, by string, run int32) v1alpha1.Approval {
		return v1alpha1.Approval{Step: step, By: by, Run: run, Decision: v1alpha1.DecisionApprove}
	}
	write := func(who client.Client, approvals []v1alpha1.Approval, options ...client.PatchOption) error {
		patch, err := json.Marshal(map[string]any{"spec": map[string]any{"approvals": approvals}})
		g.Expect(err).NotTo(HaveOccurred())
		return who.Patch(t.Context(), file.DeepCopy(), client.RawPatch("application/merge-patch+json", patch), options...)
	}
	refusal := func(text string) OmegaMatcher {
		return And(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring(text)))
	}
	all := func(approvals ...v1alpha1.Approval) []v1alpha1.Approval { return approvals }

	g.Eventually(func() error { // the API server has read the policy
		return write(editor, all(approval("release", "editor", 2)), client.DryRunAll)
	}, timeout, poll).Should(refusal("it takes the verb approve on recordingfiles in namespace " + namespace))
	g.Expect(write(alice, all(approval("release", "bob", 2)), client.DryRunAll)).To(refusal("by must be alice"))
	g.Expect(write(alice, all(approval("release", "alice", 1)), client.DryRunAll)).To(refusal("run must be 2"))
	g.Expect(write(alice, all(approval("release", "alice", 3)), client.DryRunAll)).To(refusal("run must be 2"))
	made := file.DeepCopy()
	made.ObjectMeta, made.Spec.Approvals = named(namespace, "other"), all(approval("release", "alice", 1))
	g.Expect(alice.Create(t.Context(), made, client.DryRunAll)).To(refusal("leave it out when you create a file"))

	g.Expect(write(alice, all(approval("release", "alice", 2)))).To(Succeed())
	// What others decided stays, and what is not decided is free to edit.
	rejected := approval("release", "alice", 2)
	rejected.Decision = v1alpha1.DecisionReject
	for name, test := range map[string]struct {
		who       client.Client
		approvals []v1alpha1.Approval
		refusal   string
	}{
		"another replaces it":         {bob, all(approval("release", "bob", 2)), "was decided by alice, and only they may change that"},
		"another removes it":          {bob, nil, "was decided by alice, and only they may change that"},
		"another turns it":            {bob, all(rejected), "by must be bob"},
		"an editor removes it":        {editor, nil, "was decided by alice, and only they may change that"},
		"another step":                {bob, all(approval("release", "alice", 2), approval("publish", "bob", 2)), ""},
		"another step without theirs": {bob, all(approval("publish", "bob", 2)), "was decided by alice, and only they may change that"},
		"alice turns it":              {alice, all(rejected), ""},
		"alice removes it":            {alice, nil, ""},
		"the same again":              {editor, all(approval("release", "alice", 2)), ""},
	} {
		err := write(test.who, test.approvals, client.DryRunAll)
		if test.refusal == "" {
			g.Expect(err).NotTo(HaveOccurred(), name)
		} else {
			g.Expect(err).To(refusal(test.refusal), name)
		}
	}
	rest := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"suspend":true,"rerun":{"token":"again"}}}`))
	g.Expect(editor.Patch(t.Context(), file.DeepCopy(), rest, client.DryRunAll)).To(Succeed())

	// What was decided about an earlier run makes room.
	g.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(file), file)).To(Succeed())
	before = file.DeepCopy()
	file.Status.Run = 3
	g.Expect(admin.Status().Patch(t.Context(), file, client.MergeFrom(before))).To(Succeed())
	g.Expect(write(bob, all(approval("release", "bob", 3)), client.DryRunAll)).To(Succeed())
	g.Expect(write(bob, all(approval("release", "bob", 2)), client.DryRunAll)).To(refusal("run must be 3"))
}

// TestApprovals_AreNoEditorsRight: the role of editors does not have it, and the roles of approvers and admins do.
func TestApprovals_AreNoEditorsRight(t *testing.T) {
	approves := func(name string) bool {
		for _, rule := range find[rbacv1.ClusterRole](t, "default", "ClusterRole", "recording-operator-"+name).Rules {
			for _, verb := range rule.Verbs {
				if verb == "approve" || verb == rbacv1.VerbAll {
					return true
				}
			}
		}
		return false
	}
	for name, want := range map[string]bool{"recordings-edit": false, "recordings-view": false, "recordings-discover": false, "recordings-approve": true} {
		if approves(name) != want {
			t.Errorf("%s approves: %t", name, !want)
		}
	}
	labels := find[rbacv1.ClusterRole](t, "default", "ClusterRole", "recording-operator-recordings-approve").Labels
	if labels["rbac.authorization.k8s.io/aggregate-to-admin"] != "true" || labels["rbac.authorization.k8s.io/aggregate-to-edit"] != "" {
		t.Errorf("labels %v", labels)
	}
}
