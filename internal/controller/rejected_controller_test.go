// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// sink is an Ingester.
type sink struct {
	deliveries []ingest.Delivery
	err        error
}

func (s *sink) Ingest(_ context.Context, d ingest.Delivery) (ingest.Result, error) {
	s.deliveries = append(s.deliveries, d)
	return ingest.Result{Outcome: ingest.Created, File: "camera-0"}, s.err
}

const completeBody = `{"event_type":"RECORD_FILE_COMPLETE","app_id":"app","obs_bucket":"b","obs_object":"o.m3u8"}`

// replayHarness has one rejected callback of a source with spec.appID "app".
type replayHarness struct {
	t      *testing.T
	client client.Client
	sink   *sink
	clock  *clocktesting.FakePassiveClock
	events *events.FakeRecorder
	r      *RejectedReconciler
}

func newReplayHarness(t *testing.T, body string, truncated bool) *replayHarness {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	created := time.Unix(1619600282, 0)
	rejected := &v1alpha1.RejectedCallback{Spec: v1alpha1.RejectedCallbackSpec{
		SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Reason: v1alpha1.RejectionInvalid, ReceivedTime: metav1.NewTime(created),
		DeliveryID: "0123", Body: []byte(body), BodyTruncated: truncated,
	}}
	rejected.Namespace, rejected.Name, rejected.Generation = "media", "classroom-07", 1
	rejected.CreationTimestamp = metav1.NewTime(created)
	h := &replayHarness{t: t, sink: &sink{}, clock: clocktesting.NewFakePassiveClock(created), events: events.NewFakeRecorder(10)}
	h.client = fake.NewClientBuilder().WithScheme(scheme).WithStatusSubresource(&v1alpha1.RejectedCallback{}).
		WithObjects(rejected, builders.MakeRecordingSource("classroom").App("app").Obj()).Build()
	h.r = &RejectedReconciler{Client: h.client, Live: h.client, Ingester: h.sink, Recorder: h.events, Clock: h.clock}
	return h
}

func (h *replayHarness) get() *v1alpha1.RejectedCallback {
	h.t.Helper()
	found := &v1alpha1.RejectedCallback{}
	if err := h.client.Get(h.t.Context(), client.ObjectKey{Namespace: "media", Name: "classroom-07"}, found); err != nil {
		h.t.Fatal(err)
	}
	return found
}

// ask sets spec.replay as a person does.
func (h *replayHarness) ask(replay bool) {
	h.t.Helper()
	object := h.get()
	object.Spec.Replay = replay
	object.Generation++
	if err := h.client.Update(h.t.Context(), object); err != nil {
		h.t.Fatal(err)
	}
}

func (h *replayHarness) reconcile() (ctrl.Result, error) {
	return h.r.Reconcile(h.t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "media", Name: "classroom-07"}})
}

func TestRejectedReconciler_ReplaysOnce(t *testing.T) {
	h := newReplayHarness(t, completeBody, false)
	if result, err := h.reconcile(); err != nil || result.RequeueAfter != rejectedTTL || len(h.sink.deliveries) != 0 {
		t.Errorf("without being asked: %+v, %v", result, err)
	}
	h.ask(true)
	for range 3 {
		if _, err := h.reconcile(); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.sink.deliveries) != 1 {
		t.Fatalf("%d deliveries", len(h.sink.deliveries))
	}
	d := h.sink.deliveries[0]
	if d.Namespace != "media" || d.Source != "classroom" || d.Digest != "0123" || d.Event.File.Object != "o.m3u8" || d.Event.AppID != "app" {
		t.Errorf("delivered %+v", d)
	}
	after := h.get()
	condition := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReplayed)
	if condition == nil || condition.Status != metav1.ConditionTrue || condition.Reason != v1alpha1.ReasonReplayStored ||
		condition.Message != "Stored (created) as RecordingFile camera-0" || after.Status.ObservedGeneration != after.Generation {
		t.Errorf("status %+v", after.Status)
	}
	if told := <-h.events.Events; !strings.Contains(told, "Normal ReplayStored") {
		t.Errorf("event %q", told)
	}
	// Asked again, it is stored again, which changes nothing.
	h.ask(false)
	h.ask(true)
	if _, err := h.reconcile(); err != nil || len(h.sink.deliveries) != 2 {
		t.Errorf("%d deliveries, %v", len(h.sink.deliveries), err)
	}
}

