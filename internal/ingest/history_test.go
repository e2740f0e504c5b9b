/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package ingest

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// A history is played by one goroutine. Every call of an Ingester is a coroutine that stops before each of its calls to
// the API server, so that several are in the middle of theirs at one time, and rapid alone decides which goes on, what
// fails, how far a cache has come and how much time passes. The same seed is the same history.

// longest is how long a callback may take, by the door's deadline. Whatever holds a history up for longer waits for it.
const longest = 10 * time.Second

// operation is a call that is under way.
type operation struct {
	next  func() (call string, running bool)
	stop  func()
	yield func(call string) bool
	// fails is how the call to the API server will end that the operation stands before.
	fails fault
	// began is when the operation did; zero for one that may take any time.
	began time.Time
}

// run is one history under way.
type run struct {
	t          *rapid.T
	world      *world
	replicas   []*replica
	queue      []news
	operations []*operation
	// current is the operation that goes on right now.
	current *operation
	failing bool
	// failed: a call of the history did.
	failed bool
	unsafe int
	// lags says how often, of ten, a cache is behind, and hurries how often time passes and files settle.
	lags, hurries int
	// settled are the swept files that were, by UID: true for those that were processed, false for those that gave way.
	settled map[types.UID]bool
}

// history plays one to its end. What was not made safe comes again.
func history(t *rapid.T, m mode) (*run, []recorded) {
	h := &run{t: t, world: newWorld(), failing: rapid.Bool().Draw(t, "failing"), settled: map[types.UID]bool{},
		lags: rapid.IntRange(0, 10).Draw(t, "lags"), hurries: rapid.IntRange(1, 4).Draw(t, "hurries")}
	h.world.before, h.world.written = h.before, h.neverTwice
	defer func() {
		h.failing = false
		for _, o := range h.operations {
			h.current = o
			o.stop()
		}
	}()
	var all []recorded
	for i := range rapid.IntRange(1, 3).Draw(t, "chains") {
		r := drawRecorded(t, i, m)
		all = append(all, r)
		h.queue = append(h.queue, r.news...)
	}
	h.queue = copies(t, h.queue, m)
	if len(h.queue) > 0 {
		h.queue = rapid.Permutation(h.queue).Draw(t, "order")
	}
	for range rapid.IntRange(1, 3).Draw(t, "replicas") {
		h.replicas = append(h.replicas, &replica{world: h.world})
	}
	for len(h.queue)+len(h.operations) > 0 {
		h.move()
	}
	h.end()
	return h, all
}

// move is one move of the history.
func (h *run) move() {
	const most = 4
	switch move := rapid.IntRange(0, 31).Draw(h.t, "move"); {
	case move == 0:
		h.touch()
	case move <= h.hurries:
		h.pass(time.Duration(rapid.SampledFrom([]int{1, 9, 55, 60, 61}).Draw(h.t, "seconds")) * time.Second)
	case move <= 3*h.hurries:
		h.settle()
	case move < 20 && len(h.queue) > 0 && len(h.operations) < most, len(h.operations) == 0:
		h.deliver()
	default:
		h.goOn(h.operations[rapid.IntRange(0, len(h.operations)-1).Draw(h.t, "operation")])
	}
}

// deliver begins with the first of the queue at some replica, whose cache has come some way.
func (h *run) deliver() {
	if len(h.queue) == 0 {
		return
	}
	n := h.queue[0]
	h.queue = h.queue[1:]
	to := h.synced(h.replicas[rapid.IntRange(0, len(h.replicas)-1).Draw(h.t, "replica")])
	before := h.world.writes
	h.begin(h.world.now, func() {
		err := tell(to, n)
		if err == nil {
			return
		}
		// Whoever fails though no call does has lost a race each time, and who won has written.
		if IsInvalid(err) || !h.failed && h.world.writes-before < attempts-1 {
			panic(err)
		}
		switch h.unsafe++; {
		case h.unsafe > 200:
			panic("it never ends")
		case h.unsafe > 20:
			h.failing = false
		}
		h.queue = append(h.queue, n)
	})
}

// synced lets a cache come some way, or all the way.
func (h *run) synced(r *replica) *replica {
	if behind := len(h.world.history) - r.seen; behind > 0 && rapid.IntRange(1, 10).Draw(h.t, "behind") <= h.lags {
		r.seen += rapid.IntRange(0, behind-1).Draw(h.t, "seen")
	} else {
		r.seen += behind
	}
	return r
}

// begin begins an operation, up to its first call.
func (h *run) begin(at time.Time, do func()) {
	o := &operation{began: at}
	o.next, o.stop = iter.Pull(func(yield func(string) bool) {
		o.yield = yield
		do()
	})
	h.operations = append(h.operations, o)
	h.goOn(o)
}

