// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"errors"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// A cache that is bound to namespaces asks for the scope of lists as well as of objects.
func TestNewMapper_KnowsLists(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	mapper, err := NewMapper(scheme, &v1alpha1.RecordingSource{}, &v1alpha1.RecordingFile{}, &batchv1.Job{})
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []runtime.Object{&v1alpha1.RecordingSource{}, &v1alpha1.RecordingSourceList{}, &v1alpha1.RecordingFileList{}, &batchv1.JobList{}} {
		if namespaced, err := apiutil.IsObjectNamespaced(object, scheme, mapper); err != nil || !namespaced {
			t.Errorf("%T: namespaced %t, %v", object, namespaced, err)
		}
	}
}
