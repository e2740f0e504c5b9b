// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	// maxBody bounds a response of the API server, in bytes: an object that is read, or the list of the kinds of a group.
	maxBody = 1 << 20
	// requestTimeout bounds a request that is no watch.
	requestTimeout = 30 * time.Second
	// watchTimeout bounds a watch: the object is read again after it, whatever was seen.
	watchTimeout = 5 * time.Minute
)

var errTooLarge = fmt.Errorf("the response is larger than %d bytes", maxBody)

// Client is an API over client-go. It works on one kind.
type Client struct {
	objects  dynamic.ResourceInterface
	metadata metadata.ResourceInterface
	pause    func(ctx context.Context, pause time.Duration) error
}

// NewClient finds out how the object's kind is called in URLs. The configuration is changed.
func NewClient(ctx context.Context, config *rest.Config, object *unstructured.Unstructured, pause func(ctx context.Context, pause time.Duration) error) (*Client, error) {
	config.Wrap(bounded)
	resource, err := resourceOf(ctx, timed(config), object.GroupVersionKind())
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfig(timed(config))
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	watches, err := metadata.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return &Client{
		objects:  objects.Resource(resource).Namespace(object.GetNamespace()),
		metadata: watches.Resource(resource).Namespace(object.GetNamespace()),
		pause:    pause,
	}, nil
}

func timed(config *rest.Config) *rest.Config {
	timed := rest.CopyConfig(config)
	timed.Timeout = requestTimeout
	return timed
}

// resourceOf finds a kind in what the API server serves. (The client of package discovery would bring along every kind of
// Kubernetes, which is a third of the program.)
func resourceOf(ctx context.Context, config *rest.Config, kind schema.GroupVersionKind) (schema.GroupVersionResource, error) {
	config.NegotiatedSerializer = serializer.NewCodecFactory(runtime.NewScheme()).WithoutConversion()
	api, err := rest.UnversionedRESTClientFor(config)
	if err != nil {
		return schema.GroupVersionResource{}, fmt.Errorf("make a client: %w", err)
	}
	path := "/apis/" + kind.GroupVersion().String()
	if kind.Group == "" {
		path = "/api/" + kind.Version
	}
	body, err := api.Get().AbsPath(path).SetHeader("Accept", "application/json").Do(ctx).Raw()
	if err != nil && !apierrors.IsNotFound(err) {
		return schema.GroupVersionResource{}, said(err, "find the kinds of "+kind.GroupVersion().String())
	}
	var served metav1.APIResourceList
	if err == nil {
		if err := json.Unmarshal(body, &served); err != nil {
			return schema.GroupVersionResource{}, failure.Transient(workerapi.ReasonAPIUnavailable, "decode the kinds of %s: %w", kind.GroupVersion(), err)
		}
	}
	for _, resource := range served.APIResources {
		switch {
		case resource.Kind != kind.Kind || strings.Contains(resource.Name, "/"):
		case !resource.Namespaced:
			return schema.GroupVersionResource{}, failure.Permanent(workerapi.ReasonObjectInvalid,
				"trigger.object: kind %s is not namespaced; a trigger only creates objects in the namespace of the recording", kind.Kind)
		default:
			return kind.GroupVersion().WithResource(resource.Name), nil
		}
	}
	return schema.GroupVersionResource{}, failure.Transient(workerapi.ReasonKindNotFound,
		"the API server has no kind %s in %s; is what defines it installed?", kind.Kind, kind.GroupVersion())
}

// Create implements API.
func (c *Client) Create(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	created, err := c.objects.Create(ctx, object, metav1.CreateOptions{FieldManager: "recording-trigger", FieldValidation: metav1.FieldValidationStrict})
	switch {
	case apierrors.IsAlreadyExists(err):
		return nil, nil //nolint:nilnil // it exists: an answer, not an error
	case err != nil:
		return nil, said(err, "create "+describe(object))
	}
	return created, nil
}

// Get implements API.
func (c *Client) Get(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	read, err := c.objects.Get(ctx, object.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // absence is an answer here
	case err != nil:
		return nil, said(err, "read "+describe(object))
	}
	return read, nil
}

// Changed watches the object's metadata until it changes. Without the right to watch it waits for a while.
func (c *Client) Changed(ctx context.Context, object *unstructured.Unstructured) error {
	watching, err := c.metadata.Watch(ctx, metav1.ListOptions{
		FieldSelector:   fields.OneTermEqualSelector("metadata.name", object.GetName()).String(),
		ResourceVersion: object.GetResourceVersion(),
		TimeoutSeconds:  new(int64(watchTimeout.Seconds())),
	})
	if err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return c.pause(ctx, pollInterval)
	}
	defer watching.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case _, changed := <-watching.ResultChan():
		if !changed {
			return c.pause(ctx, time.Second) // a watch that ends at once must not be started in a loop
		}
		return nil
	}
}

// said is what the API server said, as a failure. What is refused for a right or for a moment is tried again; what is
// wrong with the object is not.
func said(err error, doing string) error {
	switch {
	case errors.Is(err, errTooLarge):
		return failure.Permanent(workerapi.ReasonTooLarge, "%s: %w", doing, err)
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return failure.Transient(workerapi.ReasonForbidden, "%s: %w", doing, err)
	case apierrors.IsInvalid(err), apierrors.IsBadRequest(err), apierrors.IsRequestEntityTooLargeError(err):
		return failure.Permanent(workerapi.ReasonObjectInvalid, "%s: %w", doing, err)
	}
	return failure.Transient(workerapi.ReasonAPIUnavailable, "%s: %w", doing, err)
}

// bounded bounds every response but a watch, which has no end.
func bounded(next http.RoundTripper) http.RoundTripper { return boundedTransport{next} }

type boundedTransport struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(request)
	if err != nil || request.URL.Query().Get("watch") != "" {
		return response, err
	}
	response.Body = &boundedBody{ReadCloser: response.Body, left: maxBody}
	return response, nil
}

// boundedBody fails where it becomes too long.
type boundedBody struct {
	io.ReadCloser

	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(into []byte) (int, error) {
	if b.left < 0 {
		return 0, errTooLarge
	}
	if int64(len(into)) > b.left+1 {
		into = into[:b.left+1]
	}
	n, err := b.ReadCloser.Read(into)
	if b.left -= int64(n); b.left < 0 {
		return n, errTooLarge
	}
	return n, err
}
