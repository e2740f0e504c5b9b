/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package controller

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/metrics"
)

// CountFiles keeps the gauge of files by reason up to date from the watch, so that a scrape reads no list.
func CountFiles(ctx context.Context, informers cache.Cache, gauge *metrics.Metrics) error {
	informer, err := informers.GetInformer(ctx, &v1alpha1.RecordingFile{})
	if err != nil {
		return fmt.Errorf("get informer: %w", err)
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { gauge.FileMoved("", reasonOf(object)) },
		UpdateFunc: func(before, after any) { gauge.FileMoved(reasonOf(before), reasonOf(after)) },
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			gauge.FileMoved(reasonOf(object), "")
		},
	})
	if err != nil {
		return fmt.Errorf("watch files: %w", err)
	}
	return nil
}

// reasonOf is the STATUS of a file; one that the operator has not looked at yet is New.
func reasonOf(object any) string {
	file, ok := object.(*v1alpha1.RecordingFile)
	if !ok {
		return ""
	}
	if ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason
	}
	return "New"
}
