// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// TestMetadata_IsBounded: every change of an object is read whole by the operator, so that a tenant may not make objects fat by what
// the definitions cannot bound. Whatever was fat before can be changed in other respects, and deleted.
func TestMetadata_IsBounded(t *testing.T) {
	g := NewWithT(t)
	const namespace, tooMany = "fat", "metadata: at most 64 labels, 16 finalizers and 16 owners are allowed"
	create(t, &corev1.Namespace{ObjectMeta: named("", namespace)})
	tenant := person(t, namespace, "tenant", "create", "get", "update", "patch", "delete")
	file := func(change func(*metav1.ObjectMeta)) client.Object {
		made := &v1alpha1.RecordingFile{ObjectMeta: named(namespace, "lecture"), Spec: v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "a.m3u8"},
		}}
		change(&made.ObjectMeta)
		return made
	}
	annotated := func(size int) func(*metav1.ObjectMeta) {
		return func(meta *metav1.ObjectMeta) {
			meta.Annotations = map[string]string{"a": strings.Repeat("é", size/2-1), "b": strings.Repeat("x", size-size/2-1)}
		}
	}
	g.Eventually(func() error { // the API server has read the policy
		return tenant.Create(t.Context(), file(annotated(17_000)), client.DryRunAll)
	}, timeout, poll).Should(Satisfy(apierrors.IsInvalid))
	for name, test := range map[string]struct {
		made    client.Object
		refusal string
	}{
		"nothing":                 {file(func(*metav1.ObjectMeta) {}), ""},
		"as much as there may be": {file(annotated(16_384)), ""},
		"one character too many":  {file(annotated(16_385)), "metadata.annotations: too long: 16385 characters in total, at most 16384 are allowed"},
		"a pipeline as kubectl applies it": {func() client.Object {
			made := builders.MakeRecordingPipeline("keep").In(namespace).Archive("keep", "archive").Obj()
			annotated(60_000)(&made.ObjectMeta)
			return made
		}(), ""},
		"thousands of annotations": {file(func(meta *metav1.ObjectMeta) {
			meta.Annotations = texts(10_000)
		}), "metadata.annotations: too long"},
		"64 labels":  {file(func(meta *metav1.ObjectMeta) { meta.Labels = texts(64) }), ""},
		"65 labels":  {file(func(meta *metav1.ObjectMeta) { meta.Labels = texts(65) }), tooMany},
		"finalizers": {file(func(meta *metav1.ObjectMeta) { meta.Finalizers = slices.Collect(maps.Keys(texts(17))) }), tooMany},
		"owners": {file(func(meta *metav1.ObjectMeta) {
			for name := range texts(17) {
				meta.OwnerReferences = append(meta.OwnerReferences, metav1.OwnerReference{APIVersion: "v1", Kind: "Secret", Name: "s", UID: types.UID(name)})
			}
		}), tooMany},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			err := admin.Create(t.Context(), test.made, client.DryRunAll)
			if test.refusal == "" {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			g.Expect(err).To(Satisfy(apierrors.IsInvalid))
			g.Expect(err).To(MatchError(ContainSubstring(test.refusal)))
		})
	}
	lecture := file(annotated(1000))
	g.Expect(tenant.Create(t.Context(), lecture)).To(Succeed())
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{"c":%q}}}`, strings.Repeat("x", 16_000))
	g.Expect(tenant.Patch(t.Context(), lecture, client.RawPatch(types.MergePatchType, patch))).To(Satisfy(apierrors.IsInvalid))
	g.Expect(tenant.Delete(t.Context(), lecture)).To(Succeed())
}

// texts are so many keys of labels, annotations or finalizers.
func texts(count int) map[string]string {
	made := map[string]string{}
	for n := range count {
		made[fmt.Sprintf("example.com/%d", n)] = ""
	}
	return made
}
