// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command compatibility compares CustomResourceDefinitions with those of an earlier release: no kind and no field may be
// gone, and no rule may be tighter than it was. hack/compatibility.sh runs it.
//
//	compatibility OLD NEW    compares the definitions in two folders
package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/crdify/pkg/config"
	"sigs.k8s.io/crdify/pkg/runner"
	"sigs.k8s.io/crdify/pkg/validations"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: compatibility OLD NEW")
		os.Exit(2)
	}
	found, err := compareFolders(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "compatibility:", err)
		os.Exit(2)
	}
	for _, problem := range found {
		fmt.Println(problem)
	}
	if len(found) > 0 {
		os.Exit(1)
	}
}

func compareFolders(before, after string) ([]string, error) {
	earlier, err := read(before)
	if err != nil {
		return nil, err
	}
	now, err := read(after)
	if err != nil {
		return nil, err
	}
	return compare(earlier, now)
}

// read reads the definitions of a folder, by name.
func read(folder string) (map[string]*apiextensionsv1.CustomResourceDefinition, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return nil, err
	}
	definitions := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		definition := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.Unmarshal(content, definition); err != nil {
			return nil, fmt.Errorf("decode %s: %w", name, err)
		}
		definitions[definition.Name] = definition
	}
	if len(definitions) == 0 {
		return nil, fmt.Errorf("no definition in %s", folder)
	}
	return definitions, nil
}

// compare says what of the earlier definitions is gone or tighter. A description may change; of what the library does not
// judge, for example a pattern or a rule, every change is named, for a person to judge.
func compare(earlier, now map[string]*apiextensionsv1.CustomResourceDefinition) ([]string, error) {
	compared, err := runner.New(&config.Config{
		UnhandledEnforcement: config.EnforcementPolicyError,
		Conversion:           config.ConversionPolicyNone,
		Validations:          []config.ValidationConfig{{Name: "description", Enforcement: config.EnforcementPolicyNone}},
	}, runner.DefaultRegistry())
	if err != nil {
		return nil, err
	}
	var found []string
	for _, name := range slices.Sorted(maps.Keys(earlier)) {
		if now[name] == nil {
			found = append(found, name+": the definition is gone")
			continue
		}
		results := compared.Run(earlier[name], now[name])
		found = append(found, problems(name, results.CRDValidation)...)
		for _, versions := range []map[string]map[string][]validations.ComparisonResult{results.SameVersionValidation, results.ServedVersionValidation} {
			for _, version := range slices.Sorted(maps.Keys(versions)) {
				for _, field := range slices.Sorted(maps.Keys(versions[version])) {
					found = append(found, problems(name+" "+version+" "+strings.TrimPrefix(field, "^."), versions[version][field])...)
				}
			}
		}
	}
	return found, nil
}

func problems(where string, results []validations.ComparisonResult) []string {
	var found []string
	for _, result := range results {
		for _, problem := range result.Errors {
			found = append(found, where+": "+result.Name+": "+problem)
		}
	}
	return found
}
