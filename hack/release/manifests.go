// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/hack/release/render"
)

// manifests writes crds.yaml and operator.yaml, to be read and kept in git, and install.yaml, which has both and is short.
func (r *release) manifests(context.Context) ([]string, error) {
	definitions, err := render.Kustomization(filepath.Join(r.repo, "config", "crd"))
	if err != nil {
		return nil, err
	}
	operator, err := r.operator()
	if err != nil {
		return nil, err
	}
	head := "# The recording operator for SparkRTC " + r.version + "\n"
	full, err := documents(definitions)
	if err != nil {
		return nil, err
	}
	rest, err := documents(operator)
	if err != nil {
		return nil, err
	}
	install := bytes.NewBufferString(head + "# To uninstall it, see docs/uninstall.md. crds.yaml and operator.yaml are to be read.\n")
	for _, object := range slices.Concat(definitions, operator) {
		fmt.Fprintf(install, "---\n%s", short(object))
	}
	var files []string
	for name, content := range map[string][]byte{
		"crds.yaml":     append([]byte(head+"# The kinds. Deleting them deletes every object of theirs.\n"), full...),
		"operator.yaml": append([]byte(head+"# The operator without its definitions, which are in crds.yaml.\n"), rest...),
		"install.yaml":  install.Bytes(),
	} {
		if _, err := r.write(name, content); err != nil {
			return nil, err
		}
		files = append(files, name)
	}
	return files, nil
}

func documents(objects []render.Object) ([]byte, error) {
	var all []byte
	for _, object := range objects {
		text, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", object.Kind(), object.Name(), err)
		}
		all = append(append(all, "---\n"...), text...)
	}
	return all, nil
}

// imagesConfiguration is the file that has kustomize set the images of steps too.
const imagesConfiguration = "images_configuration.yaml"

// operator is config/default with the images of the release, set as a user's kustomization sets them. The Deployments have
// the version as a label, as the chart's objects have.
func (r *release) operator() (objects []render.Object, err error) {
	dir, err := os.MkdirTemp(r.out, "kustomization-")
	if err != nil {
		return nil, err
	}
	defer func() {
		if removed := os.RemoveAll(dir); err == nil {
			err = removed
		}
	}()
	config, err := relative(dir, filepath.Join(r.repo, "config"))
	if err != nil {
		return nil, err
	}
	set := make([]map[string]string, 0, len(images))
	for _, name := range images {
		image := map[string]string{"name": name, "newName": r.registry + "/" + name, "newTag": r.version}
		if digest := r.digests[name]; digest != "" {
			image = map[string]string{"name": name, "newName": r.registry + "/" + name, "digest": digest}
		}
		set = append(set, image)
	}
	content, err := yaml.Marshal(map[string]any{
		"resources":      []string{filepath.Join(config, "default")},
		"images":         set,
		"configurations": []string{imagesConfiguration},
	})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), content, 0o644); err != nil {
		return nil, err
	}
	// kustomize reads it only from the folder of the kustomization.
	configuration, err := os.ReadFile(filepath.Join(r.repo, "config", "manager", imagesConfiguration))
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, imagesConfiguration), configuration, 0o644); err != nil {
		return nil, err
	}
	objects, err = render.Kustomization(dir)
	if err != nil {
		return nil, err
	}
	for _, object := range objects {
		if object.Kind() == "Deployment" {
			if err := unstructured.SetNestedField(object, r.version, "metadata", "labels", "app.kubernetes.io/version"); err != nil {
				return nil, fmt.Errorf("set the version of Deployment %s: %w", object.Name(), err)
			}
		}
	}
	return objects, nil
}

// relative is the path from one folder to another, as kustomize wants it.
func relative(from, to string) (string, error) {
	absoluteFrom, err := filepath.Abs(from)
	if err != nil {
		return "", err
	}
	absoluteTo, err := filepath.Abs(to)
	if err != nil {
		return "", err
	}
	return filepath.Rel(absoluteFrom, absoluteTo)
}
