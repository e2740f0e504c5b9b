// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/discovery"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/queue"
)

const (
	// scanBudget is how long one reconcile may look through a bucket; then others have their turn. It is shorter than a
	// reconcile may take, and longer than any one question: a scan that gets no object further within it has failed.
	scanBudget = 40 * time.Second
	// scanPause is how soon a scan that used its budget up goes on.
	scanPause = 100 * time.Millisecond
	// scanConcurrency keeps buckets that hang from holding up the others.
	scanConcurrency = 4
	// scanWrites bounds how often a status is written again because somebody else was faster.
	scanWrites = 5
)

// DiscoveryReconciler looks through the buckets of the RecordingSources with spec.discovery for recordings whose callback never
// came.
type DiscoveryReconciler struct {
	Client client.Client
	// Live reads Secrets, and a source before its status is written, past the cache.
	Live     client.Reader
	Files    discovery.Files
	Recorder events.EventRecorder
	Metrics  *metrics.Metrics
	Clock    clock.PassiveClock
	// DeniedNetworks are never connected to, whatever endpoint a location names.
	DeniedNetworks []netip.Prefix

	mu sync.Mutex
	// begun are the scans that have not got to their end yet. One that is forgotten starts over and comes to the same.
	begun map[types.NamespacedName]*begunScan
}

// begunScan is a scan that goes on from reconcile to reconcile.
type begunScan struct {
	uid        types.UID
	generation int64
	location   locationVersion
	at         time.Time
	scan       *discovery.Scan
	report     discovery.Report
}

// locationVersion is a StorageLocation as it was: in another one the listing would go on behind keys that were never looked at.
type locationVersion struct {
	uid        types.UID
	generation int64
}

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingsources,verbs=get
// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingfiles,verbs=get;create;patch

// SetupWithManager registers the reconciler.
func (r *DiscoveryReconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("discovery").
		For(&v1alpha1.RecordingSource{}, builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WithOptions(queue.Fair(scanConcurrency, scanConcurrency)).
		Complete(r)
}

// Reconcile scans one source, or goes on with it, if it is time.
func (r *DiscoveryReconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	source := &v1alpha1.RecordingSource{}
	if err := r.Client.Get(ctx, request.NamespacedName, source); err != nil {
		r.forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if source.Spec.Discovery == nil || !source.DeletionTimestamp.IsZero() {
		r.forget(request.NamespacedName)
		return r.clear(ctx, source)
	}
	if source.Status.Discovery == nil {
		return r.begin(ctx, source)
	}
	if wait := r.wait(source); wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	return r.scan(ctx, source)
}

// clear takes the traces of discovery off a source that no longer has discovery.
func (r *DiscoveryReconciler) clear(ctx context.Context, source *v1alpha1.RecordingSource) (ctrl.Result, error) {
	if source.Status.Discovery == nil && meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionDiscovered) == nil {
		return ctrl.Result{}, nil
	}
	_, err := r.write(ctx, source, func(live *v1alpha1.RecordingSource) {
		if live.Spec.Discovery == nil {
			live.Status.Discovery = nil
			meta.RemoveStatusCondition(&live.Status.Conditions, v1alpha1.ConditionDiscovered)
		}
	})
	return ctrl.Result{}, err
}

// begin notes since when discovery is on.
func (r *DiscoveryReconciler) begin(ctx context.Context, source *v1alpha1.RecordingSource) (ctrl.Result, error) {
	live, err := r.write(ctx, source, func(live *v1alpha1.RecordingSource) {
		if live.Status.Discovery == nil {
			live.Status.Discovery = &v1alpha1.DiscoveryStatus{Since: metav1.NewTime(r.Clock.Now().Truncate(time.Second))}
		}
	})
	if err != nil || live == nil || live.Spec.Discovery == nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: max(r.wait(live), scanPause)}, nil
}

// wait is how long it is until the source is to be scanned.
func (r *DiscoveryReconciler) wait(source *v1alpha1.RecordingSource) time.Duration {
	if r.going(source) != nil {
		return 0
	}
	was := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionDiscovered)
	failed := was != nil && was.Status == metav1.ConditionFalse
	if was == nil || failed && was.ObservedGeneration != source.Generation {
		return 0 // a first look, to say what is wrong; or another, since what was wrong may be corrected
	}
	return discovery.Due(source.Spec.Discovery, source.Status.Discovery, failed, source.UID).Sub(r.Clock.Now())
}

