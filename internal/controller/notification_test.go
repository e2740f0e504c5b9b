// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	. "github.com/onsi/gomega"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// receivedEvent is what a sink took.
type receivedEvent struct{ id, kind, data string }

// sinkServer is a server that reads CloudEvents by the SDK, and verifies them by the Standard Webhooks library. The first part
// of a path is a namespace.
type sinkServer struct {
	*httptest.Server
	mu     sync.Mutex
	events map[string][]receivedEvent
	// away are the paths that are answered with 503.
	away map[string]bool
}

// eventSink is the server that the reconcilers may send to, and eventSinkPlain one without TLS.
var (
	eventSink      = newSink(httptest.NewTLSServer)
	eventSinkPlain = newSink(httptest.NewServer)
	signingKey     = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))
)

func newSink(start func(http.Handler) *httptest.Server) *sinkServer {
	s := &sinkServer{events: map[string][]receivedEvent{}, away: map[string]bool{}}
	s.Server = start(http.HandlerFunc(s.take))
	return s
}

func sinkRoots() *x509.CertPool {
	roots := x509.NewCertPool()
	roots.AddCert(eventSink.Certificate())
	return roots
}

func (s *sinkServer) take(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away[r.URL.Path] {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if strings.HasSuffix(r.URL.Path, "/signed") {
		hook, err := standardwebhooks.NewWebhook(signingKey)
		must(err)
		if err := hook.Verify(body, r.Header); err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	event, err := binding.ToEvent(r.Context(), cehttp.NewMessageFromHttpRequest(r))
	if err != nil || event.Validate() != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.events[r.URL.Path] = append(s.events[r.URL.Path], receivedEvent{event.ID(), event.Type(), string(event.Data())})
}

func (s *sinkServer) setAway(path string, away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away[path] = away
}

// kinds are the types of the events that came for a path, in their order; one that came again counts once.
func (s *sinkServer) kinds(path string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	kinds, seen := []string{}, map[string]bool{}
	for _, event := range s.events[path] {
		if !seen[event.id] {
			kinds = append(kinds, strings.TrimSuffix(strings.TrimPrefix(event.kind, "dev.sparkrtc.recording."), ".v1"))
		}
		seen[event.id] = true
	}
	return kinds
}

// runs are the numbers of the runs that were reported, in their order.
func (s *sinkServer) runs(path string) []string {
	var runs []string
	for _, found := range regexp.MustCompile(`"run":([0-9]+)`).FindAllStringSubmatch(s.data(path), -1) {
		runs = append(runs, found[1])
	}
	return slices.Compact(runs) // one that came again
}

func (s *sinkServer) data(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all strings.Builder
	for _, event := range s.events[path] {
		all.WriteString(event.data)
	}
	return all.String()
}

// notify adds a notification of all events to the source classroom.
func notify(t *testing.T, namespace, name, uri string, change func(*v1alpha1.Notification)) {
	t.Helper()
	added := v1alpha1.Notification{Name: name, Sink: v1alpha1.NotificationSink{URI: uri, Mode: v1alpha1.SinkStructured}, Events: []v1alpha1.NotificationEvent{
		v1alpha1.EventFileRecorded, v1alpha1.EventFileReady, v1alpha1.EventFileFailed, v1alpha1.EventStepFinished, v1alpha1.EventTaskEnded}}
	if change != nil {
		change(&added)
	}
	source := &v1alpha1.RecordingSource{}
	if err := k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "classroom"}, source); err != nil {
		t.Fatal(err)
	}
	patch := client.MergeFrom(source.DeepCopy())
	source.Spec.Notifications = append(source.Spec.Notifications, added)
	if err := k8s.Patch(t.Context(), source, patch); err != nil {
		t.Fatal(err)
	}
}

// deliveredCondition is NotificationsDelivered of the source classroom.
func deliveredCondition(t *testing.T, g Gomega, namespace string) *metav1.Condition {
	t.Helper()
	source := &v1alpha1.RecordingSource{}
	g.Expect(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "classroom"}, source)).To(Succeed())
	condition := meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionNotificationsDelivered)
	g.Expect(condition).NotTo(BeNil())
	return condition
}

