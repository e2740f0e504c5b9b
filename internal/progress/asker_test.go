// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// pod is a server on this machine, and an Asker that asks at its port.
func pod(t *testing.T, answer http.HandlerFunc) (ip string, asker *Asker, connections *atomic.Int32) {
	t.Helper()
	connections = &atomic.Int32{}
	server := httptest.NewUnstartedServer(answer)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connections.Add(1)
		case http.StateClosed:
			connections.Add(-1)
		default:
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	address := netip.MustParseAddrPort(server.Listener.Addr().String())
	return address.Addr().String(), NewAsker(nil, address.Port()), connections
}

func TestAsker_ReadsWhatAWorkerSays(t *testing.T) {
	ip, asker, connections := pod(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.String() != workerapi.ProgressPath || r.Header.Get("Authorization") != "" {
			t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
		}
		_, _ = fmt.Fprint(w, `{"stage":"Process","percent":42,"mediaMillisecondsPerSecond":1800}`)
	})
	for range 20 {
		got, err := asker.Ask(t.Context(), ip)
		if want := (workerapi.Progress{Stage: v1alpha1.StageProcess, Percent: 42, MediaMillisecondsPerSecond: 1800}); err != nil || got != want {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); connections.Load() > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections stay open", connections.Load())
		}
	}
}

// TestAsker_HostilePodsAreRefused, within the time of a question.
func TestAsker_HostilePodsAreRefused(t *testing.T) {
	const good = `{"stage":"Process","percent":42}`
	redirected := false
	endless := func(w http.ResponseWriter, text string) {
		for {
			if _, err := fmt.Fprint(w, text); err != nil {
				return
			}
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"slow": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"slow in between": func(w http.ResponseWriter, r *http.Request) {
			_, _ = fmt.Fprint(w, `{`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) { endless(w, " ") },
		"long":    func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, good+strings.Repeat(" ", 256)) },
		"endless header": func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				defer connection.Close() //nolint:errcheck // it is a test
				_, _ = fmt.Fprint(connection, "HTTP/1.1 200 OK\r\n")
				for err == nil {
					_, err = fmt.Fprint(connection, "A: "+strings.Repeat("b", 1000)+"\r\n")
				}
			}
		},
		"rubbish": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "\x00\xff") },
		"negative": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, `{"stage":"Process","percent":-42}`)
		},
		"too much": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, `{"stage":"Publish","percent":101}`)
		},
		"not found": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, good, http.StatusNotFound) },
		"compressed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = fmt.Fprint(w, "\x1f\x8b\x08")
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != workerapi.ProgressPath {
				redirected = true
				_, _ = fmt.Fprint(w, good)
				return
			}
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			ip, asker, _ := pod(t, answer)
			began := time.Now()
			if got, err := asker.Ask(t.Context(), ip); err == nil {
				t.Errorf("%+v", got)
			}
			if took := time.Since(began); took > 5*askTimeout {
				t.Errorf("it took %s", took)
			}
		})
	}
	if redirected {
		t.Error("a redirect was followed")
	}
}

func TestAsker_ConnectsNowhereElse(t *testing.T) {
	asked := false
	ip, asker, _ := pod(t, func(http.ResponseWriter, *http.Request) { asked = true })
	denied := NewAsker(networks.Local(), asker.port)
	for _, address := range []string{ip, "", "localhost", "127.0.0.1:80", "169.254.169.254", "::1", "fe80::1%eth0", "evil.example.com/"} {
		if _, err := denied.Ask(t.Context(), address); err == nil {
			t.Errorf("%q was asked", address)
		}
	}
	if asked {
		t.Error("a denied network was connected to")
	}
}
