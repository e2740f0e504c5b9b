// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/notification"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/progress"
	"sparkrtc.dev/recording-operator/internal/scheduler"
	"sparkrtc.dev/recording-operator/internal/slim"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/otlp"
	"sparkrtc.dev/recording-operator/internal/tracing"
)

// The tests of this package share one real API server. There is no Job controller in it: a test plays the kubelet and
// the Job controller by writing their statuses.
var (
	k8s client.Client
	// files is the file reconciler of the manager, to be copied with another clock; ingester writes as callbacks do.
	files      FileReconciler
	ingester   *ingest.Ingester
	registry   = prometheus.NewRegistry()
	namespaces atomic.Int32
	// statusPatches counts what the file reconciler wrote, by object.
	statusPatches = newCounter()
	// adminKubeconfig is for kubectl.
	adminKubeconfig []byte
	// probeError is what the stand-in for a bucket answers.
	probeError atomic.Pointer[error]
	// tasks is the task reconciler of the manager, and taskClock its clock.
	tasks     TaskReconciler
	taskClock = &offsetClock{}
	// slots say which steps may start.
	slots *StepSlots
	// traces are those of the file reconciler.
	traces *otlp.Collector
	// walk visits what is done, by walkClock.
	walk      *Walk
	walkClock = &offsetClock{}
)

const (
	timeout = 20 * time.Second
	poll    = 20 * time.Millisecond
	// maxActivePerNamespace is more than any test needs that is not about it.
	maxActivePerNamespace = 20
)

func TestMain(m *testing.M) {
	apiserver.Main(func(server *apiserver.Server) {
		k8s, adminKubeconfig = server.Client, server.KubeConfig
		ctx, cancel := context.WithCancel(context.Background())
		stopped := startManager(ctx, server)
		m.Run()
		cancel()
		<-stopped
	})
}

// startManager runs the reconcilers as cmd/manager does, but for the bucket that answers.
func startManager(ctx context.Context, server *apiserver.Server) <-chan struct{} {
	mgr, err := ctrl.NewManager(server.Config, ctrl.Options{
		Scheme:     server.Scheme,
		Cache:      cache.Options{DefaultTransform: slim.Object, ByObject: CacheByObject(), ReaderFailOnMissingInformer: true},
		Metrics:    metricsserver.Options{BindAddress: "0"},
		Controller: config.Controller{SkipNameValidation: new(true)},
	})
	must(err)
	must(SetupCache(ctx, mgr.GetCache()))
	collectors, err := metrics.New(registry, clock.RealClock{})
	must(err)
	must(WatchMetrics(ctx, mgr.GetCache(), collectors))
	router, err := expression.NewRouter()
	must(err)
	conditions, err := expression.NewConditions()
	must(err)
	recorder := mgr.GetEventRecorder("test")
	board := progress.NewBoard()
	counted := statusPatches.wrap(mgr.GetClient())
	wake, taskFiles := NewWake(), &TaskFiles{}
	watcher, err := client.NewWithWatch(server.Config, client.Options{Scheme: server.Scheme})
	must(err)
	hosts, err := notification.ParseHosts([]string{eventSink.Listener.Addr().String(), "http://" + eventSinkPlain.Listener.Addr().String()})
	must(err)
	notifications := notification.New(notification.Config{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, Metrics: collectors,
		Router: router, Clock: clock.RealClock{}, Hosts: hosts, Sender: notification.NewSender(nil, sinkRoots(), clock.RealClock{})})
	must(notifications.SetupWithManager(mgr))
	walk = NewWalk(Walk{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Clock: walkClock, Metrics: collectors, Wake: wake, TaskFiles: taskFiles,
		Notifications: notifications})
	must(mgr.Add(walk))
	must(mgr.Add(&DoneWatch{Client: watcher, Clock: clock.RealClock{}, Wake: wake, Walk: walk}))
	slots = NewStepSlots(scheduler.Limits{MaxActivePerNamespace: maxActivePerNamespace}, mgr.GetClient(), mgr.GetAPIReader(), clock.RealClock{}, nil)
	must(slots.Watch(ctx, mgr.GetCache()))
	traces = otlp.Start()
	tracer, err := tracing.New(ctx, tracing.Options{Endpoint: traces.URL, Service: "test"})
	must(err)
	must(mgr.Add(tracer))
	files = FileReconciler{Client: counted, Traces: tracer, Live: mgr.GetAPIReader(), Recorder: recorder, Metrics: collectors, Router: router,
		Conditions: conditions, Wake: wake, TaskFiles: taskFiles, Slots: slots, Progress: board,
		Clock: clock.RealClock{}, WorkerImage: "worker:test", TriggerImage: "trigger:test", Concurrency: 4}
	must(files.SetupWithManager(mgr))
	must(mgr.Add(&Progress{Client: mgr.GetClient(), Asker: progress.NewAsker(nil, workers.port), Board: board, Clock: clock.RealClock{}, Wake: wake}))
	ingester = ingest.New(mgr.GetClient(), mgr.GetAPIReader(), ingest.Options{})
	tasks = TaskReconciler{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, Clock: taskClock, Wake: wake, TaskFiles: taskFiles, Router: router}
	must(tasks.SetupWithManager(mgr))
	must((&SourceReconciler{Client: mgr.GetClient(), Secrets: mgr.GetAPIReader(), Recorder: recorder,
		Router: router, Clock: clock.RealClock{}}).SetupWithManager(mgr))
	must((&PipelineReconciler{Client: mgr.GetClient(), Recorder: recorder, Conditions: conditions, Clock: clock.RealClock{}}).SetupWithManager(mgr))
	must((&StorageReconciler{Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, Clock: clock.RealClock{},
		Probe: func(context.Context, *v1alpha1.S3Location, objectstore.Access) error {
			if err := probeError.Load(); err != nil {
				return *err
			}
			return nil
		}}).SetupWithManager(mgr))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		must(mgr.Start(ctx))
		traces.Close()
	}()
	return stopped
}

