// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package queue

import (
	"fmt"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	clocktesting "k8s.io/utils/clock/testing"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

const (
	firstFailure = time.Second
	lastFailure  = time.Minute
)

func request(namespace string, number int) reconcile.Request {
	return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: fmt.Sprint(number)}}
}

// many is more workers than a test needs.
const many = 1 << 20

// newQueue is a queue as a controller with many workers has it, whose clock stands still. It has no name, and so no metrics.
func newQueue(t interface{ Cleanup(func()) }) (Limited, *clocktesting.FakeClock) {
	return newShared(t, many, many)
}

func newShared(t interface{ Cleanup(func()) }, workers, share int) (Limited, *clocktesting.FakeClock) {
	clock := clocktesting.NewFakeClock(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	made := New(clock, workers, share)("", workqueue.NewTypedItemExponentialFailureRateLimiter[reconcile.Request](firstFailure, lastFailure))
	t.Cleanup(made.ShutDown)
	return made, clock
}

// simulation is a queue beside what is known of it: which items wait, which are worked on, and which have come again
// meanwhile.
type simulation struct {
	queue                  Limited
	waiting, worked, again map[reconcile.Request]bool
	// passed counts for every namespace that waits the items that each other had taken since its turn was last or it came.
	passed map[string]map[string]int
}

func (s *simulation) add(item reconcile.Request) {
	s.queue.Add(item)
	switch {
	case s.waiting[item]:
	case s.worked[item]:
		s.again[item] = true
	default:
		s.wait(item)
	}
}

func (s *simulation) wait(item reconcile.Request) {
	s.waiting[item] = true
	if s.passed[item.Namespace] == nil {
		s.passed[item.Namespace] = map[string]int{}
	}
}

func (s *simulation) get(t *rapid.T) {
	item, down := s.queue.Get()
	if down || !s.waiting[item] || s.worked[item] {
		t.Fatalf("got %v, shut down %t: waits %t, is worked on %t", item, down, s.waiting[item], s.worked[item])
	}
	delete(s.waiting, item)
	s.worked[item] = true
	for namespace, passed := range s.passed {
		if namespace == item.Namespace {
			continue
		}
		if passed[item.Namespace]++; passed[item.Namespace] > 1 {
			t.Fatalf("%s had %d items taken while %s waited for one", item.Namespace, passed[item.Namespace], namespace)
		}
	}
	delete(s.passed, item.Namespace)
	for other := range s.waiting {
		if other.Namespace == item.Namespace {
			s.passed[item.Namespace] = map[string]int{}
		}
	}
}

func (s *simulation) done(item reconcile.Request) {
	s.queue.Done(item)
	delete(s.worked, item)
	if s.again[item] {
		delete(s.again, item)
		s.wait(item)
	}
}

// TestQueue_LosesNothingAndTakesTurns drives the queue as a controller does: no item is lost, none is worked on twice at
// once, whatever waits can be had at once, and a namespace waits for at most one item of each other.
func TestQueue_LosesNothingAndTakesTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		made, _ := newQueue(t)
		s := &simulation{
			queue: made, waiting: map[reconcile.Request]bool{}, worked: map[reconcile.Request]bool{}, again: map[reconcile.Request]bool{},
			passed: map[string]map[string]int{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				s.add(request(rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "namespace"), rapid.IntRange(0, 9).Draw(t, "number")))
			},
			"get": func(t *rapid.T) {
				if len(s.waiting) == 0 {
					t.Skip("nothing waits")
				}
				s.get(t)
			},
			"done": func(t *rapid.T) {
				for _, namespace := range []string{"a", "b", "c", "d"} {
					item := request(namespace, rapid.IntRange(0, 9).Draw(t, "number"))
					if s.worked[item] {
						s.done(item)
						return
					}
				}
				t.Skip("nothing is worked on")
			},
			"": func(t *rapid.T) {
				if made.Len() != len(s.waiting) {
					t.Fatalf("%d items wait, and %d can be had", len(s.waiting), made.Len())
				}
			},
		})
		for len(s.waiting) > 0 || len(s.worked) > 0 {
			for len(s.waiting) > 0 {
				s.get(t)
			}
			for item := range s.worked {
				s.done(item)
			}
		}
		if made.Len() != 0 {
			t.Fatalf("%d items are left that nobody added", made.Len())
		}
	})
}

// TestQueue_FloodDelaysOthersByOneItem: ten thousand items of each of two namespaces wait; the one of another is third.
func TestQueue_FloodDelaysOthersByOneItem(t *testing.T) {
	made, _ := newQueue(t)
	for _, namespace := range []string{"flood", "deluge"} {
		for i := range 10_000 {
			made.Add(request(namespace, i))
		}
	}
	quiet := request("quiet", 0)
	made.Add(quiet)
	for taken := range 3 {
		item, _ := made.Get()
		made.Done(item)
		if item == quiet {
			return
		}
		if taken == 2 {
			t.Errorf("%v came third, before the only item of another namespace", item)
		}
	}
}

