// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/queue"
)

// world is an API server and a reconciler of its own.
type world struct {
	client.WithWatch
	r        *Reconciler
	clock    *clocktesting.FakeClock
	events   *events.FakeRecorder
	registry *prometheus.Registry
	// gets counts reads of files, and beforePatch is called before a status is written.
	gets        atomic.Int32
	beforePatch func() error
}

// newWorld has a reconciler that may send to the hosts, over HTTP.
func newWorld(t *testing.T, hosts []string, objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{clock: clocktesting.NewFakeClock(noon), events: events.NewFakeRecorder(100), registry: prometheus.NewRegistry()}
	w.WithWatch = interceptor.NewClient(fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).
		WithStatusSubresource(&v1alpha1.RecordingFile{}, &v1alpha1.RecordingTask{}, &v1alpha1.RecordingSource{}).Build(), interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
			if _, ok := object.(*v1alpha1.RecordingFile); ok {
				w.gets.Add(1)
			}
			return c.Get(ctx, key, object, options...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			if before := w.beforePatch; before != nil {
				if err := before(); err != nil {
					return err
				}
			}
			return c.SubResource(sub).Patch(ctx, object, patch, options...)
		},
	})
	collectors, err := metrics.New(w.registry, w.clock)
	if err != nil {
		t.Fatal(err)
	}
	router, err := expression.NewRouter()
	if err != nil {
		t.Fatal(err)
	}
	allowed, err := ParseHosts(hosts)
	if err != nil {
		t.Fatal(err)
	}
	w.r = New(Config{Client: w, Live: w, Recorder: w.events, Metrics: collectors, Router: router, Clock: w.clock, Hosts: allowed,
		Sender: NewSender(nil, nil, clock.RealClock{})})
	// Nobody reconciles sources; what is offered is taken.
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	go func() {
		for ctx.Err() == nil {
			select {
			case <-w.r.sources:
			case <-ctx.Done():
			}
		}
	}()
	return w
}

// look reconciles a file once.
func (w *world) look(t *testing.T, namespace, name string) ctrl.Result {
	t.Helper()
	result, err := w.r.files.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: namespace, Name: name}})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func (w *world) file(t *testing.T, namespace, name string) *v1alpha1.RecordingFile {
	t.Helper()
	file := &v1alpha1.RecordingFile{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, file); err != nil {
		t.Fatal(err)
	}
	return file
}

func (w *world) counted(t *testing.T, outcome string) float64 {
	t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() != "recording_notifications_total" {
			continue
		}
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				if label.GetName() == "outcome" && label.GetValue() == outcome {
					return metric.GetCounter().GetValue()
				}
			}
		}
	}
	return 0
}

// sourceTo has one notification, to a sink.
func sourceTo(namespace, uri string) *v1alpha1.RecordingSource {
	source := &v1alpha1.RecordingSource{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "classroom", Generation: 1}}
	one := to("lms", allOfFile...)
	one.Sink.URI = uri
	source.Spec.Notifications = []v1alpha1.Notification{one}
	return source
}

// fileWith has events that wait for the notification lms.
func fileWith(namespace, name string, at time.Time, events ...v1alpha1.NotificationEvent) *v1alpha1.RecordingFile {
	file := lecture()
	file.Namespace, file.Name = namespace, name
	for _, event := range events {
		file.Status.Notifications = append(file.Status.Notifications, Waiting{Event: event, To: []string{"lms"}, Time: metav1.NewMicroTime(at), Run: 1})
	}
	return file
}

// server is a sink without TLS that remembers the IDs of what it took.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	taken []string
	// tried are the IDs of all requests, those of one event once for each attempt.
	tried []string
	// status of responses; 0: it takes what comes.
	status atomic.Int32
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.tried = append(s.tried, r.Header.Get("Ce-Id"))
		if status := s.status.Load(); status != 0 {
			w.WriteHeader(int(status))
			return
		}
		s.taken = append(s.taken, r.Header.Get("Webhook-Id")+r.Header.Get("Ce-Type"))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) ids() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.taken...)
}

// binary is a source whose sink is a server.
func binary(namespace string, s *server) *v1alpha1.RecordingSource {
	source := sourceTo(namespace, s.URL)
	source.Spec.Notifications[0].Sink.Mode = v1alpha1.SinkBinary
	return source
}

// TestReconciler_SendsAndRemoves what waits, in order, in one look and with one write, and keeps no name afterwards.
func TestReconciler_SendsAndRemoves(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	w := newWorld(t, []string{sink.URL}, binary("media", sink), fileWith("media", "a", noon, v1alpha1.EventFileRecorded, v1alpha1.EventFileReady))
	writes := 0
	w.beforePatch = func() error { writes++; return nil }
	w.r.Offer(canceled(), w.file(t, "media", "a"))
	g.Expect(w.look(t, "media", "a")).To(BeZero())
	g.Expect(sink.ids()).To(Equal([]string{"dev.sparkrtc.recording.file.recorded.v1", "dev.sparkrtc.recording.file.ready.v1"}))
	g.Expect(w.file(t, "media", "a").Status.Notifications).To(BeEmpty())
	g.Expect(writes).To(Equal(1))
	g.Expect(w.counted(t, "delivered")).To(Equal(2.0))
	g.Expect(w.r.files.subjects.namespaces).To(BeEmpty())
}