// scan looks through the source's bucket for as long as one reconcile may.
func (r *DiscoveryReconciler) scan(ctx context.Context, source *v1alpha1.RecordingSource) (ctrl.Result, error) {
	location, err := r.location(ctx, source)
	if problem, ok := errors.AsType[*scanProblem](err); ok {
		return r.finish(ctx, source, &begunScan{at: r.Clock.Now()}, problem)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	opened, err := r.open(ctx, location)
	if problem, ok := errors.AsType[*scanProblem](err); ok {
		return r.finish(ctx, source, &begunScan{at: r.Clock.Now()}, problem)
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	defer opened.Close()

	going := r.goOn(source, location)
	budget, cancel := context.WithTimeout(ctx, scanBudget)
	defer cancel()
	report, err := going.scan.Run(budget, opened)
	going.report.Add(report)
	if err != nil && budget.Err() != nil && report.Listed > 0 {
		return ctrl.Result{RequeueAfter: scanPause}, nil
	}
	return r.finish(ctx, source, going, err)
}

// scanProblem is why a source cannot be scanned until a person corrects it.
type scanProblem struct{ message string }

func (p *scanProblem) Error() string { return p.message }

func scanStops(format string, args ...any) error {
	return &scanProblem{message: fmt.Sprintf(format, args...)}
}

// location is the place whose bucket is scanned.
func (r *DiscoveryReconciler) location(ctx context.Context, source *v1alpha1.RecordingSource) (*v1alpha1.StorageLocation, error) {
	if source.Spec.StorageRef == nil {
		return nil, scanStops("spec.storageRef is required: it names the StorageLocation whose bucket is scanned")
	}
	name := source.Spec.StorageRef.Name
	location := &v1alpha1.StorageLocation{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: source.Namespace, Name: name}, location)
	switch {
	case apierrors.IsNotFound(err):
		return nil, scanStops("spec.storageRef: StorageLocation %q not found", name)
	case err != nil:
		return nil, fmt.Errorf("get storage location %s: %w", name, err)
	case location.Spec.S3 == nil:
		return nil, scanStops("spec.storageRef: StorageLocation %q is a volume, and only a bucket can be scanned; remove spec.discovery, or name a location with s3", name)
	}
	allowed := source.Spec.AllowedBuckets
	if bucketName := location.Spec.S3.Bucket; len(allowed) > 0 && !slices.Contains(allowed, bucketName) {
		return nil, scanStops("spec.allowedBuckets: does not list bucket %q of StorageLocation %q, so nothing that is found there could be processed", bucketName, name)
	}
	return location, nil
}

// open opens the location's bucket with its credentials as they are now.
func (r *DiscoveryReconciler) open(ctx context.Context, location *v1alpha1.StorageLocation) (*objectstore.Bucket, error) {
	access, err := objectstore.ReadAccess(ctx, r.Live, location.Namespace, location.Spec.S3)
	if problem, ok := errors.AsType[*objectstore.AccessError](err); ok {
		return nil, scanStops("StorageLocation %q: %v", location.Name, problem)
	}
	if err != nil {
		return nil, err
	}
	opened, err := objectstore.Open(location.Spec.S3, access, r.DeniedNetworks...)
	if err != nil {
		return nil, scanStops("StorageLocation %q: %v", location.Name, err)
	}
	return opened, nil
}

// going is the scan of a source that has begun; nil: none has, or the source has changed since.
func (r *DiscoveryReconciler) going(source *v1alpha1.RecordingSource) *begunScan {
	r.mu.Lock()
	defer r.mu.Unlock()
	going := r.begun[client.ObjectKeyFromObject(source)]
	if going == nil || going.uid != source.UID || going.generation != source.Generation {
		return nil
	}
	return going
}

// goOn is the scan that has begun in this place, or a new one.
func (r *DiscoveryReconciler) goOn(source *v1alpha1.RecordingSource, location *v1alpha1.StorageLocation) *begunScan {
	at := locationVersion{location.UID, location.Generation}
	if going := r.going(source); going != nil && going.location == at {
		return going
	}
	now := r.Clock.Now()
	scope := discovery.Scope{Namespace: source.Namespace, Source: source.Name, Prefix: discovery.Prefix(location.Spec.S3, source.Spec.Discovery)}
	scope.From, scope.To = discovery.Window(source.Spec.Discovery, source.Status.Discovery, now)
	going := &begunScan{uid: source.UID, generation: source.Generation, location: at, at: now, scan: discovery.New(scope, r.Files)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.begun == nil {
		r.begun = map[types.NamespacedName]*begunScan{}
	}
	r.begun[client.ObjectKeyFromObject(source)] = going
	return going
}

func (r *DiscoveryReconciler) forget(name types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.begun, name)
}

// finish writes down what a scan came to, and then says it. Only a scan that dealt with every object moves on.
func (r *DiscoveryReconciler) finish(ctx context.Context, source *v1alpha1.RecordingSource, ended *begunScan, failure error) (ctrl.Result, error) {
	r.forget(client.ObjectKeyFromObject(source))
	if failed := ended.report.Outcomes[discovery.Failed]; failure == nil && failed > 0 {
		failure = fmt.Errorf("%d objects could not be looked at", failed)
	}
	condition := discoveredCondition(source, ended, failure)
	now := metav1.NewTime(r.Clock.Now())
	condition.LastTransitionTime = now
	var before []metav1.Condition
	live, err := r.write(ctx, source, func(live *v1alpha1.RecordingSource) {
		if live.Status.Discovery == nil || live.Spec.Discovery == nil {
			return
		}
		before = slices.Clone(live.Status.Conditions)
		live.Status.Discovery.LastTime = &now
		live.Status.Discovery.CreatedFiles += ended.report.Outcomes[discovery.Created]
		if failure == nil {
			live.Status.Discovery.Through = &metav1.Time{Time: ended.scan.Scope().To}
		}
		meta.SetStatusCondition(&live.Status.Conditions, condition)
	})
	if err != nil || live == nil || live.Status.Discovery == nil || live.Spec.Discovery == nil {
		return ctrl.Result{}, err
	}
	r.announce(ctx, live, ended, failure, condition, before)
	return ctrl.Result{RequeueAfter: max(r.wait(live), scanPause)}, nil
}

func discoveredCondition(source *v1alpha1.RecordingSource, ended *begunScan, failure error) metav1.Condition {
	report := ended.report
	condition := metav1.Condition{Type: v1alpha1.ConditionDiscovered, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonScanned, ObservedGeneration: source.Generation}
	condition.Message = fmt.Sprintf("scanned %d objects: %d RecordingFiles created", report.Looked(), report.Outcomes[discovery.Created])
	if updated := report.Outcomes[discovery.Updated]; updated > 0 {
		condition.Message += fmt.Sprintf(", %d updated", updated)
	}
	if failure != nil {
		condition.Status, condition.Reason = metav1.ConditionFalse, v1alpha1.ReasonScanFailed
		condition.Message = failure.Error() + "; " + condition.Message
	}
	for _, problem := range report.Problems {
		condition.Message += "; " + problem
	}
	condition.Message = bounded.Message(condition.Message)
	return condition
}

// announce says in an event what a person should know, and counts.
func (r *DiscoveryReconciler) announce(ctx context.Context, source *v1alpha1.RecordingSource, ended *begunScan, failure error, condition metav1.Condition, before []metav1.Condition) {
	outcomes := ended.report.Outcomes
	was := meta.FindStatusCondition(before, v1alpha1.ConditionDiscovered)
	kind, worth := corev1.EventTypeWarning, false
	switch {
	case failure != nil:
		worth = was == nil || was.Message != condition.Message
	case outcomes[discovery.Refused] > 0:
		worth = true
	case outcomes[discovery.Created]+outcomes[discovery.Updated] > 0:
		kind, worth = corev1.EventTypeNormal, true
	}
	if worth {
		r.Recorder.Eventf(source, nil, kind, condition.Reason, "Discover", "%s", condition.Message)
	}
	for outcome, objects := range outcomes {
		r.Metrics.DiscoveryLooked(source.Namespace, source.Name, string(outcome), objects)
	}
	took := r.Clock.Since(ended.at)
	r.Metrics.DiscoveryEnded(source.Namespace, source.Name, failure == nil, took)
	log.FromContext(ctx).Info("Scan ended", "succeeded", failure == nil, "listed", ended.report.Listed,
		"looked", ended.report.Looked(), "created", outcomes[discovery.Created], "updated", outcomes[discovery.Updated], "took", took.String())
}

// write changes a source's status as it is on the API server; what a scan came to must not be lost because others
// write there too. It returns the source as it is then; nil: it is gone, or another of its name is there.
func (r *DiscoveryReconciler) write(ctx context.Context, source *v1alpha1.RecordingSource, change func(live *v1alpha1.RecordingSource)) (*v1alpha1.RecordingSource, error) {
	var err error
	for range scanWrites {
		live := &v1alpha1.RecordingSource{}
		if err := r.Live.Get(ctx, client.ObjectKeyFromObject(source), live); err != nil {
			return nil, client.IgnoreNotFound(err)
		}
		if live.UID != source.UID {
			return nil, nil //nolint:nilnil // absence is an answer here, not an error
		}
		before := live.DeepCopy()
		change(live)
		err = patch.Status(ctx, r.Client, before, live)
		if err == nil {
			return live, nil
		}
		if !apierrors.IsConflict(err) {
			return nil, client.IgnoreNotFound(err)
		}
	}
	return nil, err
}
