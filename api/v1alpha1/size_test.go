// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"slices"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// maxCharacterBytes is the most that one character takes as JSON: four bytes of UTF-8, or six when it is escaped, as < > & are.
const maxCharacterBytes = 6

// TestSpecs_FitIntoEtcd walks the schemas: MaxLength counts characters, etcd bytes. The largest spec of every kind has less
// than 1 MiB, of the 1.5 MiB that etcd takes by default. A pipeline may be larger than an API server takes, which says so to its
// writer; what follows from it is bounded where it is built (TestBuild_RefusesWhatNoContainerStartsWith).
func TestSpecs_FitIntoEtcd(t *testing.T) {
	t.Parallel()
	for kind, definition := range definitions(t) {
		if kind == "RecordingPipeline" {
			continue
		}
		size := largest(t, kind+".spec", definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"])
		if size >= 1<<20 || size < 1<<10 {
			t.Errorf("%s: the largest spec has %d bytes", kind, size)
		}
	}
}

// unbounded are texts whose length another rule bounds.
var unbounded = []string{
	"RecordingSource.spec.ttlAfterFinished",
}

// largest is the most bytes of JSON that a value of a schema takes. What has no bound is an error.
func largest(t *testing.T, path string, schema apiextensionsv1.JSONSchemaProps) int64 {
	t.Helper()
	switch {
	case len(schema.Enum) > 0, schema.XIntOrString, schema.Type == "boolean", schema.Type == "integer", schema.Type == "number", schema.Format == "date-time":
		return 64
	case schema.Type == "string" && schema.MaxLength != nil:
		return 2 + maxCharacterBytes**schema.MaxLength
	case schema.Type == "string" && slices.Contains(unbounded, path):
		return 64
	case schema.Type == "array" && schema.MaxItems != nil:
		return 2 + *schema.MaxItems*(1+largest(t, path+"[]", *schema.Items.Schema))
	case schema.Type == "object" && schema.AdditionalProperties != nil && schema.MaxProperties != nil:
		// The keys of the only map in a spec are 16 hexadecimal digits, by a rule.
		return 2 + *schema.MaxProperties*(16+4+largest(t, path+"{}", *schema.AdditionalProperties.Schema))
	case schema.Type == "object" && schema.AdditionalProperties == nil && schema.XPreserveUnknownFields == nil:
		size := int64(2)
		for name, property := range schema.Properties {
			size += int64(len(name)) + 4 + largest(t, path+"."+name, property)
		}
		return size
	}
	t.Errorf("%s: a %s without a bound", path, schema.Type)
	return 0
}