// goOn lets an operation do its call, and whatever comes before the next one.
func (h *run) goOn(o *operation) {
	o.fails = faultNone
	if h.failing {
		o.fails = rapid.SampledFrom([]fault{faultNone, faultNone, faultNone, faultLost, faultUnheard}).Draw(h.t, "fault")
		h.failed = h.failed || o.fails != faultNone
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

// pass lets time pass; callbacks that would take too long are over before.
func (h *run) pass(d time.Duration) {
	late := func(o *operation) bool { return !o.began.IsZero() && h.world.now.Add(d).Sub(o.began) > longest }
	for slices.ContainsFunc(h.operations, late) {
		waiting := slices.DeleteFunc(slices.Clone(h.operations), func(o *operation) bool { return !late(o) })
		h.goOn(waiting[rapid.IntRange(0, len(waiting)-1).Draw(h.t, "hurry")])
	}
	h.world.now = h.world.now.Add(d)
}

// touch has somebody else change a file, in a way that is nothing to an Ingester.
func (h *run) touch() {
	if files := h.world.sorted(); len(files) > 0 {
		h.world.store(files[rapid.IntRange(0, len(files)-1).Draw(h.t, "touched")])
	}
}

// settle has the leader look at one swept file that is old enough, as its cache shows it: what the file reconciler does.
func (h *run) settle() {
	leader := h.synced(h.replicas[0])
	due := leader.cached(func(file *v1alpha1.RecordingFile) bool {
		return h.unsettled(file) && h.world.now.Sub(file.CreationTimestamp.Time) >= SettleTime
	})
	if len(due) == 0 {
		return
	}
	file := due[rapid.IntRange(0, len(due)-1).Draw(h.t, "settled")]
	h.begin(time.Time{}, func() {
		other, err := newIngester(leader, Options{Clock: instant{}}).Settle(context.Background(), file)
		// Processing begins with a write of its own to the file that was read, which fails for one that is gone.
		live := h.world.live[file.Name]
		if err == nil && (other != nil || live != nil && live.UID == file.UID) {
			h.settled[file.UID] = other == nil
			h.neverTwice()
		}
	})
}

// unsettled says whether nothing has become yet of a file that a sweep made.
func (h *run) unsettled(file *v1alpha1.RecordingFile) bool {
	_, settled := h.settled[file.UID]
	return Swept(file) && !settled
}

// end lets everything settle: nothing fails any more, the caches catch up, and a minute passes.
func (h *run) end() {
	h.failing = false
	h.pass(SettleTime)
	for _, file := range h.world.sorted() {
		if !h.unsettled(file) {
			continue
		}
		h.current = nil
		if _, err := newIngester(h.replicas[0], Options{Clock: instant{}}).Settle(context.Background(), file); err != nil {
			h.t.Fatalf("settle %s: %v", file.Name, err)
		}
	}
}

// neverTwice holds at every moment: an object has one file, and beside it at most a swept one that is not processed.
func (h *run) neverTwice() {
	bearers := map[string][]string{}
	for _, file := range h.world.sorted() {
		if object := objectName(file); object != "" && (!Swept(file) || h.settled[file.UID]) {
			bearers[object] = append(bearers[object], file.Name)
		}
	}
	for object, names := range bearers {
		if len(names) > 1 {
			panic(object + " has two files: " + names[0] + ", " + names[1])
		}
	}
}

// However the events come, there is one file for each recorded object in the end, with the same facts.
func TestAnyHistoryEndsInTheSameFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, mode{signed: true})
		checkFiles(t, h.world, all, true)
	})
}

// The same goes for what a sweep finds, whatever callbacks come before, meanwhile, after that or never.
func TestAnySweptHistoryEndsInTheSameFiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, mode{signed: true, swept: true})
		checkFiles(t, h.world, all, true)
	})
}

// Unsigned STARTs cannot be told from one another, but recorded objects can.
func TestAnyUnsignedHistoryEndsInOneFilePerObject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, all := history(t, mode{swept: rapid.Bool().Draw(t, "swept")})
		checkFiles(t, h.world, all, false)
	})
}

// checkFiles compares all files with what was recorded. When it is exact, no file may be open but those of objects
// whose COMPLETE never came, or came when a sweep had made a file already.
func checkFiles(t *rapid.T, w *world, all []recorded, exact bool) {
	checked := 0
	for i := range all {
		checked += checkRecorded(t, w, &all[i], exact)
	}
	if checked != len(w.live) {
		t.Errorf("%d files, of which %d are of something recorded", len(w.live), checked)
	}
	if t.Failed() {
		t.FailNow()
	}
}

func checkRecorded(t *rapid.T, w *world, r *recorded, exact bool) int {
	oracle, found := r.oracle(), map[string]bool{}
	checked, open, own := 0, 0, 0
	for _, file := range w.sorted() {
		if !r.of(file, oracle) {
			continue
		}
		checked++
		n, inChain := number(r.key.names(), file.Name)
		if inChain && file.Spec.File == nil {
			open++
			continue
		}
		if inChain {
			own++
		}
		object := objectName(file)
		checkFile(t, file, oracle[object], r)
		if found[object] || exact && n >= r.objects {
			t.Errorf("%s is one file too many, of %s", file.Name, object)
		}
		found[object] = true
	}
	if len(found) != len(oracle) {
		t.Errorf("%d objects have a file, want %d", len(found), len(oracle))
	}
	if exact && open > r.objects-own {
		t.Errorf("%d files are open and %d are not, but only %d were recorded", open, own, r.objects)
	}
	return checked
}

