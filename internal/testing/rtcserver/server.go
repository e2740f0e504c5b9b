// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rtcserver is, for tests, the part of SparkRTC's service that apps register recording callbacks with. It checks the
// signature of each request with code of its own, probes a callback URL before it takes it, and answers as the API reference
// documents. No test talks to the service itself.
package rtcserver

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The server's only credentials and project.
const (
	AccessKeyID     = "TESTACCESSKEYID00000"
	SecretAccessKey = "test-secret-access-key-of-the-service"
	ProjectID       = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
)

// Callback is what an app has registered.
type Callback struct {
	URL     string `json:"url"`
	AuthKey string `json:"auth_key,omitempty"`
	// Events and Updated are what the service adds.
	Events  []string `json:"notify_event_subscription,omitempty"`
	Updated string   `json:"update_time,omitempty"`
}

// Server is a running server with one app. Its fields may be set before the first request.
type Server struct {
	// URL is the endpoint, of https.
	URL string
	// App is the ID of the only app.
	App string
	// Probe says whether a callback URL can be reached. Nil: every one can.
	Probe func(ctx context.Context, url string) bool
	// Before is called before each request is answered, if it is not nil, and may answer it instead.
	Before func(w http.ResponseWriter, r *http.Request) (answered bool)

	server *httptest.Server
	now    func() time.Time

	mu       sync.Mutex
	callback *Callback
	updates  []Callback
	shows    int
}

// Start starts a server with an app that has registered nothing; it ends with the test. Now is the server's clock.
func Start(t *testing.T, app string, now func() time.Time) *Server {
	t.Helper()
	s := &Server{App: app, now: now}
	s.server = httptest.NewTLSServer(s)
	t.Cleanup(s.server.Close)
	s.URL = s.server.URL
	return s
}

// Host is the endpoint's host with its port.
func (s *Server) Host() string { return strings.TrimPrefix(s.URL, "https://") }

// RootCAs are the authorities that vouch for the server's certificate.
func (s *Server) RootCAs() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.server.Certificate())
	return pool
}

// Registered is what the app has registered; nil: nothing.
func (s *Server) Registered() *Callback {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.callback == nil {
		return nil
	}
	is := *s.callback
	return &is
}

// Set registers a callback as the console does: without a request.
func (s *Server) Set(to *Callback) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.callback = to
}

// Updates are the callbacks that were registered by requests, in their order.
func (s *Server) Updates() []Callback {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.updates)
}

// Shows is how many requests asked for what is registered.
func (s *Server) Shows() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shows
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Before != nil && s.Before(w, r) {
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		return
	}
	switch err := verify(r, body, map[string]string{AccessKeyID: SecretAccessKey}, s.now()); {
	case err != nil:
		fail(w, http.StatusUnauthorized, "APIGW.0301", "Incorrect IAM authentication information: "+err.Error())
	case r.Header.Get("X-Project-Id") != ProjectID:
		fail(w, http.StatusForbidden, "RTC.00001003", "the project is another")
	case r.URL.Path != "/v2/apps/"+s.App+"/record-callback":
		fail(w, http.StatusNotFound, "RTC.00001010", "app does not exist")
	case r.Method == http.MethodGet:
		s.show(w)
	case r.Method == http.MethodPut:
		s.update(w, r, body)
	default:
		fail(w, http.StatusMethodNotAllowed, "APIGW.0101", "no such API")
	}
}

func (s *Server) show(w http.ResponseWriter) {
	s.mu.Lock()
	s.shows++
	s.mu.Unlock()
	s.respond(w)
}

func (s *Server) update(w http.ResponseWriter, r *http.Request, body []byte) {
	var to Callback
	if json.Unmarshal(body, &to) != nil || !strings.HasPrefix(to.URL, "http://") && !strings.HasPrefix(to.URL, "https://") {
		fail(w, http.StatusBadRequest, "RTC.00001001", "url: must begin with http:// or https://")
		return
	}
	if n := len([]rune(to.AuthKey)); n > 0 && (n < 32 || n > 64) {
		fail(w, http.StatusBadRequest, "RTC.00001001", "auth_key: must have 32 to 64 characters")
		return
	}
	if s.Probe != nil && !s.Probe(r.Context(), to.URL) {
		fail(w, http.StatusBadRequest, "RTC.00001018", "callback url unavailable")
		return
	}
	to.Events, to.Updated = []string{"RECORD_NEW_FILE_START", "RECORD_FILE_COMPLETE"}, s.now().UTC().Format("2006-01-02T15:04:05.000Z")
	s.mu.Lock()
	s.callback, s.updates = &to, append(s.updates, to)
	s.mu.Unlock()
	s.respond(w)
}

func (s *Server) respond(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(struct {
		AppID          string    `json:"app_id"`
		RecordCallback *Callback `json:"record_callback,omitempty"`
	}{s.App, s.Registered()})
}

func fail(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error_code": code, "error_msg": message})
}
