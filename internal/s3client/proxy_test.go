// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package s3client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/s3client"
)

// TestTransport_UsesNoProxy: a proxy in the environment would connect where the operator does not.
func TestTransport_UsesNoProxy(t *testing.T) {
	asked := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.Host }))
	defer proxy.Close()
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	transport, err := s3client.Transport(nil, networks.Local(), s3client.Deadlines{Connect: time.Second, TLS: time.Second, Header: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer transport.CloseIdleConnections()
	for _, target := range []string{"http://169.254.169.254/", "https://169.254.169.254/"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := transport.RoundTrip(request)
		if err == nil {
			_ = response.Body.Close()
		}
		if !errors.Is(err, networks.ErrDenied) {
			t.Errorf("%s: got %v", target, err)
		}
	}
	if transport.Proxy != nil || len(asked) > 0 {
		t.Error("the proxy of the environment is asked")
	}
}
