// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// slowWebhook is the longest timeout of a webhook that does not hold a callback up: the receiver answers within five
	// seconds.
	slowWebhook = 5 * time.Second
	// podSecurityEnforce is Kubernetes' label for the Pod Security level that a namespace enforces.
	podSecurityEnforce = "pod-security.kubernetes.io/enforce"
)

// podSecurity looks for namespaces of the operator and of steps that allow more than both need.
func podSecurity(s *Snapshot) []Finding {
	findings := unchecked(s.Sources.Err, s.Locations.Err) // they say which namespaces it is about
	var unread []error
	for i := range s.Namespaces {
		namespace := &s.Namespaces[i]
		if apierrors.IsNotFound(namespace.Labels.Err) {
			continue // before installing
		}
		if namespace.Labels.Err != nil {
			unread = append(unread, namespace.Labels.Err)
			continue
		}
		if level := namespace.Labels.Value[podSecurityEnforce]; level != "restricted" {
			if level == "" {
				level = "no level"
			}
			findings = append(findings, warningf("Namespace "+namespace.Name,
				fmt.Sprintf("kubectl label --overwrite namespace %s %s=restricted", namespace.Name, podSecurityEnforce),
				"It enforces %s of Pod Security. The operator and its steps need no more than \"restricted\" allows.", level))
		}
	}
	return append(findings, unchecked(unread...)...)
}

// webhooks looks for admission webhooks that can hold a callback up for longer than the receiver waits.
func webhooks(s *Snapshot) []Finding {
	findings := unchecked(s.Webhooks.Err)
	for _, webhook := range s.Webhooks.Value {
		if webhook.Timeout <= slowWebhook {
			continue
		}
		outcome := "is then stored all the same"
		if webhook.Required {
			outcome = "then fails, and waits on the receiver's disk"
		}
		findings = append(findings, warningf(webhook.Kind+" "+webhook.Name, fmt.Sprintf("kubectl edit %s %s", strings.ToLower(webhook.Kind), webhook.Name),
			"Webhook %s is called for kinds of the operator, and may take %s: a callback waits as long, and %s. Exclude the group recording.sparkrtc.dev, or set timeoutSeconds to at most %d.",
			webhook.Webhook, webhook.Timeout, outcome, int(slowWebhook.Seconds())))
	}
	return findings
}

// quotaResources are what a step uses of a quota.
var quotaResources = []corev1.ResourceName{
	corev1.ResourcePods, "count/pods", "count/jobs.batch", corev1.ResourceRequestsCPU, corev1.ResourceRequestsMemory, corev1.ResourceCPU, corev1.ResourceMemory,
	corev1.ResourceLimitsCPU, corev1.ResourceLimitsMemory, corev1.ResourceRequestsEphemeralStorage, corev1.ResourceLimitsEphemeralStorage, corev1.ResourceEphemeralStorage,
}

// quota looks for quotas that leave no room for a step.
func quota(s *Snapshot) []Finding {
	findings := unchecked(s.Sources.Err, s.Locations.Err) // they say which namespaces it is about
	var unread []error
	for i := range s.Namespaces {
		namespace := &s.Namespaces[i]
		if !namespace.Recordings {
			continue
		}
		if namespace.Quotas.Err != nil {
			unread = append(unread, namespace.Quotas.Err)
		}
		for j := range namespace.Quotas.Value {
			if found := fullQuota(&namespace.Quotas.Value[j]); found != nil {
				findings = append(findings, *found)
			}
		}
	}
	return append(findings, unchecked(unread...)...)
}

// fullQuota reports the first resource that has less than a tenth left.
func fullQuota(q *corev1.ResourceQuota) *Finding {
	for _, name := range quotaResources {
		hard, limited := q.Status.Hard[name]
		if !limited {
			continue
		}
		used := q.Status.Used[name]
		object, fix := "ResourceQuota "+q.Namespace+"/"+q.Name, fmt.Sprintf("kubectl -n %s describe resourcequota %s", q.Namespace, q.Name)
		text := fmt.Sprintf("%s of %s are used of %s", used.String(), hard.String(), name)
		var found Finding
		switch {
		case used.Cmp(hard) >= 0:
			found = errorf(object, fix, "%s: no step can start.", text)
		case used.AsApproximateFloat64() >= 0.9*hard.AsApproximateFloat64():
			found = warningf(object, fix, "%s: steps will wait soon.", text)
		default:
			continue
		}
		return &found
	}
	return nil
}

// minMinor is the oldest minor version of Kubernetes 1 that the operator works with: its definitions have selectable fields.
const minMinor = 31

// kubernetes looks at the version of the API server.
func kubernetes(s *Snapshot) []Finding {
	if s.Server.Err != nil {
		return unchecked(s.Server.Err)
	}
	if s.Server.Value.Minor < minMinor {
		return []Finding{errorf("", "", "The API server has version %s; the operator needs Kubernetes 1.%d or later.", s.Server.Value.Version, minMinor)}
	}
	return nil
}

// installer looks for rights that installing needs.
func installer(s *Snapshot) []Finding {
	if s.Installer.Err != nil {
		return unchecked(s.Installer.Err)
	}
	var findings []Finding
	for _, group := range denied(s.Installer.Value) {
		findings = append(findings, errorf("", "kubectl auth can-i --list", "You may not %s%s. Have a cluster administrator install the operator.", listed(group.rights), in(group.namespace)))
	}
	return findings
}

// leftovers looks for definitions that an installation would change.
func leftovers(s *Snapshot) []Finding {
	if s.Definitions.Err != nil {
		return unchecked(s.Definitions.Err)
	}
	var findings []Finding
	for _, have := range s.Definitions.Value {
		at := slices.IndexFunc(s.Manifests.Definitions, func(d Definition) bool { return d.Name == have.Name })
		if at >= 0 && len(difference(have.Fields, s.Manifests.Definitions[at].Fields)) > 0 {
			findings = append(findings, errorf("CustomResourceDefinition "+have.Name, "kubectl get deployments -A -l app.kubernetes.io/name=recording-operator",
				"A definition of another version is installed, with fields that this version does not have: installing this version would drop them."))
		}
	}
	return findings
}

// nodes looks for a node that can run the images.
func nodes(s *Snapshot) []Finding {
	if s.Nodes.Err != nil {
		return unchecked(s.Nodes.Err)
	}
	var others []string
	for _, node := range s.Nodes.Value {
		if node.OS == "linux" && (node.Architecture == "amd64" || node.Architecture == "arm64") {
			return nil
		}
		others = append(others, fmt.Sprintf("%s (%s/%s)", node.Name, node.OS, node.Architecture))
	}
	if len(others) == 0 {
		return []Finding{errorf("", "kubectl get nodes", "No node takes pods.")}
	}
	return []Finding{errorf("", "kubectl get nodes -o wide", "No node is linux/amd64 or linux/arm64: %s.", listed(others))}
}
