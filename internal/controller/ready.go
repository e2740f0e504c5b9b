// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
)

// setReady writes the Ready condition, and Stalled beside it when a person is needed, as kstatus reads them.
func setReady(conditions *[]metav1.Condition, found finding, generation int64, now time.Time) {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: found.status, Reason: found.reason, Message: bounded.Message(found.message),
		ObservedGeneration: generation, LastTransitionTime: metav1.NewTime(now),
	}
	meta.SetStatusCondition(conditions, condition)
	if !found.problem() {
		meta.RemoveStatusCondition(conditions, v1alpha1.ConditionStalled)
		return
	}
	condition.Type, condition.Status = v1alpha1.ConditionStalled, metav1.ConditionTrue
	meta.SetStatusCondition(conditions, condition)
}

// afterConflict asks for another look when a write was refused because the object has changed since it was read; the
// cache will have it in a moment. One that is gone needs no look. Any other error is one to report.
func afterConflict(err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: conflictDelay}, nil
	case apierrors.IsNotFound(err):
		return ctrl.Result{}, nil // deleted meanwhile
	default:
		return ctrl.Result{}, err
	}
}

// patchStatus writes an object's status if it differs from before. A merge patch replaces conditions, steps and other
// lists as a whole, so it must not be based on a stale read: then it fails by a conflict.
func patchStatus(ctx context.Context, writer client.StatusClient, before, object client.Object) error {
	if apiequality.Semantic.DeepEqual(before, object) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := writer.Status().Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("patch status: %w", err)
	}
	return nil
}

// announceReady says in an event that the Ready condition changed, if it did.
func announceReady(recorder events.EventRecorder, object runtime.Object, before, after []metav1.Condition) {
	was := meta.FindStatusCondition(before, v1alpha1.ConditionReady)
	is := meta.FindStatusCondition(after, v1alpha1.ConditionReady)
	if is == nil || was != nil && was.Reason == is.Reason && was.Message == is.Message {
		return
	}
	kind := corev1.EventTypeNormal
	if is.Status == metav1.ConditionFalse {
		kind = corev1.EventTypeWarning
	}
	recorder.Eventf(object, nil, kind, is.Reason, "Reconcile", "%s", is.Message)
}
