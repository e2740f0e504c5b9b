// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/config"
	"sparkrtc.dev/recording-operator/internal/describe"
	"sparkrtc.dev/recording-operator/internal/doctor"
)

const (
	labelName      = "app.kubernetes.io/name"
	labelComponent = "app.kubernetes.io/component"
	operatorName   = "recording-operator"
	// leaseName is the leader election's ID in cmd/manager.
	leaseName = "recording-operator.recording.sparkrtc.dev"
)

// definitions reads the definitions that the manifests have; one that is missing is left out.
func (g *gatherer) definitions(ctx context.Context) {
	var found []doctor.Definition
	for _, want := range g.snapshot.Manifests.Definitions {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		err := g.client.Get(ctx, client.ObjectKey{Name: want.Name}, crd)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			g.snapshot.Definitions = read(found, err, "get customresourcedefinitions.apiextensions.k8s.io")
			return
		}
		found = append(found, definition(crd))
	}
	g.snapshot.Definitions.Value = found
}

// workloads reads the Deployments, or StatefulSets with a persistent spool, and their pods.
func (g *gatherer) workloads(ctx context.Context) {
	where := []client.ListOption{client.InNamespace(g.OperatorNamespace), client.MatchingLabels{labelName: operatorName}}
	var deployments appsv1.DeploymentList
	var sets appsv1.StatefulSetList
	var pods corev1.PodList
	for what, list := range map[string]client.ObjectList{"deployments.apps": &deployments, "statefulsets.apps": &sets, "pods": &pods} {
		if err := g.client.List(ctx, list, where...); err != nil {
			g.snapshot.Workloads = read[[]doctor.Workload](nil, err, "list "+what+" -n "+g.OperatorNamespace)
			return
		}
	}
	var all []doctor.Workload
	for i := range deployments.Items {
		d := &deployments.Items[i]
		// Only replicas of the present template count: a rollout that hangs is no healthy installation.
		all = append(all, workload("Deployment", &d.ObjectMeta, &d.Spec.Template, d.Spec.Replicas, min(d.Status.ReadyReplicas, d.Status.UpdatedReplicas)))
	}
	for i := range sets.Items {
		s := &sets.Items[i]
		all = append(all, workload("StatefulSet", &s.ObjectMeta, &s.Spec.Template, s.Spec.Replicas, min(s.Status.ReadyReplicas, s.Status.UpdatedReplicas)))
	}
	for i := range all {
		for j := range pods.Items {
			if pods.Items[j].Labels[labelComponent] == string(all[i].Component) {
				all[i].Pods = append(all[i].Pods, pod(&pods.Items[j]))
			}
		}
	}
	g.snapshot.Workloads.Value = all
}

func workload(kind string, object *metav1.ObjectMeta, template *corev1.PodTemplateSpec, replicas *int32, ready int32) doctor.Workload {
	w := doctor.Workload{Component: doctor.Component(object.Labels[labelComponent]), Kind: kind, Name: object.Name, Wanted: 1, Ready: ready}
	if replicas != nil {
		w.Wanted = *replicas
	}
	if len(template.Spec.Containers) > 0 {
		container := &template.Spec.Containers[0]
		w.Image = container.Image
		for _, arg := range container.Args {
			if list, ok := strings.CutPrefix(arg, "--namespaces="); ok {
				w.Namespaces = strings.FieldsFunc(list, func(c rune) bool { return c == ',' })
			}
			w.TLS = w.TLS || strings.HasPrefix(arg, "--callback-cert-dir=")
		}
	}
	return w
}

// pod says why a pod is not ready, in Kubernetes' words.
func pod(p *corev1.Pod) doctor.Pod {
	found := doctor.Pod{Name: p.Name}
	for _, status := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
		found.Restarts += status.RestartCount
		switch {
		case status.State.Waiting != nil:
			found.Problem = describe.With(status.State.Waiting.Reason, status.State.Waiting.Message)
		case status.State.Terminated != nil && status.State.Terminated.ExitCode != 0:
			found.Problem = describe.With(status.State.Terminated.Reason, fmt.Sprintf("exit code %d", status.State.Terminated.ExitCode))
		}
	}
	for _, condition := range p.Status.Conditions {
		if found.Problem == "" && condition.Type == corev1.PodScheduled && condition.Status == corev1.ConditionFalse {
			found.Problem = describe.With(condition.Reason, condition.Message)
		}
	}
	return found
}

func (g *gatherer) stepImages(ctx context.Context) {
	images := &corev1.ConfigMap{}
	err := g.client.Get(ctx, client.ObjectKey{Namespace: g.OperatorNamespace, Name: config.NamePrefix + "images"}, images)
	if apierrors.IsNotFound(err) {
		return // it names no image
	}
	g.snapshot.StepImages = read(images.Data, err, "get configmaps/"+config.NamePrefix+"images -n "+g.OperatorNamespace)
}

func (g *gatherer) lease(ctx context.Context) {
	lease := &coordinationv1.Lease{}
	err := g.client.Get(ctx, client.ObjectKey{Namespace: g.OperatorNamespace, Name: leaseName}, lease)
	if apierrors.IsNotFound(err) {
		return // nobody leads
	}
	g.snapshot.Lease = read(lease, err, "get leases.coordination.k8s.io/"+leaseName+" -n "+g.OperatorNamespace)
}

func (g *gatherer) policies(ctx context.Context) {
	var bindings admissionregistrationv1.ValidatingAdmissionPolicyBindingList
	if err := g.client.List(ctx, &bindings); err != nil {
		g.snapshot.Policies = read[[]doctor.Policy](nil, err, "list validatingadmissionpolicybindings.admissionregistration.k8s.io")
		return
	}
	denies := map[string]bool{}
	for i := range bindings.Items {
		spec := &bindings.Items[i].Spec
		denies[spec.PolicyName] = denies[spec.PolicyName] || slices.Contains(spec.ValidationActions, admissionregistrationv1.Deny)
	}
	var found []doctor.Policy
	for _, name := range g.snapshot.Manifests.Policies {
		err := g.client.Get(ctx, client.ObjectKey{Name: name}, &admissionregistrationv1.ValidatingAdmissionPolicy{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			g.snapshot.Policies = read(found, err, "get validatingadmissionpolicies.admissionregistration.k8s.io")
			return
		}
		found = append(found, doctor.Policy{Name: name, Denies: denies[name]})
	}
	g.snapshot.Policies.Value = found
}
