// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"encoding/pem"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/minio/minio-go/v7"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/s3client"
)

// A CA of one's own is trusted, and a session token is sent; buckets of Huawei OBS are virtual hosts.
func TestS3_CAAndSessionTokenAndVirtualHost(t *testing.T) {
	var mu sync.Mutex
	var token, host, encoding, checksum string
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		token, host = r.Header.Get("X-Amz-Security-Token"), r.Host
		if r.Method == http.MethodPut {
			encoding = r.Header.Get("Content-Encoding") + r.Header.Get("X-Amz-Trailer") + strings.Join(r.TransferEncoding, "")
			checksum = r.Header.Get("X-Amz-Content-Sha256")
			return
		}
		answer(w, r, faultContent)
	}))
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	credentials, ca := credentialsDir(t), t.TempDir()
	write(t, filepath.Join(credentials, "sessionToken"), "session\n")
	write(t, filepath.Join(ca, "ca.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	storage := s3Storage("https://example.com", "calls", "")
	storage.Spec.S3.CASecretRef = &v1alpha1.SecretKeyReference{Name: "ca", Key: "ca.crt"}
	storage.Spec.S3.Provider = v1alpha1.S3ProviderHuaweiOBS
	bucket, err := newS3Bucket(*storage.Spec.S3, "", Paths{Credentials: credentials, CA: ca}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	// The test server's certificate is for example.com; its name, and that of the bucket, is resolved to the server.
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}, TLSClientConfig: server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()} //nolint:forcetypeassert // httptest's own
	transport.TLSClientConfig.ServerName = "example.com"
	access, err := readAccess(*storage.Spec.S3, Paths{Credentials: credentials, CA: ca})
	if err != nil || access.SessionToken != "session" || len(access.CA) == 0 {
		t.Fatalf("%v", err)
	}
	bucket.core = newCore(t, storage.Spec.S3, access, transport)
	dir := t.TempDir()
	if err := (&s3Reader{s3Bucket: bucket}).Copy(t.Context(), []Object{{Ref: "a/x", File: "x"}}, dir, 10, nil); err != nil {
		t.Fatal(err)
	}
	if token != "session" || host != "calls.example.com" {
		t.Errorf("token %q, host %q", token, host)
	}
	writer, err := newS3Writer(bucket, "", "room/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := writer.Write(t.Context(), dir, []File{{Name: "x"}}); err != nil {
		t.Fatal(err)
	}
	if encoding != "" || len(checksum) != 64 {
		t.Errorf("OBS would store more than the file: encoding %q, checksum %q", encoding, checksum)
	}
}

func newCore(t *testing.T, location *v1alpha1.S3Location, access s3client.Access, transport http.RoundTripper) *minio.Core {
	t.Helper()
	core, err := s3client.New(location, access, transport, 1)
	if err != nil {
		t.Fatal(err)
	}
	return core
}
