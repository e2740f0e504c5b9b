// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/queue"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// keyRecheck is how often a source's keys are looked at again; Secrets are not watched, so that the operator needs no
// right to list them.
const keyRecheck = time.Minute

// SourceReconciler says on every RecordingSource whether its callbacks can be verified and its routes evaluated.
type SourceReconciler struct {
	Client client.Client
	// Secrets reads past the cache: Secrets are read one by one, by name.
	Secrets  client.Reader
	Recorder events.EventRecorder
	Router   *expression.Router
	Clock    clock.PassiveClock
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingsources/status,verbs=patch

// SetupWithManager registers the reconciler.
func (r *SourceReconciler) SetupWithManager(mgr ctrl.Manager) error {
	generation := builder.WithPredicates(predicate.GenerationChangedPredicate{})
	neighbors := neighborsOf[v1alpha1.RecordingSourceList](r.Client)
	return ctrl.NewControllerManagedBy(mgr).
		Named("recordingsource").
		For(&v1alpha1.RecordingSource{}, generation).
		Watches(&v1alpha1.RecordingPipeline{}, neighbors, generation).
		Watches(&v1alpha1.StorageLocation{}, neighbors, generation).
		WithOptions(queue.Fair(queue.SomeWorkers, queue.SomeWorkers)).
		Complete(r)
}

// Reconcile looks at one source.
func (r *SourceReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	source := &v1alpha1.RecordingSource{}
	if err := r.Client.Get(ctx, request.NamespacedName, source); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	found, err := r.examine(ctx, source)
	if err != nil {
		return ctrl.Result{}, err
	}
	before := source.DeepCopy()
	source.Status.ObservedGeneration = source.Generation
	source.Status.CallbackPath = sparkrtc.Path(source.Namespace, source.Name)
	setReady(&source.Status.Conditions, found, source.Generation, r.Clock.Now())
	if err := patch.Status(ctx, r.Client, before, source); err != nil {
		return patch.AfterConflict(err)
	}
	announceReady(r.Recorder, source, before.Status.Conditions, source.Status.Conditions)
	return ctrl.Result{RequeueAfter: keyRecheck}, nil
}

// examine says what a source's Ready condition should say. An error is one that may pass.
func (r *SourceReconciler) examine(ctx context.Context, source *v1alpha1.RecordingSource) (finding, error) {
	for i, key := range source.Spec.Callback.Keys {
		found, err := r.examineKey(ctx, source.Namespace, fmt.Sprintf("spec.callback.keys[%d].secretRef", i), key.SecretRef)
		if err != nil || found.problem() {
			return found, err
		}
	}
	for i, route := range source.Spec.Routes {
		if route.When == "" {
			continue
		}
		if err := r.Router.Check(route.When); err != nil {
			return notReady(v1alpha1.ReasonRouteInvalid, "spec.routes[%d].when: the route matches nothing: %v", i, err), nil
		}
	}
	if ref := source.Spec.StorageRef; ref != nil {
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: source.Namespace, Name: ref.Name}, &v1alpha1.StorageLocation{})
		if apierrors.IsNotFound(err) {
			return notReady(v1alpha1.ReasonStorageLocationNotFound, "spec.storageRef: StorageLocation %q not found", ref.Name), nil
		}
		if err != nil {
			return finding{}, fmt.Errorf("get storage location: %w", err)
		}
	}
	for i, route := range source.Spec.Routes {
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: source.Namespace, Name: route.PipelineRef.Name}, &v1alpha1.RecordingPipeline{})
		if apierrors.IsNotFound(err) {
			return notReady(v1alpha1.ReasonPipelineNotFound, "spec.routes[%d].pipelineRef: RecordingPipeline %q not found", i, route.PipelineRef.Name), nil
		}
		if err != nil {
			return finding{}, fmt.Errorf("get pipeline: %w", err)
		}
	}
	return ready(v1alpha1.ReasonListening, "%s%s", listening(source), r.warnings(source.Spec.Routes)), nil
}

// listening says how callbacks are authenticated.
func listening(source *v1alpha1.RecordingSource) string {
	if source.Spec.Callback.Authentication == v1alpha1.AuthenticationNone {
		return "Accepting unauthenticated callbacks (spec.callback.authentication is None)"
	}
	if keys := len(source.Spec.Callback.Keys); keys > 1 {
		return fmt.Sprintf("Callbacks are verified with %d keys", keys)
	}
	return "Callbacks are verified with 1 key"
}

// warnings say which routes can hardly mean what they say.
func (r *SourceReconciler) warnings(routes []v1alpha1.Route) string {
	var text strings.Builder
	for i, route := range routes {
		if warning := r.Router.Warning(route.When); route.When != "" && warning != "" {
			fmt.Fprintf(&text, "; warning: spec.routes[%d].when: %s", i, warning)
		}
	}
	return text.String()
}

func (r *SourceReconciler) examineKey(ctx context.Context, namespace, field string, ref v1alpha1.SecretKeyReference) (finding, error) {
	secret := &corev1.Secret{}
	err := r.Secrets.Get(ctx, client.ObjectKey{Namespace: namespace, Name: ref.Name}, secret)
	if apierrors.IsNotFound(err) {
		return notReady(v1alpha1.ReasonKeyNotFound, "%s: Secret %q not found", field, ref.Name), nil
	}
	if apierrors.IsForbidden(err) {
		return secretForbidden(field), nil
	}
	if err != nil {
		return finding{}, fmt.Errorf("get secret %s: %w", ref.Name, err)
	}
	value, ok := secret.Data[ref.Key]
	if !ok {
		return notReady(v1alpha1.ReasonKeyNotFound, "%s: Secret %q has no key %q", field, ref.Name, ref.Key), nil
	}
	if _, err := sparkrtc.ParseKey(value); err != nil {
		return notReady(v1alpha1.ReasonKeyInvalid, "%s: key %q of Secret %q: %v", field, ref.Key, ref.Name, err), nil
	}
	return ready("", ""), nil
}

// secretForbidden says that the operator has no right to the Secret of a field, and how to grant it.
func secretForbidden(field string) finding {
	return notReady(v1alpha1.ReasonSecretForbidden, "%s: the operator may not read Secrets in this namespace: "+
		"bind the ClusterRole recording-operator-secrets in it, as docs/security.md describes", field)
}

// finding is what a Ready condition says.
type finding struct {
	status          metav1.ConditionStatus
	reason, message string
}

func (f finding) problem() bool { return f.status == metav1.ConditionFalse }

func ready(reason, format string, args ...any) finding {
	return finding{status: metav1.ConditionTrue, reason: reason, message: fmt.Sprintf(format, args...)}
}

func notReady(reason, format string, args ...any) finding {
	return finding{status: metav1.ConditionFalse, reason: reason, message: fmt.Sprintf(format, args...)}
}
