// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// maxCached is what one object may cost the cache beside its own spec and status, in bytes as JSON.
const maxCached = 1 << 10

func fat(object client.Object) {
	object.SetNamespace("media")
	object.SetName("fat")
	object.SetAnnotations(map[string]string{"note": strings.Repeat("x", 250<<10), v1alpha1.AnnotationInput: strings.Repeat("x", 6<<10)})
	labels := map[string]string{}
	for i := range 1000 {
		labels[fmt.Sprint("recording.sparkrtc.dev/l", i)] = strings.Repeat("x", 63)
	}
	object.SetLabels(labels)
	object.SetFinalizers(strings.Split(strings.Repeat("example.com/keep ", 1000), " "))
	object.SetOwnerReferences(make([]metav1.OwnerReference, 1000))
	object.SetManagedFields(make([]metav1.ManagedFieldsEntry, 1000))
}

// TestCache_FatMetadataCostsNothing: whatever a tenant writes into the metadata of an object of any watched kind, the
// cache holds none of it.
func TestCache_FatMetadataCostsNothing(t *testing.T) {
	for object, options := range CacheByObject() {
		t.Run(fmt.Sprintf("%T", object), func(t *testing.T) {
			g := NewWithT(t)
			fat(object)
			held, err := options.Transform(object)
			g.Expect(err).NotTo(HaveOccurred())
			encoded, err := json.Marshal(held)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(len(encoded)).To(BeNumerically("<", maxCached))
			g.Expect(held.(client.Object).GetName()).To(Equal("fat"))
		})
	}
}

// TestCache_FatContentCostsNothing: neither does what a tenant writes into Jobs, pods, revisions and rejected callbacks with
// the operator's label.
func TestCache_FatContentCostsNothing(t *testing.T) {
	long := strings.Repeat("x", 250<<10)
	containers := make([]corev1.Container, 1000)
	for i := range containers {
		containers[i] = corev1.Container{Name: fmt.Sprint("c", i), Env: []corev1.EnvVar{{Name: "A", Value: long}}}
	}
	for name, object := range map[string]client.Object{
		"Job": &batchv1.Job{Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
			ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"note": long}}, Spec: corev1.PodSpec{Containers: containers, InitContainers: containers},
		}}},
		"Pod": &corev1.Pod{Spec: corev1.PodSpec{Containers: containers}},
		"a planted ControllerRevision": &appsv1.ControllerRevision{ObjectMeta: metav1.ObjectMeta{Name: "planted"},
			Data: raw(`{"steps":[{"name":"a","when":"` + long + `"}]}`)},
		"a ControllerRevision that is no pipeline": &appsv1.ControllerRevision{Data: raw(`"` + long + `"`)},
		"RejectedCallback":                         &v1alpha1.RejectedCallback{Spec: v1alpha1.RejectedCallbackSpec{Body: []byte(long)}},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			transform := func(object any) (any, error) { t.Fatalf("%T has no transform", object); return nil, nil }
			for kind, options := range CacheByObject() {
				if fmt.Sprintf("%T", kind) == fmt.Sprintf("%T", object) {
					transform = options.Transform
				}
			}
			held, err := transform(object)
			g.Expect(err).NotTo(HaveOccurred())
			encoded, err := json.Marshal(held)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(len(encoded)).To(BeNumerically("<", maxCached))
		})
	}
}

// TestCache_KeepsWhatIsRead: the memory limits that a message names, and how containers ended, stay.
func TestCache_KeepsWhatIsRead(t *testing.T) {
	g := NewWithT(t)
	limits := corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi")}
	job := &batchv1.Job{Spec: batchv1.JobSpec{Suspend: new(true), Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
		InitContainers: []corev1.Container{{Name: "process", Image: "worker", Resources: corev1.ResourceRequirements{Limits: limits}}},
	}}}}
	_, err := slimJob(job)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*job.Spec.Suspend).To(BeTrue())
	g.Expect(job.Spec.Template.Spec.InitContainers).To(Equal([]corev1.Container{{Name: "process", Resources: corev1.ResourceRequirements{Limits: limits}}}))

	ended := corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 1, Message: "{}"}}
	pod := &corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{Name: "publish", ImageID: "sha256:1", State: ended}}}}
	_, err = slimPod(pod)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(pod.Status).To(Equal(corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{{Name: "publish", State: ended}}}))

	revision, err := newRevision(lecturePipeline("media", twoSteps()...))
	g.Expect(err).NotTo(HaveOccurred())
	_, err = slimRevision(revision)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(readRevision(revision)).NotTo(BeNil())
}

// TestCache_HoldsNoAnnotationOfOthers reads, as the reconcilers do, an object with 250 KB of annotations.
func TestCache_HoldsNoAnnotationOfOthers(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	location := storage(namespace, "archive")
	location.Annotations = map[string]string{"note": strings.Repeat("x", 250<<10)}
	location.Labels = map[string]string{"team": "video"}
	create(t, location)
	g.Eventually(func(g Gomega) {
		held := &v1alpha1.StorageLocation{}
		g.Expect(files.Client.Get(t.Context(), client.ObjectKeyFromObject(location), held)).To(Succeed())
		g.Expect(held.Annotations).To(BeEmpty())
		g.Expect(held.Labels).To(BeEmpty())
		g.Expect(held.ManagedFields).To(BeEmpty())
		g.Expect(held.Status.Conditions).NotTo(BeEmpty())
	}, timeout, poll).Should(Succeed())
	// A status that is written from what the cache holds leaves the rest as it was.
	g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(location), location)).To(Succeed())
	g.Expect(location.Annotations).To(HaveKey("note"))
	g.Expect(location.Labels).To(HaveKeyWithValue("team", "video"))
}

func raw(text string) runtime.RawExtension { return runtime.RawExtension{Raw: []byte(text)} }
