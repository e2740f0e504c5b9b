// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// checkedByAdmission are rights that no request of the operator shows: an admission plugin of the API server looks for
// them. With OwnerReferencesPermissionEnforcement, whoever makes a Job that a RecordingFile owns must be allowed to
// change the finalizers of that file. (The API server of these tests has the plugin.)
var checkedByAdmission = []string{rightName("recording.sparkrtc.dev", "recordingfiles/finalizers", "update")}

// TestRightsAreTheLeast: the operator does everything that it does, in one namespace and in all, and no right of
// config/rbac is left over, and none is missing.
func TestRightsAreTheLeast(t *testing.T) {
	g := NewWithT(t)
	begin := auditEnd(t)
	// An operator of another test may have made the Lease.
	lease := &coordinationv1.Lease{ObjectMeta: named(systemNamespace, "recording-operator.recording.sparkrtc.dev")}
	g.Expect(client.IgnoreNotFound(admin.Delete(t.Context(), lease))).To(Succeed())
	operator := startOperator(t)
	tell(t, operator, "all-of-it")
	tellLostLease(t)
	secretsAppearNowhere(t, operator, "all-of-it")

	granted := map[string]bool{}
	for _, rule := range slices.Concat(
		find[rbacv1.ClusterRole](t, "default", "ClusterRole", "recording-operator-manager").Rules,
		find[rbacv1.Role](t, "default", "Role", "recording-operator-leader-election").Rules,
	) {
		for _, right := range rightsOf(rule) {
			granted[right] = true
		}
	}
	for right := range granted {
		g.Expect(right).NotTo(ContainSubstring("*"), "no right is for everything")
	}
	g.Eventually(func(g Gomega) {
		used := map[string]bool{}
		for _, right := range checkedByAdmission {
			used[right] = true
		}
		for _, request := range askedSince(t, begin) {
			g.Expect(request.forbidden()).To(BeFalse(), "%s %s is missing from config/rbac", request.Verb, request.RequestURI)
			used[request.right()] = true
		}
		g.Expect(slices.Sorted(maps.Keys(granted))).To(Equal(slices.Sorted(maps.Keys(used))))
	}, timeout, poll).Should(Succeed())
}

// TestFinalizersRightIsNeeded: without it the API server, given the plugin, refuses every Job.
func TestFinalizersRightIsNeeded(t *testing.T) {
	g := NewWithT(t)
	operator, err := client.New(asOperator(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	job := stepJob(t, "finalizers")
	g.Expect(operator.Create(t.Context(), job.DeepCopy(), client.DryRunAll)).To(Succeed())

	role := &rbacv1.ClusterRole{}
	g.Expect(admin.Get(t.Context(), client.ObjectKey{Name: "recording-operator-manager"}, role)).To(Succeed())
	rules := role.Rules
	t.Cleanup(func() {
		role.Rules = rules
		g.Expect(admin.Update(context.WithoutCancel(t.Context()), role)).To(Succeed())
	})
	role.Rules = slices.DeleteFunc(slices.Clone(rules), func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.Resources, "recordingfiles/finalizers")
	})
	g.Expect(admin.Update(t.Context(), role)).To(Succeed())
	g.Eventually(func() error {
		return operator.Create(t.Context(), job.DeepCopy(), client.DryRunAll)
	}, timeout, poll).Should(MatchError(ContainSubstring("cannot set blockOwnerDeletion")))
}

// rightsOf lists what a rule grants, one resource and one verb at a time.
func rightsOf(rule rbacv1.PolicyRule) []string {
	var rights []string
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			for _, verb := range rule.Verbs {
				rights = append(rights, rightName(group, strings.TrimSpace(resource), verb))
			}
		}
	}
	return rights
}

// TestOneNamespaceIsEnough: with config/namespaced, the operator works in its namespace without any right in others,
// and does not ask for one.
func TestOneNamespaceIsEnough(t *testing.T) {
	g := NewWithT(t)
	binding := find[rbacv1.ClusterRoleBinding](t, "default", "ClusterRoleBinding", "recording-operator-manager")
	g.Expect(admin.Delete(t.Context(), binding.DeepCopy())).To(Succeed())
	t.Cleanup(func() { g.Expect(admin.Create(context.WithoutCancel(t.Context()), binding)).To(Succeed()) })
	narrow := find[rbacv1.RoleBinding](t, "namespaced", "RoleBinding", "recording-operator-manager")
	deployment := find[appsv1.Deployment](t, "namespaced", "Deployment", "recording-operator-controller-manager")
	g.Expect(deployment.Spec.Template.Spec.Containers[0].Args).To(ContainElement("--namespaces=" + narrow.Namespace))
	objects, err := render("namespaced")
	g.Expect(err).NotTo(HaveOccurred())
	for _, object := range objects {
		g.Expect(object.GetKind()).NotTo(Equal("ClusterRoleBinding"), "%s reaches every namespace", object.GetName())
	}

	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: narrow.Namespace}}, narrow)
	operator, err := client.New(asOperator(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	g.Eventually(func() bool { // the authorizer has seen the bindings change
		elsewhere := operator.Get(t.Context(), client.ObjectKey{Namespace: "default", Name: "x"}, &corev1.Secret{})
		here := operator.Get(t.Context(), client.ObjectKey{Namespace: narrow.Namespace, Name: "x"}, &corev1.Secret{})
		return apierrors.IsForbidden(elsewhere) && apierrors.IsNotFound(here)
	}, timeout, poll).Should(BeTrue())

	begin := auditEnd(t)
	tell(t, startOperator(t, "--namespaces="+narrow.Namespace), narrow.Namespace)
	for _, request := range askedSince(t, begin) {
		g.Expect(request.forbidden()).To(BeFalse(), "%s %s", request.Verb, request.RequestURI)
	}
}