func TestRejectedReconciler_SaysWhatCameOfIt(t *testing.T) {
	invalid := &ingest.Error{Kind: ingest.Invalid, Err: errors.New("spec.roomID: too long " + strings.Repeat("x", 1000))}
	for name, c := range map[string]struct {
		body            string
		truncated       bool
		err             error
		status          metav1.ConditionStatus
		reason, message string
	}{
		"truncated":         {completeBody, true, nil, metav1.ConditionFalse, v1alpha1.ReasonReplayTruncated, "has only the first"},
		"undecodable":       {`{"event_type":`, false, nil, metav1.ConditionFalse, v1alpha1.ReasonReplayRefused, "spec.body: body: is not JSON"},
		"unknown":           {`{"event_type":"NEW"}`, false, nil, metav1.ConditionFalse, v1alpha1.ReasonReplayRefused, `event_type "NEW" is unknown`},
		"another app":       {`{"event_type":"CLOUD_RECORD_OVER","job_id":"j","app_id":"b"}`, false, nil, metav1.ConditionFalse, v1alpha1.ReasonReplayRefused, `app_id is "b"`},
		"still invalid":     {completeBody, false, invalid, metav1.ConditionFalse, v1alpha1.ReasonReplayRefused, "spec.roomID: too long"},
		"not now":           {completeBody, false, &ingest.Error{Err: errors.New("connection refused")}, metav1.ConditionUnknown, v1alpha1.ReasonReplayRetrying, "connection refused"},
		"a byte-order mark": {"\ufeff" + completeBody, false, nil, metav1.ConditionTrue, v1alpha1.ReasonReplayStored, "RecordingFile camera-0"},
		"without an app":    {`{"event_type":"CLOUD_RECORD_OVER","job_id":"j"}`, false, nil, metav1.ConditionTrue, v1alpha1.ReasonReplayStored, "Stored"},
	} {
		t.Run(name, func(t *testing.T) {
			h := newReplayHarness(t, c.body, c.truncated)
			h.sink.err = c.err
			h.ask(true)
			_, err := h.reconcile()
			retried := c.status == metav1.ConditionUnknown
			if (err != nil) != retried {
				t.Errorf("error %v", err)
			}
			after := h.get()
			condition := meta.FindStatusCondition(after.Status.Conditions, v1alpha1.ConditionReplayed)
			if condition == nil || condition.Status != c.status || condition.Reason != c.reason || !strings.Contains(condition.Message, c.message) ||
				len(condition.Message) > bounded.MaxMessage {
				t.Errorf("condition %+v", condition)
			}
			if seen := after.Status.ObservedGeneration == after.Generation; seen == retried {
				t.Errorf("observed generation %d of %d", after.Status.ObservedGeneration, after.Generation)
			}
			if retried {
				h.sink.err = nil
				if _, err := h.reconcile(); err != nil || !meta.IsStatusConditionTrue(h.get().Status.Conditions, v1alpha1.ConditionReplayed) {
					t.Errorf("tried again: %v, %+v", err, h.get().Status)
				}
			}
		})
	}
}

// The body may be stored though the source is gone: what it verified counts.
func TestRejectedReconciler_ReplaysWithoutItsSource(t *testing.T) {
	h := newReplayHarness(t, completeBody, false)
	if err := h.client.Delete(t.Context(), builders.MakeRecordingSource("classroom").Obj()); err != nil {
		t.Fatal(err)
	}
	h.ask(true)
	if _, err := h.reconcile(); err != nil || len(h.sink.deliveries) != 1 {
		t.Errorf("%d deliveries, %v", len(h.sink.deliveries), err)
	}
}

func TestRejectedReconciler_DeletesAfterAWeek(t *testing.T) {
	h := newReplayHarness(t, completeBody, false)
	h.clock.SetTime(h.clock.Now().Add(rejectedTTL - time.Hour))
	if result, err := h.reconcile(); err != nil || result.RequeueAfter != time.Hour {
		t.Errorf("%+v, %v", result, err)
	}
	h.clock.SetTime(h.clock.Now().Add(time.Hour))
	if _, err := h.reconcile(); err != nil {
		t.Fatal(err)
	}
	err := h.client.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "classroom-07"}, &v1alpha1.RejectedCallback{})
	if !apierrors.IsNotFound(err) {
		t.Errorf("it is still there: %v", err)
	}
	if _, err := h.reconcile(); err != nil {
		t.Error(err)
	}
}

// The manager's cache holds no bodies, except of what is replayed, which is read live.
func TestSlimRejected_HasNoBody(t *testing.T) {
	rejected := &v1alpha1.RejectedCallback{Spec: v1alpha1.RejectedCallbackSpec{Body: make([]byte, 8<<10), Replay: true}}
	rejected.ManagedFields = []metav1.ManagedFieldsEntry{{}}
	slim, err := slimRejected(rejected)
	if got := slim.(*v1alpha1.RejectedCallback); err != nil || got.Spec.Body != nil || got.ManagedFields != nil || !got.Spec.Replay {
		t.Errorf("%+v, %v", got, err)
	}
}
