// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package render makes objects of kustomizations, as `kubectl kustomize` does.
package render

import (
	"fmt"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Object is an object of Kubernetes as YAML decodes it.
type Object map[string]any

// Kind is the object's kind, or "".
func (o Object) Kind() string { return o.text(o["kind"]) }

// Name is the object's metadata.name, or "".
func (o Object) Name() string {
	metadata, _ := o["metadata"].(map[string]any)
	return o.text(metadata["name"])
}

func (Object) text(value any) string {
	text, _ := value.(string)
	return text
}

// Kustomization is what `kubectl apply -k DIR` would apply, in its order.
func Kustomization(dir string) ([]Object, error) {
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionLegacy
	rendered, err := krusty.MakeKustomizer(options).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", dir, err)
	}
	var objects []Object
	for _, resource := range rendered.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", dir, err)
		}
		object := Object{}
		if err := yaml.Unmarshal(text, &object); err != nil {
			return nil, fmt.Errorf("render %s: %w", dir, err)
		}
		objects = append(objects, object)
	}
	return objects, nil
}