func checkFile(t *rapid.T, file *v1alpha1.RecordingFile, want *expected, r *recorded) {
	if want == nil {
		t.Errorf("%s is of %q, of which there was no news", file.Name, objectName(file))
		return
	}
	swept := Swept(file)
	if _, ok := number(r.key.names(), file.Name); ok == swept {
		t.Errorf("%s is neither a chain's name nor a sweep's", file.Name)
	}
	if spec := want.spec(r, swept); !apiequality.Semantic.DeepEqual(file.Spec, spec) {
		t.Errorf("%s is %+v %+v, want %+v %+v", file.Name, file.Spec, file.Spec.File, spec, spec.File)
	}
	if _, unreported := file.Annotations[v1alpha1.AnnotationSwept]; unreported == want.reported {
		t.Errorf("%s has the annotations %v, but reported is %t", file.Name, file.Annotations, want.reported)
	}
	if file.Labels[v1alpha1.LabelSource] != r.key.Source {
		t.Errorf("%s has the labels %v", file.Name, file.Labels)
	}
}

// With caches that do not lag and calls that do not fail, every delivery costs one write or none (an OVER one for each
// open file), and all deliveries together no more than one create and one update for each file, and one for each growth.
func TestOneWritePerCallback(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, m := newWorld(), mode{signed: true, swept: rapid.Bool().Draw(t, "swept")}
		r := drawRecorded(t, 0, m)
		for _, n := range rapid.Permutation(append(slices.Clone(r.news), r.news...)).Draw(t, "order") {
			if n.found != nil {
				continue
			}
			before := w.writes
			result, err := newIngester(&replica{world: w, seen: len(w.history)}, Options{Clock: instant{}}).Ingest(context.Background(), *n.delivery)
			if err != nil {
				t.Fatal(err)
			}
			want := 1
			if result.Outcome == Duplicate {
				want = 0
			}
			if got := w.writes - before; got != want {
				t.Fatalf("%s cost %d writes, want %d", result.Outcome, got, want)
			}
		}
	})
}

// What a COMPLETE costs: one write, and nothing is read but the cache; of a source that is swept, one read more for an
// object that is new.
func TestCostOfACallback(t *testing.T) {
	chain := &v1alpha1.RecordingFile{Spec: identitySpec(start("d"))}
	chain.Namespace, chain.Name = testKey.Namespace, testKey.names()[0]+"0"
	for name, c := range map[string]struct {
		known  *v1alpha1.RecordingFile
		sweeps bool
		calls  []string
	}{
		"new":                   {nil, false, []string{"chain", "bearers", "create"}},
		"new, swept":            {nil, true, []string{"chain", "bearers", "get", "create"}},
		"claims":                {chain, false, []string{"chain", "bearers", "update"}},
		"claims, swept":         {chain, true, []string{"chain", "bearers", "get", "update"}},
		"duplicate":             {sweptFile(1).Of("app", "job", "stream", "HLS").Room("room").Obj(), true, []string{"chain", "bearers"}},
		"identifies":            {sweptFile(1).Obj(), false, []string{"chain", "bearers", "update"}},
		"identifies, swept too": {sweptFile(1).Obj(), true, []string{"chain", "bearers", "update"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			if c.known != nil {
				w.store(c.known)
			}
			var calls []string
			w.before = func(call string) fault {
				calls = append(calls, call)
				return faultNone
			}
			d := complete("o", 1)
			d.Sweeps = c.sweeps
			if _, err := newIngester(&replica{world: w, seen: len(w.history)}, Options{}).Ingest(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(calls, c.calls) {
				t.Errorf("calls %v, want %v", calls, c.calls)
			}
		})
	}
}

// An API server that answers no read, to a replica whose cache never learns anything: what has a file is not given a
// second one, however often it is tried.
func TestBlindReplicaMakesNoSecondFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &run{t: t, world: newWorld()}
		h.world.written = h.neverTwice
		r := drawRecorded(t, 0, mode{signed: true, swept: true})
		for _, n := range r.news {
			if err := tell(&replica{world: h.world, seen: len(h.world.history)}, n); err != nil {
				t.Fatal(err)
			}
		}
		h.world.before = func(call string) fault {
			if call == "get" || call == "bearersNow" || call == "job" {
				return faultLost
			}
			return faultNone
		}
		blind := &replica{world: h.world, seen: rapid.IntRange(0, len(h.world.history)).Draw(t, "seen")}
		for _, n := range r.news {
			if err := tell(blind, n); IsInvalid(err) {
				t.Fatal(err)
			}
		}
	})
}

// tell delivers news to a replica.
func tell(r *replica, n news) error {
	i := newIngester(r, Options{Clock: instant{}})
	var err error
	if n.found != nil {
		_, err = i.Sweep(context.Background(), *n.found)
	} else {
		_, err = i.Ingest(context.Background(), *n.delivery)
	}
	return err
}
