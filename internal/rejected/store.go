// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rejected keeps callbacks whose signature is right but that cannot be stored, as RejectedCallback objects beside
// their source. Their number and rate are bounded, whatever a source sends; what is beyond is counted.
package rejected

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// slots is how many rejected callbacks of a source there are at most. Their names hold the number of a slot, so no
	// replica needs to count.
	slots = 32
	// callTimeout bounds one call to the API server.
	callTimeout = 2 * time.Second
)

// The event on the RecordingSource.
const (
	eventReason = "CallbackRejected"
	eventAction = "Reject"
)

// Options are what a Store needs. All are required.
type Options struct {
	Writer client.Writer
	// Reader reads from the API server, not from a cache.
	Reader client.Reader
	// Sources reads RecordingSources; a cache is fine.
	Sources  client.Reader
	Recorder events.EventRecorder
	Clock    clock.PassiveClock
	Log      logr.Logger
}

// Store creates RejectedCallbacks. It is safe for concurrent use.
type Store struct {
	options  Options
	limits   *limits
	counters counters
}

// counters only grow.
type counters struct {
	undecodable, invalid, nameTaken, unknownEvent, expired, dropped atomic.Uint64
}

// Stats counts rejected callbacks since the start.
type Stats struct {
	// Undecodable, Invalid, NameTaken, UnknownEvent and Expired were kept, by reason.
	Undecodable, Invalid, NameTaken, UnknownEvent, Expired uint64
	// Dropped were not kept: there were too many, or the API server refused them.
	Dropped uint64
}

// New makes a Store.
func New(options Options) *Store { return &Store{options: options, limits: newLimits()} }

// Stats is a snapshot.
func (s *Store) Stats() Stats {
	c := &s.counters
	return Stats{
		Undecodable: c.undecodable.Load(), Invalid: c.invalid.Load(), NameTaken: c.nameTaken.Load(), UnknownEvent: c.unknownEvent.Load(),
		Expired: c.expired.Load(), Dropped: c.dropped.Load(),
	}
}

func (c *counters) kept(reason v1alpha1.RejectionReason) {
	switch reason {
	case v1alpha1.RejectionUndecodable:
		c.undecodable.Add(1)
	case v1alpha1.RejectionInvalid:
		c.invalid.Add(1)
	case v1alpha1.RejectionNameTaken:
		c.nameTaken.Add(1)
	case v1alpha1.RejectionUnknownEvent:
		c.unknownEvent.Add(1)
	case v1alpha1.RejectionExpired:
		c.expired.Add(1)
	}
}

// Reject keeps a delivery with its body, and says why in the message and in an event on the source. Deliveries beyond the
// bounds, or that the API server refuses, as it does in a namespace that goes away, are dropped and counted, which is no
// error. An error means that the API server could not be asked: rejecting the delivery again is right.
func (s *Store) Reject(ctx context.Context, d ingest.Delivery, reason v1alpha1.RejectionReason, message string) error {
	now := s.options.Clock.Now()
	p, dropped := s.limits.take(types.NamespacedName{Namespace: d.Namespace, Name: d.Source}, now)
	if p == nil {
		s.counters.dropped.Add(1)
		if dropped == 1 {
			s.warn(ctx, d, "More callbacks are rejected than are kept. recording_rejected_callbacks_dropped_total counts the others")
		}
		return nil
	}
	object := newObject(d, reason, message)
	err := s.create(ctx, object)
	switch {
	case err == nil:
		s.counters.kept(reason)
		s.warn(ctx, d, "Rejected a callback (%s): %s. RejectedCallback %s has its body%s", reason, object.Spec.Message, object.Name, others(p.droppedSinceLast))
		return nil
	case isRefusal(err):
		s.counters.dropped.Add(1)
		s.options.Log.Error(err, "Could not keep a rejected callback", "namespace", d.Namespace, "source", d.Source, "reason", reason)
		s.warn(ctx, d, "Rejected a callback (%s): %s. It could not be kept: %v", reason, object.Spec.Message, err)
		return nil
	default:
		p.giveBack()
		return err
	}
}

