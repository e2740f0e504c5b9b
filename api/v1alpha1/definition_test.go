// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// definitions are the CustomResourceDefinitions as the API server holds them, by kind.
func definitions(t *testing.T) map[string]*apiextensionsv1.CustomResourceDefinition {
	t.Helper()
	var list apiextensionsv1.CustomResourceDefinitionList
	if err := k8s.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	found := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for i := range list.Items {
		found[list.Items[i].Spec.Names.Kind] = &list.Items[i]
	}
	return found
}

// TestWhatKubectlShows holds the names and columns that people type and read.
func TestWhatKubectlShows(t *testing.T) {
	t.Parallel()
	type shown struct {
		short, categories string
		columns, wide     string
		selectable        string
	}
	want := map[string]shown{
		"RecordingFile": {"rec", "recordings recordings-all", "Status Reason Steps Age", "Room Stream Format Duration Size Resolution Source Task Pipeline Intact Message",
			".spec.reported.room .spec.reported.stream .spec.reported.app .spec.reported.format .spec.sourceRef.name .spec.object.key .status.done .status.taskID"},
		"RecordingTask": {"rtask", "recordings recordings-all", "Room Stream State Files Duration Age", "Source Task-ID Size Message",
			".spec.taskID .spec.room .spec.stream .spec.app .spec.sourceRef.name .status.done .status.state"},
		"RecordingSource":   {"rsrc", "recordings-all", "App Ready Status Age", "Registered Callback", ""},
		"RecordingPipeline": {"rpl", "recordings-all", "Ready Status Age", "", ""},
		"StorageLocation":   {"sloc", "recordings-all", "Bucket Claim Ready Status Age", "", ""},
		"RejectedCallback":  {"rcb", "recordings-all", "Source Event Reason Replayed Age", "Message", ""},
	}
	found := definitions(t)
	if len(found) != len(want) {
		t.Errorf("there are %d definitions, want %d", len(found), len(want))
	}
	for kind, w := range want {
		definition := found[kind]
		if definition == nil {
			t.Errorf("%s: no definition", kind)
			continue
		}
		spec := definition.Spec
		if spec.Group != v1alpha1.GroupVersion.Group || spec.Scope != apiextensionsv1.NamespaceScoped {
			t.Errorf("%s: group %s, scope %s", kind, spec.Group, spec.Scope)
		}
		version := spec.Versions[0]
		if len(spec.Versions) != 1 || version.Name != v1alpha1.GroupVersion.Version || version.Subresources == nil || version.Subresources.Status == nil {
			t.Errorf("%s: want the one version v1alpha1 with the subresource status", kind)
		}
		var got shown
		got.short, got.categories = strings.Join(spec.Names.ShortNames, " "), strings.Join(spec.Names.Categories, " ")
		for _, column := range version.AdditionalPrinterColumns {
			if column.Priority > 0 {
				got.wide = strings.TrimSpace(got.wide + " " + column.Name)
			} else {
				got.columns = strings.TrimSpace(got.columns + " " + column.Name)
			}
		}
		for _, field := range version.SelectableFields {
			got.selectable = strings.TrimSpace(got.selectable + " " + field.JSONPath)
		}
		if got != w {
			t.Errorf("%s:\n got %+v\nwant %+v", kind, got, w)
		}
	}
}

