//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// yamlBlock is YAML on a page.
var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// recipe is the YAML under a heading of a page of docs, as people apply it.
func recipe(t *testing.T, page, heading string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(content), "\n"+heading+"\n")
	if !found {
		t.Fatalf("docs/%s has no heading %q", page, heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	var documents []string
	for _, block := range yamlBlock.FindAllStringSubmatch(section, -1) {
		documents = append(documents, block[1])
	}
	if len(documents) == 0 {
		t.Fatalf("docs/%s has no YAML under %q", page, heading)
	}
	return strings.Join(documents, "---\n")
}

// apply applies manifests in the namespace.
func (r *room) apply(manifests string) {
	r.t.Helper()
	command := exec.CommandContext(r.t.Context(), "kubectl", "-n", r.namespace, "apply", "-f", "-")
	command.Stdin = strings.NewReader(manifests)
	if output, err := command.CombinedOutput(); err != nil {
		r.t.Fatalf("kubectl apply: %v\n%s\n%s", err, output, manifests)
	}
}

// applyForTheTest applies manifests, and deletes what they made after the test: objects that no namespace takes along.
func (r *room) applyForTheTest(manifests string) {
	r.t.Helper()
	r.apply(manifests)
	r.t.Cleanup(func() {
		command := exec.CommandContext(context.Background(), "kubectl", "-n", r.namespace, "delete", "--ignore-not-found", "--wait=false", "-f", "-")
		command.Stdin = strings.NewReader(manifests)
		if output, err := command.CombinedOutput(); err != nil {
			r.t.Logf("kubectl delete: %v\n%s", err, output)
		}
	})
}

// kubectl is what kubectl prints in the namespace.
func (r *room) kubectl(arguments ...string) string {
	r.t.Helper()
	output, err := exec.CommandContext(r.t.Context(), "kubectl", append([]string{"-n", r.namespace}, arguments...)...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("kubectl %s: %v\n%s", strings.Join(arguments, " "), err, output)
	}
	return string(output)
}
