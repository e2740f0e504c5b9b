// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3client

import (
	"errors"
	"net/url"
	"strings"
)

// ErrOtherEndpoint says that credentials are for another endpoint than that of the location: an access key ID and a session
// token would be sent there.
var ErrOtherEndpoint = errors.New("spec.s3.endpoint is not the endpoint that the Secret of spec.s3.credentialsSecretRef is for (its key endpoint)")

// sameServer says that an endpoint, as a Secret has it, is the one of a URL: by scheme, host and port.
func sameServer(endpoint string, of *url.URL) bool {
	parsed, err := url.Parse(endpoint)
	return err == nil && serverOf(parsed) == serverOf(of)
}

func serverOf(endpoint *url.URL) string {
	scheme, port := strings.ToLower(endpoint.Scheme), endpoint.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(endpoint.Hostname()) + ":" + port
}