// TestNotifications_TellOfAFile from its callback to the end of its steps, to whom they concern, signed, in either mode.
func TestNotifications_TellOfAFile(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	create(t, &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "signing"}, StringData: map[string]string{"key": signingKey + "\n"}})
	all, plain, other := "/"+namespace+"/signed", "/"+namespace+"/plain", "/"+namespace+"/other"
	notify(t, namespace, "all", eventSink.URL+all, func(to *v1alpha1.Notification) {
		to.Signing = &v1alpha1.NotificationSigning{SecretRef: v1alpha1.SecretKeyReference{Name: "signing", Key: "key"}}
	})
	notify(t, namespace, "plain", eventSinkPlain.URL+plain, func(to *v1alpha1.Notification) {
		to.Sink.Mode, to.Events, to.When = v1alpha1.SinkBinary, []v1alpha1.NotificationEvent{v1alpha1.EventFileReady}, "recording.room == 'room'"
	})
	notify(t, namespace, "other", eventSink.URL+other, func(to *v1alpha1.Notification) { to.When = "recording.room == 'other'" })
	waitForSource(t, g, namespace)
	create(t, recordingFile(namespace, recorded()))
	succeedStep(t, g, namespace, "mp4")
	succeedStep(t, g, namespace, "keep")
	fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)

	g.Eventually(func() []string { return eventSink.kinds(all) }, timeout, poll).Should(Equal([]string{"file.recorded", "step.finished", "step.finished", "file.ready"}))
	g.Eventually(func() []string { return eventSinkPlain.kinds(plain) }, timeout, poll).Should(Equal([]string{"file.ready"}))
	g.Expect(eventSink.data(all)).To(And(ContainSubstring(`"room":"room"`), ContainSubstring(`"name":"keep","state":"Succeeded"`)))
	g.Eventually(func(g Gomega) {
		g.Expect(fileWith(t, g, namespace, v1alpha1.ReasonSucceeded).Status.Notifications).To(BeEmpty())
		g.Expect(deliveredCondition(t, g, namespace).Status).To(Equal(metav1.ConditionTrue))
	}, timeout, poll).Should(Succeed())
	g.Expect(eventSink.kinds(other)).To(BeEmpty())
}

// TestNotifications_TellWhatAPersonDecided: a step of kind approve finishes as others do.
func TestNotifications_TellWhatAPersonDecided(t *testing.T) {
	for decision, want := range map[v1alpha1.ApprovalDecision]struct {
		status, kind, step string
	}{
		v1alpha1.DecisionApprove: {v1alpha1.ReasonSucceeded, "file.ready", `"step":{"name":"release","state":"Succeeded","reason":"Approved"}`},
		v1alpha1.DecisionReject:  {v1alpha1.ReasonFailed, "file.failed", `"step":{"name":"release","state":"Failed","reason":"Rejected"}`},
	} {
		t.Run(string(decision), func(t *testing.T) {
			g := NewWithT(t)
			question := released(v1alpha1.Approve{})[1]
			question.DependsOn = nil
			namespace := classroom(t, question)
			path := "/" + namespace + "/decided"
			notify(t, namespace, "decided", eventSink.URL+path, nil)
			waitForSource(t, g, namespace)
			create(t, recordingFile(namespace, recorded()))
			decide(t, g, fileWith(t, g, namespace, v1alpha1.ReasonWaitingForApproval), v1alpha1.Approval{Step: "release", Run: 1, By: "alice", Decision: decision})
			fileWith(t, g, namespace, want.status)
			g.Eventually(func() []string { return eventSink.kinds(path) }, timeout, poll).Should(Equal([]string{"file.recorded", "step.finished", want.kind}))
			g.Expect(eventSink.data(path)).To(And(ContainSubstring(want.step), Not(ContainSubstring("alice"))))
		})
	}
}

