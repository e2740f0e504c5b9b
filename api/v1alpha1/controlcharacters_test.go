// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A control character of each sort: C0, the escape that begins a terminal's commands, line ends, DEL and C1. U+009B begins
// commands too.
var controlCharacters = []string{"\x00", "\x07", "\t", "\n", "\r", "\x1b", "\x7f", "\u0085", "\u009b", "\u009f"}

// A condition may be written in several lines.
const multiline = "\t\n"

// step to a place in an object: the name of a field, or an index.
type place []any

// TestControlCharacters_AreRefusedInEveryText walks the schemas: whatever text a spec holds, also as the key of a map, the
// API server refuses control characters in it, by the field's name. kubectl prints such texts to terminals as they are. A
// new field has to be in an object of the table of allowed ones.
func TestControlCharacters_AreRefusedInEveryText(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	for kind, definition := range definitions(t) {
		texts := textsOf("spec", definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"])
		if len(texts) < 2 {
			t.Errorf("%s: only %q are texts", kind, texts)
		}
		for _, text := range texts {
			// The items of finally are those of steps. What a trigger creates is not the operator's to judge.
			if strings.HasPrefix(text, "spec.finally[]") || strings.HasPrefix(text, "spec.steps[].trigger.object.metadata") {
				continue
			}
			t.Run(kind+"/"+text, func(t *testing.T) {
				made, at := exampleOf(t, namespace, kind, text)
				for _, character := range controlCharacters {
					if isExpression(text) && strings.Contains(multiline, character) {
						continue
					}
					checkRefused(t, made, at, character)
				}
			})
		}
	}
}

// multilineOfContainers are the texts of a container that may be scripts.
var multilineOfContainers = regexp.MustCompile(`\.(command\[\]|args\[\]|env\[\]\.value|params\[\]\.value)$`)

// isExpression says that a text is an expression, or a script.
func isExpression(text string) bool {
	if strings.HasPrefix(text, "spec.steps[].container.") {
		return multilineOfContainers.MatchString(text)
	}
	return strings.HasSuffix(text, ".when") || strings.HasPrefix(text, "spec.steps[].trigger.set[].value") || strings.HasPrefix(text, "spec.steps[].trigger.wait.") &&
		!strings.HasSuffix(text, ".name")
}

// textsOf are the paths of all texts of a schema; {} stands for the values of a map, and {key} for its keys.
func textsOf(path string, schema apiextensionsv1.JSONSchemaProps) []string {
	var texts []string
	if schema.Type == "string" || schema.XIntOrString {
		texts = append(texts, path)
	}
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		texts = append(texts, textsOf(path+"."+name, schema.Properties[name])...)
	}
	if schema.Items != nil {
		texts = append(texts, textsOf(path+"[]", *schema.Items.Schema)...)
	}
	if schema.AdditionalProperties != nil {
		texts = append(texts, path+"{key}")
		texts = append(texts, textsOf(path+"{}", *schema.AdditionalProperties.Schema)...)
	}
	return texts
}

// exampleOf is an allowed object of a kind that holds a text, and where.
func exampleOf(t *testing.T, namespace, kind, text string) (*unstructured.Unstructured, place) {
	t.Helper()
	for base, cases := range allowed {
		if !strings.Contains(base, "kind: "+kind+"\n") {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(cases)) {
			made := object(t, namespace, base, cases[name])
			if at := find(made.Object["spec"], "spec", text, place{"spec"}); at != nil {
				return made, at
			}
		}
	}
	t.Fatalf("no allowed %s has %s: add it to one", kind, text)
	return nil, nil
}

// find is the place of the first value with a path; nil: there is none.
func find(value any, path, wanted string, at place) place {
	if path == wanted {
		if _, isText := value.(string); isText {
			return at
		}
	}
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if path+"{key}" == wanted {
				return append(slices.Clone(at), key)
			}
			for _, next := range []string{path + "." + key, path + "{}"} {
				if found := find(value[key], next, wanted, append(slices.Clone(at), key)); found != nil {
					return found
				}
			}
		}
	case []any:
		for i := range value {
			if found := find(value[i], path+"[]", wanted, append(slices.Clone(at), i)); found != nil {
				return found
			}
		}
	}
	return nil
}

// checkRefused puts a character into the middle and to the end of the text at a place, or of the key of a map there.
func checkRefused(t *testing.T, made *unstructured.Unstructured, at place, character string) {
	t.Helper()
	last := len(at) - 1
	for _, insert := range []func(string) string{
		func(s string) string { return s[:len(s)/2] + character + s[len(s)/2:] },
		func(s string) string { return s + character },
	} {
		changed := made.DeepCopy()
		var parent any = changed.Object
		for _, step := range at[:last] {
			parent = child(parent, step)
		}
		field := pathOf(at)
		switch within := parent.(type) {
		case []any:
			within[at[last].(int)] = insert(within[at[last].(int)].(string))
		case map[string]any:
			key := at[last].(string)
			if text, isText := within[key].(string); isText && !strings.HasSuffix(t.Name(), "{key}") {
				within[key] = insert(text)
			} else {
				within[insert(key)] = within[key]
				delete(within, key)
				field = pathOf(at[:last])
			}
		}
		err := k8s.Create(t.Context(), changed, client.DryRunAll)
		var status apierrors.APIStatus
		if !apierrors.IsInvalid(err) || !errors.As(err, &status) {
			t.Errorf("%q is taken: %v", character, err)
			continue
		}
		named := slices.ContainsFunc(status.Status().Details.Causes, func(cause metav1.StatusCause) bool {
			return strings.HasPrefix(cause.Field, field)
		})
		if !named {
			t.Errorf("%q: the causes %q do not name %s", character, status.Status().Details.Causes, field)
		}
	}
}

func child(parent, step any) any {
	switch within := parent.(type) {
	case []any:
		return within[step.(int)]
	case map[string]any:
		return within[step.(string)]
	default:
		return nil
	}
}

// pathOf is a place as the API server names it.
func pathOf(at place) string {
	var path strings.Builder
	for _, step := range at {
		switch step := step.(type) {
		case string:
			if path.Len() > 0 {
				path.WriteByte('.')
			}
			path.WriteString(step)
		case int:
			path.WriteString("[" + string(rune('0'+step)) + "]")
		}
	}
	return path.String()
}