// offsetClock is the real clock, ahead of it by so much.
type offsetClock struct {
	clock.RealClock
	ahead atomic.Int64
}

func (c *offsetClock) Now() time.Time { return c.RealClock.Now().Add(time.Duration(c.ahead.Load())) }

func (c *offsetClock) Since(at time.Time) time.Duration { return c.Now().Sub(at) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// newNamespace is a namespace of the test's own.
func newNamespace(t *testing.T) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("test-%d", namespaces.Add(1))}}
	if err := k8s.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

func create(t *testing.T, objects ...client.Object) {
	t.Helper()
	for _, object := range objects {
		if err := k8s.Create(t.Context(), object); err != nil {
			t.Fatalf("create %T %s: %v", object, object.GetName(), err)
		}
	}
}

func storage(namespace, name string) *v1alpha1.StorageLocation {
	return &v1alpha1.StorageLocation{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: v1alpha1.StorageLocationSpec{S3: &v1alpha1.S3Location{
			Provider: "Minio", Endpoint: "http://s3.example.com", Bucket: name,
			CredentialsSecretRef: v1alpha1.SecretReference{Name: "s3"},
		}},
	}
}

func output(path string) *v1alpha1.StepOutput {
	return &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: "archive"}, Path: path}
}

func lecturePipeline(namespace string, steps ...v1alpha1.Step) *v1alpha1.RecordingPipeline {
	return &v1alpha1.RecordingPipeline{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "lecture"},
		Spec:       v1alpha1.RecordingPipelineSpec{Steps: steps},
	}
}

func twoSteps() []v1alpha1.Step {
	return []v1alpha1.Step{
		{Name: "mp4", Transcode: &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}, Output: output("{file}/{step}/")},
		{Name: "keep", Archive: &v1alpha1.Archive{}, DependsOn: []string{"mp4"}, Output: output("{file}/{step}/")},
	}
}

func source(namespace string, routes ...v1alpha1.Route) *v1alpha1.RecordingSource {
	return &v1alpha1.RecordingSource{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "classroom"},
		Spec: v1alpha1.RecordingSourceSpec{
			Callback:   v1alpha1.CallbackSpec{Authentication: v1alpha1.AuthenticationNone},
			StorageRef: &v1alpha1.LocalReference{Name: "recordings"},
			Routes:     routes,
		},
	}
}