// TestNotifications_TellEachRunInItsTurn: a run that was reported to be too short ends, and is reported, with its number, before
// the next one is. A run that is stopped, since the recording has grown, has no end to report.
func TestNotifications_TellEachRunInItsTurn(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t, oneStep())
	path := "/" + namespace + "/runs"
	notify(t, namespace, "runs", eventSink.URL+path, func(to *v1alpha1.Notification) {
		to.Events = []v1alpha1.NotificationEvent{v1alpha1.EventFileReady, v1alpha1.EventFileFailed}
	})
	waitForSource(t, g, namespace)
	request(t, namespace, "a.m3u8")
	first := jobOf(t, g, namespace, "keep")
	report(t, namespace, "a.m3u8", 600)
	fail(t, first, workerapi.ReasonFramesMissing, "frames 3 to 9 are missing")
	onlyFile(t, g, namespace, v1alpha1.ReasonProcessing, 2)

	report(t, namespace, "a.m3u8", 900)
	g.Eventually(func(g Gomega) {
		second := jobOfRun(t, g, namespace, "2")
		g.Expect(second.DeletionTimestamp).NotTo(BeNil())
		g.Expect(k8s.Patch(t.Context(), second, client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`)))).To(Succeed(), "its pods are gone")
	}, timeout, poll).Should(Succeed())
	var third *batchv1.Job
	g.Eventually(func(g Gomega) { third = jobOfRun(t, g, namespace, "3") }, timeout, poll).Should(Succeed())
	succeed(t, third, "s3://archive/x/a.m3u8")
	onlyFile(t, g, namespace, v1alpha1.ReasonSucceeded, 3)
	g.Eventually(func() []string { return eventSink.kinds(path) }, timeout, poll).Should(Equal([]string{"file.failed", "file.ready"}))
	g.Expect(eventSink.runs(path)).To(Equal([]string{"1", "3"}))
}

// TestNotifications_WaitForASinkThatIsAway, in the status of a file that is done, which the cache does not hold: the file is
// found by the walk, and what waits for one sink does not keep another from its events.
func TestNotifications_WaitForASinkThatIsAway(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	away, there := "/"+namespace+"/away", "/"+namespace+"/there"
	eventSink.setAway(away, true)
	notify(t, namespace, "away", eventSink.URL+away, nil)
	notify(t, namespace, "there", eventSink.URL+there, nil)
	waitForSource(t, g, namespace)
	create(t, recordingFile(namespace, recorded()))
	succeedStep(t, g, namespace, "mp4")
	succeedStep(t, g, namespace, "keep")
	whole := []string{"file.recorded", "step.finished", "step.finished", "file.ready"}
	g.Eventually(func() []string { return eventSink.kinds(there) }, timeout, poll).Should(Equal(whole))

	g.Eventually(func(g Gomega) {
		file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
		g.Expect(file.Status.Done).To(BeTrue(), "a sink that is away keeps nothing in the cache")
		g.Expect(file.Status.Notifications).To(HaveLen(4))
		g.Expect(file.Status.Notifications[3].To).To(Equal([]string{"away"}))
		condition := deliveredCondition(t, g, namespace)
		g.Expect(condition.Reason).To(Equal(v1alpha1.ReasonSinkRefused))
		g.Expect(condition.Message).To(And(ContainSubstring("(away)"), ContainSubstring("HTTP 503")))
	}, timeout, poll).Should(Succeed())
	g.Expect(eventSink.kinds(away)).To(BeEmpty())

	eventSink.setAway(away, false)
	g.Eventually(func() []string { return eventSink.kinds(away) }, 2*timeout, poll).Should(Equal(whole))
	g.Eventually(func(g Gomega) {
		g.Expect(fileWith(t, g, namespace, v1alpha1.ReasonSucceeded).Status.Notifications).To(BeEmpty())
	}, timeout, poll).Should(Succeed())
}

// TestNotifications_OfWhatIsDoneAreFoundByTheWalk: a manager that starts finds what waits in files that are in no cache.
func TestNotifications_OfWhatIsDoneAreFoundByTheWalk(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	path := "/" + namespace + "/late"
	create(t, recordingFile(namespace, recorded()))
	succeedStep(t, g, namespace, "mp4")
	succeedStep(t, g, namespace, "keep")
	file := fileWith(t, g, namespace, v1alpha1.ReasonSucceeded)
	notify(t, namespace, "late", eventSink.URL+path, nil)
	waitForSource(t, g, namespace)
	g.Expect(eventSink.kinds(path)).To(BeEmpty(), "a notification does not report what was before it")

	// As a manager leaves it that is killed after the write.
	patch := client.MergeFrom(file.DeepCopy())
	file.Status.Notifications = []v1alpha1.WaitingNotification{{Event: v1alpha1.EventFileReady, To: []string{"late"}, Time: metav1.NowMicro(), Run: 1, Reason: "Succeeded"}}
	g.Expect(k8s.Status().Patch(t.Context(), file, patch)).To(Succeed())
	walk.Soon()
	g.Eventually(func() []string { return eventSink.kinds(path) }, timeout, poll).Should(Equal([]string{"file.ready"}))
}

// TestNotifications_TellOfATask that the service reported the end of.
func TestNotifications_TellOfATask(t *testing.T) {
	g := NewWithT(t)
	namespace := classroom(t)
	path := "/" + namespace + "/tasks"
	notify(t, namespace, "tasks", eventSink.URL+path, func(to *v1alpha1.Notification) { to.Events = []v1alpha1.NotificationEvent{v1alpha1.EventTaskEnded} })
	waitForSource(t, g, namespace)
	task := &v1alpha1.RecordingTask{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "task"},
		Spec: v1alpha1.RecordingTaskSpec{SourceRef: v1alpha1.LocalReference{Name: "classroom"}, TaskID: "job", Ended: true}}
	create(t, task)
	g.Eventually(func() []string { return eventSink.kinds(path) }, timeout, poll).Should(Equal([]string{"task.ended"}))
	g.Expect(eventSink.data(path)).To(ContainSubstring(`"taskIDs":["job"]`))
	g.Eventually(func(g Gomega) {
		g.Expect(k8s.Get(t.Context(), client.ObjectKeyFromObject(task), task)).To(Succeed())
		g.Expect(task.Status.Notifications).To(BeEmpty())
	}, timeout, poll).Should(Succeed())
}

// jobOfRun is the one Job of a run.
func jobOfRun(t *testing.T, g Gomega, namespace, run string) *batchv1.Job {
	t.Helper()
	jobs := slices.DeleteFunc(jobsOf(t, namespace, "keep"), func(job batchv1.Job) bool { return job.Annotations[v1alpha1.AnnotationRun] != run })
	g.Expect(jobs).To(HaveLen(1))
	return &jobs[0]
}

// succeedStep ends the Job of a step.
func succeedStep(t *testing.T, g Gomega, namespace, step string) {
	t.Helper()
	succeed(t, jobOf(t, g, namespace, step), "s3://archive/"+step+".mp4")
}

// waitForSource waits until the cache has the source with its notifications.
func waitForSource(t *testing.T, g Gomega, namespace string) {
	t.Helper()
	g.Eventually(func(g Gomega) { deliveredCondition(t, g, namespace) }, timeout, poll).Should(Succeed())
}
