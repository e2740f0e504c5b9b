// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command templates writes the templates of the Helm chart that no value changes, from config/default and config/prometheus: accounts,
// roles, Services, policies, alerts. So there is one source of them.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/hack/release/render"
)

// systemNamespace is where config/default installs the operator; a release of the chart may be elsewhere.
const systemNamespace = "recording-system"

// templates are the files, and the value that each depends on.
var templates = map[string]struct {
	kinds []string
	value string
}{
	"roles.yaml":           {kinds: []string{"ServiceAccount", "Role", "RoleBinding", "ClusterRole"}},
	"services.yaml":        {kinds: []string{"Service", "PodDisruptionBudget"}},
	"admission.yaml":       {kinds: []string{"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}, value: "admission.enabled"},
	"network_policy.yaml":  {kinds: []string{"NetworkPolicy"}, value: "networkPolicy.enabled"},
	"prometheus_rule.yaml": {kinds: []string{"PrometheusRule"}, value: "prometheusRule.enabled"},
}

// written are the kinds whose templates are written by hand, because values change them; the namespace is Helm's.
var written = []string{"Namespace", "ConfigMap", "Deployment", "ClusterRoleBinding", "ServiceMonitor"}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: templates CONFIG-DIR CHART-TEMPLATES-DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "templates:", err)
		os.Exit(1)
	}
}

func run(config, out string) error {
	var objects []render.Object
	for _, name := range []string{"default", "prometheus"} {
		rendered, err := render.Kustomization(filepath.Join(config, name))
		if err != nil {
			return err
		}
		objects = append(objects, rendered...)
	}
	files := map[string]string{} // by kind
	for name, template := range templates {
		for _, kind := range template.kinds {
			files[kind] = name
		}
	}
	for _, kind := range written {
		files[kind] = ""
	}
	contents := map[string]string{}
	for _, object := range objects {
		name, known := files[object.Kind()]
		if !known {
			return fmt.Errorf("config has a %s: say in %s which template of the chart has that kind", object.Kind(), "hack/release/templates")
		}
		if name == "" {
			continue
		}
		text, err := templateOf(object)
		if err != nil {
			return fmt.Errorf("%s %s: %w", object.Kind(), object.Name(), err)
		}
		contents[name] += "---\n" + text
	}
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(out, name), []byte(wrap(templates[name].value, content)), 0o644); err != nil {
			return err
		}
	}
	return nil
}

const (
	// labels are those that every object of the chart has. Of them, config has labelName alone.
	labels    = `    {{- include "recording-operator.labels" $ | nindent 4 }}`
	labelName = "app.kubernetes.io/name"
	// labelsMark stands for labels while an object is written as YAML.
	labelsMark = "labels-of-the-chart"
)

// templateOf is the template of an object.
func templateOf(object render.Object) (string, error) {
	found, _, err := unstructured.NestedStringMap(object, "metadata", "labels")
	if err != nil {
		return "", err
	}
	marked := map[string]any{labelsMark: ""}
	for key, value := range found {
		if key != labelName {
			marked[key] = value
		}
	}
	if err := unstructured.SetNestedMap(object, marked, "metadata", "labels"); err != nil {
		return "", err
	}
	encoded, err := yaml.Marshal(object)
	if err != nil {
		return "", err
	}
	text := string(encoded)
	if strings.Contains(text, "{{") {
		return "", errors.New("text that begins with {{ would be a template of Helm's")
	}
	text = strings.ReplaceAll(text, systemNamespace, "{{ .Release.Namespace }}")
	return strings.Replace(text, "    "+labelsMark+`: ""`, labels, 1), nil
}

// wrap makes a template of objects, which are rendered when the value, if any, is true.
func wrap(value, objects string) string {
	const generated = "# Generated from config by `make generate`. DO NOT EDIT.\n"
	if value == "" {
		return generated + objects
	}
	return generated + "{{- if .Values." + value + " }}\n" + objects + "{{- end }}\n"
}
