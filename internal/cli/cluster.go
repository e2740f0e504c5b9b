// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	_ "k8s.io/client-go/plugin/pkg/client/auth" // kubeconfigs that log in by OpenID Connect, as kubectl has it
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// defaultTimeout bounds a request to the API server where --request-timeout does not.
const defaultTimeout = 30 * time.Second

// access is the way into the cluster, by kubectl's own flags.
type access struct {
	flags   *genericclioptions.ConfigFlags
	version string
}

// cluster is where the flags lead to.
type cluster struct {
	client.WithWatch
	config *rest.Config
	// namespace is --namespace, or else the context's.
	namespace string
}

// connect makes a client. It asks nobody anything yet.
func (a *access) connect() (*cluster, error) {
	namespace, _, err := a.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config, err := a.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	config.UserAgent = "kubectl-recordings/" + a.version
	// The API server's priority and fairness governs.
	config.QPS = -1
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	scheme := newScheme()
	c, err := client.NewWithWatch(config, client.Options{Scheme: scheme, Mapper: newMapper(scheme)})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &cluster{WithWatch: c, config: config, namespace: namespace}, nil
}

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(authenticationv1.AddToScheme(scheme))
	utilruntime.Must(authorizationv1.AddToScheme(scheme))
	utilruntime.Must(batchv1.AddToScheme(scheme))
	utilruntime.Must(corev1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// newMapper knows the few kinds that the plugin deals with, so that nothing has to be discovered first.
func newMapper(scheme *runtime.Scheme) meta.RESTMapper {
	mapper := meta.NewDefaultRESTMapper(scheme.PrioritizedVersionsAllGroups())
	mapper.Add(authenticationv1.SchemeGroupVersion.WithKind("SelfSubjectReview"), meta.RESTScopeRoot)
	mapper.Add(authorizationv1.SchemeGroupVersion.WithKind("SelfSubjectAccessReview"), meta.RESTScopeRoot)
	mapper.Add(batchv1.SchemeGroupVersion.WithKind("Job"), meta.RESTScopeNamespace)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Event"), meta.RESTScopeNamespace)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Namespace"), meta.RESTScopeRoot)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Secret"), meta.RESTScopeNamespace)
	mapper.Add(corev1.SchemeGroupVersion.WithKind("Pod"), meta.RESTScopeNamespace)
	for kind := range scheme.KnownTypes(v1alpha1.GroupVersion) {
		// Those that have a list are the kinds of objects.
		if scheme.Recognizes(v1alpha1.GroupVersion.WithKind(kind + "List")) {
			mapper.Add(v1alpha1.GroupVersion.WithKind(kind), meta.RESTScopeNamespace)
		}
	}
	return mapper
}

// source reads a RecordingSource of the namespace.
func (c *cluster) source(ctx context.Context, name string) (*v1alpha1.RecordingSource, error) {
	source := &v1alpha1.RecordingSource{}
	err := c.Get(ctx, types.NamespacedName{Namespace: c.namespace, Name: name}, source)
	switch {
	case isNoSuchKind(err):
		return nil, fmt.Errorf("the cluster knows no RecordingSources: install the operator first, or choose another --context: %w", err)
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("RecordingSource %q not found in namespace %s; `kubectl get recordingsources -A` lists them all", name, c.namespace)
	case err != nil:
		return nil, c.explain(err, "get", "recordingsources."+v1alpha1.GroupVersion.Group, c.namespace)
	default:
		return source, nil
	}
}

// isNoSuchKind says that the API server does not know the kind at all: its answer was none of an API's.
func isNoSuchKind(err error) bool {
	return apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse)
}

// may asks the API server whether the user has a right on RecordingFiles. An operator without it waits; a person is
// told.
func (c *cluster) may(ctx context.Context, verb string) error {
	const resource = "recordingfiles"
	group := v1alpha1.GroupVersion.Group
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: c.namespace, Verb: verb, Group: group, Resource: resource},
	}}
	if err := c.Create(ctx, review); err != nil {
		return fmt.Errorf("ask for the right to %s %s: %w", verb, resource, err)
	}
	if !review.Status.Allowed {
		err := apierrors.NewForbidden(schema.GroupResource{Group: group, Resource: resource}, "", errors.New(verb+" is not allowed"))
		return c.explain(err, verb, resource+"."+group, c.namespace)
	}
	return nil
}

// explain says what to do about an error of the API server. No namespace means all.
func (c *cluster) explain(err error, verb, resource, namespace string) error {
	switch {
	case apierrors.IsForbidden(err) && namespace == metav1.NamespaceAll:
		return fmt.Errorf("%w; you need the right to %s %s in all namespaces (kubectl auth can-i %s %s --all-namespaces)", err,
			verb, resource, verb, resource)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("%w; you need the right to %s %s in namespace %s (kubectl auth can-i %s %s -n %s)", err,
			verb, resource, namespace, verb, resource, namespace)
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("%w; log in, or choose another --context or --user", err)
	default:
		return err
	}
}

// missingError says that something is not there, rather than out of reach.
type missingError struct{ text string }

func (e *missingError) Error() string { return e.text }

// secretKey reads one key of a Secret. Errors name the Secret, never what is in it; one that is not there is a
// missingError.
func (c *cluster) secretKey(ctx context.Context, ref v1alpha1.SecretKeyReference) ([]byte, error) {
	secret := &corev1.Secret{}
	err := c.Get(ctx, types.NamespacedName{Namespace: c.namespace, Name: ref.Name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, &missingError{fmt.Sprintf("Secret %q not found in namespace %s", ref.Name, c.namespace)}
	case err != nil:
		return nil, c.explain(err, "get", "secrets/"+ref.Name, c.namespace)
	}
	value, found := secret.Data[ref.Key]
	if !found {
		return nil, &missingError{fmt.Sprintf("secret %q in namespace %s has no key %q", ref.Name, c.namespace, ref.Key)}
	}
	return value, nil
}
