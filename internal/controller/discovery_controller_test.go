// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	testclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/discovery"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/s3server"
	workerstorage "sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// scanning is a source with discovery in a real bucket, with a clock of its own.
type scanning struct {
	*DiscoveryReconciler
	namespace string
	clock     *testclock.FakePassiveClock
	server    *s3server.Server
}

func startDiscovery(t *testing.T) *scanning {
	t.Helper()
	s := &scanning{namespace: newNamespace(t), clock: testclock.NewFakePassiveClock(time.Now()), server: s3server.Start(t, "recordings")}
	s.DiscoveryReconciler = &DiscoveryReconciler{Client: files.Client, Live: files.Live, Files: ingester, Recorder: files.Recorder, Metrics: files.Metrics, Clock: s.clock}
	create(t,
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "s3"}, StringData: map[string]string{
			v1alpha1.SecretKeyAccessKeyID: s3server.AccessKeyID, v1alpha1.SecretKeySecretAccessKey: s3server.SecretAccessKey + "\n"}},
		&v1alpha1.StorageLocation{ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: "recordings"},
			Spec: v1alpha1.StorageLocationSpec{S3: s.server.Location("recordings", "s3")}},
		scannedSource(s.namespace))
	return s
}

func scannedSource(namespace string) *v1alpha1.RecordingSource {
	minute := &metav1.Duration{Duration: time.Minute}
	scanned := source(namespace)
	scanned.Spec.Discovery = &v1alpha1.Discovery{Interval: minute, MinAge: minute}
	return scanned
}

func (s *scanning) source(t *testing.T) *v1alpha1.RecordingSource {
	t.Helper()
	found := &v1alpha1.RecordingSource{}
	if err := k8s.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "classroom"}, found); err != nil {
		t.Fatal(err)
	}
	return found
}

// reconcile reconciles the source as it is, and gives it as it is then.
func (s *scanning) reconcile(t *testing.T, g Gomega) *v1alpha1.RecordingSource {
	t.Helper()
	key := client.ObjectKey{Namespace: s.namespace, Name: "classroom"}
	g.Eventually(func(g Gomega) { // the cache has seen what is there
		cached := &v1alpha1.RecordingSource{}
		g.Expect(s.Client.Get(t.Context(), key, cached)).To(Succeed())
		g.Expect(cached.ResourceVersion).To(Equal(s.source(t).ResourceVersion))
		location := &v1alpha1.StorageLocation{}
		g.Expect(s.Client.Get(t.Context(), client.ObjectKey{Namespace: s.namespace, Name: "recordings"}, location)).To(Succeed())
	}, timeout, poll).Should(Succeed())
	result, err := s.Reconcile(t.Context(), ctrl.Request{NamespacedName: key})
	g.Expect(err).NotTo(HaveOccurred())
	scanned := s.source(t)
	if scanned.Spec.Discovery != nil {
		g.Expect(result.RequeueAfter).To(BeNumerically(">", 0))
	}
	return scanned
}

// files are the RecordingFiles of the namespace by object.
func (s *scanning) files(t *testing.T, g Gomega, count int) map[string]v1alpha1.RecordingFile {
	t.Helper()
	var list v1alpha1.RecordingFileList
	g.Expect(k8s.List(t.Context(), &list, client.InNamespace(s.namespace))).To(Succeed())
	found := map[string]v1alpha1.RecordingFile{}
	for _, file := range list.Items {
		found[file.Spec.Object.Key] = file
	}
	g.Expect(list.Items).To(HaveLen(count))
	g.Expect(found).To(HaveLen(count), "an object has two files")
	return found
}

// record writes a recording of so many segments of ten seconds and 100 bytes.
func (s *scanning) record(t *testing.T, key string, segments int, at time.Time) {
	t.Helper()
	playlist := "#EXTM3U\n#EXT-X-TARGETDURATION:10\n"
	for i := range segments {
		playlist += fmt.Sprintf("#EXTINF:10,\ns%d.ts\n", i)
		s.server.Put(t, "recordings", filepath.Dir(key)+fmt.Sprintf("/s%d.ts", i), make([]byte, 100), at, nil)
	}
	s.server.Put(t, "recordings", key, []byte(playlist+"#EXT-X-ENDLIST\n"), at, nil)
}