// canceled ends offers at once: no controller runs.
func canceled() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// TestReconciler_ConflictsSendNothingTwice: somebody else writes the status meanwhile, again and again, and adds an event.
func TestReconciler_ConflictsSendNothingTwice(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	w := newWorld(t, []string{sink.URL}, binary("media", sink), fileWith("media", "a", noon, v1alpha1.EventFileRecorded))
	conflicts := 0
	w.beforePatch = func() error {
		if conflicts++; conflicts > writeAttempts+2 {
			return nil
		}
		if conflicts == 1 {
			w.beforePatch, conflicts = nil, 1
			file := w.file(t, "media", "a")
			file.Status.Notifications = append(file.Status.Notifications, Waiting{Event: v1alpha1.EventFileReady, To: []string{"lms"}, Time: metav1.NewMicroTime(noon), Run: 1})
			if err := w.Status().Update(t.Context(), file); err != nil {
				return err
			}
			w.beforePatch = func() error {
				if conflicts++; conflicts > writeAttempts+2 {
					return nil
				}
				return apierrors.NewConflict(schema.GroupResource{}, "a", errors.New("changed"))
			}
		}
		return apierrors.NewConflict(schema.GroupResource{}, "a", errors.New("changed"))
	}
	g.Expect(w.look(t, "media", "a").RequeueAfter).To(Equal(patch.ConflictDelay))
	for range 3 {
		w.look(t, "media", "a")
	}
	g.Expect(sink.ids()).To(Equal([]string{"dev.sparkrtc.recording.file.recorded.v1", "dev.sparkrtc.recording.file.ready.v1"}))
	g.Expect(w.file(t, "media", "a").Status.Notifications).To(BeEmpty())
}

// TestReconciler_WaitingReadsNothing: while a sink is away, the objects that wait for it are not read, and one event at a time
// tries it.
func TestReconciler_WaitingReadsNothing(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	sink.status.Store(http.StatusServiceUnavailable)
	w := newWorld(t, []string{sink.URL}, binary("media", sink), fileWith("media", "a", noon, v1alpha1.EventFileReady), fileWith("media", "b", noon, v1alpha1.EventFileReady))
	first := w.look(t, "media", "a").RequeueAfter
	g.Expect(first).To(BeNumerically(">=", firstBackoff))
	g.Expect(w.look(t, "media", "b").RequeueAfter).To(Equal(firstBackoff))
	g.Expect(w.counted(t, "failed")).To(Equal(1.0), "the sink is known to be away")
	reads := w.gets.Load()
	for range 100 {
		w.look(t, "media", "a")
		w.look(t, "media", "b")
	}
	g.Expect(w.gets.Load()).To(Equal(reads))

	sink.status.Store(0)
	w.clock.Step(first)
	g.Expect(w.look(t, "media", "b")).To(BeZero())
	g.Expect(w.look(t, "media", "a")).To(BeZero())
	g.Expect(sink.ids()).To(HaveLen(2))
}

// TestReconciler_GivesUpAfterADay, and says so on the source.
func TestReconciler_GivesUpAfterADay(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	sink.status.Store(http.StatusInternalServerError)
	w := newWorld(t, []string{sink.URL}, binary("media", sink), fileWith("media", "a", noon, v1alpha1.EventFileReady))
	looks := 0
	for ; w.clock.Since(noon) <= keepTrying; looks++ {
		g.Expect(w.file(t, "media", "a").Status.Notifications).To(HaveLen(1))
		w.clock.Step(w.look(t, "media", "a").RequeueAfter)
	}
	g.Expect(looks).To(BeNumerically("<", 170))
	w.look(t, "media", "a")
	g.Expect(w.file(t, "media", "a").Status.Notifications).To(BeEmpty())
	g.Expect(w.events.Events).To(Receive(And(ContainSubstring("NotificationGivenUp"), ContainSubstring(`"lms": FileReady of a`), ContainSubstring("HTTP 500"))))
	g.Expect(w.counted(t, "given_up")).To(Equal(1.0))
}

// TestReconciler_SendsLateEventsOnce: the manager was away for more than a day.
func TestReconciler_SendsLateEventsOnce(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	w := newWorld(t, []string{sink.URL}, binary("media", sink), fileWith("media", "a", noon.Add(-48*time.Hour), v1alpha1.EventFileReady))
	w.look(t, "media", "a")
	g.Expect(sink.ids()).To(HaveLen(1))
}

