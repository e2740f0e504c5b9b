// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// leanClient creates RecordingFiles and RecordingTasks without reading back what they have become.
type leanClient struct {
	client.Client
	rest rest.Interface
}

// Lean is the client, except that a RecordingFile or RecordingTask that it creates is left as it was given: what the API
// server answers is not decoded. Of a create only its success counts, and decoding is a fifth of the work that a callback
// makes here.
func Lean(full client.Client, config *rest.Config, httpClient *http.Client) (client.Client, error) {
	group, err := apiutil.RESTClientForGVK(v1alpha1.GroupVersion.WithKind("RecordingFile"), false, false, config,
		serializer.NewCodecFactory(full.Scheme()), httpClient)
	if err != nil {
		return nil, fmt.Errorf("make a client for recordings: %w", err)
	}
	return leanClient{Client: full, rest: group}, nil
}

// Create implements client.Client.
func (c leanClient) Create(ctx context.Context, object client.Object, options ...client.CreateOption) error {
	var resource string
	var sent client.Object
	switch object := object.(type) {
	case *v1alpha1.RecordingFile:
		shallow := *object
		shallow.APIVersion, shallow.Kind = v1alpha1.GroupVersion.String(), "RecordingFile"
		resource, sent = "recordingfiles", &shallow
	case *v1alpha1.RecordingTask:
		shallow := *object
		shallow.APIVersion, shallow.Kind = v1alpha1.GroupVersion.String(), "RecordingTask"
		resource, sent = "recordingtasks", &shallow
	}
	if sent == nil || len(options) > 0 {
		return c.Client.Create(ctx, object, options...)
	}
	content, err := json.Marshal(sent)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	return c.rest.Post().Namespace(object.GetNamespace()).Resource(resource).
		SetHeader("Content-Type", "application/json").Body(content).Do(ctx).Error()
}