func (s *scanning) complete(t *testing.T, object string) ingest.Result {
	t.Helper()
	result, err := ingester.Ingest(t.Context(), ingest.Delivery{Namespace: s.namespace, Source: "classroom", Digest: "d",
		Event: sparkrtc.Event{Type: sparkrtc.Complete, AppID: "app", TaskID: "task", RoomID: "room", StreamName: "stream", Format: "HLS",
			File: sparkrtc.File{Bucket: "recordings", Object: object, SizeBytes: 200, DurationSeconds: 20}}})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// From an object without a callback to a RecordingFile, with everything that a bucket holds beside it.
func TestDiscovery_FindsLostRecordings(t *testing.T) {
	g := NewWithT(t)
	s := startDiscovery(t)
	since := s.clock.Now().UTC().Truncate(time.Second)
	lost, known := "live/lost_2021-04-28-08-57-07/lost_2021-04-28-08-57-07.m3u8", "live/known/index.m3u8"
	s.record(t, "live/old/index.m3u8", 2, since.Add(-time.Hour))
	s.record(t, lost, 2, since.Add(10*time.Second))
	s.record(t, known, 2, since.Add(10*time.Second))
	s.publish(t, "live/archive", since.Add(10*time.Second))
	s.complete(t, known)
	s.files(t, g, 1)

	scanned := s.reconcile(t, g)
	g.Expect(scanned.Status.Discovery.Since.UTC()).To(Equal(since))
	scanned = s.reconcile(t, g)
	condition := meta.FindStatusCondition(scanned.Status.Conditions, v1alpha1.ConditionDiscovered)
	g.Expect(condition).NotTo(BeNil())
	g.Expect(condition.Reason).To(Equal(v1alpha1.ReasonScanned), condition.Message)
	g.Expect(scanned.Status.Discovery.Through.UTC()).To(Equal(since), "nothing is old enough yet")

	s.clock.SetTime(since.Add(5 * time.Minute))
	scanned = s.reconcile(t, g)
	condition = meta.FindStatusCondition(scanned.Status.Conditions, v1alpha1.ConditionDiscovered)
	g.Expect(condition.Message).To(Equal("scanned 3 objects: 1 RecordingFiles created"))
	g.Expect(scanned.Status.Discovery.Through.UTC()).To(Equal(since.Add(4 * time.Minute)))
	g.Expect(scanned.Status.Discovery.CreatedFiles).To(BeEquivalentTo(1))
	file := s.files(t, g, 2)[lost]
	g.Expect(file.Name).To(Equal(ingest.FileNames("classroom", file.Spec.Object)[0]))
	g.Expect(file.Spec.Reported).To(BeNil())
	facts := recording.Of(&file.Spec)
	g.Expect(facts.Stream + "/" + facts.Format).To(Equal("lost/HLS"))
	g.Expect([]int64{facts.SizeBytes, facts.DurationSeconds}).To(Equal([]int64{200, 20}))
	g.Expect(facts.StartTime.UTC().Format(time.RFC3339)).To(Equal("2021-04-28T08:57:07Z"))
	g.Expect(facts.EndTime.UTC().Format(time.RFC3339)).To(Equal("2021-04-28T08:57:27Z"))
	s.expectEvent(t, g, "1 RecordingFiles created")
	for outcome, want := range map[string]float64{"created": 1, "known": 1, "own": 1, "failed": 0} {
		g.Expect(s.counted(t, "recording_discovery_objects_total", outcome)).To(Equal(want), outcome)
	}
	g.Expect(s.counted(t, "recording_discovery_scans_total", "succeeded")).To(BeEquivalentTo(2))

	t.Run("a late callback is that file's", func(t *testing.T) {
		g := NewWithT(t)
		g.Expect(s.complete(t, lost).File).To(Equal(file.Name))
		g.Expect(s.files(t, g, 2)[lost].Spec.Reported.Room).To(Equal("room"))
	})
	t.Run("what goes on being recorded grows", func(t *testing.T) {
		g := NewWithT(t)
		s.record(t, known, 5, since.Add(5*time.Minute))
		s.clock.SetTime(since.Add(10 * time.Minute))
		condition := meta.FindStatusCondition(s.reconcile(t, g).Status.Conditions, v1alpha1.ConditionDiscovered)
		g.Expect(condition.Message).To(Equal("scanned 1 objects: 0 RecordingFiles created, 1 updated"))
		g.Expect(s.files(t, g, 2)[known].Spec.Discovered.DurationSeconds).To(BeEquivalentTo(50))
	})
	t.Run("what is deleted does not come back", func(t *testing.T) {
		g := NewWithT(t)
		g.Expect(k8s.Delete(t.Context(), &file)).To(Succeed())
		s.files(t, g, 1)
		s.clock.SetTime(since.Add(20 * time.Minute))
		g.Expect(s.reconcile(t, g).Status.Discovery.Through.UTC()).To(Equal(since.Add(19 * time.Minute)))
		s.files(t, g, 1)
	})
	t.Run("nothing was touched", func(t *testing.T) {
		NewWithT(t).Expect(s.server.Methods()).To(HaveEach(BeElementOf(http.MethodGet, http.MethodHead)))
	})
	t.Run("a source that no longer scans shows no trace", func(t *testing.T) {
		g := NewWithT(t)
		scanned := s.source(t)
		scanned.Spec.Discovery = nil
		g.Expect(k8s.Update(t.Context(), scanned)).To(Succeed())
		scanned = s.reconcile(t, g)
		g.Expect(scanned.Status.Discovery).To(BeNil())
		g.Expect(meta.FindStatusCondition(scanned.Status.Conditions, v1alpha1.ConditionDiscovered)).To(BeNil())
	})
}

// publish writes a result as a step's pod does.
func (s *scanning) publish(t *testing.T, folder string, at time.Time) {
	t.Helper()
	dir, credentials := t.TempDir(), t.TempDir()
	for path, text := range map[string]string{
		filepath.Join(credentials, v1alpha1.SecretKeyAccessKeyID):     s3server.AccessKeyID,
		filepath.Join(credentials, v1alpha1.SecretKeySecretAccessKey): s3server.SecretAccessKey,
		filepath.Join(dir, "index.m3u8"):                              "#EXTM3U\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	location := s.server.Location("recordings", "s3")
	location.Endpoint = s.server.Direct()
	writer, err := workerstorage.NewWriter(workerapi.Destination{Path: folder + "/", Storage: workerapi.Storage{Name: "recordings", Spec: v1alpha1.StorageLocationSpec{S3: location}}},
		[]string{"192.0.2.0/24"}, workerstorage.Paths{Credentials: credentials}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err == nil {
		_, err = writer.Write(t.Context(), dir, []workerstorage.File{{Name: "index.m3u8"}})
	}
	if err != nil {
		t.Fatal(err)
	}
	s.server.SetTime(t, "recordings", folder+"/index.m3u8", at)
}

// counted is the value of a counter of the namespace.
func (s *scanning) counted(t *testing.T, name, outcome string) (value float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
			}
			if family.GetName() == name && labels["namespace"] == s.namespace && labels["outcome"] == outcome {
				value += metric.GetCounter().GetValue()
			}
		}
	}
	return value
}

