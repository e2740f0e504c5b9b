// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package s3server runs a real S3 server, versitygw, for tests. It keeps objects as files, so that a test can say when
// an object was written last.
package s3server

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/programs"
)

// The credentials of the server's owner, who may do everything.
const (
	AccessKeyID     = "test-access-key"
	SecretAccessKey = "test-secret-key"
)

// Server is a running server.
type Server struct {
	// Endpoint is its URL. It leads over a proxy, which remembers the methods of requests.
	Endpoint string
	data     string
	direct   *minio.Client

	mu      sync.Mutex
	methods []string
	down    bool
}

// Start starts a server with the given buckets; it ends with the test. Where there is no versitygw (in PATH or named by
// VERSITYGW), the test is skipped, unless REQUIRE_STORAGE is 1.
func Start(t *testing.T, buckets ...string) *Server {
	t.Helper()
	return start(t, nil, buckets)
}

// StartWithUsers starts a server that has users beside its owner, by their access key IDs, with their secret access keys.
// They may do what SetPolicy says, and nothing else.
func StartWithUsers(t *testing.T, users map[string]string, buckets ...string) *Server {
	t.Helper()
	type account struct {
		Access string `json:"access"`
		Secret string `json:"secret"`
		Role   string `json:"role"`
	}
	accounts := map[string]account{}
	for access, secret := range users {
		accounts[access] = account{Access: access, Secret: secret, Role: "user"}
	}
	dir := t.TempDir()
	encoded, err := json.Marshal(map[string]any{"accessAccounts": accounts}) // as versitygw's internal IAM keeps them
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "users.json"), encoded, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return start(t, []string{"--iam-dir", dir}, buckets)
}

func start(t *testing.T, arguments, buckets []string) *Server {
	t.Helper()
	server := &Server{data: t.TempDir()}
	for _, bucket := range buckets {
		if err := os.Mkdir(filepath.Join(server.data, bucket), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	address := freeAddress(t)
	run(t, programs.VersityGW(t), arguments, address, server.data)
	target := &url.URL{Scheme: "http", Host: address}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !server.note(r.Method) {
			w.WriteHeader(http.StatusNotImplemented) // a failure that a client does not try to outwait
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	server.Endpoint = front.URL
	var err error
	server.direct, err = minio.New(address, &minio.Options{
		Creds: credentials.NewStaticV4(AccessKeyID, SecretAccessKey, ""), Region: "us-east-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

func (s *Server) note(method string) (up bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.methods = append(s.methods, method)
	return !s.down
}

// Methods are the distinct HTTP methods that came to Endpoint, sorted.
func (s *Server) Methods() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(s.methods)))
}

// SetDown makes the server fail every request to Endpoint, or answer again.
func (s *Server) SetDown(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// Location is a bucket of the server; its credentials are in the Secret named.
func (s *Server) Location(bucket, secret string) *v1alpha1.S3Location {
	return &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: s.Endpoint, Bucket: bucket,
		CredentialsSecretRef: v1alpha1.SecretReference{Name: secret}}
}

// Data is the folder in which the server keeps its objects, each as a file: bucket/key.
func (s *Server) Data() string { return s.data }

// Direct is the URL of the server without the proxy, for requests that are not to be remembered.
func (s *Server) Direct() string { return s.direct.EndpointURL().String() }

// Put writes an object with user metadata as if it had been written at a time.
func (s *Server) Put(t *testing.T, bucket, key string, data []byte, at time.Time, metadata map[string]string) {
	t.Helper()
	_, err := s.direct.PutObject(t.Context(), bucket, key, bytes.NewReader(data), int64(len(data)),
		minio.PutObjectOptions{UserMetadata: metadata, DisableMultipart: true})
	if err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
	s.SetTime(t, bucket, key, at)
}

// SetPolicy sets the policy of a bucket, a JSON document in the language of Amazon S3.
func (s *Server) SetPolicy(t *testing.T, bucket, policy string) {
	t.Helper()
	if err := s.direct.SetBucketPolicy(t.Context(), bucket, policy); err != nil {
		t.Fatalf("set the policy of %s: %v", bucket, err)
	}
}

// Read is an object as the server keeps it; the error is that of a file.
func (s *Server) Read(bucket, key string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.data, bucket, filepath.FromSlash(key)))
}

// SetTime makes an object one that was written last at a time.
func (s *Server) SetTime(t *testing.T, bucket, key string, at time.Time) {
	t.Helper()
	if err := os.Chtimes(filepath.Join(s.data, bucket, filepath.FromSlash(key)), at, at); err != nil {
		t.Fatal(err)
	}
}

// run starts the server and waits until it answers.
func run(t *testing.T, program string, arguments []string, address, data string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	arguments = append(arguments, "--port", address, "--quiet", "posix", "--sidecar", t.TempDir(), data)
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = []string{"ROOT_ACCESS_KEY=" + AccessKeyID, "ROOT_SECRET_KEY=" + SecretAccessKey}
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("versitygw: %s", output.String())
		}
	})
	deadline, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for {
		connection, err := (&net.Dialer{}).DialContext(deadline, "tcp", address)
		if err == nil {
			_ = connection.Close()
			return
		}
		if deadline.Err() != nil {
			t.Fatalf("versitygw does not answer: %v", err)
		}
	}
}

// freeAddress is an address of this machine that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}
