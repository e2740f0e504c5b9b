// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
)

// TestStorage_HangingLocationsOfOneNamespaceDelayNoOther: more locations hang than there are workers, and a location of
// another namespace is looked at meanwhile.
func TestStorage_HangingLocationsOfOneNamespaceDelayNoOther(t *testing.T) {
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	g.Expect(clientgoscheme.AddToScheme(scheme)).To(Succeed())
	g.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	quiet := storage("quiet", "archive")
	secret := func(namespace string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "s3"},
			Data: map[string][]byte{v1alpha1.SecretKeyAccessKeyID: []byte("id"), v1alpha1.SecretKeySecretAccessKey: []byte("secret")}}
	}
	quiet.Spec.S3.Endpoint = "https://quiet.example.com"
	objects := []client.Object{quiet, secret("quiet"), secret("hanging")}
	for n := range 2 * storageConcurrency {
		objects = append(objects, storage("hanging", fmt.Sprint("archive-", n)))
	}
	release, asked := make(chan struct{}), make(chan struct{}, 100)
	reader := fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(quiet).WithObjects(objects...).Build()
	reconciler := &StorageReconciler{Client: reader, Live: reader, Recorder: events.NewFakeRecorder(100),
		Clock: clocktesting.NewFakePassiveClock(time.Unix(1e9, 0)),
		Probe: func(_ context.Context, location *v1alpha1.S3Location, _ objectstore.Access) error {
			if location.Endpoint == quiet.Spec.S3.Endpoint {
				return nil
			}
			asked <- struct{}{}
			<-release
			return objectstore.ErrUnreachable
		}}

	options := reconciler.options()
	waiting := options.NewQueue("", workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())
	done := make(chan reconcile.Request, len(objects))
	var workers sync.WaitGroup
	for range options.MaxConcurrentReconciles {
		workers.Go(func() {
			for item, down := waiting.Get(); !down; item, down = waiting.Get() {
				_, _ = reconciler.Reconcile(context.WithoutCancel(t.Context()), item)
				waiting.Done(item)
				done <- item
			}
		})
	}
	defer workers.Wait()
	defer waiting.ShutDown()
	defer close(release)
	name := func(object client.Object) reconcile.Request {
		return reconcile.Request{NamespacedName: client.ObjectKeyFromObject(object)}
	}
	for _, location := range objects[3:] {
		waiting.Add(name(location))
	}
	for range storageConcurrency / 2 {
		g.Eventually(asked, timeout).Should(Receive())
	}
	waiting.Add(name(quiet))
	g.Eventually(done, timeout).Should(Receive(Equal(name(quiet))))
	g.Expect(asked).NotTo(Receive(), "the workers that are left take none of the hanging ones")
}

// TestStorage_UnreachableLocationsAreAskedLessAndLessOften, and what costs no time is asked soon again.
func TestStorage_UnreachableLocationsAreAskedLessAndLessOften(t *testing.T) {
	g := NewWithT(t)
	since := time.Unix(1e9, 0)
	wait := func(status metav1.ConditionStatus, reason string, after time.Duration) time.Duration {
		return storageWait([]metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, LastTransitionTime: metav1.NewTime(since)}}, since.Add(after))
	}
	g.Expect(wait(metav1.ConditionTrue, v1alpha1.ReasonAvailable, 0)).To(Equal(storageRecheck))
	g.Expect(wait(metav1.ConditionFalse, v1alpha1.ReasonUnreachable, 0)).To(Equal(storageRetry))
	g.Expect(wait(metav1.ConditionFalse, v1alpha1.ReasonUnreachable, 2*time.Minute)).To(Equal(2 * time.Minute))
	g.Expect(wait(metav1.ConditionFalse, v1alpha1.ReasonUnavailable, time.Hour)).To(Equal(storageRecheck))
	g.Expect(wait(metav1.ConditionFalse, v1alpha1.ReasonBucketNotFound, time.Hour)).To(Equal(storageRetry))
	asked, age := 0, time.Duration(0)
	for ; age < time.Hour; asked++ {
		age += wait(metav1.ConditionFalse, v1alpha1.ReasonUnreachable, age)
	}
	g.Expect(asked).To(BeNumerically("<", 12), "times in the first hour")
}
