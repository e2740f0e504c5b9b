// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package slim_test

import (
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/slim"
)

func TestMetadata_KeepsWhatIsRead(t *testing.T) {
	g := NewWithT(t)
	controller := metav1.OwnerReference{Kind: "RecordingFile", Name: "lecture", UID: "1", Controller: new(true)}
	file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{
		Namespace: "media", Name: "a", UID: "2", ResourceVersion: "3", Generation: 4,
		Labels:          map[string]string{v1alpha1.LabelSource: "classroom", "team": "video"},
		Annotations:     map[string]string{v1alpha1.AnnotationRun: "1", v1alpha1.AnnotationInput: strings.Repeat("x", 250<<10), "note": strings.Repeat("x", 250<<10)},
		Finalizers:      []string{"example.com/keep"},
		OwnerReferences: []metav1.OwnerReference{{Kind: "ConfigMap", Name: "other", UID: "5"}, controller},
		ManagedFields:   []metav1.ManagedFieldsEntry{{Manager: "kubectl"}},
	}}
	for i := range 1000 {
		file.Labels[fmt.Sprint("recording.sparkrtc.dev/label-", i)] = strings.Repeat("x", 63)
	}
	cut, err := slim.Object(file)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(cut).To(Equal(&v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{
		Namespace: "media", Name: "a", UID: "2", ResourceVersion: "3", Generation: 4,
		Labels:          map[string]string{v1alpha1.LabelSource: "classroom"},
		Annotations:     map[string]string{v1alpha1.AnnotationRun: "1"},
		OwnerReferences: []metav1.OwnerReference{controller},
	}}))
}

func TestObject_LeavesOthersAlone(t *testing.T) {
	if left, err := slim.Object("a text"); left != "a text" || err != nil {
		t.Errorf("%v, %v", left, err)
	}
}
