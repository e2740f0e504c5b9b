// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlevent "sigs.k8s.io/controller-runtime/pkg/event"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/pace"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/recording"
)

const (
	// concurrency is how many objects of a kind are worked on at once: most of that is waiting for sinks. share is how many
	// of them one namespace may have, so that the sinks of sixteen must hang at once before others wait for them.
	concurrency = 32
	share       = 2
	// writeAttempts is how often in a row a status is written that somebody else wrote meanwhile.
	writeAttempts = 5
)

// Config is what a Reconciler needs.
type Config struct {
	// Client reads the cache, and writes statuses.
	Client client.Client
	// Live reads past the cache: Secrets, and the objects whose events are sent.
	Live     client.Reader
	Recorder events.EventRecorder
	Metrics  *metrics.Metrics
	// Router checks the expressions of notifications.
	Router *expression.Router
	Clock  clock.PassiveClock
	// Pacer holds notifications back during a burst of callbacks. Optional.
	Pacer *pace.Pacer
	// Hosts that sinks may be at.
	Hosts  Hosts
	Sender *Sender
}

// Reconciler sends the events that wait in the statuses of files and tasks, and says on sources whether they are taken.
type Reconciler struct {
	Config

	sinks        sinks
	files, tasks *kind
	// sources are those whose condition may change.
	sources chan ctrlevent.GenericEvent
	// refill has the walk through what is done come by.
	refill func()

	mu sync.Mutex
	// written is when the conditions of sources were written last.
	written map[client.ObjectKey]time.Time
}

// New makes a Reconciler. Nothing runs before it is set up.
func New(config Config) *Reconciler {
	r := &Reconciler{
		Config: config, sources: make(chan ctrlevent.GenericEvent), refill: func() {}, written: map[client.ObjectKey]time.Time{},
	}
	r.files = newKind(r, func() client.Object { return &v1alpha1.RecordingFile{} }, &v1alpha1.RecordingFileList{})
	r.tasks = newKind(r, func() client.Object { return &v1alpha1.RecordingTask{} }, &v1alpha1.RecordingTaskList{})
	return r
}

// RefillWith names what is called when there is room again for objects that found none: they are to be offered again.
func (r *Reconciler) RefillWith(refill func()) { r.refill = refill }

// kind works on the objects of one kind.
type kind struct {
	*Reconciler

	subjects subjects
	// offers come from the walk.
	offers chan ctrlevent.GenericEvent
	empty  func() client.Object
	list   client.ObjectList
}

func newKind(r *Reconciler, empty func() client.Object, list client.ObjectList) *kind {
	return &kind{Reconciler: r, offers: make(chan ctrlevent.GenericEvent), empty: empty, list: list}
}

// Reconcile sends what waits in the status of one object, as far as its sinks take it.
func (k *kind) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	known, fresh := k.subjects.get(request.NamespacedName)
	if wait := k.wait(ctx, request.Namespace, known); !fresh && wait > 0 {
		return ctrl.Result{RequeueAfter: wait}, nil
	}
	if k.Pacer != nil {
		if delay := k.Pacer.Task(request.Namespace); delay > 0 {
			return ctrl.Result{RequeueAfter: delay}, nil
		}
	}
	return k.look(ctx, request.NamespacedName, known)
}

// wait is how long it is until a sink may be tried that the object's events wait for, as of the last look; 0: now, or it is
// not known. So what waits for a sink that is away reads nothing.
func (k *kind) wait(ctx context.Context, namespace string, known *subject) time.Duration {
	source, err := k.source(ctx, namespace, known.source)
	if err != nil || source == nil {
		return 0
	}
	now, d := k.Clock.Now(), delivery{source: source}
	shortest := time.Duration(0)
	for i, name := range known.to {
		to := d.find(name)
		if to == nil {
			return 0
		}
		key := keyOf(source, to)
		wait := max(k.sinks.wait(key, now), known.retries[key].next.Sub(now))
		if i == 0 || wait < shortest {
			shortest = wait
		}
	}
	return max(0, shortest)
}

// look reads an object, sends what waits, and removes from its status what is done with.
func (k *kind) look(ctx context.Context, name client.ObjectKey, known *subject) (ctrl.Result, error) {
	k.subjects.look(known)
	object := k.empty()
	err := k.Live.Get(ctx, name, object)
	if apierrors.IsNotFound(err) || err == nil && !object.GetDeletionTimestamp().IsZero() {
		k.leave(name)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("read an object with notifications: %w", err)
	}
	source, err := k.source(ctx, name.Namespace, recording.SourceOf(object))
	if err != nil {
		return ctrl.Result{}, err
	}
	d := k.deliveryOf(ctx, object, source, known)
	sendErr := d.run(ctx)
	k.subjects.waits(known, recording.SourceOf(object), d.left)
	written, err := k.remove(ctx, object, known)
	if err := errors.Join(sendErr, err); err != nil {
		return ctrl.Result{}, err
	}
	switch {
	case !written:
		return ctrl.Result{RequeueAfter: patch.ConflictDelay}, nil
	case len(d.left) > 0:
		return ctrl.Result{RequeueAfter: d.again}, nil
	}
	k.leave(name)
	return ctrl.Result{}, nil
}

