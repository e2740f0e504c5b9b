// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strings"
)

// rights looks for rights of config/rbac that an account has not.
func rights(s *Snapshot) []Finding {
	if s.Rights.Err != nil {
		return unchecked(s.Rights.Err)
	}
	var findings []Finding
	for _, group := range denied(s.Rights.Value) {
		findings = append(findings, errorf("ServiceAccount "+group.account, applyOperator,
			"The account may not %s%s: a role or binding of config/rbac is missing or was changed.", listed(group.rights), in(group.namespace)))
	}
	return findings
}

// secretRights looks for namespaces whose Secrets an account may not read.
func secretRights(s *Snapshot) []Finding {
	if s.SecretRights.Err != nil {
		return unchecked(s.SecretRights.Err)
	}
	var findings []Finding
	for _, group := range denied(s.SecretRights.Value) {
		fix := fmt.Sprintf("kubectl -n %s create rolebinding %s-secrets --clusterrole=recording-operator-secrets --serviceaccount=%s",
			group.namespace, nameOf(group.account), strings.Replace(group.account, "/", ":", 1))
		findings = append(findings, errorf("ServiceAccount "+group.account, fix,
			"The account may not get Secrets in namespace %s: it can read neither callback keys nor storage credentials there.", group.namespace))
	}
	return findings
}

// deniedRights are what one account may not do in one place.
type deniedRights struct {
	account, namespace string
	rights             []string
}

// denied groups the rights that are not allowed, in their order.
func denied(all []Right) []deniedRights {
	var groups []deniedRights
	for _, right := range all {
		if right.Allowed {
			continue
		}
		text := right.Verb + " " + strings.TrimSuffix(right.Resource+"."+right.Group, ".")
		last := len(groups) - 1
		if last < 0 || groups[last].account != right.Account || groups[last].namespace != right.Namespace {
			groups = append(groups, deniedRights{account: right.Account, namespace: right.Namespace})
			last++
		}
		groups[last].rights = append(groups[last].rights, text)
	}
	return groups
}

func in(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in namespace " + namespace
}

// nameOf is the name of NAMESPACE/NAME.
func nameOf(object string) string { return object[strings.LastIndex(object, "/")+1:] }
