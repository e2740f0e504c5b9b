// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pace

import (
	"fmt"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

const tenant = "tenant"

func newPacer() (*Pacer, *clocktesting.FakePassiveClock) {
	clk := clocktesting.NewFakePassiveClock(time.Date(2026, 4, 28, 9, 0, 0, 0, time.UTC))
	return New(clk), clk
}

// arriveMany is the beginning of a burst.
func arriveMany(p *Pacer, namespace string) {
	for range few + 1 {
		p.Arrived(namespace)
	}
}

// writes counts the statuses that may be written while recordings arrive every step of the time.
func writes(p *Pacer, clk *clocktesting.FakePassiveClock, during, step time.Duration) (count int) {
	for end := clk.Now().Add(during); clk.Now().Before(end); clk.SetTime(clk.Now().Add(step)) {
		p.Arrived(tenant)
		if p.File(tenant) == 0 {
			count++
		}
	}
	return count
}

func TestPacer_WritesFreelyWithoutArrivals(t *testing.T) {
	p, _ := newPacer()
	for range 1000 {
		if delay := p.File(tenant); delay != 0 {
			t.Fatalf("delayed by %v", delay)
		}
	}
}

func TestPacer_WritesFourASecondDuringABurst(t *testing.T) {
	p, clk := newPacer()
	arriveMany(p, tenant)
	if count := writes(p, clk, 10*time.Second, 10*time.Millisecond); count != 40 {
		t.Errorf("%d writes in 10 s, want 40", count)
	}
	clk.SetTime(clk.Now().Add(quiet))
	for range 1000 {
		if delay := p.File(tenant); delay != 0 {
			t.Fatalf("delayed by %v after the burst", delay)
		}
	}
}

// TestPacer_FewArrivalsAreNoBurst: a recording that begins or ends every so often, or some at once, hold back nothing.
func TestPacer_FewArrivalsAreNoBurst(t *testing.T) {
	p, clk := newPacer()
	const every = time.Second / usual
	if count := writes(p, clk, time.Minute, every); count != int(time.Minute/every) {
		t.Errorf("%d writes in a minute, want %d", count, time.Minute/every)
	}
	clk.SetTime(clk.Now().Add(time.Second))
	for range few {
		p.Arrived(tenant)
	}
	if file, again, task := p.File(tenant), p.File(tenant), p.Task(tenant); file != 0 || again != 0 || task != 0 {
		t.Errorf("files wait %v and %v, a task %v", file, again, task)
	}
}

func TestPacer_DelayedWritesAskAgainOneAfterTheOther(t *testing.T) {
	p, _ := newPacer()
	arriveMany(p, tenant)
	if p.File(tenant) != 0 {
		t.Fatal("the first write is delayed")
	}
	for i := range 100 {
		if delay, want := p.File(tenant), quiet+time.Duration(i+1)*spacing; delay != want {
			t.Fatalf("write %d is delayed by %v, want %v", i, delay, want)
		}
	}
}

func TestPacer_LastingLoadIsNotPaced(t *testing.T) {
	p, clk := newPacer()
	const step = 20 * time.Millisecond
	arriveMany(p, tenant)
	writes(p, clk, longest+step, step)
	if count := writes(p, clk, time.Hour, step); count != int(time.Hour/step) {
		t.Errorf("%d writes in an hour, want %d", count, time.Hour/step)
	}
	clk.SetTime(clk.Now().Add(quiet + 1))
	arriveMany(p, tenant)
	if count := writes(p, clk, time.Second, 10*time.Millisecond); count != 4 {
		t.Errorf("%d writes in the first second of another burst, want 4", count)
	}
}

func TestPacer_TasksGiveWayToFiles(t *testing.T) {
	p, clk := newPacer()
	tasks := 0
	for range few {
		_ = p.File(tenant)
	}
	for end := clk.Now().Add(10 * time.Second); clk.Now().Before(end); clk.SetTime(clk.Now().Add(10 * time.Millisecond)) {
		if p.File(tenant) != 0 {
			t.Fatal("a file waits without a burst of callbacks")
		}
		if p.Task(tenant) == 0 {
			tasks++
		}
	}
	if tasks != 40 {
		t.Errorf("%d writes of tasks in 10 s, want 40", tasks)
	}
	clk.SetTime(clk.Now().Add(quiet))
	for range 10 {
		if p.Task(tenant) != 0 {
			t.Fatal("a task waits although no file is written any more")
		}
	}
	arriveMany(p, tenant)
	if p.File(tenant) != 0 {
		t.Fatal("the first write of a burst is delayed")
	}
	if files, tasks := p.File(tenant), p.Task(tenant); files == 0 || tasks == 0 {
		t.Errorf("during a burst a file waits %v and a task %v", files, tasks)
	}
}

// TestPacer_BurstOfOneNamespaceHoldsBackNoOther: a tenant that is called back without end, or in one burst after the other,
// holds back its own statuses.
func TestPacer_BurstOfOneNamespaceHoldsBackNoOther(t *testing.T) {
	p, clk := newPacer()
	for end := clk.Now().Add(3 * longest); clk.Now().Before(end); clk.SetTime(clk.Now().Add(100 * time.Millisecond)) {
		for range 10 {
			p.Arrived("floods")
			_, _ = p.File("floods"), p.Task("floods")
		}
		if file := p.File(tenant); file != 0 {
			t.Fatalf("a file of another namespace waits %v", file)
		}
		p.Arrived("floods")
		if task := p.Task("has tasks"); task != 0 {
			t.Fatalf("a task of another namespace waits %v", task)
		}
	}
}

func TestPacer_ForgetsNamespacesInWhichNothingGoesOn(t *testing.T) {
	p, clk := newPacer()
	for n := range 1000 {
		name := fmt.Sprint(n)
		p.Arrived(name)
		_, _ = p.File(name), p.File(name)
		clk.SetTime(clk.Now().Add(quiet))
	}
	if len(p.lanes) > 5 {
		t.Errorf("%d namespaces are remembered", len(p.lanes))
	}
}
