// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/queue"
)

const (
	// storageRecheck is how often a place that answered is asked again, and storageRetry one that did not. One that cannot
	// be reached is asked less and less often, down to storageRecheck.
	storageRecheck = 10 * time.Minute
	storageRetry   = 30 * time.Second
	// storageDeadline bounds one question to a place.
	storageDeadline = 10 * time.Second
	// storageConcurrency keeps places that hang from holding up the others.
	storageConcurrency = 8
)

// StorageReconciler says on every StorageLocation whether its Secret or claim is there and whether it answers.
type StorageReconciler struct {
	Client client.Client
	// Live reads Secrets and PersistentVolumeClaims one by one, by name, past the cache.
	Live     client.Reader
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// DeniedNetworks are never connected to, whatever endpoint a location names.
	DeniedNetworks []netip.Prefix
	// Probe asks a bucket whether it is there. Nil: the bucket itself is asked.
	Probe func(ctx context.Context, location *v1alpha1.S3Location, access objectstore.Access) error
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=storagelocations/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=persistentvolumeclaims,verbs=get

// SetupWithManager registers the reconciler.
func (r *StorageReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("storagelocation").
		For(&v1alpha1.StorageLocation{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(r.options()).
		Complete(r)
}

func (*StorageReconciler) options() controller.Options {
	return queue.Fair(storageConcurrency, storageConcurrency)
}

// Reconcile looks at one place.
func (r *StorageReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	location := &v1alpha1.StorageLocation{}
	if err := r.Client.Get(ctx, request.NamespacedName, location); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	found, err := r.examine(ctx, location)
	if err != nil {
		return ctrl.Result{}, err
	}
	before := location.DeepCopy()
	location.Status.ObservedGeneration = location.Generation
	setReady(&location.Status.Conditions, found, location.Generation, r.Clock.Now())
	if err := patch.Status(ctx, r.Client, before, location); err != nil {
		return patch.AfterConflict(err)
	}
	announceReady(r.Recorder, location, before.Status.Conditions, location.Status.Conditions)
	return ctrl.Result{RequeueAfter: storageWait(location.Status.Conditions, r.Clock.Now())}, nil
}

// storageWait is how long it takes until a place is asked again. One that cannot be reached waits as long as that has
// been so, which doubles each time: only such places keep a worker until the deadline.
func storageWait(conditions []metav1.Condition, now time.Time) time.Duration {
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil || ready.Status == metav1.ConditionTrue:
		return storageRecheck
	case ready.Reason == v1alpha1.ReasonUnreachable || ready.Reason == v1alpha1.ReasonUnavailable:
		return min(max(now.Sub(ready.LastTransitionTime.Time), storageRetry), storageRecheck)
	default:
		return storageRetry
	}
}

func (r *StorageReconciler) examine(ctx context.Context, location *v1alpha1.StorageLocation) (finding, error) {
	if claim := location.Spec.PersistentVolumeClaim; claim != nil {
		return r.examineClaim(ctx, location.Namespace, claim.ClaimName)
	}
	s3 := location.Spec.S3
	access, err := objectstore.ReadAccess(ctx, r.Live, location.Namespace, s3)
	if problem, ok := errors.AsType[*objectstore.AccessError](err); ok {
		return notReady(problem.Reason, "%s", problem.Message), nil
	}
	if apierrors.IsForbidden(err) {
		return secretForbidden("spec.s3"), nil
	}
	if err != nil {
		return finding{}, err
	}
	probe := r.Probe
	if probe == nil {
		probe = r.probeS3
	}
	ctx, cancel := context.WithTimeout(ctx, storageDeadline)
	defer cancel()
	if err := probe(ctx, s3, access); err != nil {
		return notReady(probeReason(err), "bucket %q: %v", s3.Bucket, err), nil
	}
	return ready(v1alpha1.ReasonAvailable, "The storage endpoint responded and bucket %q exists", s3.Bucket), nil
}

func (r *StorageReconciler) examineClaim(ctx context.Context, namespace, name string) (finding, error) {
	claim := &corev1.PersistentVolumeClaim{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, claim)
	if apierrors.IsNotFound(err) {
		return notReady(v1alpha1.ReasonClaimNotFound, "spec.persistentVolumeClaim.claimName: PersistentVolumeClaim %q not found", name), nil
	}
	if err != nil {
		return finding{}, fmt.Errorf("get claim %s: %w", name, err)
	}
	if claim.Status.Phase == corev1.ClaimLost {
		return notReady(v1alpha1.ReasonClaimLost, "PersistentVolumeClaim %q lost its volume: restore the volume, or name another claim in spec.persistentVolumeClaim.claimName", name), nil
	}
	// A claim may wait for its first pod; that is no fault.
	return ready(v1alpha1.ReasonAvailable, "PersistentVolumeClaim %q is %s", name, claim.Status.Phase), nil
}
