// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

const (
	definitions = "../../config/crd/bases"
	sources     = "recordingsources.recording.sparkrtc.dev"
)

// spec is the schema of a definition's spec.
func spec(definition *apiextensionsv1.CustomResourceDefinition) *apiextensionsv1.JSONSchemaProps {
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"]
	return &schema
}

// changed are the project's definitions of today, with the spec of RecordingSource changed.
func changed(t *testing.T, change func(*apiextensionsv1.JSONSchemaProps)) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	read, err := read(definitions)
	if err != nil {
		t.Fatal(err)
	}
	schema := spec(read[sources])
	change(schema)
	read[sources].Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"] = *schema
	return read
}

func appID(change func(*apiextensionsv1.JSONSchemaProps)) func(*apiextensionsv1.JSONSchemaProps) {
	return func(schema *apiextensionsv1.JSONSchemaProps) {
		field := schema.Properties["appID"]
		change(&field)
		schema.Properties["appID"] = field
	}
}

func TestCompare_NamesWhatIsGoneOrTighter(t *testing.T) {
	shorter := int64(8)
	for name, test := range map[string]struct {
		change func(*apiextensionsv1.JSONSchemaProps)
		names  string
	}{
		"a field is gone":         {func(s *apiextensionsv1.JSONSchemaProps) { delete(s.Properties, "appID") }, "appID"},
		"a field must be set now": {func(s *apiextensionsv1.JSONSchemaProps) { s.Required = append(s.Required, "appID") }, "required"},
		"a text is shorter":       {appID(func(s *apiextensionsv1.JSONSchemaProps) { s.MaxLength = &shorter }), "maxLength"},
		"a pattern is new":        {appID(func(s *apiextensionsv1.JSONSchemaProps) { s.Pattern = "^a" }), "appID"},
		"a type is another":       {appID(func(s *apiextensionsv1.JSONSchemaProps) { s.Type = "integer" }), "type"},
		"a rule is new": {appID(func(s *apiextensionsv1.JSONSchemaProps) {
			s.XValidations = append(s.XValidations, apiextensionsv1.ValidationRule{Rule: "self != 'x'"})
		}), "appID"},
		"an enum is shorter": {func(s *apiextensionsv1.JSONSchemaProps) {
			callback := s.Properties["callback"]
			authentication := callback.Properties["authentication"]
			authentication.Enum = authentication.Enum[:1]
			callback.Properties["authentication"] = authentication
			s.Properties["callback"] = callback
		}, "enum"},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := compare(changed(t, func(*apiextensionsv1.JSONSchemaProps) {}), changed(t, test.change))
			if err != nil || !strings.Contains(strings.Join(found, "\n"), test.names) {
				t.Errorf("found %q, %v; want %s", found, err, test.names)
			}
		})
	}
}

func TestCompare_TakesWhatIsCompatible(t *testing.T) {
	longer := int64(1024)
	for name, change := range map[string]func(*apiextensionsv1.JSONSchemaProps){
		"nothing changes": func(*apiextensionsv1.JSONSchemaProps) {},
		"a field is new": func(s *apiextensionsv1.JSONSchemaProps) {
			s.Properties["new"] = apiextensionsv1.JSONSchemaProps{Type: "string"}
		},
		"a text is longer": appID(func(s *apiextensionsv1.JSONSchemaProps) { s.MaxLength = &longer }),
		"other words":      appID(func(s *apiextensionsv1.JSONSchemaProps) { s.Description = "something else" }),
	} {
		t.Run(name, func(t *testing.T) {
			found, err := compare(changed(t, func(*apiextensionsv1.JSONSchemaProps) {}), changed(t, change))
			if err != nil || len(found) > 0 {
				t.Errorf("found %q, %v", found, err)
			}
		})
	}
}

func TestCompare_NamesAKindThatIsGone(t *testing.T) {
	now := changed(t, func(*apiextensionsv1.JSONSchemaProps) {})
	delete(now, sources)
	found, err := compare(changed(t, func(*apiextensionsv1.JSONSchemaProps) {}), now)
	if err != nil || len(found) != 1 || !strings.Contains(found[0], sources) {
		t.Errorf("found %q, %v", found, err)
	}
}