// others says how many were dropped.
func others(dropped int) string {
	if dropped == 0 {
		return ""
	}
	return fmt.Sprintf(". %d more were not kept", dropped)
}

// newObject is the object of a delivery. The slot in its name follows from the delivery, so one that is sent again has
// the same name.
func newObject(d ingest.Delivery, reason v1alpha1.RejectionReason, message string) *v1alpha1.RejectedCallback {
	body, truncated := storedBody(d.Body)
	object := &v1alpha1.RejectedCallback{Spec: v1alpha1.RejectedCallbackSpec{
		SourceRef: v1alpha1.LocalReference{Name: d.Source}, Reason: reason,
		Message: bounded.Characters(bounded.Printable(message), v1alpha1.MaxRejectedMessage), ReceivedTime: metav1.NewTime(d.Received),
		EventType: bounded.Characters(bounded.Printable(d.Event.Name), 64), DeliveryID: d.Digest, Body: body, BodyTruncated: truncated,
	}}
	object.Namespace, object.Name = d.Namespace, fmt.Sprintf("%s-%02d", d.Source, slotOf(d.Digest))
	object.Labels = map[string]string{v1alpha1.LabelSource: d.Source}
	return object
}

// slotOf is a number below slots.
func slotOf(digest string) uint64 {
	// Without a signature there is no digest; those are not rejected.
	n, _ := strconv.ParseUint(digest[:min(len(digest), 8)], 16, 32)
	return n % slots
}

// errTaken says that another callback was faster, twice.
var errTaken = errors.New("another rejected callback took the slot")

// create creates an object in place of the one that has its slot, if there is one.
func (s *Store) create(ctx context.Context, object *v1alpha1.RejectedCallback) error {
	for range 2 {
		err := call(ctx, func(ctx context.Context) error { return s.options.Writer.Create(ctx, object.DeepCopy()) })
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		same, err := s.makeRoom(ctx, object)
		if same || err != nil {
			return err
		}
	}
	return errTaken
}

// makeRoom deletes the object that has the slot. Same says that it is the same delivery's, and stays.
func (s *Store) makeRoom(ctx context.Context, object *v1alpha1.RejectedCallback) (same bool, err error) {
	held := &v1alpha1.RejectedCallback{}
	err = call(ctx, func(ctx context.Context) error {
		return s.options.Reader.Get(ctx, client.ObjectKeyFromObject(object), held)
	})
	if err != nil {
		return false, client.IgnoreNotFound(err)
	}
	if held.Spec.DeliveryID == object.Spec.DeliveryID && object.Spec.DeliveryID != sparkrtc.Unsigned {
		return true, nil
	}
	err = call(ctx, func(ctx context.Context) error {
		return s.options.Writer.Delete(ctx, held, client.Preconditions{UID: &held.UID})
	})
	if apierrors.IsConflict(err) {
		return false, nil
	}
	return false, client.IgnoreNotFound(err)
}

func call(ctx context.Context, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	return do(ctx)
}

// isRefusal says that the API server answered, and that asking again would not help.
func isRefusal(err error) bool {
	var status apierrors.APIStatus
	if errors.Is(err, errTaken) {
		return true
	}
	if !errors.As(err, &status) {
		return false
	}
	code := status.Status().Code
	return code < http.StatusInternalServerError && code != http.StatusTooManyRequests
}

// warn records an event on the source, if that is still there.
func (s *Store) warn(ctx context.Context, d ingest.Delivery, note string, args ...any) {
	source := &v1alpha1.RecordingSource{}
	if err := s.options.Sources.Get(ctx, types.NamespacedName{Namespace: d.Namespace, Name: d.Source}, source); err != nil {
		return
	}
	s.options.Recorder.Eventf(source, nil, corev1.EventTypeWarning, eventReason, eventAction, note, args...)
}
