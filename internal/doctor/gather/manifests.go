// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/util/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/config"
	"sparkrtc.dev/recording-operator/internal/doctor"
)

// installed is what this version installs.
func installed() (*doctor.Manifests, error) {
	manifests := &doctor.Manifests{}
	definitions, err := decode[apiextensionsv1.CustomResourceDefinition]("crd/bases/*.yaml")
	if err != nil {
		return nil, err
	}
	for i := range definitions {
		manifests.Definitions = append(manifests.Definitions, definition(&definitions[i]))
	}
	for _, pattern := range []string{"admission/*.yaml", "default/definitions_policy.yaml"} {
		policies, err := decode[struct {
			Kind     string `json:"kind"`
			Metadata struct {
				Name string `json:"name"`
			} `json:"metadata"`
		}](pattern)
		if err != nil {
			return nil, err
		}
		for _, policy := range policies {
			if policy.Kind == "ValidatingAdmissionPolicy" {
				manifests.Policies = append(manifests.Policies, config.NamePrefix+policy.Metadata.Name)
			}
		}
	}
	return manifests, nil
}

// decode reads every document of the manifests that match a pattern.
func decode[T any](pattern string) ([]T, error) {
	files, err := fs.Glob(config.Manifests, pattern)
	if err != nil || len(files) == 0 {
		return nil, errors.Join(fmt.Errorf("the plugin has no manifest %s", pattern), err)
	}
	var all []T
	for _, file := range files {
		text, err := config.Manifests.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read manifest %s: %w", file, err)
		}
		documents := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
		for {
			var one T
			err := documents.Decode(&one)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("read manifest %s: %w", file, err)
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// definition is what a CustomResourceDefinition says, as far as it is compared.
func definition(crd *apiextensionsv1.CustomResourceDefinition) doctor.Definition {
	d := doctor.Definition{Name: crd.Name}
	for _, condition := range crd.Status.Conditions {
		switch {
		case condition.Type == apiextensionsv1.Established:
			d.Established = condition.Status == apiextensionsv1.ConditionTrue
		case condition.Type == apiextensionsv1.NamesAccepted && condition.Status == apiextensionsv1.ConditionFalse:
			d.Problem = condition.Message
		}
	}
	for i := range crd.Spec.Versions {
		version := &crd.Spec.Versions[i]
		if version.Name != v1alpha1.GroupVersion.Version || version.Schema == nil {
			continue
		}
		d.Served = version.Served
		fields := map[string]bool{}
		addFields(fields, "", version.Schema.OpenAPIV3Schema)
		for field := range fields {
			d.Fields = append(d.Fields, field)
		}
		slices.Sort(d.Fields)
	}
	return d
}

// addFields adds the paths of all fields below a path.
func addFields(fields map[string]bool, path string, schema *apiextensionsv1.JSONSchemaProps) {
	if schema == nil {
		return
	}
	for name := range schema.Properties {
		below := schema.Properties[name]
		full := strings.TrimPrefix(path+"."+name, ".")
		fields[full] = true
		addFields(fields, full, &below)
	}
	if schema.Items != nil {
		addFields(fields, path+"[]", schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil {
		addFields(fields, path+"{}", schema.AdditionalProperties.Schema)
	}
}

// accountRole is a role of the manifests and the account that has it.
type accountRole struct {
	file, account string
	// namespaced says that it is bound in the operator's namespace alone.
	namespaced bool
}

var accountRoles = []accountRole{
	{file: "rbac/receiver/role.yaml", account: config.NamePrefix + "receiver"},
	{file: "rbac/manager/role.yaml", account: config.NamePrefix + "controller-manager"},
	{file: "rbac/manager/leader_election_role.yaml", account: config.NamePrefix + "controller-manager", namespaced: true},
}

// rules are those of a role.
func (r accountRole) rules() ([]rbacv1.PolicyRule, error) {
	// A Role and a ClusterRole have the same rules.
	roles, err := decode[rbacv1.ClusterRole](r.file)
	if err != nil {
		return nil, err
	}
	var rules []rbacv1.PolicyRule
	for i := range roles {
		rules = append(rules, roles[i].Rules...)
	}
	return rules, nil
}