func (s *scanning) expectEvent(t *testing.T, g Gomega, words string) {
	t.Helper()
	g.Eventually(func(g Gomega) {
		var list eventsv1.EventList
		g.Expect(k8s.List(t.Context(), &list, client.InNamespace(s.namespace))).To(Succeed())
		g.Expect(slices.ContainsFunc(list.Items, func(event eventsv1.Event) bool {
			return event.Action == "Discover" && strings.Contains(event.Note, words)
		})).To(BeTrue(), "no event with %q", words)
	}, timeout, poll).Should(Succeed())
}

// cutOff are Files whose first file is the last thing that there is time for.
type cutOff struct {
	discovery.Files
	cancel context.CancelFunc
}

func (c cutOff) Discover(ctx context.Context, found ingest.Found) (ingest.Result, error) {
	defer c.cancel()
	return c.Files.Discover(ctx, found)
}

// A scan that takes longer than a reconcile may goes on where it was, and counts as one.
func TestDiscovery_TakesTurns(t *testing.T) {
	g := NewWithT(t)
	s := startDiscovery(t)
	since := s.clock.Now().UTC().Truncate(time.Second)
	s.record(t, "live/a/index.m3u8", 1, since.Add(time.Second))
	s.record(t, "live/b/index.m3u8", 1, since.Add(time.Second))
	s.reconcile(t, g)
	s.reconcile(t, g)
	s.clock.SetTime(since.Add(5 * time.Minute))

	ctx, cancel := context.WithCancel(t.Context())
	s.Files = cutOff{Files: ingester, cancel: cancel}
	result, err := s.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s.source(t))})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(result.RequeueAfter).To(Equal(scanPause))
	g.Expect(s.source(t).Status.Discovery.Through.UTC()).To(Equal(since))
	first := s.files(t, g, 1)["live/a/index.m3u8"]
	g.Expect(k8s.Delete(t.Context(), &first)).To(Succeed()) // it is dealt with
	s.files(t, g, 0)

	scanned := s.reconcile(t, g)
	g.Expect(scanned.Status.Discovery.Through.UTC()).To(Equal(since.Add(4 * time.Minute)))
	g.Expect(meta.FindStatusCondition(scanned.Status.Conditions, v1alpha1.ConditionDiscovered).Message).To(HavePrefix("scanned 2 objects: 2 RecordingFiles created"))
	g.Expect(s.files(t, g, 1)).To(HaveKey("live/b/index.m3u8"))
}

