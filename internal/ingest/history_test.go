// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// A history is played by one goroutine. Every delivery is a coroutine that stops before each of its calls to the API
// server, so that several are in the middle of theirs at one time, each at a receiver of its own, and rapid alone decides
// which goes on and what fails. The same seed is the same history.

// operation is a delivery that is under way.
type operation struct {
	next  func() (call string, running bool)
	stop  func()
	yield func(call string) bool
	// fails is how the call to the API server will end that the operation stands before.
	fails fault
}

// run is one history under way.
type run struct {
	t          *rapid.T
	world      *world
	queue      []news
	operations []*operation
	// current is the operation that goes on right now.
	current *operation
	failing bool
	// deleting: somebody deletes objects, in the foreground, while events come.
	deleting bool
	unsafe   int
	// since are the news that were stored after the last deletion began.
	since []news
}

// history plays one to its end. What was not stored comes again.
func history(t *rapid.T, w *world, deleting bool) (*run, []news) {
	h := &run{t: t, world: w, failing: rapid.Bool().Draw(t, "failing"), deleting: deleting}
	h.world.before = h.before
	defer func() {
		h.failing = false
		for _, o := range h.operations {
			h.current = o
			o.stop()
		}
	}()
	var all []news
	for n := range rapid.IntRange(1, 12).Draw(t, "events") {
		event := drawNews(t, n)
		all = append(all, event)
		for range rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "copies") {
			h.queue = append(h.queue, event)
		}
	}
	h.queue = rapid.Permutation(h.queue).Draw(t, "order")
	for len(h.queue)+len(h.operations) > 0 {
		h.move()
	}
	h.current = nil
	return h, all
}

// move is one move of the history.
func (h *run) move() {
	const most = 4
	switch move := rapid.IntRange(0, 23).Draw(h.t, "move"); {
	case move == 0:
		h.touch()
	case move <= 2 && h.deleting:
		h.remove()
	case move < 12 && len(h.queue) > 0 && len(h.operations) < most, len(h.operations) == 0:
		h.deliver()
	default:
		h.goOn(h.operations[rapid.IntRange(0, len(h.operations)-1).Draw(h.t, "operation")])
	}
}

// deliver begins with the first of the queue, at a receiver of its own.
func (h *run) deliver() {
	if len(h.queue) == 0 {
		return
	}
	n := h.queue[0]
	h.queue = h.queue[1:]
	o := &operation{}
	o.next, o.stop = iter.Pull(func(yield func(string) bool) {
		o.yield = yield
		i := h.world.ingester()
		var err error
		if n.found != nil {
			_, err = i.Discover(context.Background(), *n.found)
		} else {
			_, err = i.Ingest(context.Background(), *n.delivery)
		}
		if err == nil {
			h.since = append(h.since, n)
			return
		}
		if IsInvalid(err) {
			panic(err)
		}
		switch h.unsafe++; {
		case h.unsafe > 400:
			panic("it never ends")
		case h.unsafe > 20:
			h.failing, h.deleting = false, false
			h.collect()
		}
		h.queue = append(h.queue, n)
	})
	h.operations = append(h.operations, o)
	h.goOn(o)
}

// goOn lets an operation do its call, and whatever comes before the next one.
func (h *run) goOn(o *operation) {
	o.fails = faultNone
	if h.failing {
		o.fails = rapid.SampledFrom([]fault{faultNone, faultNone, faultNone, faultLost, faultUnheard}).Draw(h.t, "fault")
	}
	h.current = o
	if _, running := o.next(); !running {
		h.operations = slices.DeleteFunc(h.operations, func(other *operation) bool { return other == o })
	}
}

// before stops the current operation before a call.
func (h *run) before(call string) fault {
	o := h.current
	if o == nil {
		return faultNone
	}
	if !o.yield(call) {
		return faultLost
	}
	return o.fails
}

