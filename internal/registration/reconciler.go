// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package registration registers the callbacks of RecordingSources with SparkRTC's service: it generates their keys, finds
// out when somebody changes what is registered, and rotates keys without a gap.
//
// A look reads the Secrets and the service, decides (decide.go, pure), does at most one thing, and writes the status. Each
// step leaves a state from which the next look goes on, so that a manager may be killed between any two.
package registration

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/rtcapi"
)

// retryInterval is how soon a look that failed is repeated at first; then it doubles, up to checkInterval.
const retryInterval = 30 * time.Second

// Reconciler registers the callbacks of sources with spec.service.
type Reconciler struct {
	Client client.Client
	// Live reads Secrets and sources past the cache: one by one, by name.
	Live     client.Reader
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	// EndpointHosts are the hosts that spec.service.endpoint may name, as rtcapi.ParseEndpoint has them. Callback keys are sent
	// there, from the operator's place in the network: so no tenant chooses them.
	EndpointHosts []string
	// DeniedNetworks are never connected to, whatever a host's name leads to.
	DeniedNetworks []netip.Prefix
	// RootCAs are the authorities of the endpoints' certificates; nil: the system's.
	RootCAs *x509.CertPool
}

// outcome is what came of a look.
type outcome struct {
	found  finding
	status *v1alpha1.RegistrationStatus
	wait   time.Duration
}

// Reconcile looks at one source.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	source := &v1alpha1.RecordingSource{}
	// Not the cache's: a rotation goes on from what was written last.
	if err := r.Live.Get(ctx, request.NamespacedName, source); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if source.Spec.Service == nil || !source.DeletionTimestamp.IsZero() {
		return r.clear(ctx, source)
	}
	o, err := r.look(ctx, source)
	if found, ok := errors.AsType[finding](err); ok {
		o, err = outcome{found: found, status: statusAfter(found, source.Status.Registration), wait: r.retry(source)}, nil
	}
	if err != nil {
		if apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err) {
			return ctrl.Result{RequeueAfter: patch.ConflictDelay}, nil // a Secret has changed since it was read
		}
		return ctrl.Result{}, err
	}
	return r.write(ctx, source, o)
}

// look finds out whether the source is registered, and does what it needs next.
func (r *Reconciler) look(ctx context.Context, source *v1alpha1.RecordingSource) (outcome, error) {
	if err := r.checkApp(ctx, source); err != nil {
		return outcome{}, err
	}
	keys, err := r.keys(ctx, source)
	if err != nil {
		return outcome{}, err
	}
	credentials, err := r.readCredentials(ctx, source)
	if err != nil {
		return outcome{}, err
	}
	service, err := r.connect(source, credentials)
	if err != nil {
		return outcome{}, err
	}
	shown, err := service.Show(ctx, source.Spec.AppID)
	if err != nil {
		return outcome{}, ofService(err)
	}
	elsewhere, err := r.registeredElsewhere(ctx, source, shown.URL)
	if err != nil {
		return outcome{}, err
	}
	used, err := r.used(ctx, source, keys)
	if err != nil {
		return outcome{}, err
	}
	d := decide(observation{
		source: source, current: keys.current, next: keys.next, rotating: keys.rotating, credentials: credentials,
		shown: shown, elsewhere: elsewhere, used: used, now: r.Clock.Now(),
	})
	if err := r.act(ctx, source, keys, service, &d); err != nil {
		return outcome{}, err
	}
	return outcome{found: d.found, status: &d.status, wait: d.wait}, nil
}

// act does what was decided.
func (r *Reconciler) act(ctx context.Context, source *v1alpha1.RecordingSource, keys *keySecret, service *rtcapi.Client, d *decision) error {
	switch d.action {
	case register:
		if err := service.Update(ctx, source.Spec.AppID, d.callback); err != nil {
			return ofService(err)
		}
		return nil
	case beginRotation:
		return r.begin(ctx, source, keys)
	case endRotation:
		return r.end(ctx, source, keys)
	default:
		return nil
	}
}

// connect makes a client of the source's service.
func (r *Reconciler) connect(source *v1alpha1.RecordingSource, credentials rtcapi.Credentials) (*rtcapi.Client, error) {
	endpoint, err := rtcapi.ParseEndpoint(source.Spec.Service.Endpoint)
	if err != nil {
		return nil, problem(v1alpha1.ReasonEndpointDenied, "spec.service.endpoint: %v", err)
	}
	if !slices.Contains(r.EndpointHosts, endpoint.Host) {
		return nil, problem(v1alpha1.ReasonEndpointDenied, "spec.service.endpoint: the host %s is none of the manager's --service-endpoint-hosts", endpoint.Host)
	}
	return rtcapi.New(rtcapi.Config{
		Endpoint: endpoint, ProjectID: source.Spec.Service.ProjectID, Credentials: credentials,
		DeniedNetworks: r.DeniedNetworks, RootCAs: r.RootCAs, Clock: r.Clock,
	}), nil
}

