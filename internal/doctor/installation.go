// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// Whatever installed the older definitions, such as Helm, owns their fields.
	applyDefinitions = "kubectl apply --server-side --force-conflicts -f crds.yaml"
	applyOperator    = "kubectl apply -f install.yaml"
	// leaseGrace is how long a Lease may be unrenewed; leaders renew every two seconds.
	leaseGrace = time.Minute
)

// definitions compares the kinds with those of this version, field by field.
func definitions(s *Snapshot) []Finding {
	if s.Definitions.Err != nil {
		return unchecked(s.Definitions.Err)
	}
	var findings []Finding
	for _, want := range s.Manifests.Definitions {
		object := "CustomResourceDefinition " + want.Name
		at := slices.IndexFunc(s.Definitions.Value, func(d Definition) bool { return d.Name == want.Name })
		if at < 0 {
			findings = append(findings, errorf(object, applyDefinitions, "The definition is not installed."))
			continue
		}
		have := s.Definitions.Value[at]
		switch missing, added := difference(want.Fields, have.Fields), difference(have.Fields, want.Fields); {
		case !have.Established:
			findings = append(findings, errorf(object, "kubectl describe crd "+want.Name, "The API server does not serve the kind: %s", orUnknown(have.Problem)))
		case !have.Served:
			findings = append(findings, errorf(object, applyDefinitions, "Version v1alpha1 is not served."))
		case len(missing) > 0:
			findings = append(findings, errorf(object, applyDefinitions, "The definition is older than this plugin: it lacks %s.", listed(missing)))
		case len(added) > 0:
			findings = append(findings, warningf(object, "make install-plugin", "The definition is newer than this plugin: it adds %s. Update the plugin.", listed(added)))
		}
	}
	return findings
}

// difference is what a has and b has not; both are sorted.
func difference(a, b []string) []string {
	var only []string
	for _, x := range a {
		if _, found := slices.BinarySearch(b, x); !found {
			only = append(only, x)
		}
	}
	return only
}

func orUnknown(text string) string {
	if text == "" {
		return "no reason is given"
	}
	return text
}

// workloads looks for processes that do not run.
func workloads(s *Snapshot) []Finding {
	if s.Workloads.Err != nil {
		return unchecked(s.Workloads.Err)
	}
	var findings []Finding
	for _, component := range []Component{Receiver, Manager} {
		w := s.workload(component)
		if w == nil {
			findings = append(findings, errorf("", applyOperator,
				"Namespace %s has no %s. (If it runs elsewhere, give --operator-namespace.)", s.OperatorNamespace, component))
			continue
		}
		if w.Ready >= w.Wanted && w.Wanted > 0 {
			continue
		}
		object := w.Kind + " " + s.OperatorNamespace + "/" + w.Name
		fix := fmt.Sprintf("kubectl -n %s describe pods -l app.kubernetes.io/component=%s", s.OperatorNamespace, component)
		text := fmt.Sprintf("%d of %d replicas are ready.", w.Ready, w.Wanted)
		for _, pod := range w.Pods {
			if pod.Problem != "" {
				text += fmt.Sprintf(" Pod %s: %s.", pod.Name, strings.TrimSuffix(pod.Problem, "."))
				break
			}
		}
		if w.Wanted == 0 {
			text = "It is scaled to 0 replicas."
			fix = fmt.Sprintf("kubectl -n %s scale %s/%s --replicas=2", s.OperatorNamespace, strings.ToLower(w.Kind), w.Name)
		}
		level := warningf
		if w.Ready == 0 {
			level = errorf
		}
		findings = append(findings, level(object, fix, "%s", text))
	}
	return findings
}

func (s *Snapshot) workload(component Component) *Workload {
	for i := range s.Workloads.Value {
		if s.Workloads.Value[i].Component == component {
			return &s.Workloads.Value[i]
		}
	}
	return nil
}

