// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
)

// The tests of this package share one real API server: what is tested is what it refuses, and in which words. The
// client asks for strict field validation, so that a slip of the pen in a test is not taken for a rule.
var (
	k8s        client.Client
	namespaces atomic.Int32
)

// samplesDir holds the set-up that people begin with.
var samplesDir = filepath.Join("..", "..", "config", "samples")

func TestMain(m *testing.M) {
	apiserver.Main(func(server *apiserver.Server) {
		if err := apiextensionsv1.AddToScheme(server.Scheme); err != nil {
			panic(err)
		}
		k8s = client.WithFieldValidation(server.Client, metav1.FieldValidationStrict)
		m.Run()
	})
}

// newNamespace is a namespace of the test's own.
func newNamespace(t *testing.T) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("test-%d", namespaces.Add(1))}}
	if err := k8s.Create(t.Context(), namespace); err != nil {
		t.Fatal(err)
	}
	return namespace.Name
}

// parse reads YAML.
func parse(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("YAML of the test: %v\n%s", err, text)
	}
	return value
}

// object is an object of YAML in the namespace, with a merge patch (YAML too) laid over it: null removes a field, a
// list replaces a list.
func object(t *testing.T, namespace, text, patch string) *unstructured.Unstructured {
	t.Helper()
	content, _ := merge(parse(t, text), parse(t, patch)).(map[string]any)
	made := &unstructured.Unstructured{Object: content}
	made.SetNamespace(namespace)
	return made
}

// rawFields is a field selector as kubectl sends it.
func rawFields(t *testing.T, selector string) client.ListOption {
	t.Helper()
	parsed, err := fields.ParseSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return client.MatchingFieldsSelector{Selector: parsed}
}

// merge is RFC 7396.
func merge(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	merged, ok := target.(map[string]any)
	if !ok {
		merged = map[string]any{}
	}
	for key, value := range changes {
		if value == nil {
			delete(merged, key)
			continue
		}
		merged[key] = merge(merged[key], value)
	}
	return merged
}

// wantRefusal checks that the API server refused an object for the given field in the given words.
func wantRefusal(t *testing.T, err error, field, message string) {
	t.Helper()
	if !apierrors.IsInvalid(err) {
		t.Fatalf("got %v, want it refused as invalid", err)
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Details == nil {
		t.Fatalf("no details in %v", err)
	}
	named := slices.ContainsFunc(status.Status().Details.Causes, func(cause metav1.StatusCause) bool {
		return cause.Field == field && strings.Contains(cause.Message, message)
	})
	if !named {
		t.Errorf("got causes %q, want one for field %q that says %q", status.Status().Details.Causes, field, message)
	}
	if len(status.Status().Details.Causes) > 2 {
		t.Errorf("one fault has %d causes: %q", len(status.Status().Details.Causes), status.Status().Details.Causes)
	}
}
