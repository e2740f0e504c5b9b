// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/testr"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/testing/otlp"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

func at(seconds int) time.Time { return noon.Add(time.Duration(seconds) * time.Second) }

// record has two processes record, each with a tracer of its own, and gives the spans by their names.
func record(t *testing.T, processes ...func(*Tracer)) map[string]*tracepb.Span {
	t.Helper()
	collector := otlp.Start()
	defer collector.Close()
	for _, do := range processes {
		tracer, err := New(t.Context(), Options{Endpoint: collector.URL, Service: "test", Log: testr.New(t)})
		if err != nil {
			t.Fatal(err)
		}
		do(tracer)
		ended, end := context.WithCancel(t.Context())
		end()
		if err := tracer.Start(ended); err != nil { // sends what is left
			t.Fatal(err)
		}
	}
	spans := map[string]*tracepb.Span{}
	for _, span := range collector.Spans() {
		spans[span.GetName()] = span
	}
	return spans
}

type stored struct {
	result ingest.Result
	err    error
	clock  *clocktesting.FakeClock
}

func (s stored) Ingest(context.Context, ingest.Delivery) (ingest.Result, error) {
	s.clock.Step(time.Second)
	return s.result, s.err
}

// What the receiver and the manager record of a file is one trace, though neither tells the other of it.
func TestTracer_OneTraceFromCallbackToPublishedOutput(t *testing.T) {
	spans := record(t,
		func(receiver *Tracer) {
			clock := clocktesting.NewFakeClock(at(60))
			ingester := Ingester{Next: stored{result: ingest.Result{Outcome: ingest.Created, File: "camera-1"}, clock: clock}, Tracer: receiver, Clock: clock}
			// It came a minute ago, and lay in the spool.
			if _, err := ingester.Ingest(t.Context(), ingest.Delivery{Namespace: "media", Source: "classroom", Received: at(0)}); err != nil {
				t.Fatal(err)
			}
		},
		func(manager *Tracer) {
			recording := Recording{Namespace: "media", Name: "camera-1", Run: 1}
			completed := metav1.NewTime(at(80))
			manager.StepEnded(recording, Step{
				Status: &v1alpha1.StepStatus{Name: "hd", State: v1alpha1.StepFailed, Reason: "SegmentMissing", JobName: "camera-1-hd", CompletionTime: &completed},
				Kind:   "transcode", Ready: at(61), JobCreated: at(65), Pods: []corev1.Pod{pod("camera-1-hd-x", 65, "fetch", 66, 70, 0), pod("camera-1-hd-y", 71, "fetch", 72, 79, 65)},
			}, at(81))
			manager.RecordingEnded(recording, &v1alpha1.ProcessingStatus{Pipeline: &v1alpha1.PipelineSnapshot{Name: "lecture"}}, "classroom", v1alpha1.ReasonFailed, at(61), at(81))
		})
	root := spans["recording"]
	if root == nil || len(root.GetParentSpanId()) != 0 || root.GetStatus().GetCode() != tracepb.Status_STATUS_CODE_ERROR {
		t.Fatalf("the root is %v", root)
	}
	for _, want := range []struct {
		name, under string
		start, end  int
	}{
		{"recording", "", 61, 81},
		{"callback", "recording", 0, 61},
		{"store", "callback", 60, 61},
		{"step hd", "recording", 61, 81},
		{"queue", "step hd", 61, 65},
		{"start fetch", "step hd", 71, 72},
		{"fetch", "step hd", 72, 79},
		{"reconcile", "step hd", 80, 81},
	} {
		span := spans[want.name]
		if span == nil {
			t.Errorf("%s: there is no such span", want.name)
			continue
		}
		if !slices.Equal(span.GetTraceId(), root.GetTraceId()) {
			t.Errorf("%s: it is in another trace", want.name)
		}
		if want.under != "" && !slices.Equal(span.GetParentSpanId(), spans[want.under].GetSpanId()) {
			t.Errorf("%s: it is not under %s", want.name, want.under)
		}
		if start, end := time.Unix(0, int64(span.GetStartTimeUnixNano())), time.Unix(0, int64(span.GetEndTimeUnixNano())); !start.Equal(at(want.start)) || !end.Equal(at(want.end)) {
			t.Errorf("%s: it lasts from %v to %v", want.name, start, end)
		}
	}
}

