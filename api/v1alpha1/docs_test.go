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

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
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

// TestPagesApply holds that an API server takes every object in the YAML of the pages that people follow.
func TestPagesApply(t *testing.T) {
	t.Parallel()
	namespace := newNamespace(t)
	block := regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```$")
	applied, kinds := 0, map[string]bool{}
	for _, page := range []string{"get-started.md", "install.md", "containers.md", "registration.md", "pipelines.md", "notifications.md", "triggers.md"} {
		for _, match := range block.FindAllStringSubmatch(readDoc(t, "docs", page), -1) {
			text := regexp.MustCompile("(?m)^"+match[1]).ReplaceAllString(match[2], "")
			for document := range strings.SplitSeq(text, "\n---\n") {
				if strings.HasPrefix(document, "- ") {
					continue // a part of a list
				}
				made := &unstructured.Unstructured{Object: parse(t, document)}
				if made.GetKind() == "" || foreign.MatchString(made.GroupVersionKind().Group) {
					continue // a kustomization, or another project's
				}
				applied++
				kinds[page+" "+made.GetKind()] = true
				made.SetNamespace(namespace)
				if err := k8s.Create(t.Context(), made, client.DryRunAll); err != nil {
					t.Errorf("docs/%s: %s %s: %v", page, made.GetKind(), made.GetName(), err)
				}
			}
		}
	}
	if applied < 18 {
		t.Errorf("applied %d objects", applied)
	}
	for _, kind := range []string{"RoleBinding", "Secret", "StorageLocation", "RecordingPipeline", "RecordingSource"} {
		if !kinds["get-started.md "+kind] {
			t.Errorf("docs/get-started.md applies no %s", kind)
		}
	}
}

// TestContainerExampleIsShort: a step of kind container is one that people write.
func TestContainerExampleIsShort(t *testing.T) {
	t.Parallel()
	_, rest, found := strings.Cut(readDoc(t, "docs", "containers.md"), "```yaml\n")
	example, _, ended := strings.Cut(rest, "```")
	if lines := strings.Count(example, "\n"); !found || !ended || lines > 25 || !strings.Contains(example, "container:") {
		t.Errorf("the first example of docs/containers.md has %d lines", lines)
	}
}

// TestReasonsAreDocumented holds that every condition and reason of the API, and every reason of a failed step, is on
// the page for people.
func TestReasonsAreDocumented(t *testing.T) {
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
