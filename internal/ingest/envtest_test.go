// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// startReplica is one replica's ingester: its cache watches the API server until the test ends.
func startReplica(tb testing.TB, server *apiserver.Server) *Ingester {
	tb.Helper()
	httpClient, err := rest.HTTPClientFor(server.Config)
	if err != nil {
		tb.Fatal(err)
	}
	lean, err := Lean(server.CachedClient(tb, SetupIndexes), server.Config, httpClient)
	if err != nil {
		tb.Fatal(err)
	}
	return New(lean, server.Client, Options{})
}

// Two replicas with real caches get the events of many files at one time, shuffled and doubled: a real API server ends
// with one RecordingFile per recorded object, and its transition rules take every write.
func TestRealAPIServer(t *testing.T) {
	server := apiserver.Start(t)
	first, second := startReplica(t, server), startReplica(t, server)
	t.Run("callbacks", func(t *testing.T) { realCallbacks(t, server.Client, first, second) })
	t.Run("sweeps", func(t *testing.T) { realSweeps(t, server.Client, first, second) })
}

func createNamespace(tb testing.TB, live client.Client, name string) {
	tb.Helper()
	namespace := &corev1.Namespace{}
	namespace.Name = name
	if err := live.Create(tb.Context(), namespace); err != nil {
		tb.Fatal(err)
	}
}

func realCallbacks(t *testing.T, live client.Client, first, second *Ingester) {
	t.Helper()
	createNamespace(t, live, builders.Namespace)
	const chains, filesEach = 6, 8
	var queue []Delivery
	want := map[identity]sparkrtc.File{}
	for chain := range chains {
		for n := range filesEach {
			deliveries, facts := realEvents(chain, n)
			queue = append(queue, deliveries...)
			want[identityOf(factsOf(facts))] = facts
		}
		over := start("over")
		over.Event = sparkrtc.Event{Type: sparkrtc.Over, AppID: "app", JobID: fmt.Sprintf("job%d", chain/2)}
		queue = append(queue, over)
	}
	queue = append(queue, queue...)
	seed := rand.Uint64()
	t.Logf("%d deliveries, shuffled by seed %d", len(queue), seed)
	rand.New(rand.NewPCG(seed, 0)).Shuffle(len(queue), func(a, b int) { queue[a], queue[b] = queue[b], queue[a] })

	began := time.Now()
	deliverAll(t, queue, first, second)
	t.Logf("%.0f deliveries a second", float64(len(queue))/time.Since(began).Seconds())

	var list v1alpha1.RecordingFileList
	if err := live.List(t.Context(), &list, client.InNamespace(builders.Namespace)); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != chains*filesEach {
		t.Errorf("%d files, want %d", len(list.Items), chains*filesEach)
	}
	for i := range list.Items {
		file := &list.Items[i]
		if file.Spec.File == nil || file.Spec.JobOver || file.Spec.RoomID != "room" || file.Labels[v1alpha1.LabelSource] != testSource {
			t.Errorf("%s is %+v", file.Name, file.Spec)
			continue
		}
		facts, ok := want[identityOf(file.Spec.File)]
		if !ok || !apiequality.Semantic.DeepEqual(file.Spec.File, factsOf(facts)) {
			t.Errorf("%s has the facts %+v, want %+v", file.Name, file.Spec.File, facts)
		}
		delete(want, identityOf(file.Spec.File))
	}
	for object := range want {
		t.Errorf("%v has no file", object)
	}
}

