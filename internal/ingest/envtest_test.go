// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
)

// receiver is one receiver's Ingester.
func receiver(tb testing.TB, server *apiserver.Server) *Ingester {
	tb.Helper()
	httpClient, err := rest.HTTPClientFor(server.Config)
	if err != nil {
		tb.Fatal(err)
	}
	lean, err := Lean(server.Client, server.Config, httpClient)
	if err != nil {
		tb.Fatal(err)
	}
	return New(lean, server.Client, Options{CallTimeout: 30 * time.Second})
}

func createNamespace(tb testing.TB, live client.Client, name string) {
	tb.Helper()
	namespace := &corev1.Namespace{}
	namespace.Name = name
	if err := live.Create(tb.Context(), namespace); err != nil {
		tb.Fatal(err)
	}
}

// A real API server, with the rules of the definitions, is what these tests are for.
func TestAPIServer(t *testing.T) {
	server := apiserver.Start(t)
	t.Run("histories", func(t *testing.T) { realHistories(t, server) })
	t.Run("a hot task", func(t *testing.T) { realHotTask(t, server) })
	t.Run("a task's managed fields", func(t *testing.T) { realManagedFields(t, server) })
	t.Run("a saturated task", func(t *testing.T) { realSaturation(t, server) })
	t.Run("objects that are being deleted", func(t *testing.T) { realDeletion(t, server) })
	t.Run("a poisoned report", func(t *testing.T) { realRepair(t, server) })
}

// realHistories deliver drawn events, doubled and shuffled, through three receivers at one time: the tasks and files in
// the end are the join of the set of events.
func realHistories(t *testing.T, server *apiserver.Server) {
	t.Helper()
	for round := range 5 {
		namespace := fmt.Sprintf("history-%d", round)
		createNamespace(t, server.Client, namespace)
		seed := rand.Uint64()
		all := rapid.Custom(func(t *rapid.T) []news { return drawMany(t, namespace, 60) }).Example(int(seed >> 1))
		queue := append(append([]news{}, all...), all...)
		t.Logf("%d events, shuffled by seed %d", len(queue), seed)
		rand.New(rand.NewPCG(seed, 0)).Shuffle(len(queue), func(a, b int) { queue[a], queue[b] = queue[b], queue[a] })
		deliverAll(t, queue, receiver(t, server), receiver(t, server), receiver(t, server))
		w := newWorld()
		var files v1alpha1.RecordingFileList
		var tasks v1alpha1.RecordingTaskList
		if err := errors.Join(server.Client.List(t.Context(), &files, client.InNamespace(namespace)), server.Client.List(t.Context(), &tasks, client.InNamespace(namespace))); err != nil {
			t.Fatal(err)
		}
		for i := range files.Items {
			w.files[files.Items[i].Name] = &files.Items[i]
		}
		for i := range tasks.Items {
			w.tasks[tasks.Items[i].Name] = &tasks.Items[i]
		}
		if got, want := observed(w).text(), expect(all).text(); got != want {
			t.Fatalf("ends as\n%s\nwant\n%s", got, want)
		}
	}
}

func drawMany(t *rapid.T, namespace string, events int) (all []news) {
	for n := range events {
		event := drawNews(t, n)
		if event.found != nil {
			event.found.Namespace = namespace
		} else {
			event.delivery.Namespace = namespace
		}
		all = append(all, event)
	}
	return all
}

// deliverAll has four senders deliver to each receiver, as often as it takes.
func deliverAll(t *testing.T, queue []news, receivers ...*Ingester) {
	t.Helper()
	work := make(chan news)
	var senders sync.WaitGroup
	for _, i := range receivers {
		for range 4 {
			senders.Go(func() {
				for n := range work {
					for err := deliver(t, i, n); err != nil && !t.Failed(); err = deliver(t, i, n) {
						if IsInvalid(err) {
							t.Errorf("invalid: %v", err)
						}
					}
				}
			})
		}
	}
	for _, n := range queue {
		work <- n
	}
	close(work)
	senders.Wait()
}

func deliver(t *testing.T, i *Ingester, n news) error {
	t.Helper()
	var err error
	if n.found != nil {
		_, err = i.Discover(t.Context(), *n.found)
	} else {
		_, err = i.Ingest(t.Context(), *n.delivery)
	}
	return err
}

