// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"maps"
	"strings"

	"sparkrtc.dev/recording-operator/hack/release/render"
)

// The definitions are most of install.yaml, and their indentation and what they repeat are more than half of that. `kubectl
// explain` matters more than how install.yaml reads, so: an object is one line, in the flow style of YAML; a part of it
// that comes again is an alias of the first one; and a description is left out only where another place has the same one.
// crds.yaml and the chart have them all, and operator.yaml can be read.

// describedElsewhere are the fields whose own fields are described at another field, or by Kubernetes.
var describedElsewhere = map[string]string{
	"defaults":    " Fields: see steps.",
	"discovered":  " Fields: see docs/reference/api.md.",
	"reported":    " Fields: see docs/reference/api.md.",
	"status":      " Fields: see docs/reference/api.md.",
	"resources":   "",
	"tolerations": "",
	"conditions":  "",
}

// described are the fields of an object that the API server describes, whatever the definition says.
var described = []string{"apiVersion", "kind"}

// generatorAnnotation notes what generated a definition. Nobody who installs it needs to know.
const generatorAnnotation = "controller-gen.kubebuilder.io/version"

// short is an object in few bytes.
func short(object render.Object) []byte {
	value := map[string]any(object)
	if object.Kind() == "CustomResourceDefinition" {
		value = shortenVersions(object)
	}
	writer := newAliasWriter(value)
	writer.write(value)
	return append(writer.line.Bytes(), '\n')
}

// shortenVersions is the definition with the schemas of its versions shortened.
func shortenVersions(definition render.Object) map[string]any {
	result := maps.Clone(map[string]any(definition))
	spec, _ := result["spec"].(map[string]any)
	spec = maps.Clone(spec)
	versions, _ := spec["versions"].([]any)
	shortened := make([]any, 0, len(versions))
	for _, value := range versions {
		version, _ := value.(map[string]any)
		version = maps.Clone(version)
		schema, _ := version["schema"].(map[string]any)
		root, _ := schema["openAPIV3Schema"].(map[string]any)
		root = shorten(root, false)
		properties, _ := root["properties"].(map[string]any)
		for _, name := range described {
			properties[name] = map[string]any{"type": "string"}
		}
		version["schema"] = map[string]any{"openAPIV3Schema": root}
		shortened = append(shortened, version)
	}
	spec["versions"] = shortened
	result["spec"] = spec
	result["metadata"] = withoutGenerator(definition)
	return result
}

// withoutGenerator is the metadata of an object without what generated it.
func withoutGenerator(object render.Object) map[string]any {
	metadata, _ := object["metadata"].(map[string]any)
	metadata = maps.Clone(metadata)
	annotations, _ := metadata["annotations"].(map[string]any)
	annotations = maps.Clone(annotations)
	delete(annotations, generatorAnnotation)
	if metadata["annotations"] = annotations; len(annotations) == 0 {
		delete(metadata, "annotations")
	}
	return metadata
}

// shorten is a schema whose descriptions are on one line each, and that has none inside of what is described elsewhere.
func shorten(schema map[string]any, elsewhere bool) map[string]any {
	result := map[string]any{}
	for key, value := range schema {
		switch key {
		case "description":
			text, _ := value.(string)
			if !elsewhere {
				result[key] = strings.Join(strings.Fields(text), " ")
			}
		case "properties":
			properties, _ := value.(map[string]any)
			result[key] = shortenProperties(properties, elsewhere)
		case "items", "additionalProperties":
			if inner, is := value.(map[string]any); is {
				value = shorten(inner, elsewhere)
			}
			result[key] = value
		default:
			result[key] = value
		}
	}
	return result
}

func shortenProperties(properties map[string]any, elsewhere bool) map[string]any {
	result := map[string]any{}
	for name, value := range properties {
		property, is := value.(map[string]any)
		if !is {
			result[name] = value
			continue
		}
		hint, skipped := describedElsewhere[name]
		// Only of structs and lists of structs.
		skipped = skipped && (property["properties"] != nil || property["items"] != nil)
		inner := shorten(property, elsewhere || skipped)
		if text, has := property["description"].(string); has && skipped && !elsewhere {
			inner["description"] = strings.Join(strings.Fields(text), " ") + hint
		}
		result[name] = inner
	}
	return result
}
