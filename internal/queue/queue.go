// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package queue makes the work queues of controllers fair between namespaces. Ten thousand objects of one tenant delay an
// object of another by one reconcile, not by ten thousand; and reconciles of one tenant that hang, in a webhook or a storage
// server of its choice, never hold all workers.
package queue

import (
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Limited is the queue that a controller takes its work from.
type Limited = workqueue.TypedRateLimitingInterface[reconcile.Request]

// SomeWorkers is how many workers a controller has whose reconciles take little time: others go on while the webhooks of two
// namespaces hang.
const SomeWorkers = 4

// Fair are the options of a controller with so many workers, whose queue is that of New.
func Fair(workers, share int) controller.Options {
	return controller.Options{MaxConcurrentReconciles: workers, NewQueue: New(clock.RealClock{}, workers, share)}
}

// New is for controller.Options.NewQueue of a controller with so many workers. The queue is client-go's, with its metrics,
// delays and rate limits; only which of the items that are due is taken next differs. Each namespace has one item taken in
// turn. It is passed over while it holds share workers, or as many as are free: so one namespace holds half of the workers
// at most, two hold three quarters, and so on. A namespace that holds none has the next one that is free.
func New(clock clock.WithTicker, workers, share int) func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) Limited {
	return func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) Limited {
		waiting := newRing(workers, share)
		due := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{Name: name, Clock: clock, Queue: waiting})
		// The name stands in the metrics of each layer.
		delayed := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{Name: name, Clock: clock, Queue: due})
		return shared{ring: waiting, TypedRateLimitingInterface: workqueue.NewTypedRateLimitingQueueWithConfig(limiter,
			workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{Name: name, Clock: clock, DelayingQueue: delayed})}
	}
}

// shared takes an item from the ring before it asks the queue for it: which items may be taken changes when a worker ends, which
// the queue does not wait for.
type shared struct {
	workqueue.TypedRateLimitingInterface[reconcile.Request]

	ring *ring
}

// Get waits for an item that may be taken.
func (s shared) Get() (item reconcile.Request, down bool) {
	s.ring.choose()
	return s.TypedRateLimitingInterface.Get()
}

// Done gives the worker of an item back.
func (s shared) Done(item reconcile.Request) {
	s.ring.giveBack(item.Namespace)
	s.TypedRateLimitingInterface.Done(item)
}

// Len is the number of items that wait, also of those that may not be taken yet.
func (s shared) Len() int { return s.ring.waiting() }

// ShutDown has Get end when nothing waits.
func (s shared) ShutDown() {
	s.ring.close()
	s.TypedRateLimitingInterface.ShutDown()
}

// ShutDownWithDrain is ShutDown, and waits until every item is done.
func (s shared) ShutDownWithDrain() {
	s.ring.close()
	s.TypedRateLimitingInterface.ShutDownWithDrain()
}