// A scan that fails moves nothing on, says why without a secret, and is tried again soon.
func TestDiscovery_Fails(t *testing.T) {
	g := NewWithT(t)
	s := startDiscovery(t)
	since := s.clock.Now().UTC().Truncate(time.Second)
	s.record(t, "live/index.m3u8", 1, since.Add(time.Second))
	s.reconcile(t, g)
	s.clock.SetTime(since.Add(5 * time.Minute))
	s.server.SetDown(true)
	scanned := s.reconcile(t, g)
	condition := meta.FindStatusCondition(scanned.Status.Conditions, v1alpha1.ConditionDiscovered)
	g.Expect(condition.Reason).To(Equal(v1alpha1.ReasonScanFailed))
	g.Expect(condition.Message).To(And(ContainSubstring("cannot serve the request now"), Not(ContainSubstring(s3server.SecretAccessKey)), Not(ContainSubstring(s3server.AccessKeyID))))
	g.Expect(scanned.Status.Discovery.Through).To(BeNil())
	g.Expect(scanned.Status.Discovery.LastTime.UTC()).To(Equal(since.Add(5 * time.Minute)))
	s.expectEvent(t, g, "cannot serve the request now")

	s.server.SetDown(false)
	s.reconcile(t, g)
	s.files(t, g, 0) // not yet
	s.clock.SetTime(since.Add(7 * time.Minute))
	scanned = s.reconcile(t, g)
	g.Expect(meta.IsStatusConditionTrue(scanned.Status.Conditions, v1alpha1.ConditionDiscovered)).To(BeTrue())
	g.Expect(scanned.Status.Discovery.Through.UTC()).To(Equal(since.Add(6 * time.Minute)))
	s.files(t, g, 1)
}

// A mistake is reported at once, by its field, and the bucket is scanned again when it is corrected.
func TestDiscovery_Problems(t *testing.T) {
	tests := map[string]struct {
		change  func(s *v1alpha1.RecordingSource, l *v1alpha1.StorageLocation)
		message string
	}{
		"a volume": {func(_ *v1alpha1.RecordingSource, l *v1alpha1.StorageLocation) {
			l.Spec = v1alpha1.StorageLocationSpec{PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "videos"}}
		}, "only a bucket can be scanned"},
		"no location": {func(s *v1alpha1.RecordingSource, _ *v1alpha1.StorageLocation) { s.Spec.StorageRef.Name = "nowhere" }, `StorageLocation "nowhere" not found`},
		"a bucket that is not allowed": {func(s *v1alpha1.RecordingSource, _ *v1alpha1.StorageLocation) {
			s.Spec.AllowedBuckets = []string{"another"}
		}, `spec.allowedBuckets: does not list bucket "recordings"`},
		"no credentials": {func(*v1alpha1.RecordingSource, *v1alpha1.StorageLocation) {}, `Secret "s3" not found`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			s := &scanning{namespace: newNamespace(t), clock: testclock.NewFakePassiveClock(time.Now())}
			s.DiscoveryReconciler = &DiscoveryReconciler{Client: files.Client, Live: files.Live, Files: ingester, Recorder: files.Recorder, Metrics: files.Metrics, Clock: s.clock}
			scanned, location := scannedSource(s.namespace), storage(s.namespace, "recordings")
			test.change(scanned, location)
			create(t, location, scanned)
			s.reconcile(t, g)
			found := s.reconcile(t, g)
			condition := meta.FindStatusCondition(found.Status.Conditions, v1alpha1.ConditionDiscovered)
			g.Expect(condition).NotTo(BeNil())
			g.Expect(condition.Reason).To(Equal(v1alpha1.ReasonScanFailed))
			g.Expect(condition.Message).To(ContainSubstring(test.message))
			s.expectEvent(t, g, test.message)
		})
	}
}
