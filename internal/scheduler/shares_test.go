// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduler

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// saturated has namespaces that always have more work than they can do.
type saturated struct {
	s    *Scheduler
	now  time.Time
	next int
	// lasts says how long a Job of a namespace runs.
	lasts func(namespace string) time.Duration
	// ends are the Jobs that run, and when they end.
	ends map[types.NamespacedName]time.Time
	// used are the minutes that Jobs of a namespace ran, and starts how many began.
	used   map[string]float64
	starts map[string]int
}

func newSaturated(limits Limits, lasts func(string) time.Duration) *saturated {
	return &saturated{
		s: New(limits), now: time.Unix(1_700_000_000, 0), lasts: lasts, ends: map[types.NamespacedName]time.Time{},
		used: map[string]float64{}, starts: map[string]int{},
	}
}

// add has one more file of a namespace wait.
func (w *saturated) add(namespace, source string, priority int32) types.NamespacedName {
	w.next++
	file := types.NamespacedName{Namespace: namespace, Name: fmt.Sprint("f", w.next)}
	w.s.Update(file, []Request{{
		Step: Step{namespace, source, "p", file.Name, "x"}, Job: file.Name,
		Order: Order{Priority: priority, Created: w.now.Unix(), UID: types.UID(fmt.Sprint(w.next))},
	}}, w.now)
	w.begin(file)
	return file
}

// begin starts a file's Job, if it has a slot, and those that were woken.
func (w *saturated) begin(files ...types.NamespacedName) {
	for _, file := range append(w.s.Woken(), files...) {
		if held := w.s.of(file.Namespace).jobs[file.Name]; held == nil || held.state == observed {
			continue
		}
		w.s.Observe(Observation{Step: Step{file.Namespace, "", "", file.Name, "x"}, Job: file.Name, Active: true}, w.now)
		lasts := w.lasts(file.Namespace)
		w.ends[file] = w.now.Add(lasts)
		w.used[file.Namespace] += lasts.Minutes()
		w.starts[file.Namespace]++
	}
}

// endNext has the Job end that ends first, and says whose it was.
func (w *saturated) endNext() types.NamespacedName {
	var first types.NamespacedName
	for file, at := range w.ends {
		if first.Name == "" || at.Before(w.ends[first]) || at.Equal(w.ends[first]) && file.Name < first.Name {
			first = file
		}
	}
	w.now = w.ends[first]
	delete(w.ends, first)
	w.s.Observe(Observation{Step: Step{Namespace: first.Namespace, File: first.Name}, Job: first.Name, Ended: true}, w.now)
	w.begin()
	return first
}

// TestScheduler_SharesFollowWeights: of what Jobs cost, each namespace gets its part by weight, within 5 %, however long its
// Jobs run.
func TestScheduler_SharesFollowWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := map[string]int{}
		total := 0
		for i := range rapid.IntRange(2, 4).Draw(t, "namespaces") {
			weight := rapid.IntRange(1, 5).Draw(t, "weight")
			weights[fmt.Sprint("n", i)], total = weight, total+weight
		}
		minutes := map[string]int{}
		for i := range len(weights) {
			minutes[fmt.Sprint("n", i)] = rapid.SampledFrom([]int{1, 3, 10, 30}).Draw(t, "minutes")
		}
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		slots := rapid.IntRange(1, 20).Draw(t, "slots")
		w := newSaturated(Limits{MaxActive: slots, Weights: weights}, func(namespace string) time.Duration {
			return time.Duration(float64(minutes[namespace]) * (0.5 + random.Float64()) * float64(time.Minute))
		})
		for name := range weights {
			for range 2 * slots {
				w.add(name, "s", 0)
			}
		}
		for fewest := 0; fewest < 400; {
			ended := w.endNext()
			w.add(ended.Namespace, "s", 0)
			fewest = w.starts[ended.Namespace]
			for name := range weights {
				fewest = min(fewest, w.starts[name])
			}
		}
		for file, at := range w.ends {
			w.used[file.Namespace] -= at.Sub(w.now).Minutes() // it has not run so far
		}
		all := 0.0
		for name := range weights {
			all += w.used[name] + float64(w.starts[name])
		}
		for name, weight := range weights {
			got, want := (w.used[name]+float64(w.starts[name]))/all, float64(weight)/float64(total)
			if math.Abs(got-want) > 0.05*want {
				t.Fatalf("namespace %s with weight %d of %d has %.3f of the cost, not %.3f; %v", name, weight, total, got, want, w.starts)
			}
		}
	})
}

// TestScheduler_NewcomerStartsWithTheNextFreeSlot: what waits in one namespace delays another by one turn, however much it
// is and however long the other has done nothing.
func TestScheduler_NewcomerStartsWithTheNextFreeSlot(t *testing.T) {
	w := newSaturated(Limits{MaxActive: 10}, func(string) time.Duration { return 10 * time.Minute })
	for range 10_000 {
		w.add("busy", "s", 0)
	}
	for range 500 {
		w.endNext()
	}
	w.add("quiet", "s", 0)
	if w.starts["quiet"] != 0 {
		t.Fatal("it started without a slot")
	}
	w.endNext()
	if w.starts["quiet"] != 1 {
		t.Fatal("the next free slot went to the namespace that has had all of them")
	}
	// It has saved nothing up while it had nothing to do: from now on both have their turns.
	before := w.starts["busy"]
	for range 100 {
		w.add("quiet", "s", 0)
	}
	for range 40 {
		w.endNext()
	}
	if got := w.starts["busy"] - before; got < 15 || got > 25 {
		t.Fatalf("of 40 slots the busy namespace got %d", got)
	}
}

// TestScheduler_NothingStarves: a file with the least priority starts, although files with the greatest come without end.
func TestScheduler_NothingStarves(t *testing.T) {
	w := newSaturated(Limits{MaxActive: 2}, func(string) time.Duration { return 10 * time.Minute })
	for range 4 {
		w.add("n", "s", 10)
	}
	last := w.add("n", "s", -10)
	waits := 0
	for w.s.of("n").jobs[last.Name] == nil {
		w.endNext()
		w.add("n", "s", 10)
		if waits++; waits > 100 {
			t.Fatal("it never starts")
		}
	}
	// 20 units of priority are 200 minutes, in which 40 Jobs run.
	if waits < 35 || waits > 45 {
		t.Fatalf("it started after %d Jobs, not about 40", waits)
	}
}

// TestScheduler_SourcesTakeTurns: within a namespace sources take turns, whatever the priorities of their files.
func TestScheduler_SourcesTakeTurns(t *testing.T) {
	w := newSaturated(Limits{MaxActive: 1}, func(string) time.Duration { return time.Minute })
	w.add("n", "first", 0)
	for range 10 {
		w.add("n", "first", 100)
	}
	for range 10 {
		w.add("n", "second", 0)
	}
	counts := map[string]int{}
	for range 10 {
		w.endNext()
		for _, running := range w.s.of("n").jobs {
			counts[running.Source]++
		}
	}
	if counts["first"] != 5 || counts["second"] != 5 {
		t.Fatalf("turns: %v", counts)
	}
}
