// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package patch_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// TestStatus_OverwritesNoChange: a status is written once, not when it is the same, and not over what others wrote since.
func TestStatus_OverwritesNoChange(t *testing.T) {
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	g.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	source := builders.MakeRecordingSource("classroom").Obj()
	k8s := fake.NewClientBuilder().WithScheme(scheme).WithObjects(source).WithStatusSubresource(source).Build()
	read := func() *v1alpha1.RecordingSource {
		found := &v1alpha1.RecordingSource{}
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(source), found)).To(Succeed())
		return found
	}

	stale, before := read(), read()
	after := before.DeepCopy()
	g.Expect(patch.Status(t.Context(), k8s, before, after)).To(Succeed())
	g.Expect(read().ResourceVersion).To(Equal(before.ResourceVersion), "the same is not written")

	after.Status.ObservedGeneration = 1
	g.Expect(patch.Status(t.Context(), k8s, before, after)).To(Succeed())
	g.Expect(read().Status.ObservedGeneration).To(BeEquivalentTo(1))

	other := stale.DeepCopy()
	other.Status.ObservedGeneration = 2
	err := patch.Status(t.Context(), k8s, stale, other)
	g.Expect(apierrors.IsConflict(err)).To(BeTrue(), "%v", err)
	g.Expect(read().Status.ObservedGeneration).To(BeEquivalentTo(1))
}

// TestAfterConflict_LooksAgainAtChangesAlone: errors that are wrapped count as what they are.
func TestAfterConflict_LooksAgainAtChangesAlone(t *testing.T) {
	other := errors.New("no connection")
	for name, test := range map[string]struct {
		err  error
		wait time.Duration
		want error
	}{
		"written":  {},
		"a change": {err: apierrors.NewConflict(schema.GroupResource{}, "a", errors.New("changed")), wait: patch.ConflictDelay},
		"gone":     {err: apierrors.NewNotFound(schema.GroupResource{}, "a")},
		"other":    {err: other, want: other},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			err := test.err
			if err != nil {
				err = fmt.Errorf("patch status: %w", err)
			}
			result, err := patch.AfterConflict(err)
			g.Expect(result.RequeueAfter).To(Equal(test.wait))
			g.Expect(errors.Is(err, test.want)).To(BeTrue(), "%v", err)
		})
	}
}
