// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package gather reads from a cluster what package doctor examines. It acts with its user's rights, and changes nothing: the
// callbacks that it sends are signed, and of a type that the receiver accepts and does not store.
package gather

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
)

// DefaultOperatorNamespace is where config/default installs the operator.
const DefaultOperatorNamespace = "recording-system"

// partTimeout bounds each part of a snapshot. Two rounds of parts follow one another, so that a snapshot takes less than ten
// seconds whatever hangs.
const partTimeout = 4 * time.Second

// Options say what to read.
type Options struct {
	// Config reaches the API server.
	Config *rest.Config
	// Transport sends callbacks to URL; http.DefaultTransport by default.
	Transport http.RoundTripper
	Clock     clock.PassiveClock
	// Plugin is the version of the plugin.
	Plugin string
	// OperatorNamespace is where the operator runs.
	OperatorNamespace string
	// Namespace is the one whose recordings are examined; empty means all.
	Namespace string
	// URL is the public address of the receiver, without a path; empty leaves it out.
	URL string
}

// gatherer fills one snapshot. Each part writes fields of its own.
type gatherer struct {
	Options
	client   client.Client
	http     *http.Client
	snapshot *doctor.Snapshot
}

// Installation reads an installation of the operator. It fails only when it cannot begin, or ctx ends: what cannot be read is
// in the snapshot.
func Installation(ctx context.Context, options Options) (*doctor.Snapshot, error) {
	g, err := begin(options)
	if err != nil {
		return nil, err
	}
	g.together(ctx, g.server, g.definitions, g.workloads, g.stepImages, g.lease, g.policies, g.webhooks, g.recordings, g.unfinished, g.rejected)
	g.together(ctx, g.rights, g.secretRights, g.namespaces, g.callbacks, g.metrics)
	return g.snapshot, context.Cause(ctx)
}

// BeforeInstalling reads a cluster that the operator is to be installed in. It fails as Installation does.
func BeforeInstalling(ctx context.Context, options Options) (*doctor.Snapshot, error) {
	g, err := begin(options)
	if err != nil {
		return nil, err
	}
	g.together(ctx, g.server, g.definitions, g.webhooks, g.installer, g.nodes, g.namespaces)
	return g.snapshot, context.Cause(ctx)
}

func begin(options Options) (*gatherer, error) {
	config := rest.CopyConfig(options.Config)
	config.QPS = -1
	config.Timeout = partTimeout
	c, err := NewClient(config)
	if err != nil {
		return nil, err
	}
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	options.Config = config
	if options.Transport == nil {
		options.Transport = http.DefaultTransport
	}
	manifests, err := installed()
	if err != nil {
		return nil, err
	}
	return &gatherer{Options: options, client: c, http: httpClient, snapshot: &doctor.Snapshot{
		Now: options.Clock.Now(), Plugin: options.Plugin, OperatorNamespace: options.OperatorNamespace, Manifests: *manifests,
	}}, nil
}

// together reads parts at the same time, each for at most partTimeout.
func (g *gatherer) together(ctx context.Context, parts ...func(context.Context)) {
	var group sync.WaitGroup
	for _, part := range parts {
		group.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, partTimeout)
			defer cancel()
			part(ctx)
		})
	}
	group.Wait()
}

// NewClient knows the kinds that doctor and debug read, and discovers nothing.
func NewClient(config *rest.Config) (client.Client, error) {
	c, err := client.New(config, client.Options{Scheme: newScheme(), Mapper: newMapper()})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return c, nil
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		admissionregistrationv1.AddToScheme, apiextensionsv1.AddToScheme, appsv1.AddToScheme, authorizationv1.AddToScheme,
		coordinationv1.AddToScheme, corev1.AddToScheme, v1alpha1.AddToScheme,
	} {
		utilruntime.Must(add(scheme))
	}
	return scheme
}

