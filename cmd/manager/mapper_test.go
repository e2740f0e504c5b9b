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

package main

import (
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// A cache that is bound to namespaces asks for the scope of lists as well as of objects.
func TestMapperKnowsLists(t *testing.T) {
	scheme := newScheme()
	mapper, err := newMapper(scheme)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []runtime.Object{&v1alpha1.RecordingSource{}, &v1alpha1.RecordingSourceList{}, &v1alpha1.RecordingFileList{}, &batchv1.JobList{}} {
		if namespaced, err := apiutil.IsObjectNamespaced(object, scheme, mapper); err != nil || !namespaced {
			t.Errorf("%T: namespaced %t, %v", object, namespaced, err)
		}
	}
}
