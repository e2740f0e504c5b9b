// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/hack/release/render"
)

const testVersion = "v1.2.3"

// newRelease is a release that is written into the test's own folder.
func newRelease(t *testing.T) *release {
	t.Helper()
	return &release{
		repo: filepath.Join("..", ".."), out: t.TempDir(), version: testVersion, registry: "registry.example.com/media",
		downloads: "https://downloads.example.com/" + testVersion, time: time.Unix(1_700_000_000, 0).UTC(),
	}
}

// read is a file of the release.
func (r *release) read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(r.out, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// parse splits a file into its objects.
func parse(t *testing.T, content []byte) []render.Object {
	t.Helper()
	var objects []render.Object
	for document := range strings.SplitSeq("\n"+string(content), "\n---\n") {
		object := render.Object{}
		if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
			t.Fatalf("%v in %.200s", err, document)
		}
		if len(object) > 0 {
			objects = append(objects, object)
		}
	}
	return objects
}

// byName are the objects by kind, namespace and name.
func byName(t *testing.T, objects []render.Object) map[string]render.Object {
	t.Helper()
	found := map[string]render.Object{}
	for _, object := range objects {
		key := object.Kind() + " " + (&unstructured.Unstructured{Object: object}).GetNamespace() + "/" + object.Name()
		if found[key] != nil {
			t.Errorf("%s is there twice", key)
		}
		found[key] = object
	}
	return found
}