// touch has somebody else change an object, in a way that is nothing to an Ingester.
func (h *run) touch() {
	if all := h.world.metas(); len(all) > 0 {
		h.world.revision++
		all[rapid.IntRange(0, len(all)-1).Draw(h.t, "touched")].ResourceVersion = fmt.Sprint(h.world.revision)
	}
}

// remove has somebody delete an object in the foreground: at first it is being deleted, later it is gone.
func (h *run) remove() {
	all := h.world.metas()
	if len(all) == 0 {
		return
	}
	meta := all[rapid.IntRange(0, len(all)-1).Draw(h.t, "removed")]
	if meta.DeletionTimestamp == nil {
		meta.DeletionTimestamp = new(metav1.Unix(1, 0))
		h.since = nil
		return
	}
	h.gone(meta.Name)
}

func (h *run) gone(name string) {
	delete(h.world.files, name)
	delete(h.world.tasks, name)
}

// collect lets everything go that is being deleted.
func (h *run) collect() {
	for _, meta := range h.world.metas() {
		if meta.DeletionTimestamp != nil {
			h.gone(meta.Name)
		}
	}
}

// The final state is a function of the set of events: whatever their order, however often each comes, whatever fails on
// the way, and whatever others write.
func TestHistory_EndsInTheJoinOfTheSetOfEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		h, all := history(t, w, false)
		if got, want := observed(h.world).text(), expect(all).text(); got != want {
			t.Fatalf("ends as\n%s\nwant\n%s", got, want)
		}
	})
}

// A file that a person made is the object's: what is said of the object ends in it as in any other.
func TestHistory_JoinsFilesOfPeople(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		var made []string
		for _, key := range []string{"o1.m3u8", "o2.mp4"} {
			if rapid.Bool().Draw(t, "made by a person") {
				object := v1alpha1.ObjectIdentity{Bucket: "bucket", Key: key}
				w.storeFile(newFile(fileKey{testNamespace, testSource, object}, FileNames(testSource, object)[0], report{}))
				made = append(made, "bucket/"+key)
			}
		}
		h, all := history(t, w, false)
		want := expect(all)
		for _, object := range made {
			if want.files[object] == nil {
				want.files[object] = &expectedFile{}
			}
		}
		if got := observed(h.world).text(); got != want.text() {
			t.Fatalf("ends as\n%s\nwant\n%s", got, want.text())
		}
	})
}

// Other objects that hold the names, by chance or planted, are left alone.
func TestHistory_TakesTheSecondNameOfATakenOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		for _, key := range []string{"o1.m3u8", "o2.mp4"} {
			if rapid.Bool().Draw(t, "planted file") {
				object := v1alpha1.ObjectIdentity{Bucket: "bucket", Key: key}
				file := newFile(fileKey{testNamespace, "other", object}, FileNames(testSource, object)[0], report{})
				w.storeFile(file)
			}
		}
		for _, id := range []string{"t1", "t2", "t3"} {
			if rapid.Bool().Draw(t, "planted task") {
				w.storeTask(newTask(taskKey{testNamespace, "other", id}, TaskNames(testSource, id)[0], taskUpdate{identity: v1alpha1.RecordingIdentity{Room: "zzz"}}))
			}
		}
		planted := others(w)
		h, all := history(t, w, false)
		if got, want := observed(h.world).text(), expect(all).text(); got != want {
			t.Fatalf("ends as\n%s\nwant\n%s", got, want)
		}
		if got := others(w); got != planted {
			t.Fatalf("what was planted is\n%s\nwas\n%s", got, planted)
		}
	})
}

// others prints the objects of another source.
func others(w *world) string {
	text := ""
	for _, meta := range w.metas() {
		if file := w.files[meta.Name]; file != nil && file.Spec.SourceRef.Name == "other" {
			text += fmt.Sprintf("%s %+v\n", meta.Name, file.Spec)
		}
		if task := w.tasks[meta.Name]; task != nil && task.Spec.SourceRef.Name == "other" {
			text += fmt.Sprintf("%s %+v\n", meta.Name, task.Spec)
		}
	}
	return text
}

