// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package v1alpha1 holds the API of the recording operator: sources that call
// back, their recording tasks, the files that were recorded, the pipelines that
// process the files, and the storage locations that files are read from and
// written to.
//
// +kubebuilder:object:generate=true
// +groupName=recording.sparkrtc.dev
package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupVersion is the group and version of every kind in this package.
var GroupVersion = schema.GroupVersion{Group: "recording.sparkrtc.dev", Version: "v1alpha1"}

var (
	schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme registers the kinds of this package with a scheme.
	AddToScheme = schemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&RecordingSource{}, &RecordingSourceList{},
		&RecordingTask{}, &RecordingTaskList{},
		&RecordingFile{}, &RecordingFileList{},
		&RecordingPipeline{}, &RecordingPipelineList{},
		&StorageLocation{}, &StorageLocationList{},
		&RejectedCallback{}, &RejectedCallbackList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
