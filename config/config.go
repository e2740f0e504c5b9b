// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package config holds the manifests that the operator is installed with, for programs that compare a cluster with them.
package config

import "embed"

// Manifests are the definitions, the rules of the operator's accounts and the admission policies, as files of YAML at their
// paths in this folder. Names of what config/default installs lack its namePrefix.
//
//go:embed crd/bases/*.yaml rbac/manager/*role.yaml rbac/receiver/role.yaml admission/*.yaml default/definitions_policy.yaml
var Manifests embed.FS

// NamePrefix is what config/default puts before every name.
const NamePrefix = "recording-operator-"