func (k *kind) leave(name client.ObjectKey) {
	if k.subjects.leave(name) {
		k.refill()
	}
}

// deliveryOf is the look at an object.
func (k *kind) deliveryOf(ctx context.Context, object client.Object, source *v1alpha1.RecordingSource, known *subject) *delivery {
	d := &delivery{source: source, waiting: *waitingOf(object), subject: known, sinks: &k.sinks, now: k.Clock.Now}
	d.send = func(ctx context.Context, to *v1alpha1.Notification, waiting *Waiting) error {
		return k.send(ctx, object, to, waiting)
	}
	d.report = func(waiting *Waiting, to string, outcome Outcome, fault *Fault, took time.Duration) {
		k.Metrics.Notified(object.GetNamespace(), recording.SourceOf(object), string(outcome), 1, took)
		if outcome == GivenUp && source != nil {
			k.Recorder.Eventf(source, nil, corev1.EventTypeWarning, v1alpha1.ReasonNotificationGivenUp, "Notify/"+to,
				"notification %q: %s of %s was not delivered and is not sent again: %v", to, waiting.Event, object.GetName(), fault)
		}
	}
	d.changed = func() { offer(ctx, k.sources, source) }
	return d
}

// send sends an event once.
func (k *kind) send(ctx context.Context, object client.Object, to *v1alpha1.Notification, waiting *Waiting) error {
	target, err := k.Hosts.target(to.Sink)
	if err != nil {
		return err
	}
	keys, err := k.keys(ctx, object.GetNamespace(), to)
	if err != nil {
		return err
	}
	made, err := eventOf(object, waiting)
	if err != nil {
		return err
	}
	return k.Sender.send(ctx, target, to.Sink.Mode, keys, made)
}

// remove takes what is done with out of the status. The status may have changed meanwhile: other events may wait now.
// written says that it is done; if not, the object has to be looked at again, and nothing is sent twice.
func (k *kind) remove(ctx context.Context, object client.Object, known *subject) (written bool, err error) {
	for range writeAttempts {
		before, ok := object.DeepCopyObject().(client.Object)
		if !ok {
			return false, fmt.Errorf("a copy of a %T is none", object)
		}
		waiting := waitingOf(object)
		left := without(*waiting, known.settled)
		if len(left) == len(*waiting) && recipients(left) == recipients(*waiting) {
			known.settled = nil
			return true, nil
		}
		*waiting = left
		err := patch.Status(ctx, k.Client, before, object)
		switch {
		case err == nil, apierrors.IsNotFound(err):
			known.settled = nil
			return true, nil
		case !apierrors.IsConflict(err):
			return false, err
		}
		object = k.empty()
		if err := k.Live.Get(ctx, client.ObjectKeyFromObject(before), object); err != nil {
			return apierrors.IsNotFound(err), client.IgnoreNotFound(err)
		}
	}
	return false, nil
}

// recipients is how many times the events are to be sent.
func recipients(waiting []Waiting) int {
	n := 0
	for i := range waiting {
		n += len(waiting[i].To)
	}
	return n
}

// source is a source as the cache has it; nil: there is none.
func (r *Reconciler) source(ctx context.Context, namespace, name string) (*v1alpha1.RecordingSource, error) {
	source := &v1alpha1.RecordingSource{}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, source)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("get source: %w", err)
	}
	return source, nil
}

// waitingOf is where the status of an object has the events that wait.
func waitingOf(object client.Object) *[]Waiting {
	switch object := object.(type) {
	case *v1alpha1.RecordingFile:
		return &object.Status.Notifications
	case *v1alpha1.RecordingTask:
		return &object.Status.Notifications
	default:
		return &[]Waiting{}
	}
}

func eventOf(object client.Object, waiting *Waiting) (event.Event, error) {
	switch object := object.(type) {
	case *v1alpha1.RecordingFile:
		return fileEvent(object, waiting)
	case *v1alpha1.RecordingTask:
		return taskEvent(object, waiting)
	default:
		return event.Event{}, fmt.Errorf("there are no events of a %T", object)
	}
}