func toLecture(when string) v1alpha1.Route {
	return v1alpha1.Route{When: when, PipelineRef: v1alpha1.LocalReference{Name: "lecture"}}
}

func recorded() v1alpha1.RecordingFacts {
	end := metav1.NewTime(time.Date(2021, 4, 28, 8, 58, 2, 0, time.UTC))
	return v1alpha1.RecordingFacts{SizeBytes: 1000, DurationSeconds: 65, EndTime: &end, Width: 1280, Height: 720}
}

// recordingFile is one that the service reported, of a task that no START named.
func recordingFile(namespace string, facts v1alpha1.RecordingFacts) *v1alpha1.RecordingFile {
	return &v1alpha1.RecordingFile{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "lecture-1"},
		Spec: v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "a/a.m3u8"},
			TaskIDs: []string{"task"},
			Reported: &v1alpha1.ReportedRecording{RecordingFacts: facts,
				RecordingIdentity: v1alpha1.RecordingIdentity{App: "app", Room: "room", Stream: "stream", Format: "HLS"}},
		},
	}
}

// classroom is a namespace with everything that a file needs, but the file.
func classroom(t *testing.T, steps ...v1alpha1.Step) string {
	t.Helper()
	if len(steps) == 0 {
		steps = twoSteps()
	}
	namespace := newNamespace(t)
	create(t, storage(namespace, "recordings"), storage(namespace, "archive"), lecturePipeline(namespace, steps...), source(namespace, toLecture("")))
	return namespace
}

// statusOf is what kubectl get shows under STATUS.
func statusOf(file *v1alpha1.RecordingFile) string {
	if ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return ""
}

// fileWith waits until the file lecture-1 has the given status.
func fileWith(t *testing.T, g Gomega, namespace, status string) *v1alpha1.RecordingFile {
	t.Helper()
	file := &v1alpha1.RecordingFile{}
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lecture-1"}, file)).To(Succeed())
		g.Expect(statusOf(file)).To(Equal(status), "conditions: %+v", file.Status.Conditions)
	}, timeout, poll).Should(Succeed())
	return file
}

// stalledFile waits until the file is stalled for a reason. It may be for another one before: a cache may lack what was just created.
func stalledFile(t *testing.T, g Gomega, namespace, reason string) (*v1alpha1.RecordingFile, *metav1.Condition) {
	t.Helper()
	file := &v1alpha1.RecordingFile{}
	var stalled *metav1.Condition
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lecture-1"}, file)).To(Succeed())
		stalled = meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionStalled)
		g.Expect(stalled).NotTo(BeNil())
		g.Expect(stalled.Reason).To(Equal(reason))
	}, timeout, poll).Should(Succeed())
	return file, stalled
}

// jobsOf are the Jobs of a step that are not being deleted.
func jobsOf(t *testing.T, namespace, step string) []batchv1.Job {
	t.Helper()
	var list batchv1.JobList
	if err := k8s.List(t.Context(), &list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelStep: step}); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

// jobOf waits for the one Job of a step.
func jobOf(t *testing.T, g Gomega, namespace, step string) *batchv1.Job {
	t.Helper()
	var found batchv1.Job
	g.Eventually(func(g Gomega) {
		jobs := jobsOf(t, namespace, step)
		g.Expect(jobs).To(HaveLen(1))
		found = jobs[0]
	}, timeout, poll).Should(Succeed())
	return &found
}

// jobOfFile waits for the one Job of a file.
func jobOfFile(t *testing.T, g Gomega, namespace, file string) *batchv1.Job {
	t.Helper()
	var list batchv1.JobList
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.List(t.Context(), &list, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelFile: file})).To(Succeed())
		g.Expect(list.Items).To(HaveLen(1))
	}, timeout, poll).Should(Succeed())
	return &list.Items[0]
}

func requestOf(object client.Object) ctrl.Request {
	return ctrl.Request{NamespacedName: client.ObjectKeyFromObject(object)}
}

func durationOf(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }
