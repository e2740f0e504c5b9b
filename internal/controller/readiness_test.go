// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
)

func eventuallyReady(t *testing.T, g Gomega, object client.Object, conditions func() []metav1.Condition, reason, message string) {
	t.Helper()
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
		ready := meta.FindStatusCondition(conditions(), v1alpha1.ConditionReady)
		g.Expect(ready).NotTo(BeNil())
		g.Expect(ready.Reason).To(Equal(reason), ready.Message)
		g.Expect(ready.Message).To(ContainSubstring(message))
		g.Expect(meta.IsStatusConditionTrue(conditions(), v1alpha1.ConditionStalled)).To(Equal(ready.Status == metav1.ConditionFalse))
	}, timeout, poll).Should(Succeed())
}

func TestSourceReadiness(t *testing.T) {
	tests := map[string]struct {
		keys            map[string]string
		change          func(*v1alpha1.RecordingSource)
		reason, message string
	}{
		"listening":             {keys: map[string]string{"key": strings.Repeat("k", 32)}, reason: v1alpha1.ReasonListening, message: "1 key"},
		"a newline is forgiven": {keys: map[string]string{"key": strings.Repeat("k", 64) + "\n"}, reason: v1alpha1.ReasonListening},
		"short key":             {keys: map[string]string{"key": "short"}, reason: v1alpha1.ReasonKeyInvalid, message: "spec.callback.keys[0]"},
		"long key":              {keys: map[string]string{"key": strings.Repeat("k", 65)}, reason: v1alpha1.ReasonKeyInvalid, message: "32 to 64"},
		"no such key":           {keys: map[string]string{"other": "x"}, reason: v1alpha1.ReasonKeyNotFound, message: `no key "key"`},
		"no such secret":        {reason: v1alpha1.ReasonKeyNotFound, message: `Secret "callback" not found`},
		"wrong route": {keys: map[string]string{"key": strings.Repeat("k", 32)}, change: func(s *v1alpha1.RecordingSource) {
			s.Spec.Routes = []v1alpha1.Route{toLecture("recording.fromat == 'HLS'")}
		}, reason: v1alpha1.ReasonRouteInvalid, message: "spec.routes[0].when"},
		"a route that never matches": {keys: map[string]string{"key": strings.Repeat("k", 32)}, change: func(s *v1alpha1.RecordingSource) {
			s.Spec.Callback.Keys = append(s.Spec.Callback.Keys, s.Spec.Callback.Keys[0])
			s.Spec.Routes = []v1alpha1.Route{{When: "recording.format == 'hls'", PipelineRef: v1alpha1.LocalReference{Name: "never-matches"}}}
		}, reason: v1alpha1.ReasonListening, message: `2 keys; warning: spec.routes[0].when: recording.format is in upper case and never has "hls": write "HLS"`},
		"route to no pipeline": {keys: map[string]string{"key": strings.Repeat("k", 32)}, change: func(s *v1alpha1.RecordingSource) { s.Spec.Routes = []v1alpha1.Route{toLecture("")} }, reason: v1alpha1.ReasonPipelineNotFound, message: "spec.routes[0].pipelineRef"},
		"no storage":           {keys: map[string]string{"key": strings.Repeat("k", 32)}, change: func(s *v1alpha1.RecordingSource) { s.Spec.StorageRef = &v1alpha1.LocalReference{Name: "nowhere"} }, reason: v1alpha1.ReasonStorageLocationNotFound, message: "spec.storageRef"},
		"none is set explicitly": {change: func(s *v1alpha1.RecordingSource) {
			s.Spec.Callback = v1alpha1.CallbackSpec{Authentication: v1alpha1.AuthenticationNone}
		}, reason: v1alpha1.ReasonListening, message: "Accepting unauthenticated callbacks"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			namespace := newNamespace(t)
			if test.keys != nil {
				create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "callback"}, StringData: test.keys})
			}
			s := source(namespace)
			s.Spec.StorageRef = nil
			s.Spec.Callback = v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}}}
			if test.change != nil {
				test.change(s)
			}
			if name == "a route that never matches" {
				p := lecturePipeline(namespace, twoSteps()...)
				p.Name = "never-matches"
				create(t, p)
			}
			create(t, s)
			eventuallyReady(t, g, s, func() []metav1.Condition { return s.Status.Conditions }, test.reason, test.message)
			g.Expect(s.Status.CallbackPath).To(Equal("/callbacks/" + namespace + "/classroom"))
		})
	}
}

func TestPipelineReadiness(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	p := lecturePipeline(namespace, twoSteps()...)
	create(t, p)
	conditions := func() []metav1.Condition { return p.Status.Conditions }
	eventuallyReady(t, g, p, conditions, v1alpha1.ReasonStorageLocationNotFound, "spec.steps[0].output.storageRef")
	create(t, storage(namespace, "archive"))
	eventuallyReady(t, g, p, conditions, v1alpha1.ReasonValid, "The steps can run in order")
	p.Spec.Steps[0].DependsOn = []string{"keep"}
	g.Expect(k8s.Update(t.Context(), p)).To(Succeed())
	eventuallyReady(t, g, p, conditions, v1alpha1.ReasonPipelineInvalid, "wait for each other")
}

func TestStorageReadiness(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	s := storage(namespace, "archive")
	create(t, s)
	conditions := func() []metav1.Condition { return s.Status.Conditions }
	eventuallyReady(t, g, s, conditions, v1alpha1.ReasonCredentialsNotFound, `Secret "s3" not found`)
	touch := func() {
		t.Helper()
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(s), s)).To(Succeed())
		s.Spec.S3.Prefix += "x"
		g.Expect(k8s.Update(t.Context(), s)).To(Succeed())
	}
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "s3"},
		StringData: map[string]string{v1alpha1.SecretKeyAccessKeyID: "id", v1alpha1.SecretKeySecretAccessKey: "secret"}})
	touch()
	eventuallyReady(t, g, s, conditions, v1alpha1.ReasonAvailable, "responded and bucket")
	for _, test := range []struct {
		err    error
		reason string
	}{
		{objectstore.ErrForbidden, v1alpha1.ReasonForbidden}, {objectstore.ErrNoBucket, v1alpha1.ReasonBucketNotFound},
		{objectstore.ErrUnreachable, v1alpha1.ReasonUnreachable}, {objectstore.ErrUntrusted, v1alpha1.ReasonCertificateNotTrusted},
		{objectstore.ErrRejected, v1alpha1.ReasonRequestRejected}, {objectstore.ErrDenied, v1alpha1.ReasonEndpointDenied},
		{objectstore.ErrUnavailable, v1alpha1.ReasonUnavailable}, {objectstore.ErrCA, v1alpha1.ReasonCANotFound},
	} {
		probeError.Store(&test.err)
		touch()
		eventuallyReady(t, g, s, conditions, test.reason, test.err.Error())
	}
	probeError.Store(nil)
}

func TestClaimReadiness(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	s := &v1alpha1.StorageLocation{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "recordings-claim"},
		Spec: v1alpha1.StorageLocationSpec{PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "recordings-claim"}}}
	create(t, s)
	eventuallyReady(t, g, s, func() []metav1.Condition { return s.Status.Conditions }, v1alpha1.ReasonClaimNotFound, `PersistentVolumeClaim "recordings-claim" not found`)
}

// What a status says already is neither written nor told again.
func TestReadiness_IsToldOnce(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	s, p := source(namespace), lecturePipeline(namespace, twoSteps()...)
	l := &v1alpha1.StorageLocation{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "recordings-claim"},
		Spec: v1alpha1.StorageLocationSpec{PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "recordings-claim"}}}
	create(t, s, p, l)
	eventuallyReady(t, g, s, func() []metav1.Condition { return s.Status.Conditions }, v1alpha1.ReasonStorageLocationNotFound, "spec.storageRef")
	eventuallyReady(t, g, p, func() []metav1.Condition { return p.Status.Conditions }, v1alpha1.ReasonStorageLocationNotFound, "spec.steps[0]")
	eventuallyReady(t, g, l, func() []metav1.Condition { return l.Status.Conditions }, v1alpha1.ReasonClaimNotFound, "recordings-claim")

	patches, recorder, now := newCounter(), events.NewFakeRecorder(10), clock.RealClock{}
	counted := patches.wrap(k8s)
	for object, reconciler := range map[client.Object]reconcile.Reconciler{
		s: &SourceReconciler{Client: counted, Secrets: k8s, Recorder: recorder, Clock: now},
		p: &PipelineReconciler{Client: counted, Recorder: recorder, Conditions: files.Conditions, Clock: now},
		l: &StorageReconciler{Client: counted, Live: k8s, Recorder: recorder, Clock: now},
	} {
		name := client.ObjectKeyFromObject(object)
		_, err := reconciler.Reconcile(t.Context(), reconcile.Request{NamespacedName: name})
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(patches.of(name)).To(BeZero(), "%T", object)
	}
	g.Expect(recorder.Events).To(BeEmpty())
}