// newMapper knows where the kinds are, so that nothing has to be discovered first: an API server that is slow to list its
// kinds would take the time that is for the checks.
func newMapper() meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(nil)
	for scope, kinds := range map[meta.RESTScope][]schema.GroupVersionKind{
		meta.RESTScopeRoot: {
			corev1.SchemeGroupVersion.WithKind("Namespace"), corev1.SchemeGroupVersion.WithKind("Node"),
			apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"),
			admissionregistrationv1.SchemeGroupVersion.WithKind("ValidatingAdmissionPolicyBinding"),
			admissionregistrationv1.SchemeGroupVersion.WithKind("ValidatingWebhookConfiguration"),
			admissionregistrationv1.SchemeGroupVersion.WithKind("MutatingWebhookConfiguration"),
			authorizationv1.SchemeGroupVersion.WithKind("SubjectAccessReview"), authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"),
		},
		meta.RESTScopeNamespace: {
			appsv1.SchemeGroupVersion.WithKind("Deployment"), appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
			coordinationv1.SchemeGroupVersion.WithKind("Lease"), corev1.SchemeGroupVersion.WithKind("ConfigMap"),
			corev1.SchemeGroupVersion.WithKind("Pod"), corev1.SchemeGroupVersion.WithKind("ResourceQuota"), corev1.SchemeGroupVersion.WithKind("Secret"),
			corev1.SchemeGroupVersion.WithKind("Event"), corev1.SchemeGroupVersion.WithKind("Service"), batchv1.SchemeGroupVersion.WithKind("Job"),
			v1alpha1.GroupVersion.WithKind("RecordingSource"), v1alpha1.GroupVersion.WithKind("StorageLocation"),
			v1alpha1.GroupVersion.WithKind("RecordingPipeline"), v1alpha1.GroupVersion.WithKind("RecordingFile"),
			v1alpha1.GroupVersion.WithKind("RejectedCallback"), v1alpha1.GroupVersion.WithKind("RecordingTask"),
		},
	} {
		for _, kind := range kinds {
			mapper.Add(kind, scope)
		}
	}
	// "Policy" has a plural that cannot be guessed.
	policies := admissionregistrationv1.SchemeGroupVersion
	mapper.AddSpecific(policies.WithKind("ValidatingAdmissionPolicy"), policies.WithResource("validatingadmissionpolicies"),
		policies.WithResource("validatingadmissionpolicy"), meta.RESTScopeRoot)
	return mapper
}

// unread says for people why a part could not be read. NotFound stays what it is: some checks expect it.
func unread(err error, what string) error {
	switch {
	case err == nil || apierrors.IsNotFound(err):
		return err
	case apierrors.IsForbidden(err):
		// For kubectl, what follows a slash is a name.
		asked := strings.Replace(what, "/proxy", " --subresource=proxy", 1)
		return &doctor.UnreadError{Reason: fmt.Sprintf("Forbidden: you may not %s", what), Fix: "kubectl auth can-i " + asked}
	case apierrors.IsUnauthorized(err):
		return &doctor.UnreadError{Reason: "Unauthorized: the API server does not know you", Fix: "kubectl auth whoami"}
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return &doctor.UnreadError{Reason: fmt.Sprintf("no answer within %s: %s", partTimeout, what)}
	default:
		return &doctor.UnreadError{Reason: fmt.Sprintf("%s: %v", what, err)}
	}
}

func isTimeout(err error) bool {
	timeout, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && timeout.Timeout()
}

// read makes a Read of a value and an error.
func read[T any](value T, err error, what string) doctor.Read[T] {
	return doctor.Read[T]{Value: value, Err: unread(err, what)}
}

// inScope limits a list to the namespace that was asked for.
func (g *gatherer) inScope() client.ListOption { return client.InNamespace(g.Namespace) }

// where is the end of a kubectl command in that scope.
func (g *gatherer) where() string {
	if g.Namespace == "" {
		return " -A"
	}
	return " -n " + g.Namespace
}
