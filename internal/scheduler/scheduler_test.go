// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduler

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

var now = time.Unix(1_700_000_000, 0)

func named(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

// ask asks for one step of a file, and says what it waits for.
func ask(s *Scheduler, namespace, source, pipeline, file, step string) Wait {
	return s.Update(named(namespace, file), []Request{{
		Step: Step{namespace, source, pipeline, file, step}, Job: file + "-" + step, Order: Order{Created: now.Unix(), UID: types.UID(file)},
	}}, now)[step]
}

// TestScheduler_SaysWhatIsWaitedFor: the narrowest limit that is reached is named, with how much of it is used.
func TestScheduler_SaysWhatIsWaitedFor(t *testing.T) {
	for name, test := range map[string]struct {
		limits   Limits
		source   int
		pipeline PipelineLimits
		want     Wait
	}{
		"cluster":   {limits: Limits{MaxActive: 1}, want: Wait{v1alpha1.ReasonMaxActive, "all namespaces: 1 of 1 Jobs running"}},
		"namespace": {limits: Limits{MaxActive: 1, MaxActivePerNamespace: 1}, want: Wait{v1alpha1.ReasonMaxActivePerNamespace, "namespace n: 1 of 1 Jobs running"}},
		"source":    {source: 1, want: Wait{v1alpha1.ReasonSourceConcurrency, "RecordingSource s: 1 of 1 Jobs running"}},
		"files":     {pipeline: PipelineLimits{Files: 1}, want: Wait{v1alpha1.ReasonPipelineConcurrency, "RecordingPipeline p: 1 of 1 files running"}},
		"step": {source: 1, pipeline: PipelineLimits{Files: 1, Steps: map[string]int{"x": 1}},
			want: Wait{v1alpha1.ReasonStepConcurrency, "RecordingPipeline p: 1 of 1 Jobs of step x running"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(test.limits)
			s.SetSource(named("n", "s"), test.source, now)
			s.SetPipeline(named("n", "p"), test.pipeline, now)
			if wait := ask(s, "n", "s", "p", "first", "x"); wait != (Wait{}) {
				t.Fatalf("the first one waits for %v", wait)
			}
			if wait := ask(s, "n", "s", "p", "second", "x"); wait != test.want {
				t.Errorf("waits for %v, want %v", wait, test.want)
			}
			if waiting := s.Waiting(); !maps.Equal(waiting, map[string]int{test.want.Reason: 1}) {
				t.Errorf("Waiting is %v", waiting)
			}
			s.Release("n", "first-x", now)
			if woken := s.Woken(); !slices.Equal(woken, []types.NamespacedName{named("n", "second")}) {
				t.Errorf("woken: %v", woken)
			}
		})
	}
}

// TestScheduler_NobodyWaitsBehindWhatCannotStart: a step that cannot start holds up none that can.
func TestScheduler_NobodyWaitsBehindWhatCannotStart(t *testing.T) {
	s := New(Limits{MaxActive: 10})
	s.SetPipeline(named("n", "p"), PipelineLimits{Files: 1}, now)
	ask(s, "n", "s", "p", "first", "x")
	for i := range 1000 {
		ask(s, "n", "s", "p", fmt.Sprint("waits-", i), "x")
	}
	if wait := ask(s, "n", "s", "q", "other", "x"); wait != (Wait{}) {
		t.Errorf("a file of another pipeline waits for %v", wait)
	}
	if held := s.Update(named("n", "first"), []Request{{Step: Step{"n", "s", "p", "first", "y"}, Job: "first-y"}}, now); len(held) > 0 {
		t.Errorf("another step of the file that runs waits for %v", held)
	}
}

// TestScheduler_WakesOnlyWhatMayStart: of a thousand files that wait, a free slot wakes one.
func TestScheduler_WakesOnlyWhatMayStart(t *testing.T) {
	s := New(Limits{MaxActive: 10})
	for i := range 1010 {
		ask(s, "n", "s", "p", fmt.Sprintf("f%04d", i), "x")
	}
	s.Woken()
	for i := range 10 {
		job := fmt.Sprintf("f%04d-x", i)
		s.Started("n", job, types.UID(job), false, now)
		s.Observe(Observation{Step: Step{Namespace: "n"}, Job: job, UID: types.UID(job), Ended: true}, now)
		if woken := s.Woken(); !slices.Equal(woken, []types.NamespacedName{named("n", fmt.Sprintf("f%04d", i+10))}) {
			t.Fatalf("woken: %v", woken)
		}
	}
}

// TestScheduler_HearsWhatIsNew: what a late watch says of a Job as it was changes nothing.
func TestScheduler_HearsWhatIsNew(t *testing.T) {
	begin := func(uid types.UID, resumed bool) *Scheduler {
		s := New(Limits{MaxActive: 1})
		ask(s, "n", "s", "p", "first", "x")
		s.Started("n", "first-x", uid, resumed, now)
		ask(s, "n", "s", "p", "second", "x")
		return s
	}
	seen := func(uid types.UID, active, ended bool) Observation {
		return Observation{Step: Step{"n", "s", "p", "first", "x"}, Job: "first-x", UID: uid, Active: active, Ended: ended}
	}
	for name, test := range map[string]struct {
		resumed bool
		seen    []Observation
		frees   bool
	}{
		"a deleted Job that had the name":              {seen: []Observation{seen("old", false, true)}},
		"a Job that had the name, as it ran":           {seen: []Observation{seen("old", true, false), seen("old", false, true)}},
		"the Job, suspended by another":                {seen: []Observation{seen("new", false, false)}, frees: true},
		"the Job, ended":                               {seen: []Observation{seen("new", false, true)}, frees: true},
		"a resumed Job, as it was suspended":           {resumed: true, seen: []Observation{seen("new", false, false)}},
		"a resumed Job, ended":                         {resumed: true, seen: []Observation{seen("new", false, true)}, frees: true},
		"a resumed Job, as it ran and was suspended":   {resumed: true, seen: []Observation{seen("new", true, false), seen("new", false, false)}, frees: true},
		"a Job that runs, and later one of the past":   {seen: []Observation{seen("new", true, false), seen("old", false, true)}},
		"a Job that runs, and later ends in good time": {seen: []Observation{seen("new", true, false), seen("new", false, true)}, frees: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := begin("new", test.resumed)
			for _, one := range test.seen {
				s.Observe(one, now)
			}
			if freed := len(s.Woken()) == 1; freed != test.frees {
				t.Errorf("a slot is free: %v", freed)
			}
		})
	}
}