// TestReconciler_CancelsWhatNobodyAsksFor: the notification, the source or the object is gone.
func TestReconciler_CancelsWhatNobodyAsksFor(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	other := binary("media", sink)
	other.Spec.Notifications[0].Name = "other"
	w := newWorld(t, []string{sink.URL}, other, fileWith("media", "a", noon, v1alpha1.EventFileReady), fileWith("gone", "a", noon, v1alpha1.EventFileReady))
	for _, namespace := range []string{"media", "gone"} {
		g.Expect(w.look(t, namespace, "a")).To(BeZero())
		g.Expect(w.file(t, namespace, "a").Status.Notifications).To(BeEmpty())
	}
	g.Expect(w.look(t, "media", "none")).To(BeZero())
	g.Expect(sink.ids()).To(BeEmpty())
	g.Expect(w.r.files.subjects.namespaces).To(BeEmpty())
}

// TestReconciler_HangingSinksOfOneNamespaceDelayNoOther: more objects wait for sinks that hang than there are workers.
func TestReconciler_HangingSinksOfOneNamespaceDelayNoOther(t *testing.T) {
	g := NewWithT(t)
	release, asked := make(chan struct{}), make(chan struct{}, 100)
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked <- struct{}{}; <-release }))
	t.Cleanup(hanging.Close)
	sink := serve(t)
	objects := []client.Object{sourceTo("hanging", hanging.URL), binary("quiet", sink), fileWith("quiet", "a", noon, v1alpha1.EventFileReady)}
	names := strings.Split("abcdefgh", "")
	for _, name := range names {
		objects = append(objects, fileWith("hanging", name, noon, v1alpha1.EventFileReady))
	}
	w := newWorld(t, []string{hanging.URL, sink.URL}, objects...)
	options := queue.Fair(concurrency, share)
	waiting := options.NewQueue("", workqueue.DefaultTypedControllerRateLimiter[ctrl.Request]())
	done := make(chan ctrl.Request, len(objects))
	var workers sync.WaitGroup
	for range options.MaxConcurrentReconciles {
		workers.Go(func() {
			for item, down := waiting.Get(); !down; item, down = waiting.Get() {
				_, _ = w.r.files.Reconcile(context.Background(), item)
				waiting.Done(item)
				done <- item
			}
		})
	}
	defer workers.Wait()
	defer waiting.ShutDown()
	defer close(release)
	for _, name := range names {
		waiting.Add(request("hanging", name))
	}
	for range share {
		g.Eventually(asked, 10*time.Second).Should(Receive())
	}
	waiting.Add(request("quiet", "a"))
	g.Eventually(done, 10*time.Second).Should(Receive(Equal(request("quiet", "a"))))
	g.Expect(asked).NotTo(Receive(), "a namespace has no more than its share")
	g.Expect(sink.ids()).To(HaveLen(1))
}

func request(namespace, name string) ctrl.Request {
	return ctrl.Request{NamespacedName: client.ObjectKey{Namespace: namespace, Name: name}}
}

// TestReconciler_ComesBackForWhatFoundNoRoom: more objects wait than are kept in mind; the walk is asked for when half of
// them are done with.
func TestReconciler_ComesBackForWhatFoundNoRoom(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	w := newWorld(t, []string{sink.URL}, binary("media", sink))
	refills := 0
	w.r.RefillWith(func() { refills++ })
	for i := range maxSubjects + 1 {
		file := fileWith("media", named("media", i).Name, noon, v1alpha1.EventFileReady)
		g.Expect(w.Create(t.Context(), file)).To(Succeed())
		g.Expect(w.r.files.changed(t.Context(), file)).To(HaveLen(min(1, maxSubjects-min(i, maxSubjects))))
	}
	for i := range maxSubjects {
		w.look(t, "media", named("media", i).Name)
	}
	g.Expect(refills).To(Equal(1))
	g.Expect(w.r.files.subjects.namespaces).To(BeEmpty())
}

// TestReconciler_CorrectedSinkIsTriedAtOnce: what waits for a wrong address does not go on waiting when it is corrected.
func TestReconciler_CorrectedSinkIsTriedAtOnce(t *testing.T) {
	g := NewWithT(t)
	wrong, right := serve(t), serve(t)
	wrong.status.Store(http.StatusNotFound)
	source := binary("media", wrong)
	w := newWorld(t, []string{wrong.URL, right.URL}, source, fileWith("media", "a", noon, v1alpha1.EventFileReady))
	g.Expect(w.look(t, "media", "a").RequeueAfter).NotTo(BeZero())
	g.Expect(w.Get(t.Context(), client.ObjectKeyFromObject(source), source)).To(Succeed())
	source.Spec.Notifications[0].Sink.URI = right.URL
	g.Expect(w.Update(t.Context(), source)).To(Succeed())
	g.Expect(w.r.files.ofSource(t.Context(), source)).To(HaveLen(1))
	g.Expect(w.look(t, "media", "a")).To(BeZero())
	g.Expect(right.ids()).To(HaveLen(1))
}
