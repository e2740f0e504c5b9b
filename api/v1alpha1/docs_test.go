// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/internal/testing/pages"
)

// readDoc reads a file of the project's documentation.
func readDoc(t *testing.T, parts ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(append([]string{"..", ".."}, parts...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// foreign are the groups of objects on the pages that belong to other projects.
var foreign = regexp.MustCompile(`^(argoproj\.io|kueue\.x-k8s\.io|helm\.toolkit\.fluxcd\.io|source\.toolkit\.fluxcd\.io)$`)

// TestPagesApply holds that an API server takes every object in the YAML of the pages that people follow, and what is a part of
// one. Of the pages on pipelines nothing is left out.
func TestPagesApply(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	applied, kinds := 0, map[string]bool{}
	for page, whole := range map[string]bool{"get-started.md": false, "install.md": false, "registration.md": false, "notifications.md": true,
		"containers.md": true, "storage.md": false, "pipelines.md": true, "triggers.md": true} {
		objects, err := pages.Objects(filepath.Join("..", ".."), page, whole)
		if err != nil {
			t.Fatal(err)
		}
		for _, made := range objects {
			if foreign.MatchString(made.GroupVersionKind().Group) {
				continue // another project's
			}
			applied++
			kinds[page+" "+made.GetKind()] = true
			if made.GetKind() != "Namespace" {
				made.SetNamespace(namespace)
			}
			if err := applyDry(t, made); err != nil {
				t.Errorf("docs/%s: %s %s: %v", page, made.GetKind(), made.GetName(), err)
			}
		}
	}
	if applied < 30 {
		t.Errorf("applied %d objects", applied)
	}
	for _, kind := range []string{"RoleBinding", "Secret", "StorageLocation", "RecordingPipeline", "RecordingSource"} {
		if !kinds["get-started.md "+kind] {
			t.Errorf("docs/get-started.md applies no %s", kind)
		}
	}
}

// applyDry has an API server judge an object, and its status if it has one. A field that it does not know is an error.
func applyDry(t *testing.T, made *unstructured.Unstructured) error {
	t.Helper()
	strict := client.WithFieldValidation(k8s, metav1.FieldValidationStrict)
	status := made.Object["status"]
	if status == nil {
		return strict.Create(t.Context(), made, client.DryRunAll)
	}
	delete(made.Object, "status")
	made.SetName("")
	made.SetGenerateName("part-")
	if err := strict.Create(t.Context(), made); err != nil {
		return err
	}
	made.Object["status"] = status
	return strict.Status().Update(t.Context(), made, client.DryRunAll)
}

// TestPages_ContainerExampleIsShort: a step of kind container is one that people write.
func TestPages_ContainerExampleIsShort(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(readDoc(t, "docs", "containers.md"), "```yaml\n")
	example, _, ended := strings.Cut(rest, "```")
	if lines := strings.Count(example, "\n"); !found || !ended || lines > 25 || !strings.Contains(example, "container:") {
		t.Errorf("the first example of docs/containers.md has %d lines", lines)
	}
}

// TestReasons_AreDocumented holds that every condition and reason of the API, and every reason of a failed step, is on
// the page for people.
func TestReasons_AreDocumented(t *testing.T) {
	t.Parallel()
	page := readDoc(t, "docs", "reference", "conditions.md")
	for _, path := range []string{"condition_types.go", filepath.Join("..", "..", "internal", "workerapi", "reasons.go")} {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			constant, ok := node.(*ast.ValueSpec)
			if !ok || !regexp.MustCompile(`^(Reason|Condition)[A-Z]`).MatchString(constant.Names[0].Name) {
				return true
			}
			literal, ok := constant.Values[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: %s is no literal", path, constant.Names[0].Name)
				return true
			}
			if value, err := strconv.Unquote(literal.Value); err != nil || !strings.Contains(page, "`"+value+"`") {
				t.Errorf("%s: %s is not in docs/reference/conditions.md", path, value)
			}
			return true
		})
	}
}