// versions compares images, and versions where they are known: an image that is named by a digest has none.
func versions(s *Snapshot) []Finding {
	if s.Workloads.Err != nil || s.StepImages.Err != nil {
		return unchecked(s.Workloads.Err, s.StepImages.Err)
	}
	receiver, manager := s.workload(Receiver), s.workload(Manager)
	if receiver == nil || manager == nil {
		return nil // workloads says so
	}
	var findings []Finding
	if receiver.Image != manager.Image {
		findings = append(findings, warningf("", applyOperator, "Receiver and manager run different images: %s and %s.", receiver.Image, manager.Image))
	}
	operator := versionOf(manager.Image)
	for _, name := range []string{"worker", "trigger"} {
		image := s.StepImages.Value[name]
		if image == "" {
			findings = append(findings, errorf("ConfigMap "+s.OperatorNamespace+"/recording-operator-images", applyOperator, "It names no image for %s.", name))
			continue
		}
		if version := versionOf(image); operator != "" && version != "" && version != operator {
			findings = append(findings, warningf("ConfigMap "+s.OperatorNamespace+"/recording-operator-images", applyOperator,
				"The %s image has version %s, and the manager %s.", name, version, operator))
		}
	}
	if isRelease(s.Plugin) && isRelease(operator) && s.Plugin != operator {
		findings = append(findings, warningf("", "make install-plugin", "This plugin has version %s, and the operator %s.", s.Plugin, operator))
	}
	return findings
}

// versionOf is the tag of an image; empty when it has none.
func versionOf(image string) string {
	name, _, digested := strings.Cut(image, "@")
	if digested {
		image = name
	}
	colon := strings.LastIndex(image, ":")
	if colon <= strings.LastIndex(image, "/") {
		return ""
	}
	return image[colon+1:]
}

// isRelease says that a version is such as v1.2.3: builds of a checkout cannot be compared.
func isRelease(version string) bool {
	return len(version) > 1 && version[0] == 'v' && version[1] >= '0' && version[1] <= '9'
}

// leader looks at the Lease of the managers.
func leader(s *Snapshot) []Finding {
	if s.Lease.Err != nil {
		return unchecked(s.Lease.Err)
	}
	fix := fmt.Sprintf("kubectl -n %s logs -l app.kubernetes.io/component=manager --prefix --tail=20", s.OperatorNamespace)
	lease := s.Lease.Value
	if lease == nil || lease.Spec.RenewTime == nil || lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
		return []Finding{errorf("", fix, "No manager leads, so nothing is processed.")}
	}
	if age := s.serverNow().Sub(lease.Spec.RenewTime.Time); age > leaseGrace {
		return []Finding{errorf("Lease "+lease.Namespace+"/"+lease.Name, fix,
			"The manager that leads, %s, renewed its Lease %s ago: it has stopped, or cannot reach the API server.", *lease.Spec.HolderIdentity, ago(age))}
	}
	return nil
}

// serverNow is the API server's time: what is stored bears the cluster's clock.
func (s *Snapshot) serverNow() time.Time { return s.Now.Add(s.Server.Value.Skew) }

// policies looks for admission policies that are missing or not enforced.
func policies(s *Snapshot) []Finding {
	if s.Policies.Err != nil {
		return unchecked(s.Policies.Err)
	}
	var findings []Finding
	for _, name := range s.Manifests.Policies {
		at := slices.IndexFunc(s.Policies.Value, func(p Policy) bool { return p.Name == name })
		switch object := "ValidatingAdmissionPolicy " + name; {
		case at < 0:
			findings = append(findings, warningf(object, applyOperator, "The policy is not installed."))
		case !s.Policies.Value[at].Denies:
			findings = append(findings, warningf(object, applyOperator, "No binding enforces the policy."))
		}
	}
	return findings
}

// ago is a duration for people.
func ago(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", int(d.Minutes()))
	default:
		return fmt.Sprintf("%d seconds", int(d.Seconds()))
	}
}