// A delivery that was stored after an object began to be deleted is there in the end: it never vanishes with the
// object. What was stored before goes with it.
func TestHistory_StoresNothingInWhatIsBeingDeleted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, newWorld(), true)
		h.collect()
		got := observed(h.world)
		for _, missing := range expect(h.since).beyond(got) {
			t.Errorf("stored after the last deletion, and not there: %s", missing)
		}
		for _, extra := range got.beyond(expect(all)) {
			t.Errorf("nothing said: %s", extra)
		}
		if t.Failed() {
			t.Fatalf("ends as\n%s", got.text())
		}
	})
}

// beyond names what one state has and another, which should have at least as much, has not.
func (e expected) beyond(other expected) (missing []string) {
	for object, f := range e.files {
		o := other.files[object]
		if o == nil {
			missing = append(missing, "file "+object)
			continue
		}
		for _, id := range f.taskIDs {
			if !slices.Contains(o.taskIDs, id) {
				missing = append(missing, "task "+id+" of "+object)
			}
		}
		if above(f.identity, o.identity) || f.reported > o.reported || f.discovered > o.discovered {
			missing = append(missing, "facts of "+object)
		}
	}
	for id, task := range e.tasks {
		o := other.tasks[id]
		if o == nil {
			missing = append(missing, "task "+id)
			continue
		}
		for key := range task.starts {
			if _, ok := o.starts[key]; !ok {
				missing = append(missing, "start "+key+" of "+id)
			}
		}
		if above(task.identity, o.identity) || task.ended && !o.ended {
			missing = append(missing, "facts of task "+id)
		}
	}
	return missing
}

func above(a, b [4]string) bool {
	for i := range a {
		if a[i] > b[i] {
			return true
		}
	}
	return false
}

// Which starts a saturated task keeps depends on their order. That it is saturated does not, nor does anything else.
func TestHistory_SaturatesATask(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.maxStarts = 2
		h, all := history(t, w, false)
		got, want := observed(h.world), expect(all)
		for id, task := range want.tasks {
			kept := got.tasks[id]
			if kept == nil || len(kept.starts) != min(len(task.starts), w.maxStarts) {
				t.Fatalf("task %s is %+v, want %d of the starts of %+v", id, kept, w.maxStarts, task)
			}
			for key := range kept.starts {
				if _, ok := task.starts[key]; !ok {
					t.Fatalf("task %s has a start %s that never was", id, key)
				}
			}
			task.starts = kept.starts
		}
		if got.text() != want.text() {
			t.Fatalf("ends as\n%s\nwant\n%s", got.text(), want.text())
		}
	})
}

// A delivery takes one successful write, and at most five calls.
func TestIngest_MakesAtMostFiveCalls(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld()
		w.maxStarts = 2
		meddle := false
		w.before = func(string) fault {
			if !meddle {
				return faultNone
			}
			// Somebody changes, creates or deletes what the delivery is about before each call.
			for _, meta := range w.metas() {
				w.revision++
				meta.ResourceVersion = fmt.Sprint(w.revision)
			}
			if rapid.IntRange(0, 3).Draw(t, "gone") == 0 {
				clear(w.files)
				clear(w.tasks)
			}
			return faultNone
		}
		for n := range 8 {
			meddle = rapid.Bool().Draw(t, "meddle")
			event := drawNews(t, n)
			w.calls = 0
			var err error
			if event.found != nil {
				_, err = w.ingester().Discover(context.Background(), *event.found)
			} else {
				_, err = w.ingester().Ingest(context.Background(), *event.delivery)
			}
			named := event.found != nil || event.delivery.Event.Type == sparkrtc.Complete || event.delivery.Event.TaskID != ""
			if w.calls > maxCalls || named && w.calls == 0 || IsInvalid(err) || err != nil && w.calls < maxCalls {
				t.Fatalf("%d calls, %v", w.calls, err)
			}
		}
	})
}
