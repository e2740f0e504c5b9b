// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"testing"

	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// TestRevision_PlantedContentIsNotRun: somebody who may create ControllerRevisions puts steps of their own under the
// name of a pipeline's. No Job is made from it; once it is deleted, processing goes on.
func TestRevision_PlantedContentIsNotRun(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	lecture := lecturePipeline(namespace, oneStep())
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecture, source(namespace, toLecture("")))
	planted, err := newRevision(lecture) // as the API server has it, with its defaults
	g.Expect(err).NotTo(HaveOccurred())
	evil := lecture.Spec.DeepCopy()
	evil.Steps[0].Output = output("elsewhere/")
	planted.Data.Raw, err = json.Marshal(evil)
	g.Expect(err).NotTo(HaveOccurred())
	create(t, planted, recordingFile(namespace, recorded()))

	_, stalled := stalledFile(t, g, namespace, v1alpha1.ReasonPipelineInvalid)
	g.Expect(stalled.Message).To(ContainSubstring(planted.Name))
	g.Expect(jobsOf(t, namespace, "keep")).To(BeEmpty())

	g.Expect(k8s.Delete(t.Context(), planted)).To(Succeed())
	job := jobOf(t, g, namespace, "keep")
	g.Expect(job.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationRevision, planted.Name))
	fileWith(t, g, namespace, v1alpha1.ReasonProcessing)

	// The same while work goes on: the step that follows is not run.
	var revision appsv1.ControllerRevision
	g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(planted), &revision)).To(Succeed())
	g.Expect(readRevision(&revision)).To(Equal(&lecture.Spec))
	g.Expect(k8s.Delete(t.Context(), &revision)).To(Succeed())
	planted.ObjectMeta = metav1.ObjectMeta{Namespace: namespace, Name: planted.Name, Labels: revision.Labels}
	create(t, planted)
	g.Eventually(func(g Gomega) {
		cached := &appsv1.ControllerRevision{}
		g.Expect(files.Client.Get(t.Context(), client.ObjectKeyFromObject(planted), cached)).To(Succeed())
		g.Expect(cached.UID).To(Equal(planted.UID))
	}, timeout, poll).Should(Succeed())
	succeed(t, job, "s3://archive/a.m3u8")
	stalledFile(t, g, namespace, v1alpha1.ReasonPipelineInvalid)
}

// TestRevision_ForgedContentIsRefused, whatever is wrong about it.
func TestRevision_ForgedContentIsRefused(t *testing.T) {
	lecture := lecturePipeline("media", oneStep())
	for name, forge := range map[string]func(*appsv1.ControllerRevision){
		"other content":    func(r *appsv1.ControllerRevision) { r.Data.Raw = []byte(`{"steps":[]}`) },
		"no pipeline":      func(r *appsv1.ControllerRevision) { r.Data.Raw = []byte(`[]`) },
		"no content":       func(r *appsv1.ControllerRevision) { r.Data.Raw = nil },
		"another name":     func(r *appsv1.ControllerRevision) { r.Name = "lecture-1" },
		"another pipeline": func(r *appsv1.ControllerRevision) { r.Labels[v1alpha1.LabelPipeline] = "other" },
	} {
		revision, err := newRevision(lecture)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := readRevision(revision); err != nil {
			t.Fatal(err)
		}
		forge(revision)
		if _, err := readRevision(revision); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}
