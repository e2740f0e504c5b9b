// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pace"
)

// WatchArrivals tells the pacer of callbacks that were stored: of new RecordingFiles, and of RecordingTasks that a START
// or OVER created or added to. What exists when the watch begins is not new.
func WatchArrivals(ctx context.Context, informers cache.Cache, pacer *pace.Pacer) error {
	arrived := func(object any) {
		if arrived, ok := object.(client.Object); ok {
			pacer.Arrived(arrived.GetNamespace())
		}
	}
	handlers := map[client.Object]toolscache.ResourceEventHandlerDetailedFuncs{
		&v1alpha1.RecordingFile{}: {
			AddFunc: func(object any, isInInitialList bool) {
				if !isInInitialList {
					arrived(object)
				}
			},
		},
		&v1alpha1.RecordingTask{}: {
			AddFunc: func(object any, isInInitialList bool) {
				if !isInInitialList && calledBack(nil, object) {
					arrived(object)
				}
			},
			UpdateFunc: func(before, after any) {
				if calledBack(before, after) {
					arrived(after)
				}
			},
		},
	}
	for object, handler := range handlers {
		informer, err := informers.GetInformer(ctx, object)
		if err != nil {
			return fmt.Errorf("get the informer of %T: %w", object, err)
		}
		if _, err := informer.AddEventHandler(handler); err != nil {
			return fmt.Errorf("watch %T: %w", object, err)
		}
	}
	return nil
}

// calledBack says whether a START or OVER added to a task. A task that the manager created for a file has neither.
func calledBack(before, after any) bool {
	was, ok := before.(*v1alpha1.RecordingTask)
	if !ok {
		was = &v1alpha1.RecordingTask{}
	}
	is, ok := after.(*v1alpha1.RecordingTask)
	return ok && (len(is.Spec.Starts) != len(was.Spec.Starts) || is.Spec.Ended != was.Spec.Ended)
}
