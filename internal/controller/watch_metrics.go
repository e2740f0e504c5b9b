// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/metrics"
)

// WatchMetrics keeps the metrics that follow from objects alone up to date: how many files there are by reason, and
// how old, so that a scrape lists nothing, and the series of deleted sources.
func WatchMetrics(ctx context.Context, informers cache.Cache, collectors *metrics.Metrics) error {
	handlers := map[client.Object]toolscache.ResourceEventHandlerFuncs{
		&v1alpha1.RecordingFile{}: {
			AddFunc:    func(object any) { collectors.FileMoved(metrics.OpenFile{}, openFile(object)) },
			UpdateFunc: func(before, after any) { collectors.FileMoved(openFile(before), openFile(after)) },
			DeleteFunc: func(object any) { collectors.FileMoved(openFile(lastState(object)), metrics.OpenFile{}) },
		},
		&v1alpha1.RecordingSource{}: {
			DeleteFunc: func(object any) {
				if source, ok := lastState(object).(*v1alpha1.RecordingSource); ok {
					collectors.SourceDeleted(source.Namespace, source.Name)
				}
			},
		},
	}
	for object, handler := range handlers {
		informer, err := informers.GetInformer(ctx, object)
		if err != nil {
			return fmt.Errorf("get informer of %T: %w", object, err)
		}
		if _, err := informer.AddEventHandler(handler); err != nil {
			return fmt.Errorf("watch %T: %w", object, err)
		}
	}
	return nil
}

// lastState is the object as it was last seen, also when its deletion itself was not.
func lastState(object any) any {
	if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
		return tombstone.Obj
	}
	return object
}

// openFile is what metrics know of a file in the cache, which holds those that are not done.
func openFile(object any) metrics.OpenFile {
	file, ok := object.(*v1alpha1.RecordingFile)
	if !ok {
		return metrics.OpenFile{}
	}
	return metrics.OpenFile{Reason: reasonOf(file), Created: file.CreationTimestamp.Time}
}

// reasonOf is the STATUS of a file. A file without status is Pending.
func reasonOf(file *v1alpha1.RecordingFile) string {
	if ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return v1alpha1.ReasonPending
}