// TestDefinitions_AreInstalled holds that what is deployed has every definition that is generated.
func TestDefinitions_AreInstalled(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "config", "crd")
	content, err := os.ReadFile(filepath.Join(folder, "kustomization.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var kustomization struct {
		Resources []string `json:"resources"`
	}
	if err := yaml.Unmarshal(content, &kustomization); err != nil {
		t.Fatal(err)
	}
	bases, err := filepath.Glob(filepath.Join(folder, "bases", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, base := range bases {
		want = append(want, "bases/"+filepath.Base(base))
	}
	if slices.Sort(kustomization.Resources); !slices.Equal(kustomization.Resources, want) {
		t.Errorf("installed are %q, generated %q", kustomization.Resources, want)
	}
}

// TestDefinitions_ColumnsHaveValues holds that every column's path leads to a field of the schema: kubectl shows <none> otherwise,
// and says nothing.
func TestDefinitions_ColumnsHaveValues(t *testing.T) {
	t.Parallel()
	part := regexp.MustCompile(`^([A-Za-z0-9]+)(\[.*\])?$`)
	for kind, definition := range definitions(t) {
		for _, column := range definition.Spec.Versions[0].AdditionalPrinterColumns {
			at := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
			filtered := regexp.MustCompile(`\[\?[^]]*\]`).ReplaceAllString(column.JSONPath, "[*]")
			for name := range strings.SplitSeq(strings.TrimPrefix(filtered, "."), ".") {
				match := part.FindStringSubmatch(name)
				if match == nil {
					t.Fatalf("%s: column %s: %s cannot be read by this test", kind, column.Name, column.JSONPath)
				}
				if match[1] == "metadata" {
					break // the API server's own
				}
				next, ok := at.Properties[match[1]]
				if !ok {
					t.Errorf("%s: column %s: %s leads nowhere", kind, column.Name, column.JSONPath)
					break
				}
				at = &next
				if match[2] != "" {
					at = next.Items.Schema
				}
			}
		}
	}
}

// TestDefinitions_DescribeEveryField walks the schemas: kubectl explain has a word on every field.
func TestDefinitions_DescribeEveryField(t *testing.T) {
	t.Parallel()
	for kind, definition := range definitions(t) {
		for _, version := range definition.Spec.Versions {
			walk(t, kind, *version.Schema.OpenAPIV3Schema)
		}
	}
}

func walk(t *testing.T, path string, schema apiextensionsv1.JSONSchemaProps) {
	t.Helper()
	for name, property := range schema.Properties {
		at := path + "." + name
		// The API server describes the metadata of an object itself.
		if property.Description == "" && (name != "metadata" || strings.Contains(path, ".")) {
			t.Errorf("%s has no description", at)
		}
		walk(t, at, property)
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		walk(t, path+"[]", *schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		walk(t, path+"{}", *schema.AdditionalProperties.Schema)
	}
}

// TestDefinitions_DescriptionsNameTheField holds the convention that a description begins with the field's name as it is written in
// YAML. What Kubernetes' own types say is not ours.
func TestDefinitions_DescriptionsNameTheField(t *testing.T) {
	t.Parallel()
	foreign := regexp.MustCompile(`^$|\.(conditions|resources|tolerations)(\.|\[|$)`)
	var check func(path string, schema apiextensionsv1.JSONSchemaProps)
	check = func(path string, schema apiextensionsv1.JSONSchemaProps) {
		for name, property := range schema.Properties {
			at := path + "." + name
			if foreign.MatchString(at) {
				continue
			}
			if !strings.HasPrefix(property.Description, name+" ") {
				t.Errorf("%s: the description begins with %.30q", at, property.Description)
			}
			check(at, property)
		}
		if schema.Items != nil && schema.Items.Schema != nil {
			check(path+"[]", *schema.Items.Schema)
		}
	}
	for kind, definition := range definitions(t) {
		schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
		for _, part := range []string{"spec", "status"} {
			check(kind+"."+part, schema.Properties[part])
		}
	}
}

// TestDescriptions_SayDefaultsAndChoices holds that kubectl explain says what the API server fills in, every value that a
// field may have, and which fields exclude each other: it does not show defaults and rules itself.
func TestDescriptions_SayDefaultsAndChoices(t *testing.T) {
	t.Parallel()
	defaults, choices := 0, 0
	var check func(path string, schema apiextensionsv1.JSONSchemaProps)
	check = func(path string, schema apiextensionsv1.JSONSchemaProps) {
		if schema.Default != nil {
			defaults++
			value := strings.Trim(string(schema.Default.Raw), `"`)
			if !strings.Contains(schema.Description, "Default: "+value) {
				t.Errorf("%s: the description does not say \"Default: %s\"", path, value)
			}
		}
		for _, value := range schema.Enum {
			choices++
			if value := strings.Trim(string(value.Raw), `"`); !strings.Contains(schema.Description, value) {
				t.Errorf("%s: the description does not name the value %s", path, value)
			}
		}
		for _, rule := range schema.XValidations {
			for _, phrase := range []string{"exactly one of", "at least one of"} {
				if strings.HasPrefix(rule.Message, phrase) && !strings.Contains(strings.ToLower(schema.Description), phrase) {
					t.Errorf("%s: the description does not say %q", path, rule.Message)
				}
			}
		}
		for name, property := range schema.Properties {
			check(path+"."+name, property)
		}
		if schema.Items != nil && schema.Items.Schema != nil {
			item := *schema.Items.Schema
			if item.Type == "object" && item.Description == "" {
				item.Description = schema.Description
			}
			check(path+"[]", item)
		}
	}
	for kind, definition := range definitions(t) {
		check(kind+".spec", definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"])
	}
	if defaults < 10 || choices < 10 {
		t.Errorf("looked at %d defaults and %d values", defaults, choices)
	}
}

func TestFieldSelectors(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	create := func(name, spec string) {
		file := object(t, namespace, minimalFile, "spec: {"+spec+"}")
		file.SetName(name)
		if err := k8s.Create(t.Context(), file); err != nil {
			t.Fatal(err)
		}
	}
	create("one", `object: {bucket: b, key: k1}, reported: {room: "room 01", stream: 教室, app: a, format: HLS}`)
	create("two", `object: {bucket: b, key: k2}, reported: {room: "room 01", stream: s, app: a, format: MP4}`)
	create("three", `object: {bucket: b, key: k3}, sourceRef: {name: other}, reported: {room: room02, stream: s, app: b}`)
	for selector, want := range map[string][]string{
		"spec.reported.room=room 01":                    {"one", "two"},
		"spec.reported.stream=教室":                       {"one"},
		"spec.reported.app=b":                           {"three"},
		"spec.reported.format=HLS":                      {"one"},
		"spec.object.key=k2":                            {"two"},
		"spec.sourceRef.name=other":                     {"three"},
		"spec.reported.app=a,spec.reported.format!=HLS": {"two"},
		"spec.object.key=k2,spec.reported.room=other":   nil,
	} {
		t.Run(selector, func(t *testing.T) {
			var found v1alpha1.RecordingFileList
			if err := k8s.List(t.Context(), &found, client.InNamespace(namespace), rawFields(t, selector)); err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, file := range found.Items {
				names = append(names, file.Name)
			}
			slices.Sort(names)
			if !slices.Equal(names, want) {
				t.Errorf("found %q, want %q", names, want)
			}
		})
	}
	t.Run("a field that is not selectable", func(t *testing.T) {
		err := k8s.List(t.Context(), &v1alpha1.RecordingFileList{}, client.InNamespace(namespace), rawFields(t, "spec.suspend=true"))
		if err == nil || !strings.Contains(err.Error(), "spec.suspend") {
			t.Errorf("got %v, want it refused by name", err)
		}
	})
}

// samples are the objects of config/samples, by kind and name.
func samples(t *testing.T) map[string]*unstructured.Unstructured {
	t.Helper()
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(samplesDir, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	var kustomization struct {
		Resources []string `json:"resources"`
	}
	if err := yaml.Unmarshal(read("kustomization.yaml"), &kustomization); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(samplesDir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != len(kustomization.Resources)+1 {
		t.Errorf("kustomization.yaml lists %d of %d samples", len(kustomization.Resources), len(files)-1)
	}
	found := map[string]*unstructured.Unstructured{}
	for _, name := range kustomization.Resources {
		for document := range strings.SplitSeq("\n"+string(read(name)), "\n---\n") {
			content := map[string]any{}
			if err := yaml.UnmarshalStrict([]byte(document), &content); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			sample := &unstructured.Unstructured{Object: content}
			found[sample.GetKind()+"/"+sample.GetName()] = sample
		}
	}
	return found
}

// TestSamples holds that the samples are taken as they are, and that they fit together.
func TestSamples(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	all := samples(t)
	for name, sample := range all {
		created := sample.DeepCopy()
		created.SetNamespace(namespace)
		if err := k8s.Create(t.Context(), created); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	refers := func(from, kind, name string) {
		if all[kind+"/"+name] == nil {
			t.Errorf("%s refers to %s %q, which is no sample", from, kind, name)
		}
	}
	router, err := expression.NewRouter()
	if err != nil {
		t.Fatal(err)
	}
	for name, sample := range all {
		switch sample.GetKind() {
		case "RecordingSource":
			var source v1alpha1.RecordingSource
			typed(t, sample, &source)
			for _, key := range source.Spec.Callback.Keys {
				refers(name, "Secret", key.SecretRef.Name)
				checkKey(t, all["Secret/"+key.SecretRef.Name], key.SecretRef.Key)
			}
			refers(name, "StorageLocation", source.Spec.StorageRef.Name)
			for _, route := range source.Spec.Routes {
				refers(name, "RecordingPipeline", route.PipelineRef.Name)
				if err := router.Check(route.When); route.When != "" && err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		case "RecordingPipeline":
			var pipeline v1alpha1.RecordingPipeline
			typed(t, sample, &pipeline)
			for _, step := range append(pipeline.Spec.Steps, pipeline.Spec.Finally...) {
				if step.Output != nil {
					refers(name, "StorageLocation", step.Output.StorageRef.Name)
				}
			}
			if account := pipeline.Spec.TriggerServiceAccountName; account != "" {
				refers(name, "ServiceAccount", account)
			}
		case "StorageLocation":
			var location v1alpha1.StorageLocation
			typed(t, sample, &location)
			refers(name, "Secret", location.Spec.S3.CredentialsSecretRef.Name)
		}
	}
}

func typed(t *testing.T, sample *unstructured.Unstructured, into any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(sample.Object, into, true); err != nil {
		t.Errorf("%s: %v", sample.GetName(), err)
	}
}

func checkKey(t *testing.T, sample *unstructured.Unstructured, key string) {
	t.Helper()
	var secret corev1.Secret
	typed(t, sample, &secret)
	if _, err := sparkrtc.ParseKey([]byte(secret.StringData[key])); err != nil {
		t.Errorf("Secret %s, key %s: %v", secret.Name, key, err)
	}
}

// TestDefinitions_GoTypesHoldEverything sends an object with every field through the Go types: what they would drop, the operator
// would take away from the object when it writes it.
func TestDefinitions_GoTypesHoldEverything(t *testing.T) {
	t.Parallel()
	for base, into := range map[string]client.Object{
		minimalSource: &v1alpha1.RecordingSource{}, minimalFile: &v1alpha1.RecordingFile{}, minimalTask: &v1alpha1.RecordingTask{},
		minimalPipeline: &v1alpha1.RecordingPipeline{}, minimalStorage: &v1alpha1.StorageLocation{},
		minimalRejected: &v1alpha1.RejectedCallback{},
	} {
		full := object(t, "default", base, allowed[base]["every field"])
		typed(t, full, into)
		back, err := runtime.DefaultUnstructuredConverter.ToUnstructured(into)
		if err != nil {
			t.Fatal(err)
		}
		if missing := lost("spec", full.Object["spec"], back["spec"]); len(missing) > 0 {
			t.Errorf("%s: lost %v", full.GetKind(), missing)
		}
	}
}

// lost are the paths at which the second value lacks a field of the first one that is not zero.
func lost(path string, before, after any) []string {
	switch value := before.(type) {
	case map[string]any:
		other, _ := after.(map[string]any)
		var missing []string
		for key, field := range value {
			missing = append(missing, lost(path+"."+key, field, other[key])...)
		}
		return missing
	case []any:
		other, _ := after.([]any)
		if len(other) != len(value) {
			return []string{path}
		}
		var missing []string
		for i := range value {
			missing = append(missing, lost(fmt.Sprintf("%s[%d]", path, i), value[i], other[i])...)
		}
		return missing
	}
	if after == nil && !reflect.ValueOf(before).IsZero() {
		return []string{path}
	}
	return nil
}
