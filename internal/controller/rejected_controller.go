// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/queue"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// rejectedTTL is how long a RejectedCallback is kept. Its body is personal data.
	rejectedTTL = 7 * 24 * time.Hour
)

// Ingester stores a delivery; ingest.Ingester is the one.
type Ingester interface {
	Ingest(ctx context.Context, delivery ingest.Delivery) (ingest.Result, error)
}

// RejectedReconciler stores rejected callbacks again when a person asks for it, and deletes them when they are old.
type RejectedReconciler struct {
	Client client.Client
	// Live reads past the cache, which has no bodies.
	Live     client.Reader
	Ingester Ingester
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=rejectedcallbacks,verbs=get;list;watch;delete
// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=rejectedcallbacks/status,verbs=patch

// SetupWithManager registers the reconciler.
func (r *RejectedReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("rejectedcallback").
		For(&v1alpha1.RejectedCallback{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(queue.Fair(queue.SomeWorkers, queue.SomeWorkers)).
		Complete(r)
}

// Reconcile looks at one rejected callback.
func (r *RejectedReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	rejected := &v1alpha1.RejectedCallback{}
	if err := r.Client.Get(ctx, request.NamespacedName, rejected); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	left := rejectedTTL - r.Clock.Since(rejected.CreationTimestamp.Time)
	if left <= 0 {
		err := r.Client.Delete(ctx, rejected, client.Preconditions{UID: &rejected.UID})
		return patch.AfterConflict(err)
	}
	if !rejected.Spec.Replay || rejected.Status.ObservedGeneration == rejected.Generation {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	return r.replay(ctx, request.NamespacedName, left)
}

// replay stores a callback again, and says in the status what came of it.
func (r *RejectedReconciler) replay(ctx context.Context, name client.ObjectKey, left time.Duration) (ctrl.Result, error) {
	rejected := &v1alpha1.RejectedCallback{}
	if err := r.Live.Get(ctx, name, rejected); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !rejected.Spec.Replay || rejected.Status.ObservedGeneration == rejected.Generation {
		return ctrl.Result{RequeueAfter: left}, nil
	}
	source := &v1alpha1.RecordingSource{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: rejected.Namespace, Name: rejected.Spec.SourceRef.Name}, source)
	if client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("get source: %w", err)
	}
	condition, retry := r.store(ctx, rejected, source)
	before := rejected.DeepCopy()
	condition.Type, condition.ObservedGeneration = v1alpha1.ConditionReplayed, rejected.Generation
	condition.LastTransitionTime = metav1.NewTime(r.Clock.Now())
	condition.Message = bounded.Message(condition.Message)
	meta.SetStatusCondition(&rejected.Status.Conditions, condition)
	if retry == nil {
		rejected.Status.ObservedGeneration = rejected.Generation
	}
	if err := patch.Status(ctx, r.Client, before, rejected); err != nil {
		return patch.AfterConflict(err)
	}
	if retry != nil {
		return ctrl.Result{}, fmt.Errorf("replay: %w", retry)
	}
	kind := corev1.EventTypeNormal
	if condition.Status != metav1.ConditionTrue {
		kind = corev1.EventTypeWarning
	}
	r.Recorder.Eventf(rejected, nil, kind, "Replay"+condition.Reason, "Replay", "%s", condition.Message)
	return ctrl.Result{RequeueAfter: left}, nil
}

// store stores the callback. With an error to retry, the API server cannot say now.
func (r *RejectedReconciler) store(ctx context.Context, rejected *v1alpha1.RejectedCallback, source *v1alpha1.RecordingSource) (metav1.Condition, error) {
	refused := func(format string, args ...any) (metav1.Condition, error) {
		return metav1.Condition{Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonReplayRefused, Message: fmt.Sprintf(format, args...)}, nil
	}
	if rejected.Spec.BodyTruncated {
		return metav1.Condition{
			Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonReplayTruncated,
			Message: fmt.Sprintf("spec.body: has only the first %d bytes of the callback, which cannot be replayed; kubectl recordings process stores the recording by hand",
				len(rejected.Spec.Body)),
		}, nil
	}
	event, err := sparkrtc.Decode(bytes.TrimPrefix(rejected.Spec.Body, []byte("\xef\xbb\xbf"))) // as the receiver does
	if err != nil {
		return refused("spec.body: %v", err)
	}
	if event.Type == sparkrtc.Unknown {
		return refused("spec.body: event_type %q is unknown", event.Name)
	}
	if app := source.Spec.AppID; app != "" {
		if event.AppID != "" && event.AppID != app {
			return refused("spec.body: app_id is %q, but spec.appID of RecordingSource %q is %q", event.AppID, source.Name, app)
		}
		event.AppID = app
	}
	result, err := r.Ingester.Ingest(ctx, ingest.Delivery{
		Namespace: rejected.Namespace, Source: rejected.Spec.SourceRef.Name, Digest: rejected.Spec.DeliveryID, Event: event,
		Body: rejected.Spec.Body, Received: rejected.Spec.ReceivedTime.Time,
	})
	switch {
	case ingest.IsInvalid(err):
		return refused("%v", err)
	case err != nil:
		return metav1.Condition{Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonReplayRetrying, Message: err.Error()}, err
	}
	message := "Stored (" + string(result.Outcome) + ")"
	if result.File != "" {
		message += " as RecordingFile " + result.File
	}
	return metav1.Condition{Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonReplayStored, Message: message}, nil
}