// checkApp lets the oldest of several sources register an app: it has one callback URL.
func (r *Reconciler) checkApp(ctx context.Context, source *v1alpha1.RecordingSource) error {
	var sources v1alpha1.RecordingSourceList
	if err := r.Client.List(ctx, &sources, client.InNamespace(source.Namespace)); err != nil {
		return fmt.Errorf("list recording sources: %w", err)
	}
	for i := range sources.Items {
		other := &sources.Items[i]
		if other.UID != source.UID && other.Spec.Service != nil && other.Spec.AppID == source.Spec.AppID && older(other, source) {
			return problem(v1alpha1.ReasonAppTaken, "spec.appID: RecordingSource %q registers this app already, and an app has one callback URL", other.Name)
		}
	}
	return nil
}

// registeredElsewhere says that a URL is that of a source of another namespace which registers the same app.
func (r *Reconciler) registeredElsewhere(ctx context.Context, source *v1alpha1.RecordingSource, url string) (bool, error) {
	if url == "" || url == callbackURL(source) {
		return false, nil
	}
	var sources v1alpha1.RecordingSourceList
	if err := r.Client.List(ctx, &sources); err != nil {
		return false, fmt.Errorf("list recording sources: %w", err)
	}
	return slices.ContainsFunc(sources.Items, func(other v1alpha1.RecordingSource) bool {
		return other.Namespace != source.Namespace && other.Spec.Service != nil && other.Spec.AppID == source.Spec.AppID && callbackURL(&other) == url
	}), nil
}

func older(a, b *v1alpha1.RecordingSource) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Name < b.Name
}

// statusAfter is the status after a look that found a problem: what it was. A source whose app another one registers has none
// registered, so that it registers its own when the other is gone, instead of taking the other's for drift.
func statusAfter(found finding, was *v1alpha1.RegistrationStatus) *v1alpha1.RegistrationStatus {
	if found.reason != v1alpha1.ReasonAppTaken || was == nil {
		return was
	}
	status := was.DeepCopy()
	status.AppID = ""
	return status
}

// retry is how long it is until a look that failed is repeated: as long as looks have failed.
func (r *Reconciler) retry(source *v1alpha1.RecordingSource) time.Duration {
	was := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionRegistered)
	if was == nil || was.Status == metav1.ConditionTrue {
		return retryInterval
	}
	return min(max(r.Clock.Since(was.LastTransitionTime.Time), retryInterval), checkInterval)
}

// clear takes the traces of a registration off a source that has no service any more. What is registered stays so.
func (r *Reconciler) clear(ctx context.Context, source *v1alpha1.RecordingSource) (ctrl.Result, error) {
	before := source.DeepCopy()
	source.Status.Registration = nil
	meta.RemoveStatusCondition(&source.Status.Conditions, v1alpha1.ConditionRegistered)
	return patch.AfterConflict(patch.Status(ctx, r.Client, before, source))
}

// write writes what came of a look, and says it in an event when it is new.
func (r *Reconciler) write(ctx context.Context, source *v1alpha1.RecordingSource, o outcome) (ctrl.Result, error) {
	before := source.DeepCopy()
	was := meta.FindStatusCondition(before.Status.Conditions, v1alpha1.ConditionRegistered)
	source.Status.Registration = o.status
	o.found.message = bounded.Message(o.found.message)
	meta.SetStatusCondition(&source.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionRegistered, Status: o.found.status, Reason: o.found.reason, Message: o.found.message,
		ObservedGeneration: source.Generation, LastTransitionTime: metav1.NewTime(r.Clock.Now()),
	})
	if err := patch.Status(ctx, r.Client, before, source); err != nil {
		return patch.AfterConflict(err)
	}
	if was == nil || was.Reason != o.found.reason || was.Message != o.found.message {
		kind := corev1.EventTypeNormal
		if o.found.status == metav1.ConditionFalse {
			kind = corev1.EventTypeWarning
		}
		r.Recorder.Eventf(source, nil, kind, o.found.reason, "Register", "%s", o.found.message)
	}
	return ctrl.Result{RequeueAfter: o.wait}, nil
}

// tell records an event about the source's key.
func (r *Reconciler) tell(source *v1alpha1.RecordingSource, reason, note string, args ...any) {
	r.Recorder.Eventf(source, nil, corev1.EventTypeNormal, reason, "RotateKey", note, args...)
}