// TestScheduler_LooksUpWhatTheWatchDoesNotShow: a Job that came and went unseen does not count for ever, and one that runs
// counts for as long as it is not seen.
func TestScheduler_LooksUpWhatTheWatchDoesNotShow(t *testing.T) {
	s := New(Limits{MaxActive: 1})
	ask(s, "n", "s", "p", "first", "x")
	s.Started("n", "first-x", "", false, now)
	ask(s, "n", "s", "p", "second", "x")
	if overdue := s.Overdue(now.Add(overdueAfter / 2)); len(overdue) > 0 {
		t.Fatalf("overdue too soon: %v", overdue)
	}
	for i := range 3 {
		at := now.Add(time.Duration(i+1) * overdueAfter)
		if overdue := s.Overdue(at); !slices.Equal(overdue, []types.NamespacedName{named("n", "first-x")}) {
			t.Fatalf("overdue: %v", overdue)
		}
		s.Confirm(Observation{Step: Step{Namespace: "n"}, Job: "first-x", Active: true}, at)
		if woken := s.Woken(); len(woken) > 0 {
			t.Fatalf("woken: %v", woken)
		}
	}
	s.Confirm(Observation{Step: Step{Namespace: "n"}, Job: "first-x", Ended: true}, now)
	if woken := s.Woken(); !slices.Equal(woken, []types.NamespacedName{named("n", "second")}) {
		t.Fatalf("woken: %v", woken)
	}
}

// TestScheduler_OthersTakeNoMoreThanTheirNamespaceMay: Jobs that others start in a namespace keep no other namespace waiting.
func TestScheduler_OthersTakeNoMoreThanTheirNamespaceMay(t *testing.T) {
	s := New(Limits{MaxActive: 10, MaxActivePerNamespace: 4})
	for i := range 50 {
		job := fmt.Sprint("foreign-", i)
		s.Observe(Observation{Step: Step{"n", "s", "p", job, "x"}, Job: job, UID: types.UID(job), Active: true}, now)
	}
	if wait := ask(s, "n", "s", "p", "f", "x"); wait.Reason != v1alpha1.ReasonMaxActivePerNamespace {
		t.Errorf("in the namespace itself it waits for %v", wait)
	}
	if wait := ask(s, "m", "s", "p", "f", "x"); wait != (Wait{}) {
		t.Errorf("in another namespace it waits for %v", wait)
	}
}

// TestScheduler_RemembersNothing: when nothing runs, waits or is limited, nothing is left in memory.
func TestScheduler_RemembersNothing(t *testing.T) {
	s := New(Limits{MaxActive: 2})
	for i := range 100 {
		namespace := fmt.Sprint("n", i)
		s.SetSource(named(namespace, "s"), 3, now)
		s.SetPipeline(named(namespace, "p"), PipelineLimits{Files: 3}, now)
		ask(s, namespace, "s", "p", "f", "x")
	}
	for i := range 100 {
		namespace := fmt.Sprint("n", i)
		s.Update(named(namespace, "f"), nil, now)
		s.SetSource(named(namespace, "s"), 0, now)
		s.SetPipeline(named(namespace, "p"), PipelineLimits{}, now)
	}
	if len(s.namespaces) > 0 || s.total != 0 || len(s.expectations) > 0 {
		t.Errorf("left: %d namespaces, %d Jobs, %d expectations", len(s.namespaces), s.total, len(s.expectations))
	}
}

func TestCompare(t *testing.T) {
	at := func(priority int32, minutes int64, uid types.UID) Order { return Order{priority, 60 * minutes, uid} }
	sorted := []Order{at(1, 9, "a"), at(0, 0, "a"), at(0, 0, "b"), at(1, 10, "a"), at(0, 5, "a"), at(-10, -89, "z"), at(0, 12, "a")}
	want := []Order{at(1, 9, "a"), at(0, 0, "a"), at(0, 0, "b"), at(1, 10, "a"), at(0, 5, "a"), at(-10, -89, "z"), at(0, 12, "a")}
	slices.Reverse(sorted)
	slices.SortFunc(sorted, Compare)
	if !slices.Equal(sorted, want) {
		t.Errorf("sorted: %v", sorted)
	}
}

// BenchmarkScheduler_FreeSlot is what a Job that ends costs while 10,000 files wait.
func BenchmarkScheduler_FreeSlot(b *testing.B) {
	s := New(Limits{MaxActive: 1})
	waiting := 0
	next := func() {
		waiting++
		ask(s, "n", "s", "p", fmt.Sprint(waiting), "x")
	}
	for range 10_001 {
		next()
	}
	first := "1"
	for b.Loop() {
		job := first + "-x"
		s.Observe(Observation{Step: Step{Namespace: "n"}, Job: job, Active: true}, now)
		s.Observe(Observation{Step: Step{Namespace: "n"}, Job: job, Ended: true}, now)
		first = s.Woken()[0].Name
		next()
	}
}
