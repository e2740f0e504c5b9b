// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// newMapper knows the resources of the kinds that the operator reads and writes. They are not discovered, so that a
// replica that starts while the API server is away waits for it, alive and not ready, instead of failing again and
// again with ever longer pauses.
func newMapper(scheme *runtime.Scheme) (meta.RESTMapper, error) {
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, object := range []client.Object{
		&v1alpha1.RecordingFile{}, &v1alpha1.RecordingSource{}, &v1alpha1.RecordingPipeline{}, &v1alpha1.StorageLocation{},
		&batchv1.Job{}, &corev1.Pod{}, &appsv1.ControllerRevision{}, &corev1.Secret{}, &corev1.PersistentVolumeClaim{},
	} {
		kind, err := apiutil.GVKForObject(object, scheme)
		if err != nil {
			return nil, fmt.Errorf("know %T: %w", object, err)
		}
		mapper.Add(kind, meta.RESTScopeNamespace)
		// As discovery has it: the cache of some namespaces (--namespaces) looks a list up by its own kind.
		mapper.Add(kind.GroupVersion().WithKind(kind.Kind+"List"), meta.RESTScopeNamespace)
	}
	return mapper, nil
}
