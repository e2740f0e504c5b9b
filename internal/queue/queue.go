// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package queue makes the work queues of controllers fair between namespaces: ten thousand objects of one tenant delay an
// object of another by one reconcile, not by ten thousand.
package queue

import (
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// Limited is the queue that a controller takes its work from.
type Limited = workqueue.TypedRateLimitingInterface[reconcile.Request]

// New is for controller.Options.NewQueue. The queue is client-go's, with its metrics, delays and rate limits; only the
// order in which items that are due are taken differs: each namespace has one item taken in turn. While any item waits, a
// worker that is free has one.
func New(clock clock.WithTicker) func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) Limited {
	return func(name string, limiter workqueue.TypedRateLimiter[reconcile.Request]) Limited {
		due := workqueue.NewTypedWithConfig(workqueue.TypedQueueConfig[reconcile.Request]{Name: name, Clock: clock, Queue: newRing()})
		// The name stands in the metrics of each layer.
		delayed := workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[reconcile.Request]{Name: name, Clock: clock, Queue: due})
		return workqueue.NewTypedRateLimitingQueueWithConfig(limiter, workqueue.TypedRateLimitingQueueConfig[reconcile.Request]{
			Name: name, Clock: clock, DelayingQueue: delayed,
		})
	}
}