// A step that a person decides has no Job: what it waited for is the person.
func TestTracer_StepThatAPersonDecides(t *testing.T) {
	completed := metav1.NewTime(at(90))
	recording := Recording{Namespace: "media", Name: "camera-1", Run: 1}
	spans := record(t, func(manager *Tracer) {
		manager.StepEnded(recording, Step{
			Status: &v1alpha1.StepStatus{Name: "release", State: v1alpha1.StepFailed, Reason: v1alpha1.ReasonRejected, Message: "rejected by alice", CompletionTime: &completed},
			Kind:   "approve", Ready: at(61), Asked: at(62),
		}, at(91))
		manager.StepEnded(recording, Step{Status: &v1alpha1.StepStatus{Name: "kept", State: v1alpha1.StepSucceeded, CompletionTime: &completed}, Ready: at(61)}, at(91))
	})
	if len(spans) != 4 {
		t.Errorf("the spans are %v", spans)
	}
	for name, want := range map[string][2]int{"step release": {61, 91}, "queue": {61, 62}, "approval": {62, 90}, "reconcile": {90, 91}} {
		span := spans[name]
		if start, end := time.Unix(0, int64(span.GetStartTimeUnixNano())), time.Unix(0, int64(span.GetEndTimeUnixNano())); !start.Equal(at(want[0])) || !end.Equal(at(want[1])) {
			t.Errorf("%s: it lasts from %v to %v", name, start, end)
		}
		if name != "step release" && !slices.Equal(span.GetParentSpanId(), spans["step release"].GetSpanId()) {
			t.Errorf("%s: it is not under the step", name)
		}
		if strings.Contains(span.String(), "alice") {
			t.Errorf("%s names the person: %v", name, span)
		}
	}
	if status := spans["step release"].GetStatus(); status.GetCode() != tracepb.Status_STATUS_CODE_ERROR || status.GetMessage() != v1alpha1.ReasonRejected {
		t.Errorf("the status is %v", status)
	}
}

func pod(name string, created int, container string, started, finished int, code int32) corev1.Pod {
	return corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: metav1.NewTime(at(created))},
		Status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{{Name: container, State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{StartedAt: metav1.NewTime(at(started)), FinishedAt: metav1.NewTime(at(finished)), ExitCode: code, Reason: "Error"},
		}}}},
	}
}

// A callback that no file came of has no trace, and its result is passed on.
func TestIngester_TracesOnlyFiles(t *testing.T) {
	failed := errors.New("away")
	for _, test := range []stored{{result: ingest.Result{Outcome: ingest.Updated, Task: "task-1"}}, {err: failed}} {
		test.clock = clocktesting.NewFakeClock(noon)
		spans := record(t, func(tracer *Tracer) {
			result, err := Ingester{Next: test, Tracer: tracer, Clock: test.clock}.Ingest(t.Context(), ingest.Delivery{Received: noon})
			if result != test.result || !errors.Is(err, test.err) {
				t.Errorf("got %v, %v", result, err)
			}
		})
		if len(spans) != 0 {
			t.Errorf("%v: recorded %v", test.result, spans)
		}
	}
}

// A run of a file has a trace of its own, and a file of the same name in another namespace another.
func TestRecording_HasIDsOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, recording := range []Recording{{"a", "b", 1}, {"a", "b", 2}, {"b", "b", 1}, {"a", "c", 1}, {"", "a\x00b", 1}} {
		seen[recording.ids().TraceID().String()] = true
	}
	if len(seen) != 5 {
		t.Errorf("5 runs have %d traces", len(seen))
	}
	if (Recording{"a", "b", 0}).ids().TraceID() != (Recording{"a", "b", 1}).ids().TraceID() {
		t.Error("a file that is not processed yet has another trace than its first run")
	}
}

func TestTracer_NilRecordsNothing(t *testing.T) {
	tracer, err := New(t.Context(), Options{})
	if err != nil || tracer != nil {
		t.Fatalf("got %v, %v", tracer, err)
	}
	completed := metav1.NewTime(noon)
	tracer.StepEnded(Recording{}, Step{JobCreated: noon, Status: &v1alpha1.StepStatus{CompletionTime: &completed}}, noon)
	tracer.RecordingEnded(Recording{}, &v1alpha1.ProcessingStatus{}, "", "", noon, noon)
}

func TestValidate_NamesNoSecret(t *testing.T) {
	for _, endpoint := range []string{"collector:4318", "grpc://collector:4317", "http://", "https://me:secret@collector", "http://collector/?token=secret", "http://a b"} {
		if err := Validate(endpoint); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", endpoint, err)
		}
	}
	for endpoint, want := range map[string]string{
		"http://collector:4318": "http://collector:4318/v1/traces", "https://collector/": "https://collector/v1/traces", "https://collector/otlp/v1/traces": "https://collector/otlp/v1/traces",
	} {
		if got, err := parse(endpoint); err != nil || got != want {
			t.Errorf("%s: %s, %v", endpoint, got, err)
		}
	}
}

// A collector gets the headers that it asks for, and what it refuses is an error without them.
func TestCollector_SendsHeaders(t *testing.T) {
	t.Setenv(headersVariable, "Authorization=Bearer%20secret, X-Tenant=media")
	collector := otlp.Start()
	defer collector.Close()
	tracer, err := New(t.Context(), Options{Endpoint: collector.URL, Service: "test", Log: testr.New(t)})
	if err != nil {
		t.Fatal(err)
	}
	tracer.RecordingEnded(Recording{}, &v1alpha1.ProcessingStatus{}, "", "", noon, noon)
	if err := tracer.provider.ForceFlush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := collector.Headers(); got.Get("Authorization") != "Bearer secret" || got.Get("X-Tenant") != "media" {
		t.Errorf("got headers %v", got)
	}
	refusing, err := newCollector(collector.URL+"/other", "Authorization=secret")
	if err != nil {
		t.Fatal(err)
	}
	if err := refusing.UploadTraces(t.Context(), nil); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
	for _, wrong := range []string{"secret", "=secret", "Authorization=%zzsecret"} {
		if _, err := newCollector(collector.URL, wrong); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", wrong, err)
		}
	}
}
