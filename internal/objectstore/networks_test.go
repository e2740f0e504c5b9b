// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package objectstore_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/objectstore"
)

// TestDeniedNetworks: a tenant cannot send the operator to its own pod, its node or a metadata service, by whatever
// spelling, and no request leaves.
func TestDeniedNetworks(t *testing.T) {
	if testing.Short() {
		t.Skip("waits between attempts")
	}
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write([]byte("<ListBucketResult/>"))
	}))
	defer server.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	check := func(endpoint string, denied []netip.Prefix) error {
		opened, err := objectstore.Open(&v1alpha1.S3Location{
			Provider: v1alpha1.S3ProviderOther, Endpoint: endpoint, Bucket: "recordings",
		}, access, denied...)
		if err != nil {
			t.Fatal(err)
		}
		defer opened.Close()
		return opened.Check(t.Context())
	}
	for _, host := range []string{"127.0.0.1", "127.8.8.8", "localhost", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "[::]", "169.254.169.254"} {
		err := check("http://"+host+":"+port, networks.Local())
		if err == nil || err.Error() != objectstore.ErrDenied.Error() {
			t.Errorf("%s: got %v, want %v", host, err, objectstore.ErrDenied)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests came through", asked.Load())
	}
	if err := check(server.URL, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}); err != nil {
		t.Errorf("what is not denied: %v", err)
	}
}