// realHotTask has many STARTs of one task come at one time: none is lost, and those that wait share a write.
func realHotTask(t *testing.T, server *apiserver.Server) {
	t.Helper()
	createNamespace(t, server.Client, "hot")
	const starts = 100
	i := receiver(t, server)
	var senders sync.WaitGroup
	for n := range starts {
		senders.Go(func() {
			d := start(fmt.Sprintf("%016x%016x", n, n))
			d.Namespace = "hot"
			if _, err := i.Ingest(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	senders.Wait()
	task := onlyTask(t, server, "hot")
	if len(task.Spec.Starts) != starts {
		t.Errorf("%d starts, want %d", len(task.Spec.Starts), starts)
	}
	if task.Generation > starts/2 {
		t.Errorf("%d STARTs that came at one time took %d writes", starts, task.Generation)
	}
}

// realManagedFields has a task reported to and given a status: the API server keeps no record of who set its fields, and an
// event that says nothing new is no write.
func realManagedFields(t *testing.T, server *apiserver.Server) {
	t.Helper()
	const namespace = "managed-fields"
	createNamespace(t, server.Client, namespace)
	i := receiver(t, server)
	ingest := func(d Delivery) {
		d.Namespace = namespace
		if _, err := i.Ingest(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	ingest(start(digest1))
	ingest(start(digest2))
	task := onlyTask(t, server, namespace)
	task.Status.Files = 1
	if err := server.Client.Status().Update(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	ingest(over())
	ended := onlyTask(t, server, namespace)
	if len(ended.ManagedFields) > 0 || ended.Status.Files != 1 || len(ended.Spec.Starts) != 2 || !ended.Spec.Ended {
		t.Errorf("managed fields %v, %d files, %d starts, ended %t", ended.ManagedFields, ended.Status.Files, len(ended.Spec.Starts), ended.Spec.Ended)
	}
	ingest(start(digest2))
	if again := onlyTask(t, server, namespace); again.ResourceVersion != ended.ResourceVersion {
		t.Errorf("a repeated START made version %s of %s", again.ResourceVersion, ended.ResourceVersion)
	}
}

// realSaturation has more STARTs come than are kept: they are answered, and everything else of them is kept.
func realSaturation(t *testing.T, server *apiserver.Server) {
	t.Helper()
	createNamespace(t, server.Client, "saturated")
	i := receiver(t, server)
	seed := NewTask("saturated", testSource, "task-1")
	seed.Spec.Starts = map[string]v1alpha1.StartTimestamp{}
	for n := range v1alpha1.MaxStarts - 1 {
		seed.Spec.Starts[fmt.Sprintf("%016x", n)] = ""
	}
	if err := server.Client.Create(t.Context(), seed); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		digest, room string
		want         Outcome
	}{{digest1, "b", Updated}, {digest2, "a", Saturated}, {digest2, "c", Saturated}, {digest1, "a", Updated}} {
		d := start(step.digest)
		d.Namespace, d.Event.RoomID = "saturated", step.room
		if result, err := i.Ingest(t.Context(), d); err != nil || result.Outcome != step.want {
			t.Errorf("room %s: %+v, %v, want %s", step.room, result, err, step.want)
		}
	}
	ended := over()
	ended.Namespace = "saturated"
	if _, err := i.Ingest(t.Context(), ended); err != nil {
		t.Error(err)
	}
	task := onlyTask(t, server, "saturated")
	if len(task.Spec.Starts) != v1alpha1.MaxStarts || task.Spec.Room != "c" || !task.Spec.Ended {
		t.Errorf("%d starts, room %q, ended %t", len(task.Spec.Starts), task.Spec.Room, task.Spec.Ended)
	}
}

func onlyTask(t *testing.T, server *apiserver.Server, namespace string) *v1alpha1.RecordingTask {
	t.Helper()
	var tasks v1alpha1.RecordingTaskList
	if err := server.Client.List(t.Context(), &tasks, client.InNamespace(namespace)); err != nil {
		t.Fatal(err)
	}
	if len(tasks.Items) != 1 {
		t.Fatalf("%d tasks, want one", len(tasks.Items))
	}
	return &tasks.Items[0]
}

// realDeletion: an object that is being deleted takes a patch with 200, and is gone a moment later. Nothing is stored in
// it; once it is gone, the event is stored in a new one.
func realDeletion(t *testing.T, server *apiserver.Server) {
	t.Helper()
	const namespace = "deletion"
	createNamespace(t, server.Client, namespace)
	i := receiver(t, server)
	for name, d := range map[string]Delivery{"START": start(digest1), "COMPLETE": complete("o", 1), "OVER": over()} {
		d.Namespace = namespace
		d.Event.TaskID = strings.ToLower(name)
		result, err := i.Ingest(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		var object client.Object = &v1alpha1.RecordingTask{}
		if result.File != "" {
			object = &v1alpha1.RecordingFile{}
		}
		key := client.ObjectKey{Namespace: namespace, Name: result.File + result.Task}
		if err := server.Client.Get(t.Context(), key, object); err != nil {
			t.Fatal(err)
		}
		object.SetFinalizers([]string{"example.com/hold"})
		if err := errors.Join(server.Client.Update(t.Context(), object), server.Client.Delete(t.Context(), object)); err != nil {
			t.Fatal(err)
		}
		again := d
		again.Digest, again.Event.RoomID = digest2, "zzz"
		for _, d := range []Delivery{d, again} {
			if _, err := i.Ingest(t.Context(), d); !errors.Is(err, ErrBeingDeleted) || IsInvalid(err) {
				t.Errorf("%s: got %v while the object was being deleted", name, err)
			}
		}
		if err := server.Client.Get(t.Context(), key, object); err != nil {
			t.Fatal(err)
		}
		object.SetFinalizers(nil)
		if err := server.Client.Update(t.Context(), object); err != nil {
			t.Fatal(err)
		}
		if err := server.Client.Get(t.Context(), key, object); !apierrors.IsNotFound(err) {
			t.Fatalf("%s: got %v, want the object gone", name, err)
		}
		if result, err := i.Ingest(t.Context(), again); err != nil || result.Outcome != Created {
			t.Errorf("%s: %+v, %v, want a new object", name, result, err)
		}
	}
}

// realRepair: a person corrects a report of the year 2099, and true reports count again.
func realRepair(t *testing.T, server *apiserver.Server) {
	t.Helper()
	createNamespace(t, server.Client, "repair")
	i := receiver(t, server)
	report := func(year int, size int64) {
		d := complete("o", size)
		d.Namespace = "repair"
		d.Event.File.EndTime = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		if _, err := i.Ingest(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	report(2099, 1)
	report(2026, 2)
	file, err := i.Find(t.Context(), "repair", testSource, v1alpha1.ObjectIdentity{Bucket: "b", Key: "o"})
	if err != nil || file == nil || file.Spec.Reported.SizeBytes != 1 {
		t.Fatalf("%+v, %v", file, err)
	}
	file.Spec.Reported.EndTime = &metav1.Time{Time: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
	if err := server.Client.Update(t.Context(), file); err != nil {
		t.Fatal(err)
	}
	report(2026, 2)
	if file, err = i.Find(t.Context(), "repair", testSource, file.Spec.Object); err != nil || file.Spec.Reported.SizeBytes != 2 {
		t.Errorf("%+v, %v", file, err)
	}
}

// The cost of an event with a real API server.
func BenchmarkAPIServer(b *testing.B) {
	server := apiserver.Start(b)
	i := receiver(b, server)
	createNamespace(b, server.Client, testNamespace)
	n := 0
	next := func(d Delivery) Delivery {
		n++
		d.Digest = fmt.Sprintf("%016x%016x", n, n)
		return d
	}
	for name, make := range map[string]func() Delivery{
		"START of a new task": func() Delivery { d := next(start("")); d.Event.TaskID = fmt.Sprint("new", n); return d },
		"START of a task with some": func() Delivery {
			d := next(start(""))
			d.Event.TaskID = fmt.Sprint("some", n/10)
			return d
		},
		"COMPLETE":           func() Delivery { d := next(complete("", 1)); d.Event.File.Object = fmt.Sprint("o", n); return d },
		"COMPLETE again":     func() Delivery { return next(complete("again", 1)) },
		"OVER of a new task": func() Delivery { d := next(over()); d.Event.TaskID = fmt.Sprint("over", n); return d },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := i.Ingest(b.Context(), make()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
