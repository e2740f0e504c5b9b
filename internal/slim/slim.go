// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package slim keeps of objects, before a cache holds them, what the operator reads. Who may create an object can give it
// 256 KiB of annotations, and a cache holds many.
package slim

import (
	"slices"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// maxAnnotation bounds the value of an annotation, in bytes. The operator's own are shorter; labels are short anyway.
const maxAnnotation = 2 << 10

var labels = []string{
	v1alpha1.LabelSource, v1alpha1.LabelFile, v1alpha1.LabelStep, v1alpha1.LabelStepKind, v1alpha1.LabelPipeline, v1alpha1.LabelManagedBy,
	v1alpha1.LabelQueueName, batchv1.JobNameLabel,
}

var annotations = []string{
	v1alpha1.AnnotationRevision, v1alpha1.AnnotationRun, v1alpha1.AnnotationSuspended, v1alpha1.AnnotationInput,
	v1alpha1.AnnotationRetry, v1alpha1.AnnotationStorage,
	v1alpha1.AnnotationDestination, v1alpha1.AnnotationDestinationURI, v1alpha1.AnnotationKeyID,
}

// Object is a transform of a cache: of an object's metadata it keeps Metadata.
func Object(object any) (any, error) {
	if held, ok := object.(metav1.Object); ok {
		Metadata(held)
	}
	return object, nil
}

// Metadata keeps an object's name and versions, the labels and annotations that the operator reads, and the owner that
// controls it. An object that was cut must be written by patches of what changed, never as a whole.
func Metadata(object metav1.Object) {
	object.SetManagedFields(nil)
	object.SetFinalizers(nil)
	object.SetLabels(known(object.GetLabels(), labels))
	object.SetAnnotations(known(object.GetAnnotations(), annotations))
	var owners []metav1.OwnerReference
	if controller := metav1.GetControllerOf(object); controller != nil {
		owners = []metav1.OwnerReference{*controller}
	}
	object.SetOwnerReferences(owners)
}

// known copies what is known, so that nothing of the rest stays in memory.
func known(values map[string]string, keys []string) map[string]string {
	kept := map[string]string{}
	for key, value := range values {
		if slices.Contains(keys, key) && len(value) <= maxAnnotation {
			kept[key] = value
		}
	}
	if len(kept) == 0 {
		return nil
	}
	return kept
}
