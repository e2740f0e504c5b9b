// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const keysRole = "recording-operator-keys"

// TestManagerToken_WritesCallbackKeysAlone: where a namespace lets the manager write keys, a stolen token makes no token of a
// service account and changes no other Secret.
func TestManagerToken_WritesCallbackKeysAlone(t *testing.T) {
	g := NewWithT(t)
	const namespace = "written-keys"
	labeled := func(name string, kind corev1.SecretType) *corev1.Secret {
		secret := &corev1.Secret{ObjectMeta: named(namespace, name), Type: kind, StringData: map[string]string{"key": callbackKey}}
		secret.Labels = map[string]string{v1alpha1.LabelCallbackKey: "true"}
		return secret
	}
	plain := &corev1.Secret{ObjectMeta: named(namespace, "plain"), StringData: map[string]string{"key": callbackKey}}
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, plain)
	manager, err := client.New(managerAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(manager.Create(t.Context(), labeled("early", corev1.SecretTypeOpaque))).To(Satisfy(apierrors.IsForbidden), "without the role")
	create(t, &rbacv1.RoleBinding{
		ObjectMeta: named(namespace, keysRole), RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: keysRole},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: string(managerAccount)}},
	})
	key := labeled("key", corev1.SecretTypeOpaque)
	g.Eventually(func() error { return manager.Create(t.Context(), key.DeepCopy()) }, timeout, poll).Should(Succeed())
	patch := func(text string) client.Patch { return client.RawPatch(types.MergePatchType, []byte(text)) }
	g.Expect(manager.Patch(t.Context(), key.DeepCopy(), patch(`{"stringData":{"key.next":"a"}}`))).To(Succeed())

	// The API server holds a policy some moments after it was created.
	g.Eventually(func() error {
		return manager.Create(t.Context(), &corev1.Secret{ObjectMeta: named(namespace, "mine")}, client.DryRunAll)
	}, timeout, poll).Should(Satisfy(apierrors.IsForbidden))
	token := labeled("token", corev1.SecretTypeServiceAccountToken)
	token.Annotations = map[string]string{corev1.ServiceAccountNameKey: "default"}
	for name, attempt := range map[string]func() error{
		"a token":            func() error { return manager.Create(t.Context(), token) },
		"a Secret of others": func() error { return manager.Create(t.Context(), &corev1.Secret{ObjectMeta: named(namespace, "mine")}) },
		"a change of others": func() error { return manager.Patch(t.Context(), plain.DeepCopy(), patch(`{"stringData":{"key":"a"}}`)) },
		"a label": func() error {
			return manager.Patch(t.Context(), plain.DeepCopy(), patch(`{"metadata":{"labels":{"`+v1alpha1.LabelCallbackKey+`":"true"}}}`))
		},
		"taking the label off": func() error { return manager.Patch(t.Context(), key.DeepCopy(), patch(`{"metadata":{"labels":null}}`)) },
	} {
		g.Expect(attempt()).To(Satisfy(apierrors.IsForbidden), name)
	}
	g.Expect(manager.Delete(t.Context(), key.DeepCopy())).To(Satisfy(apierrors.IsForbidden), "delete")
	receiver, err := client.New(receiverAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(receiver.Create(t.Context(), labeled("another", corev1.SecretTypeOpaque))).To(Satisfy(apierrors.IsForbidden), "the receiver")
}