func manifests(t *testing.T) *release {
	t.Helper()
	r := newRelease(t)
	if _, err := r.manifests(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestManifests_SayTheSame: install.yaml is crds.yaml and operator.yaml, but for descriptions that are left out and the note of
// what generated the definitions.
func TestManifests_SayTheSame(t *testing.T) {
	r := manifests(t)
	content := r.read(t, "install.yaml")
	install := byName(t, parse(t, content))
	want := byName(t, parse(t, r.read(t, "crds.yaml")))
	maps.Copy(want, byName(t, parse(t, r.read(t, "operator.yaml"))))
	if len(install) != len(want) {
		t.Errorf("install.yaml has %d objects, want %d", len(install), len(want))
	}
	for key, object := range want {
		got := install[key]
		if object.Kind() == "CustomResourceDefinition" {
			unstructured.RemoveNestedField(object, "metadata", "annotations", generatorAnnotation)
			if len((&unstructured.Unstructured{Object: object}).GetAnnotations()) == 0 {
				unstructured.RemoveNestedField(object, "metadata", "annotations")
			}
			got, object = undescribed(got).(map[string]any), undescribed(object).(map[string]any)
		}
		if !reflect.DeepEqual(got, object) {
			t.Errorf("%s differs in install.yaml", key)
		}
	}
	for _, object := range parse(t, r.read(t, "operator.yaml")) {
		if object.Kind() == "CustomResourceDefinition" {
			t.Errorf("operator.yaml has definition %s: to delete the operator would delete the recordings", object.Name())
		}
	}
}

// TestManifests_DeploymentsHaveTheVersion: that of the release, and not in the selector, which cannot change with an upgrade.
func TestManifests_DeploymentsHaveTheVersion(t *testing.T) {
	deployments := 0
	for _, object := range parse(t, manifests(t).read(t, "install.yaml")) {
		if object.Kind() != "Deployment" {
			continue
		}
		deployments++
		u := unstructured.Unstructured{Object: object}
		if got := u.GetLabels()["app.kubernetes.io/version"]; got != testVersion {
			t.Errorf("Deployment %s has version %q, want %s", object.Name(), got, testVersion)
		}
		selector, _, err := unstructured.NestedStringMap(object, "spec", "selector", "matchLabels")
		if err != nil || len(selector) == 0 || selector["app.kubernetes.io/version"] != "" {
			t.Errorf("Deployment %s selects %v: %v", object.Name(), selector, err)
		}
	}
	if deployments != 2 {
		t.Errorf("%d Deployments, want the receiver and the manager", deployments)
	}
}

// undescribed is a value without the descriptions of schemas. Fields named description are structs, not texts.
func undescribed(value any) any {
	switch value := value.(type) {
	case render.Object:
		return undescribed(map[string]any(value))
	case map[string]any:
		result := map[string]any{}
		for key, inner := range value {
			if _, text := inner.(string); key != "description" || !text {
				result[key] = undescribed(inner)
			}
		}
		return result
	case []any:
		result := make([]any, len(value))
		for i, inner := range value {
			result[i] = undescribed(inner)
		}
		return result
	}
	return value
}

// TestManifests_ExplainEveryField: kubectl explain has a text for each field of install.yaml's definitions that is not
// described at another field or by Kubernetes.
func TestManifests_ExplainEveryField(t *testing.T) {
	fields := 0
	var walk func(path string, schema apiextensionsv1.JSONSchemaProps)
	walk = func(path string, schema apiextensionsv1.JSONSchemaProps) {
		for name, property := range schema.Properties {
			at := path + "." + name
			if property.Description == "" && !slices.Contains([]string{".metadata", ".apiVersion", ".kind"}, at) {
				t.Errorf("%s has no description", at)
			}
			fields++
			if _, elsewhere := describedElsewhere[name]; !elsewhere {
				walk(at, property)
			}
		}
		if schema.Items != nil && schema.Items.Schema != nil {
			walk(path+"[]", *schema.Items.Schema)
		}
	}
	for _, object := range parse(t, manifests(t).read(t, "install.yaml")) {
		if object.Kind() != "CustomResourceDefinition" {
			continue
		}
		text, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		var definition apiextensionsv1.CustomResourceDefinition
		if err := yaml.UnmarshalStrict(text, &definition); err != nil {
			t.Fatalf("%s: %v", object.Name(), err)
		}
		walk("", *definition.Spec.Versions[0].Schema.OpenAPIV3Schema)
	}
	if fields < 150 { // the walk is broken
		t.Errorf("looked at %d fields", fields)
	}
}

// TestManifests_SetEveryImage: `images:` of a kustomization, as docs/install.md has it, reaches the images of steps too.
func TestManifests_SetEveryImage(t *testing.T) {
	content := string(manifests(t).read(t, "install.yaml"))
	for _, image := range images {
		if !strings.Contains(content, `"registry.example.com/media/`+image+":"+testVersion+`"`) {
			t.Errorf("install.yaml has not %s of the release", image)
		}
	}
	if strings.Contains(content, ":dev") {
		t.Error("install.yaml has an image of development")
	}
}

// TestManifests_Apply: an API server takes install.yaml as it is, with no field that it does not know.
func TestManifests_Apply(t *testing.T) {
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		if os.Getenv("REQUIRE_ENVTEST") != "" {
			t.Fatal("KUBEBUILDER_ASSETS must be set")
		}
		t.Skip("needs an API server: set KUBEBUILDER_ASSETS")
	}
	environment := &envtest.Environment{}
	config, err := environment.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Error(err)
		}
	})
	config.QPS = -1
	plain, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	strict := client.WithFieldValidation(plain, "Strict")
	for _, object := range parse(t, manifests(t).read(t, "install.yaml")) {
		applied := client.ApplyConfigurationFromUnstructured(&unstructured.Unstructured{Object: object})
		if err := strict.Apply(t.Context(), applied, client.FieldOwner("kubectl")); err != nil {
			t.Errorf("%s %s: %v", object.Kind(), object.Name(), err)
		}
	}
	// The definitions are served, not only stored: their schemas are structural and their rules compile.
	if err := envtest.WaitForCRDs(config, definitions(t), envtest.CRDInstallOptions{MaxTime: time.Minute, PollInterval: 100 * time.Millisecond}); err != nil {
		t.Error(err)
	}
}

func definitions(t *testing.T) []*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	options := envtest.CRDInstallOptions{Paths: []string{filepath.Join("..", "..", "config", "crd", "bases")}}
	if err := envtest.ReadCRDFiles(&options); err != nil {
		t.Fatal(err)
	}
	return options.CRDs
}
