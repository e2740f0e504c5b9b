// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/controller"

	"sparkrtc.dev/recording-operator/internal/queue"
)

// fair are the options of every controller: so many workers, which the namespaces use in turn.
func fair(workers int) controller.Options {
	return controller.Options{MaxConcurrentReconciles: workers, NewQueue: queue.New(clock.RealClock{})}
}
