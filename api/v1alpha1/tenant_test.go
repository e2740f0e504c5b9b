// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// TestDefinitions_NoReferenceNamesANamespace: a tenant cannot point at what is another's, because no field takes a namespace. Nor can
// a pipeline name what a pod would run as or where it would reach. Only a step of kind container names an image, its command
// and claims that it reads: who writes one needs the right to create pods (config/admission).
func TestDefinitions_NoReferenceNamesANamespace(t *testing.T) {
	forbidden := []string{"namespace", "serviceAccountName", "hostPath", "nodeName", "securityContext", "image", "command", "hostNetwork", "runtimeClassName", "volumes"}
	for _, spec := range []any{
		v1alpha1.RecordingSourceSpec{}, v1alpha1.RecordingFileSpec{}, v1alpha1.RecordingTaskSpec{}, v1alpha1.RecordingPipelineSpec{}, v1alpha1.StorageLocationSpec{},
	} {
		fields := map[string]bool{}
		collect(reflect.TypeOf(spec), fields, map[reflect.Type]bool{})
		for _, name := range forbidden {
			if fields[name] {
				t.Errorf("%T has a field %s", spec, name)
			}
		}
		if len(fields) < 2 {
			t.Errorf("%T: found only %v", spec, fields)
		}
	}
}

// collect finds the names of all fields, however deep.
func collect(kind reflect.Type, fields map[string]bool, seen map[reflect.Type]bool) {
	switch kind.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		collect(kind.Elem(), fields, seen)
		return
	case reflect.Struct:
	default:
		return
	}
	if seen[kind] {
		return
	}
	seen[kind] = true
	for field := range kind.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name != "" && (kind != reflect.TypeFor[v1alpha1.Container]() || !slices.Contains([]string{"image", "command", "volumes"}, name)) {
			fields[name] = true
		}
		collect(field.Type, fields, seen)
	}
}
