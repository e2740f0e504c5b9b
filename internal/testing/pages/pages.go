// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package pages reads the YAML on the pages of docs, so that tests hold that what people copy from there works.
package pages

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// block is YAML on a page, with its indentation.
var block = regexp.MustCompile("(?ms)^( *)```yaml\n(.*?)^ *```$")

// Objects are the objects of the YAML on a page, which lies in the folder docs of root. A part of an object of ours, for
// example the steps of a pipeline alone, is completed to a whole one. YAML that is no part of any object is left out: whole
// says that there must be none.
func Objects(root, page string, whole bool) ([]*unstructured.Unstructured, error) {
	content, err := os.ReadFile(filepath.Join(root, "docs", page))
	if err != nil {
		return nil, fmt.Errorf("read a page: %w", err)
	}
	var objects []*unstructured.Unstructured
	for _, match := range block.FindAllStringSubmatch(string(content), -1) {
		text := regexp.MustCompile("(?m)^"+match[1]).ReplaceAllString(match[2], "")
		for document := range strings.SplitSeq(text, "\n---\n") {
			var value any
			if err := yaml.Unmarshal([]byte(document), &value); err != nil {
				return nil, fmt.Errorf("docs/%s: %w\n%s", page, err, document)
			}
			switch object := complete(value); {
			case object != nil:
				objects = append(objects, &unstructured.Unstructured{Object: object})
			case whole:
				return nil, fmt.Errorf("docs/%s: a part of no object that is known:\n%s", page, document)
			}
		}
	}
	return objects, nil
}

// complete makes a whole object of a part of one; nil: it is a part of none that is known.
func complete(value any) map[string]any {
	if steps, ok := value.([]any); ok {
		value = map[string]any{"steps": steps}
	}
	fields, ok := value.(map[string]any)
	if !ok {
		return nil
	}
	spec, _ := fields["spec"].(map[string]any)
	has := func(fields map[string]any, names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return fields[name] != nil })
	}
	switch {
	case has(fields, "kind"):
		return fields
	case has(fields, "status"):
		return file("status", fields["status"])
	case has(fields, "manifest", "progress"): // of a step's status
		fields["name"], fields["state"] = "mp4", "Running"
		return file("status", map[string]any{"steps": []any{fields}})
	case has(spec, "rerun", "approvals"):
		return file("spec", spec)
	case has(spec, "steps"):
		return pipeline(spec)
	case has(fields, "steps"):
		return pipeline(fields)
	case has(fields, "params"): // of a step of kind container
		fields["image"], fields["outputs"] = "example:1", []any{map[string]any{"path": "a.txt", "kind": "Data"}}
		return pipeline(map[string]any{"steps": []any{step("one", "container", fields)}})
	}
	return nil
}

func object(kind string, fields map[string]any) map[string]any {
	fields["apiVersion"], fields["kind"], fields["metadata"] = v1alpha1.GroupVersion.String(), kind, map[string]any{"name": "part"}
	return fields
}

func file(field string, value any) map[string]any {
	made := map[string]any{"spec": map[string]any{}}
	made[field] = value
	spec, _ := made["spec"].(map[string]any)
	spec["sourceRef"], spec["object"] = map[string]any{"name": "classroom"}, map[string]any{"bucket": "recordings", "key": "a.m3u8"}
	return object("RecordingFile", made)
}

func step(name, kind string, settings map[string]any) map[string]any {
	return map[string]any{"name": name, kind: settings, "output": map[string]any{"storageRef": map[string]any{"name": "archive"}}}
}

// pipeline adds the steps that others name and that a part leaves out.
func pipeline(spec map[string]any) map[string]any {
	steps, _ := spec["steps"].([]any)
	known := map[string]bool{v1alpha1.InputRecording: true}
	var named []string
	for _, one := range steps {
		fields, _ := one.(map[string]any)
		known[text(fields["name"])] = true
		inputs, _ := fields["inputs"].([]any)
		for _, input := range append(inputs, fields["input"]) {
			from, _ := input.(map[string]any)
			named = append(named, text(from["step"]))
		}
		dependsOn, _ := fields["dependsOn"].([]any)
		for _, name := range dependsOn {
			named = append(named, text(name))
		}
	}
	for _, name := range named {
		if name != "" && !known[name] {
			known[name] = true
			steps = append(steps, step(name, "transcode", map[string]any{"preset": "Remux"}))
		}
	}
	spec["steps"] = steps
	return object("RecordingPipeline", map[string]any{"spec": spec})
}

func text(value any) string {
	found, _ := value.(string)
	return found
}
