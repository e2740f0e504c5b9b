// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// worldJob is a Job as the API server has it.
type worldJob struct {
	Step
	name                     string
	uid                      types.UID
	version                  int
	suspended, suspendedByUs bool
	// ended Jobs stay, deleted ones do not.
	ended, deleted bool
}

func (j *worldJob) runs() bool { return !j.suspended && !j.ended && !j.deleted }

func (j *worldJob) observation() Observation {
	return Observation{Step: j.Step, Job: j.name, UID: j.uid, Active: j.runs(), Ended: j.ended || j.deleted}
}

// worldFile has steps that run one after the other.
type worldFile struct {
	name             types.NamespacedName
	source, pipeline string
	order            Order
	steps            []string
	// done are the steps that have ended.
	done      int
	suspended bool
	deleted   bool
}

// world is an API server with a watch that is late, and a controller that carries out what the scheduler says.
type world struct {
	t      *rapid.T
	s      *Scheduler
	limits Limits
	now    time.Time
	uids   int

	jobs  map[types.NamespacedName]*worldJob
	files map[types.NamespacedName]*worldFile
	// late are what the watch has not shown yet, the oldest first; cache is what it has shown.
	late  []worldJob
	cache map[types.NamespacedName]worldJob
	// woken are the files that the controller has to look at.
	woken map[types.NamespacedName]bool

	sources   map[types.NamespacedName]int
	pipelines map[types.NamespacedName]PipelineLimits
}

func newWorld(t *rapid.T, limits Limits) *world {
	return &world{
		t: t, s: New(limits), limits: limits, now: time.Unix(1_700_000_000, 0),
		jobs: map[types.NamespacedName]*worldJob{}, files: map[types.NamespacedName]*worldFile{}, cache: map[types.NamespacedName]worldJob{},
		woken: map[types.NamespacedName]bool{}, sources: map[types.NamespacedName]int{}, pipelines: map[types.NamespacedName]PipelineLimits{},
	}
}

// changed has the watch show a Job as it is now, later.
func (w *world) changed(job *worldJob) {
	job.version++
	w.late = append(w.late, *job)
}

// wanted are the steps of a file that could start, as the cache shows its Jobs.
func (w *world) wanted(f *worldFile) []Request {
	if f.deleted || f.suspended || f.done == len(f.steps) {
		return nil
	}
	step := f.steps[f.done]
	name := f.name.Name + "-" + step
	cached, known := w.cache[types.NamespacedName{Namespace: f.name.Namespace, Name: name}]
	if known && (!cached.suspended || !cached.suspendedByUs) {
		return nil
	}
	return []Request{{Step: Step{f.name.Namespace, f.source, f.pipeline, f.name.Name, step}, Job: name, Order: f.order}}
}

// reconcile does what the controller does with a file.
func (w *world) reconcile(name types.NamespacedName, outcome string) {
	delete(w.woken, name)
	f := w.files[name]
	if f.deleted {
		w.s.Update(name, nil, w.now)
		w.wake()
		return
	}
	wanted := w.wanted(f)
	held := w.s.Update(name, wanted, w.now)
	for _, request := range wanted {
		if _, waits := held[request.Name]; !waits {
			w.start(f, request, outcome)
		}
	}
	w.wake()
}

// start creates or resumes a Job; the outcome says what comes of the request.
func (w *world) start(f *worldFile, request Request, outcome string) {
	key := types.NamespacedName{Namespace: request.Namespace, Name: request.Job}
	if outcome == "refused" {
		w.woken[f.name] = true
		w.s.Release(request.Namespace, request.Job, w.now)
		return
	}
	if outcome == "lost" {
		w.woken[f.name] = true // the error has it tried again
		w.s.Started(request.Namespace, request.Job, "", false, w.now)
		return
	}
	existing := w.jobs[key]
	resumed := existing != nil && existing.suspended
	switch {
	case existing == nil:
		w.uids++
		existing = &worldJob{Step: request.Step, name: request.Job, uid: types.UID(fmt.Sprint(w.uids))}
		w.jobs[key] = existing
		w.changed(existing)
		w.check(request.Step)
	case resumed:
		existing.suspended, existing.suspendedByUs = false, false
		w.changed(existing)
		w.check(request.Step)
	}
	uid := existing.uid
	if outcome == "unanswered" {
		uid = ""
		w.woken[f.name] = true
	}
	w.s.Started(request.Namespace, request.Job, uid, resumed, w.now)
	if uid != "" && existing.ended {
		w.s.Confirm(existing.observation(), w.now) // the Job was there already, and was read
	}
}

