// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package scheduler decides which steps may start now. It counts the Jobs that run, holds the steps that wait, and gives
// each free slot to one of them, so that no limit is exceeded, no slot stays free that a waiting step may take, and
// nothing waits for ever. It is pure: it has no client and no clock, and remembers nothing that the Jobs do not say.
package scheduler

import (
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// overdueAfter is how long the watch may take to show a Job that was created. Then the Job is looked up: the watch may have
// begun again, and passed over one that came and went meanwhile.
const overdueAfter = time.Minute

// Limits bound how many Jobs of steps run at once. Zero means no limit.
type Limits struct {
	// MaxActive bounds the Jobs of all namespaces, MaxActivePerNamespace those of each. A namespace in which more Jobs run
	// than it may have, because others started them, takes no more than its part of MaxActive.
	MaxActive, MaxActivePerNamespace int
	// Weights say how many turns a namespace has for one of another. A namespace without a weight has 1.
	Weights map[string]int
}

// PipelineLimits bound what runs of one RecordingPipeline. Zero means no limit.
type PipelineLimits struct {
	// Files is how many files have a Job that runs.
	Files int
	// Steps is how many Jobs of a step run, by the name of the step.
	Steps map[string]int
}

// Step is a step of a RecordingFile that runs or waits.
type Step struct{ Namespace, Source, Pipeline, File, Name string }

// Request asks for a step to start.
type Request struct {
	Step
	// Job is the name of the Job that is to be created or resumed.
	Job string
	// Order says which request of a source comes first.
	Order
}

// Observation is a Job as a watch shows it.
type Observation struct {
	Step
	Job string
	UID types.UID
	// Active says that pods of the Job run or may start at any time: it has not ended and is not suspended.
	Active bool
	// Ended says that the Job has ended or is gone.
	Ended bool
}

// jobState is how much is known of a Job that has a slot.
type jobState int

const (
	// granted: it may be created or resumed, and nobody has done so.
	granted jobState = iota
	// expected: it was created or resumed, and no watch has shown that.
	expected
	// observed: a watch has shown that it runs.
	observed
)

// job has a slot.
type job struct {
	Step
	name  string
	state jobState
	// uid is empty while it is not known.
	uid types.UID
	// since is when it got its slot, or was expected.
	since time.Time
	// started is when it got its slot, for the cost of its namespace.
	started time.Time
	// resumed: it was suspended before, so that a watch that is late may still say so.
	resumed bool
}

// Scheduler is not safe for use by several goroutines at once. Every method that takes the time is to be given one that
// does not go back.
type Scheduler struct {
	limits     Limits
	namespaces map[string]*namespace
	// total is what runs in all namespaces, of each no more than its limit.
	total int
	// expectations are the Jobs that no watch has shown yet, the oldest first. Some have been shown since.
	expectations []*job
	woken        map[types.NamespacedName]bool
	// epoch is when the first slot was given. Costs are counted from then.
	epoch time.Time
	// virtual is the cost of the namespace that had the last turn.
	virtual float64
	// turn counts turns.
	turn uint64
}

// New makes a scheduler that knows of no Job.
func New(limits Limits) *Scheduler {
	return &Scheduler{limits: limits, namespaces: map[string]*namespace{}, woken: map[types.NamespacedName]bool{}}
}

// SetSource says how many Jobs of a RecordingSource's files may run at once; 0: any number.
func (s *Scheduler) SetSource(name types.NamespacedName, concurrency int, now time.Time) {
	n := s.of(name.Namespace)
	n.source(name.Name).limit = concurrency
	s.schedule(now)
	s.tidy(n)
}

// SetPipeline says what of a RecordingPipeline may run at once.
func (s *Scheduler) SetPipeline(name types.NamespacedName, limits PipelineLimits, now time.Time) {
	limits.Steps = maps.Clone(limits.Steps)
	n := s.of(name.Namespace)
	n.pipeline(name.Name).limits = limits
	s.schedule(now)
	s.tidy(n)
}

// Update says which steps of a file can start now. It replaces what was said of the file before: a slot that it has no
// use for any more is free again. Update returns what the steps wait for that have no slot, by name; the others may start.
func (s *Scheduler) Update(file types.NamespacedName, wanted []Request, now time.Time) map[string]Wait {
	n := s.of(file.Namespace)
	for _, waiting := range n.requestsOf(file.Name) {
		if !slices.ContainsFunc(wanted, func(r Request) bool { return r == *waiting }) {
			n.remove(waiting)
		}
	}
	for _, held := range n.jobsOf(file.Name) {
		if held.state == granted && !slices.ContainsFunc(wanted, func(r Request) bool { return r.Job == held.name }) {
			s.giveBack(n, held)
		}
	}
	for i := range wanted {
		if request := wanted[i]; n.jobs[request.Job] == nil {
			n.add(&request)
		}
	}
	s.schedule(now)
	delete(s.woken, file)
	defer s.tidy(n)
	held := map[string]Wait{}
	for i := range wanted {
		if n.jobs[wanted[i].Job] == nil {
			held[wanted[i].Name], _ = s.blocked(n, n.classOf(&wanted[i]))
		}
	}
	return held
}

// Started says that a Job with a slot was created, or resumed. It counts until a watch shows what becomes of it. The UID
// is empty when the API server may have created it, but did not say so.
func (s *Scheduler) Started(namespace, name string, uid types.UID, resumed bool, now time.Time) {
	n := s.of(namespace)
	defer s.tidy(n)
	held := n.jobs[name]
	if held == nil || held.state == observed && (uid == "" || held.uid == uid) {
		return
	}
	held.state, held.uid, held.since, held.resumed = expected, uid, now, resumed
	s.expectations = append(s.expectations, held)
}

// Expect counts a Job that exists, or has changed, and that the watch has not shown yet.
func (s *Scheduler) Expect(step Step, name string, uid types.UID, now time.Time) {
	n := s.of(step.Namespace)
	if n.jobs[name] != nil {
		return
	}
	s.begin(n, &job{Step: step, name: name, uid: uid, state: expected, since: now, started: now})
	s.expectations = append(s.expectations, n.jobs[name])
}

// Release gives the slot of a Job back that was not created or resumed after all.
func (s *Scheduler) Release(namespace, name string, now time.Time) {
	n := s.of(namespace)
	if held := n.jobs[name]; held != nil && held.state != observed {
		s.giveBack(n, held)
		s.schedule(now)
	}
	s.tidy(n)
}

// Observe says what a watch shows of a Job.
func (s *Scheduler) Observe(seen Observation, now time.Time) {
	n := s.of(seen.Namespace)
	defer s.tidy(n)
	held := n.jobs[seen.Job]
	switch {
	case seen.Active && held == nil:
		s.begin(n, &job{Step: seen.Step, name: seen.Job, uid: seen.UID, state: observed, since: now, started: now})
		return
	case seen.Active && (held.uid == "" || held.uid == seen.UID):
		held.state, held.uid = observed, seen.UID
		return
	case seen.Active || held == nil || held.state == granted:
		return // of another Job that had the name, or of what was before the slot was given
	case held.uid != "" && held.uid != seen.UID:
		return // of one that had the name before
	case held.state == expected && held.resumed && !seen.Ended:
		return // as it was before it was resumed
	}
	s.end(n, held, now)
	s.schedule(now)
}

// Overdue are the Jobs that count and that no watch has shown for a minute. They are to be read and given to Confirm.
func (s *Scheduler) Overdue(now time.Time) []types.NamespacedName {
	var overdue []types.NamespacedName
	for len(s.expectations) > 0 {
		oldest := s.expectations[0]
		if s.expects(oldest) && now.Sub(oldest.since) < overdueAfter {
			return overdue
		}
		if s.expects(oldest) {
			overdue = append(overdue, types.NamespacedName{Namespace: oldest.Namespace, Name: oldest.name})
			oldest.since = now
			s.expectations = append(s.expectations, oldest)
		}
		s.expectations[0] = nil
		s.expectations = s.expectations[1:]
	}
	return overdue
}

// expects says that a Job counts that no watch has shown.
func (s *Scheduler) expects(j *job) bool {
	n := s.namespaces[j.Namespace]
	return n != nil && n.jobs[j.name] == j && j.state == expected
}

// Confirm says what a Job is that was read from the API server itself. One that runs goes on to count until the watch shows
// it.
func (s *Scheduler) Confirm(seen Observation, now time.Time) {
	n := s.of(seen.Namespace)
	if held := n.jobs[seen.Job]; held != nil && held.state == expected && !seen.Active {
		s.end(n, held, now)
		s.schedule(now)
	}
	s.tidy(n)
}

// Woken are the files that have got a slot since it was called last, other than by Update for themselves.
func (s *Scheduler) Woken() []types.NamespacedName {
	woken := slices.Collect(maps.Keys(s.woken))
	clear(s.woken)
	return woken
}

// Active is how many Jobs have a slot.
func (s *Scheduler) Active() int {
	active := 0
	for _, n := range s.namespaces {
		active += len(n.jobs)
	}
	return active
}

// Waiting is how many steps wait, by the reason.
func (s *Scheduler) Waiting() map[string]int {
	waiting := map[string]int{}
	for _, n := range s.namespaces {
		for kind, requests := range n.waiting {
			wait, _ := s.blocked(n, kind)
			waiting[wait.Reason] += len(requests)
		}
	}
	return waiting
}

// begin counts a Job.
func (s *Scheduler) begin(n *namespace, started *job) {
	if s.epoch.IsZero() {
		s.epoch = started.started
	}
	s.total -= s.share(n)
	n.begin(started, s.minutes(started.started))
	s.total += s.share(n)
}

// end counts a Job no longer.
func (s *Scheduler) end(n *namespace, ended *job, now time.Time) {
	s.total -= s.share(n)
	n.end(ended, s.minutes(ended.started), s.minutes(now))
	s.total += s.share(n)
}

// giveBack is end for a Job that has never run: it costs nothing.
func (s *Scheduler) giveBack(n *namespace, unused *job) {
	s.end(n, unused, unused.started)
	n.spent -= startCost
}

// share is what a namespace takes of the limit for all.
func (s *Scheduler) share(n *namespace) int {
	if most := s.limits.MaxActivePerNamespace; most > 0 {
		return min(len(n.jobs), most)
	}
	return len(n.jobs)
}

func (s *Scheduler) minutes(at time.Time) float64 { return at.Sub(s.epoch).Minutes() }

// of is the namespace of this name.
func (s *Scheduler) of(name string) *namespace {
	n := s.namespaces[name]
	if n == nil {
		n = newNamespace(name, max(s.limits.Weights[name], 1))
		s.namespaces[name] = n
	}
	return n
}

// tidy forgets of a namespace in which nothing happens what does not matter any more. It begins again where the others are.
func (s *Scheduler) tidy(n *namespace) {
	if len(n.jobs) > 0 || len(n.waiting) > 0 {
		return
	}
	n.spent, n.begun, n.behind = 0, 0, true
	maps.DeleteFunc(n.sources, func(_ string, source *source) bool { return source.limit == 0 })
	maps.DeleteFunc(n.pipelines, func(_ string, p *pipeline) bool { return p.limits.Files == 0 && len(p.limits.Steps) == 0 })
	if len(n.sources) == 0 && len(n.pipelines) == 0 {
		delete(s.namespaces, n.name)
	}
}
