// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// newTestDownload allows the server's host and has no patience.
func newTestDownload(t *testing.T, server *httptest.Server) *download {
	t.Helper()
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDownload([]string{address.Host}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d.pause = 0
	t.Cleanup(d.client.CloseIdleConnections)
	return d
}

func TestDownload(t *testing.T) {
	elsewhere := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(elsewhere.Close)
	var flaky atomic.Int32
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("0123456789")) })
	mux.HandleFunc("/flaky", func(w http.ResponseWriter, _ *http.Request) {
		if flaky.Add(1) < receiveTries {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("0123456789"))
	})
	mux.HandleFunc("/down", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	mux.HandleFunc("/forbidden", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	mux.HandleFunc("/short", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "20")
		_, _ = w.Write([]byte("0123456789"))
	})
	mux.HandleFunc("/here", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, elsewhere.URL+"/ok", http.StatusFound)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)

	tests := map[string]struct {
		path   string
		bound  int64
		reason string
	}{
		"whole":             {path: "/ok", bound: 10},
		"heals":             {path: "/flaky", bound: 10},
		"redirect here":     {path: "/here", bound: 10},
		"too large":         {path: "/ok", bound: 9, reason: workerapi.ReasonTooLarge},
		"missing":           {path: "/missing?sig=secret", bound: 10, reason: workerapi.ReasonNotFound},
		"forbidden":         {path: "/forbidden?sig=secret", bound: 10, reason: workerapi.ReasonForbidden},
		"redirect away":     {path: "/away?sig=secret", bound: 10, reason: workerapi.ReasonForbidden},
		"server down":       {path: "/down?sig=secret", bound: 10, reason: workerapi.ReasonStorageUnavailable},
		"ends before whole": {path: "/short?sig=secret", bound: 100, reason: workerapi.ReasonStorageUnavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			err := newTestDownload(t, server).Copy(t.Context(), []Object{{Ref: server.URL + test.path, File: "x"}}, dir, test.bound, nil)
			checkFailure(t, err, test.reason)
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds the query: %v", err)
			}
			if data, _ := os.ReadFile(filepath.Join(dir, "x")); err == nil && string(data) != "0123456789" {
				t.Errorf("stored %q", data)
			}
		})
	}
}

// A server that sends nothing any more is left, however long the whole may take.
func TestDownloadIdle(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte("01"))
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-done:
		}
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(done) })
	d := newTestDownload(t, server)
	guard, _ := d.client.Transport.(stallGuard)
	d.client.Transport = stallGuard{next: guard.next, idle: 20 * time.Millisecond}
	err := d.Copy(t.Context(), []Object{{Ref: server.URL + "/x", File: "x"}}, t.TempDir(), 100, nil)
	checkFailure(t, err, workerapi.ReasonStorageUnavailable)
}

func TestDownloadStops(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newTestDownload(t, server).Copy(ctx, []Object{{Ref: server.URL, File: "x"}}, t.TempDir(), 1, nil); err == nil {
		t.Error("a canceled download succeeds")
	}
}

// checkFailure checks an error's reason; "" means none.
func checkFailure(t *testing.T, err error, reason string) {
	t.Helper()
	if reason == "" {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if err == nil || failure.Of(err).Reason != reason {
		t.Fatalf("error %v, want reason %s", err, reason)
	}
}