// TestRing_SharesWorkers: no worker idles while a namespace waits that may have it, none has more than its share, and nothing is
// left in the end.
func TestRing_SharesWorkers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		workers, share := rapid.IntRange(1, 9).Draw(t, "workers"), rapid.IntRange(1, 9).Draw(t, "share")
		r := newRing(workers, share)
		waiting, held := map[string]int{}, map[string]int{}
		free, added := workers, 0
		// Every worker that is free takes what it may.
		work := func() {
			for free > 0 && r.chooseOne() {
				namespace := r.Pop().Namespace
				if n := held[namespace]; waiting[namespace] == 0 || n > 0 && n >= min(free, share) {
					t.Fatalf("%s has another worker beside %d, and %d are free", namespace, n, free)
				}
				waiting[namespace]--
				held[namespace]++
				free--
			}
			for namespace, n := range waiting {
				if free > 0 && n > 0 && held[namespace] < min(free, share) {
					t.Fatalf("%d workers idle, and %d items of %s wait, which has %d", free, n, namespace, held[namespace])
				}
			}
		}
		namespaces := rapid.SampledFrom([]string{"a", "b", "c", "d"})
		finish := func(namespace string) {
			r.giveBack(namespace)
			held[namespace]--
			free++
			work()
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				namespace := namespaces.Draw(t, "namespace")
				r.Push(request(namespace, added))
				waiting[namespace]++
				added++
				work()
			},
			"done": func(t *rapid.T) {
				if namespace := namespaces.Draw(t, "namespace"); held[namespace] > 0 {
					finish(namespace)
				}
			},
		})
		for free < workers {
			for _, namespace := range []string{"a", "b", "c", "d"} {
				for held[namespace] > 0 {
					finish(namespace)
				}
			}
		}
		if r.waiting() != 0 || r.held.Held() != 0 {
			t.Fatalf("%d items are left, and %d namespaces hold workers", r.waiting(), r.held.Held())
		}
	})
}

// TestQueue_HangingNamespacesLeaveAWorker: reconciles of three namespaces hang, and those of another go on.
func TestQueue_HangingNamespacesLeaveAWorker(t *testing.T) {
	const workers = 8
	made, _ := newShared(t, workers, workers)
	for _, namespace := range []string{"hangs", "sticks", "stalls"} {
		for i := range 100 {
			made.Add(request(namespace, i))
		}
	}
	release, done := make(chan struct{}), make(chan reconcile.Request, 400)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for {
				item, down := made.Get()
				if down {
					return
				}
				if item.Namespace != "quiet" {
					<-release
				}
				made.Done(item)
				done <- item
			}
		})
	}
	g := NewWithT(t)
	for i := range 50 {
		made.Add(request("quiet", i))
		g.Eventually(done, 10*time.Second).Should(Receive(Equal(request("quiet", i))))
	}
	close(release)
	for range 300 {
		g.Eventually(done, 10*time.Second).Should(Receive())
	}
	made.ShutDown()
	running.Wait()
}

func TestQueue_DelaysAndLimits(t *testing.T) {
	g := NewWithT(t)
	made, clock := newQueue(t)
	later, failed := request("a", 1), request("b", 2)
	made.AddAfter(later, time.Hour)
	made.AddAfter(later, time.Minute)
	made.AddRateLimited(failed)
	made.AddRateLimited(failed)
	g.Expect(made.NumRequeues(failed)).To(Equal(2))
	g.Eventually(clock.HasWaiters).Should(BeTrue())
	g.Consistently(made.Len, 50*time.Millisecond).Should(BeZero(), "nothing is due")

	clock.Step(firstFailure)
	g.Eventually(made.Len).Should(Equal(1), "the first failure is due, the second adds nothing to it")
	item, _ := made.Get()
	g.Expect(item).To(Equal(failed))
	made.Forget(item)
	made.Done(item)
	g.Expect(made.NumRequeues(failed)).To(BeZero())

	clock.Step(time.Minute)
	g.Eventually(made.Len).Should(Equal(1), "the earlier of two delays holds")
	item, _ = made.Get()
	g.Expect(item).To(Equal(later))
	made.Done(item)
}

// TestQueue_DrainsBeforeItShutsDown: what waits is still handed out, and the queue ends when the last item is done.
func TestQueue_DrainsBeforeItShutsDown(t *testing.T) {
	g := NewWithT(t)
	made, _ := newQueue(t)
	made.Add(request("a", 1))
	made.Add(request("b", 2))
	first, _ := made.Get()
	ended := make(chan struct{})
	go func() { made.ShutDownWithDrain(); close(ended) }()
	g.Eventually(made.ShuttingDown).Should(BeTrue())
	made.Add(request("c", 3))
	second, down := made.Get()
	g.Expect(down).To(BeFalse())
	g.Expect(second).To(Equal(request("b", 2)))
	g.Consistently(ended, 50*time.Millisecond).ShouldNot(BeClosed())
	made.Done(first)
	made.Done(second)
	g.Eventually(ended).Should(BeClosed())
	_, down = made.Get()
	g.Expect(down).To(BeTrue(), "what is added afterwards is not taken")
}

// BenchmarkRing measures one item through a ring in which 1,000 namespaces with ten items each wait.
func BenchmarkRing(b *testing.B) {
	r := newRing(many, many)
	for i := range 10_000 {
		r.Push(request(fmt.Sprint("namespace-", i%1000), i))
	}
	b.ReportAllocs()
	for b.Loop() {
		r.choose()
		item := r.Pop()
		r.giveBack(item.Namespace)
		r.Push(item)
	}
}
