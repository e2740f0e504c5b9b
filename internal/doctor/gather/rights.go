// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package gather

import (
	"cmp"
	"context"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"

	"sparkrtc.dev/recording-operator/config"
	"sparkrtc.dev/recording-operator/internal/doctor"
)

// reviewsAtOnce bounds how many rights are asked for at the same time.
const reviewsAtOnce = 8

// rights asks whether each account may do what config/rbac says, everywhere where its process works.
func (g *gatherer) rights(ctx context.Context) {
	if err := g.snapshot.Workloads.Err; err != nil {
		// Without the Deployments it is not known where the accounts need their rights.
		g.snapshot.Rights.Err = err
		return
	}
	var asked []doctor.Right
	for _, role := range accountRoles {
		rules, err := role.rules()
		if err != nil {
			g.snapshot.Rights.Err = err
			return
		}
		for _, namespace := range g.rightsIn(role) {
			for _, rule := range rules {
				for _, right := range expand(rule.APIGroups, rule.Resources, rule.Verbs) {
					right.Account, right.Namespace = g.OperatorNamespace+"/"+role.account, namespace
					if len(rule.ResourceNames) > 0 {
						right.Name = rule.ResourceNames[0]
					}
					asked = append(asked, right)
				}
			}
		}
	}
	g.snapshot.Rights = g.review(ctx, asked)
}

// rightsIn are the namespaces that an account needs the rights of a role in; an empty one stands for all.
func (g *gatherer) rightsIn(role accountRole) []string {
	if role.namespaced {
		return []string{g.OperatorNamespace}
	}
	for i := range g.snapshot.Workloads.Value {
		workload := &g.snapshot.Workloads.Value[i]
		ofReceiver := role.account == config.NamePrefix+"receiver"
		if (workload.Component == doctor.Receiver) == ofReceiver && len(workload.Namespaces) > 0 {
			return workload.Namespaces
		}
	}
	return []string{""}
}

func expand(groups, resources, verbs []string) []doctor.Right {
	var all []doctor.Right
	for _, group := range groups {
		for _, resource := range resources {
			for _, verb := range verbs {
				all = append(all, doctor.Right{Group: group, Resource: resource, Verb: verb})
			}
		}
	}
	return all
}

// secretRights asks whether both accounts may get Secrets in each namespace with recordings.
func (g *gatherer) secretRights(ctx context.Context) {
	if err := cmp.Or(g.snapshot.Sources.Err, g.snapshot.Locations.Err); err != nil {
		g.snapshot.SecretRights.Err = err
		return
	}
	var asked []doctor.Right
	for _, namespace := range g.recordingNamespaces() {
		for _, account := range []string{"receiver", "controller-manager"} {
			asked = append(asked, doctor.Right{
				Account: g.OperatorNamespace + "/" + config.NamePrefix + account, Namespace: namespace, Resource: "secrets", Verb: "get",
			})
		}
	}
	g.snapshot.SecretRights = g.review(ctx, asked)
}

// installer asks whether the user may create what an installation consists of.
func (g *gatherer) installer(ctx context.Context) {
	asked := expand([]string{"apiextensions.k8s.io"}, []string{"customresourcedefinitions"}, []string{"create", "patch"})
	// To create a role with rights that one does not have takes escalate, and to bind it takes bind.
	asked = append(asked, expand([]string{"rbac.authorization.k8s.io"}, []string{"clusterroles", "clusterrolebindings"}, []string{"create", "patch"})...)
	asked = append(asked, expand([]string{"admissionregistration.k8s.io"},
		[]string{"validatingadmissionpolicies", "validatingadmissionpolicybindings"}, []string{"create", "patch"})...)
	asked = append(asked, expand([]string{""}, []string{"namespaces"}, []string{"create"})...)
	namespaced := expand([]string{"apps"}, []string{"deployments"}, []string{"create", "patch"})
	namespaced = append(namespaced, expand([]string{""}, []string{"serviceaccounts", "services", "configmaps"}, []string{"create", "patch"})...)
	for _, right := range namespaced {
		right.Namespace = g.OperatorNamespace
		asked = append(asked, right)
	}
	g.snapshot.Installer = g.review(ctx, asked)
}

// review asks the API server for rights, several at a time.
func (g *gatherer) review(ctx context.Context, asked []doctor.Right) doctor.Read[[]doctor.Right] {
	var group errgroup.Group
	group.SetLimit(reviewsAtOnce)
	for i := range asked {
		group.Go(func() (err error) {
			asked[i].Allowed, err = g.allowed(ctx, &asked[i])
			return err
		})
	}
	return read(asked, group.Wait(), "create subjectaccessreviews.authorization.k8s.io")
}

func (g *gatherer) allowed(ctx context.Context, right *doctor.Right) (bool, error) {
	resource, subresource, _ := strings.Cut(right.Resource, "/")
	attributes := &authorizationv1.ResourceAttributes{
		Namespace: right.Namespace, Verb: right.Verb, Group: right.Group, Resource: resource, Subresource: subresource, Name: right.Name,
	}
	if right.Account == "" {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: attributes}}
		err := g.client.Create(ctx, review)
		return review.Status.Allowed, err
	}
	namespace, _, _ := strings.Cut(right.Account, "/")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		ResourceAttributes: attributes, User: "system:serviceaccount:" + strings.Replace(right.Account, "/", ":", 1),
		Groups: []string{"system:authenticated", "system:serviceaccounts", "system:serviceaccounts:" + namespace},
	}}
	err := g.client.Create(ctx, review)
	return review.Status.Allowed, err
}
