// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/patch"
)

const (
	// recheck is how often a source is looked at again: Secrets are not watched.
	recheck = time.Minute
	// writePause is the least time between two conditions of a source: a sink may take every other event.
	writePause = 10 * time.Second
)

// reconcileSource says on a source whether its notifications can be sent, and whether they are taken.
func (r *Reconciler) reconcileSource(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	source, err := r.source(ctx, request.Namespace, request.Name)
	if err != nil {
		return ctrl.Result{}, err
	}
	kept := map[sinkKey]bool{}
	if source != nil {
		for i := range source.Spec.Notifications {
			kept[keyOf(source, &source.Spec.Notifications[i])] = true
		}
	}
	r.sinks.keep(request.Namespace, request.Name, kept)
	if source == nil {
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	before := source.DeepCopy()
	if len(kept) == 0 {
		r.forget(request.NamespacedName)
		meta.RemoveStatusCondition(&source.Status.Conditions, v1alpha1.ConditionNotificationsDelivered)
		return r.write(ctx, before, source, 0)
	}
	condition, err := r.condition(ctx, source)
	if err != nil {
		return ctrl.Result{}, err
	}
	meta.SetStatusCondition(&source.Status.Conditions, condition)
	if wait := r.pause(before, source); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	return r.write(ctx, before, source, recheck)
}

func (r *Reconciler) forget(name client.ObjectKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.written, name)
}

// pause is how long it is until a condition may be written that has changed; 0: now, or it has not.
func (r *Reconciler) pause(before, after *v1alpha1.RecordingSource) time.Duration {
	if apiequality.Semantic.DeepEqual(before.Status, after.Status) {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name, now := client.ObjectKeyFromObject(after), r.Clock.Now()
	if wait := writePause - now.Sub(r.written[name]); wait > 0 && before.Generation == observed(before) {
		return wait
	}
	r.written[name] = now
	return 0
}

// observed is the generation that the condition of a source speaks of.
func observed(source *v1alpha1.RecordingSource) int64 {
	if was := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionNotificationsDelivered); was != nil {
		return was.ObservedGeneration
	}
	return 0
}

// write writes the status of a source, and asks for another look.
func (r *Reconciler) write(ctx context.Context, before, source *v1alpha1.RecordingSource, wait time.Duration) (ctrl.Result, error) {
	if err := patch.Status(ctx, r.Client, before, source); err != nil {
		r.forget(client.ObjectKeyFromObject(source)) // it is not written
		return patch.AfterConflict(err)
	}
	return ctrl.Result{RequeueAfter: wait}, nil
}

// condition is what NotificationsDelivered says: the first of the notifications that cannot be sent, else the first that is
// not taken.
func (r *Reconciler) condition(ctx context.Context, source *v1alpha1.RecordingSource) (metav1.Condition, error) {
	condition := metav1.Condition{
		Type: v1alpha1.ConditionNotificationsDelivered, Status: metav1.ConditionFalse,
		ObservedGeneration: source.Generation, LastTransitionTime: metav1.NewTime(r.Clock.Now()),
	}
	for i := range source.Spec.Notifications {
		to := &source.Spec.Notifications[i]
		err := r.check(ctx, source.Namespace, to)
		fault, isFault := errors.AsType[*Fault](err)
		if err != nil && !isFault {
			return condition, err
		}
		if isFault {
			condition.Reason, condition.Message = fault.Reason, told(i, to, fault)
			return condition, nil
		}
	}
	tried := true
	for i := range source.Spec.Notifications {
		to := &source.Spec.Notifications[i]
		fault, known := r.sinks.fault(keyOf(source, to))
		if fault != nil && fault.scope != ofSettings { // those were just checked
			condition.Reason, condition.Message = fault.Reason, told(i, to, fault)
			return condition, nil
		}
		tried = tried && known
	}
	was := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionNotificationsDelivered)
	if !tried && was != nil && was.ObservedGeneration == source.Generation && isOfSink(was.Reason) {
		return *was, nil // the process has just started: a sink that failed has to take an event first
	}
	condition.Status, condition.Reason = metav1.ConditionTrue, v1alpha1.ReasonDelivered
	condition.Message = "No sink refused the last event that was sent to it"
	return condition, nil
}

// isOfSink says that a reason is known from an attempt alone.
func isOfSink(reason string) bool {
	return reason == v1alpha1.ReasonSinkUnreachable || reason == v1alpha1.ReasonSinkRefused
}

func told(i int, to *v1alpha1.Notification, fault *Fault) string {
	return fmt.Sprintf("spec.notifications[%d] (%s): %v", i, to.Name, fault)
}

// check says why a notification cannot be sent, as far as that is known without sending one. The error is a *Fault, or one
// that may pass.
func (r *Reconciler) check(ctx context.Context, namespace string, to *v1alpha1.Notification) error {
	if _, err := r.Hosts.target(to.Sink); err != nil {
		return err
	}
	if to.When != "" {
		if err := r.Router.Check(to.When); err != nil {
			return &Fault{Reason: v1alpha1.ReasonExpressionInvalid, text: fmt.Sprintf("when: the notification is never sent: %v", err)}
		}
	}
	_, err := r.keys(ctx, namespace, to)
	return err
}

// keys reads the keys that requests are signed with; none: they are not signed. The error is a *Fault, or one that may pass.
func (r *Reconciler) keys(ctx context.Context, namespace string, to *v1alpha1.Notification) (signingKeys, error) {
	if to.Signing == nil {
		return nil, nil
	}
	ref, secret := to.Signing.SecretRef, &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &Fault{Reason: v1alpha1.ReasonKeyNotFound, text: fmt.Sprintf("signing.secretRef: Secret %q not found", ref.Name)}
	case apierrors.IsForbidden(err):
		return nil, &Fault{Reason: v1alpha1.ReasonSecretForbidden, text: "signing.secretRef: the operator may not read Secrets in this namespace: " +
			"bind the ClusterRole recording-operator-secrets in it, as docs/security.md describes"}
	case err != nil:
		return nil, fmt.Errorf("get secret %s: %w", ref.Name, err)
	}
	entry, found := secret.Data[ref.Key]
	if !found {
		return nil, &Fault{Reason: v1alpha1.ReasonKeyNotFound, text: fmt.Sprintf("signing.secretRef: Secret %q has no key %q", ref.Name, ref.Key)}
	}
	keys, err := parseKeys(entry)
	if err != nil {
		return nil, &Fault{Reason: v1alpha1.ReasonKeyInvalid, text: fmt.Sprintf("signing.secretRef: key %q of Secret %q: %v", ref.Key, ref.Name, err)}
	}
	return keys, nil
}
