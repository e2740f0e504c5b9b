// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"fmt"
	"net/http"

	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// ReadyProbe makes Options.Ready of GET /readyz, which every account may ask for by default.
func ReadyProbe(config *rest.Config, httpClient *http.Client) (func(context.Context) error, error) {
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	api, err := rest.UnversionedRESTClientForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("make a client for /readyz: %w", err)
	}
	return func(ctx context.Context) error {
		return api.Get().AbsPath("/readyz").MaxRetries(0).Do(ctx).Error()
	}, nil
}
