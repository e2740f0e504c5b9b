// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
)

// server asks the API server for its version, and reads its clock in the answer.
func (g *gatherer) server(ctx context.Context) {
	found, err := g.askServer(ctx)
	g.snapshot.Server = read(found, err, "get /version")
}

// maxVersion bounds the answer to /version.
const maxVersion = 64 << 10

func (g *gatherer) askServer(ctx context.Context) (doctor.Server, error) {
	base, _, err := rest.DefaultServerUrlFor(g.Config)
	if err != nil {
		return doctor.Server{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, base.JoinPath("version").String(), nil)
	if err != nil {
		return doctor.Server{}, err
	}
	sent := g.Clock.Now()
	response, err := g.http.Do(request)
	if err != nil {
		return doctor.Server{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return doctor.Server{}, fmt.Errorf("the API server answers %d", response.StatusCode)
	}
	var version struct {
		GitVersion string `json:"gitVersion"`
		Minor      string `json:"minor"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxVersion)).Decode(&version); err != nil {
		return doctor.Server{}, errors.New("the API server does not say its version")
	}
	found := doctor.Server{Version: version.GitVersion}
	// Providers add signs, as in "31+".
	if found.Minor, err = strconv.Atoi(regexp.MustCompile(`^\d*`).FindString(version.Minor)); err != nil {
		return doctor.Server{}, fmt.Errorf("the API server's version is %q", version.GitVersion)
	}
	if skew := skewOf(response.Header, sent, g.Clock.Now()); skew != nil {
		found.Skew = *skew
	}
	return found, nil
}

// skewOf is how far the clock of a Date header is from this machine's, in whole seconds. The header may have been written at
// any time between sending and receiving, and has no fractions.
func skewOf(header http.Header, sent, received time.Time) *time.Duration {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return nil
	}
	var skew time.Duration
	switch {
	case date.Add(time.Second).Before(sent):
		skew = date.Sub(sent)
	case date.After(received):
		skew = date.Sub(received)
	}
	skew = skew.Round(time.Second)
	return &skew
}

// namespaces reads the labels of namespaces, and the quotas of those that have recordings.
func (g *gatherer) namespaces(ctx context.Context) {
	recordings := g.recordingNamespaces()
	all := recordings
	if !slices.Contains(all, g.OperatorNamespace) {
		all = append([]string{g.OperatorNamespace}, all...)
	}
	for _, name := range all {
		found := doctor.Namespace{Name: name, Operator: name == g.OperatorNamespace, Recordings: slices.Contains(recordings, name)}
		namespace := &corev1.Namespace{}
		err := g.client.Get(ctx, client.ObjectKey{Name: name}, namespace)
		found.Labels = read(namespace.Labels, err, "get namespaces/"+name)
		if found.Recordings {
			var quotas corev1.ResourceQuotaList
			err := g.client.List(ctx, &quotas, client.InNamespace(name))
			found.Quotas = read(quotas.Items, err, "list resourcequotas -n "+name)
		}
		g.snapshot.Namespaces = append(g.snapshot.Namespaces, found)
	}
}

// recordingNamespaces are those that have sources or locations, sorted.
func (g *gatherer) recordingNamespaces() []string {
	var names []string
	for i := range g.snapshot.Sources.Value {
		names = append(names, g.snapshot.Sources.Value[i].Namespace)
	}
	for i := range g.snapshot.Locations.Value {
		names = append(names, g.snapshot.Locations.Value[i].Namespace)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// webhooks reads the admission webhooks that are called for kinds of the operator.
func (g *gatherer) webhooks(ctx context.Context) {
	var validating admissionregistrationv1.ValidatingWebhookConfigurationList
	var mutating admissionregistrationv1.MutatingWebhookConfigurationList
	if err := g.client.List(ctx, &validating); err != nil {
		g.snapshot.Webhooks = read[[]doctor.Webhook](nil, err, "list validatingwebhookconfigurations.admissionregistration.k8s.io")
		return
	}
	if err := g.client.List(ctx, &mutating); err != nil {
		g.snapshot.Webhooks = read[[]doctor.Webhook](nil, err, "list mutatingwebhookconfigurations.admissionregistration.k8s.io")
		return
	}
	var found []doctor.Webhook
	add := func(kind, name, webhook string, rules []admissionregistrationv1.RuleWithOperations, timeout *int32, policy *admissionregistrationv1.FailurePolicyType) {
		if !slices.ContainsFunc(rules, isOurs) {
			return
		}
		seconds := int32(10) // Kubernetes' default
		if timeout != nil {
			seconds = *timeout
		}
		found = append(found, doctor.Webhook{Kind: kind, Name: name, Webhook: webhook, Timeout: time.Duration(seconds) * time.Second,
			Required: policy == nil || *policy == admissionregistrationv1.Fail})
	}
	for i := range validating.Items {
		for j := range validating.Items[i].Webhooks {
			w := &validating.Items[i].Webhooks[j]
			add("ValidatingWebhookConfiguration", validating.Items[i].Name, w.Name, w.Rules, w.TimeoutSeconds, w.FailurePolicy)
		}
	}
	for i := range mutating.Items {
		for j := range mutating.Items[i].Webhooks {
			w := &mutating.Items[i].Webhooks[j]
			add("MutatingWebhookConfiguration", mutating.Items[i].Name, w.Name, w.Rules, w.TimeoutSeconds, w.FailurePolicy)
		}
	}
	g.snapshot.Webhooks.Value = found
}

// isOurs says that a rule covers writes to kinds of the operator.
func isOurs(rule admissionregistrationv1.RuleWithOperations) bool {
	group := slices.Contains(rule.APIGroups, "*") || slices.Contains(rule.APIGroups, v1alpha1.GroupVersion.Group)
	version := slices.Contains(rule.APIVersions, "*") || slices.Contains(rule.APIVersions, v1alpha1.GroupVersion.Version)
	written := slices.ContainsFunc(rule.Operations, func(operation admissionregistrationv1.OperationType) bool {
		return operation == admissionregistrationv1.OperationAll || operation == admissionregistrationv1.Create || operation == admissionregistrationv1.Update
	})
	stored := slices.ContainsFunc(rule.Resources, func(resource string) bool {
		return slices.Contains([]string{"*", "*/*", "recordingfiles", "recordingtasks", "rejectedcallbacks"}, resource)
	})
	clusterOnly := rule.Scope != nil && *rule.Scope == admissionregistrationv1.ClusterScope
	return group && version && written && stored && !clusterOnly
}

// nodes reads the nodes that take pods.
func (g *gatherer) nodes(ctx context.Context) {
	var nodes corev1.NodeList
	err := g.client.List(ctx, &nodes)
	var found []doctor.Node
	for i := range nodes.Items {
		node := &nodes.Items[i]
		if !node.Spec.Unschedulable {
			found = append(found, doctor.Node{Name: node.Name, OS: node.Status.NodeInfo.OperatingSystem, Architecture: node.Status.NodeInfo.Architecture})
		}
	}
	g.snapshot.Nodes = read(found, err, "list nodes")
}
