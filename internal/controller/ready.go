// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

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
