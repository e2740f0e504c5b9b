// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"iter"
	"slices"
	"time"

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