// check fails when a step that has just started exceeds a limit.
func (w *world) check(started Step) {
	w.t.Helper()
	var all, inNamespace, ofSource, ofStep int
	files := map[string]bool{}
	for _, job := range w.jobs {
		if !job.runs() {
			continue
		}
		all++
		if job.Namespace != started.Namespace {
			continue
		}
		inNamespace++
		if job.Source == started.Source {
			ofSource++
		}
		if job.Pipeline == started.Pipeline {
			files[job.File] = true
			if job.Name == started.Name {
				ofStep++
			}
		}
	}
	source := w.sources[types.NamespacedName{Namespace: started.Namespace, Name: started.Source}]
	limits := w.pipelines[types.NamespacedName{Namespace: started.Namespace, Name: started.Pipeline}]
	for _, limit := range []struct {
		name      string
		used, may int
	}{
		{"all", all, w.limits.MaxActive},
		{"namespace", inNamespace, w.limits.MaxActivePerNamespace},
		{"source", ofSource, source},
		{"files", len(files), limits.Files},
		{"step", ofStep, limits.Steps[started.Name]},
	} {
		if limit.may > 0 && limit.used > limit.may {
			w.t.Fatalf("%v: %d of %d run by the limit %q", started, limit.used, limit.may, limit.name)
		}
	}
}

func (w *world) wake() {
	for _, name := range w.s.Woken() {
		w.woken[name] = true
	}
}

// deliver shows the oldest change that is late.
func (w *world) deliver() {
	if len(w.late) == 0 {
		return
	}
	job := w.late[0]
	w.late = w.late[1:]
	key := types.NamespacedName{Namespace: job.Namespace, Name: job.name}
	if job.deleted {
		delete(w.cache, key)
	} else {
		w.cache[key] = job
	}
	w.s.Observe(job.observation(), w.now)
	w.wake()
	file := types.NamespacedName{Namespace: job.Namespace, Name: job.File}
	f := w.files[file]
	if job.ended && f.done < len(f.steps) && f.steps[f.done] == job.Name {
		f.done++
	}
	w.woken[file] = true
}

// restart begins with a cache that may be late, and then compares it with what is there.
func (w *world) restart() {
	w.s = New(w.limits)
	for name, limit := range w.sources {
		w.s.SetSource(name, limit, w.now)
	}
	for name, limits := range w.pipelines {
		w.s.SetPipeline(name, limits, w.now)
	}
	for _, job := range w.cache {
		w.s.Observe(job.observation(), w.now)
	}
	for key, job := range w.jobs {
		if cached, known := w.cache[key]; !known || cached.version != job.version {
			w.s.Expect(job.Step, job.name, job.uid, w.now)
		}
	}
	for name := range w.files {
		w.woken[name] = true
	}
}

func (w *world) end(job *worldJob) {
	job.ended = true
	w.changed(job)
}

func (w *world) delete(job *worldJob) {
	job.deleted = true
	delete(w.jobs, types.NamespacedName{Namespace: job.Namespace, Name: job.name})
	w.changed(job)
}

// settle lets everything happen that happens by itself, as far as Jobs are forgotten that never came to be.
func (w *world) settle() {
	w.work()
	w.now = w.now.Add(overdueAfter)
	w.confirm()
	w.work()
}

// confirm reads what the watch has not shown.
func (w *world) confirm() {
	for _, key := range w.s.Overdue(w.now) {
		seen := Observation{Step: Step{Namespace: key.Namespace}, Job: key.Name, Ended: true}
		if job := w.jobs[key]; job != nil {
			seen = job.observation()
		}
		w.s.Confirm(seen, w.now)
	}
	w.wake()
}

// useSlots has files start what they may: a limit that is lowered takes no slot back.
func (w *world) useSlots() {
	for len(w.woken) > 0 {
		w.reconcile(w.names(w.woken)[0], "created")
	}
}

// work shows everything and has the controller do everything, until nothing is left.
func (w *world) work() {
	for range 100_000 {
		if len(w.late) > 0 {
			w.deliver()
			continue
		}
		names := w.names(w.woken)
		if len(names) == 0 {
			return
		}
		w.reconcile(names[0], "created")
	}
	w.t.Fatal("the controller has work without end")
}

func (w *world) names(of map[types.NamespacedName]bool) []types.NamespacedName {
	return slices.SortedFunc(maps.Keys(of), compareNames)
}

func compareNames(a, b types.NamespacedName) int {
	if a.String() < b.String() {
		return -1
	}
	return 1
}

// running are the Jobs that run, in a fixed order.
func (w *world) running() []*worldJob {
	var running []*worldJob
	for _, job := range w.jobs {
		if job.runs() {
			running = append(running, job)
		}
	}
	slices.SortFunc(running, func(a, b *worldJob) int {
		return compareNames(types.NamespacedName{Namespace: a.Namespace, Name: a.name}, types.NamespacedName{Namespace: b.Namespace, Name: b.name})
	})
	return running
}

// isConserving fails when a step waits that could start.
func (w *world) isConserving() {
	for _, f := range w.files {
		for _, request := range w.wanted(f) {
			n := w.s.of(f.name.Namespace)
			if _, blocked := w.s.blocked(n, n.classOf(&request)); !blocked {
				w.t.Fatalf("%v waits, and no limit is reached", request)
			}
		}
	}
	if got, want := w.s.Active(), len(w.running()); got != want {
		w.t.Fatalf("%d Jobs count, and %d run", got, want)
	}
}