// realSweeps has both replicas sweep while COMPLETEs come: a fourth is lost, a fourth trusts the cache alone. What a sweep made settles: there
// is one file for each object, with all that was said of it.
func realSweeps(t *testing.T, live client.Client, first, second *Ingester) {
	t.Helper()
	const namespace, objects = "swept", 40
	createNamespace(t, live, namespace)
	var all sync.WaitGroup
	try := func(do func() error) {
		all.Go(func() {
			for err := do(); err != nil && !t.Failed(); err = do() {
				if IsInvalid(err) {
					t.Errorf("invalid: %v", err)
				}
			}
		})
	}
	for n := range objects {
		f, d := found(fmt.Sprintf("o%d", n), 2), complete(fmt.Sprintf("o%d", n), int64(1+n%3))
		f.Namespace, d.Namespace, d.Sweeps = namespace, namespace, n%4 != 1
		for _, ingester := range []*Ingester{first, second} {
			both := []func() error{
				func() error { _, err := ingester.Sweep(t.Context(), f); return err },
				func() error { _, err := ingester.Ingest(t.Context(), d); return err },
			}
			switch n % 4 {
			case 0:
				both = both[:1]
			case 1:
				slices.Reverse(both)
			}
			for _, do := range both {
				try(do)
			}
		}
	}
	all.Wait()
	made := settleAll(t, live, first, namespace)
	var list v1alpha1.RecordingFileList
	if err := live.List(t.Context(), &list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	t.Logf("sweeps made %d files, of which %d are left", made, len(slices.DeleteFunc(pointers(list.Items), func(f *v1alpha1.RecordingFile) bool { return !Swept(f) })))
	known := map[string]int64{}
	for _, file := range list.Items {
		if _, twice := known[objectName(&file)]; twice || (file.Spec.JobID == "") != (file.Annotations[v1alpha1.AnnotationSwept] != "") {
			t.Errorf("%s is %+v of %+v", file.Name, file.Spec, file.Spec.File.OBS)
		}
		known[objectName(&file)] = file.Spec.File.SizeBytes
	}
	for n := range objects {
		want := int64(2)
		if n%4 != 0 {
			want = max(want, int64(1+n%3))
		}
		if got := known[fmt.Sprintf("o%d", n)]; got != want {
			t.Errorf("o%d has a size of %d, want %d", n, got, want)
		}
	}
}

// settleAll settles all swept files, and says how many there were.
func settleAll(t *testing.T, live client.Client, ingester *Ingester, namespace string) int {
	t.Helper()
	var list v1alpha1.RecordingFileList
	if err := live.List(t.Context(), &list, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	swept := slices.DeleteFunc(pointers(list.Items), func(file *v1alpha1.RecordingFile) bool { return !Swept(file) })
	for _, file := range swept {
		if _, err := ingester.Settle(t.Context(), file); err != nil {
			t.Errorf("settle %s: %v", file.Name, err)
		}
	}
	return len(swept)
}

// realEvents are what the service sends of one file, and the facts in the end. Every other file grows.
func realEvents(chain, n int) ([]Delivery, sparkrtc.File) {
	begin := start(fmt.Sprintf("delivery-%d-%d", chain, n))
	begin.Event.JobID, begin.Event.StreamName = fmt.Sprintf("job%d", chain/2), fmt.Sprintf("教室 %d", chain)
	end := begin
	end.Event.Type = sparkrtc.Complete
	at := time.Date(2021, 4, 28, 8, 0, 0, 0, time.UTC)
	end.Event.File = sparkrtc.File{Bucket: "bucket", Object: fmt.Sprintf("%d/%d.m3u8", chain, n), Location: "http://obs.example.com",
		SizeBytes: 1000, DurationSeconds: 60, StartTime: at, EndTime: at.Add(time.Minute), Width: 640, Height: 360}
	if n%4 == 3 {
		end.Event.File.Bucket, end.Event.File.Object, end.Event.File.Location = "", "", ""
		end.Event.File.DownloadURL = fmt.Sprintf("https://host.example.com/%d/%d.m3u8?signature=x", chain, n)
	}
	if n%2 == 0 {
		return []Delivery{begin, end}, end.Event.File
	}
	grown := end
	grown.Event.File.SizeBytes, grown.Event.File.DurationSeconds = 2000, 120
	grown.Event.File.StartTime, grown.Event.File.EndTime = at.Add(-time.Minute), at.Add(2*time.Minute)
	return []Delivery{begin, end, grown}, grown.Event.File
}

// deliverAll has eight senders deliver to each ingester, as often as it takes.
func deliverAll(t *testing.T, queue []Delivery, ingesters ...*Ingester) {
	t.Helper()
	deliveries := make(chan Delivery)
	var senders sync.WaitGroup
	for _, i := range ingesters {
		for range 8 {
			senders.Go(func() {
				for d := range deliveries {
					for _, err := i.Ingest(t.Context(), d); err != nil && !t.Failed(); _, err = i.Ingest(t.Context(), d) {
						if IsInvalid(err) {
							t.Errorf("%s is invalid: %v", d.Event.Type, err)
						}
					}
				}
			})
		}
	}
	for _, d := range queue {
		deliveries <- d
	}
	close(deliveries)
	senders.Wait()
}

// The least that a delivery costs with a real API server: a create, then a claim.
func BenchmarkRealAPIServer(b *testing.B) {
	server := apiserver.Start(b)
	i := startReplica(b, server)
	createNamespace(b, server.Client, builders.Namespace)
	n := 0
	for b.Loop() {
		n++
		d := start(fmt.Sprintf("d%d", n))
		d.Event.StreamName = fmt.Sprintf("stream%d", n)
		if _, err := i.Ingest(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
}
