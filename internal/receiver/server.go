// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package receiver is the HTTP server that SparkRTC sends callbacks to: POST /callbacks/{namespace}/{source}. It limits,
// reads, verifies and decodes, and responds with 200 only after ingest has stored the event.
//
// The responses, always JSON {"status": 1|0, "result": "..."}:
//
//	200  authentic and stored: new, a duplicate or replay, or of an unknown type
//	400  authentic, but it cannot be decoded or stored; an event on the RecordingSource names the field
//	401  no such source, or its signature is missing or wrong, or, where the source enforces it, a timestamp out of tolerance
//	403  authentic, but another app's
//	404  no such path
//	405  not POST
//	408  the body came too slowly or was cut off
//	413  the body is over 64 KiB
//	415  the body is compressed
//	429  too many callbacks at the same time, or of one source; Retry-After
//	503  cannot be verified or stored now, though it may be authentic; Retry-After
package receiver

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/net/netutil"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// Evaluator evaluates a request with the keys of its source; KeyStore is the one.
type Evaluator interface {
	Evaluate(ctx context.Context, source *v1alpha1.RecordingSource, request Request) Evaluation
}

// Ingester stores an event; ingest.Ingester is the one.
type Ingester interface {
	Ingest(ctx context.Context, delivery ingest.Delivery) (ingest.Result, error)
}

// Rejecter keeps an authentic callback that cannot be stored for a person to look at, and reports it on the source;
// rejected.Store is the one. It does not hold the delivery's body after it returned.
type Rejecter interface {
	Reject(ctx context.Context, delivery ingest.Delivery, reason v1alpha1.RejectionReason, message string) error
}

// Observer sees every response. Namespace and source are those of an existing RecordingSource, or empty; the
// outcomes and units are few.
type Observer interface {
	CallbackHandled(namespace, source, outcome string, took time.Duration)
	// TimestampObserved is told what the timestamp of an authentic callback seems to be, and how far it lies from now:
	// negative for the past.
	TimestampObserved(namespace, source, unit string, skew time.Duration)
}

// Config is what a Server needs. Every field is required but those that say otherwise.
type Config struct {
	// Address to listen on, for example ":8443".
	Address string
	// CertDir holds tls.crt and tls.key, which are read again when they change. Optional: without it the receiver speaks
	// plain HTTP.
	CertDir string
	// Limits are optional.
	Limits Limits
	// TrustedProxies are networks whose X-Forwarded-For is trusted. Optional: without them, a client is known by the
	// address of its connection.
	TrustedProxies []netip.Prefix
	// Namespaces are those whose sources are served, and that the cache holds. Optional: without them, all.
	Namespaces []string

	// Sources reads RecordingSources from a cache.
	Sources client.Reader
	// WaitForSources returns once Sources can be read, or with an error when the context ends. Optional: they can be read
	// at once.
	WaitForSources func(ctx context.Context) error
	Keys           Evaluator
	Ingester       Ingester
	Observer       Observer
	// Rejecter is optional: without it, an event on the source is all that reports a callback that cannot be stored.
	Rejecter Rejecter
	Recorder events.EventRecorder
	Log      logr.Logger
	// Clock is optional.
	Clock clock.Clock
}

// Server is the HTTP server.
type Server struct {
	address string
	certDir string
	limits  Limits
	// namespaces is empty for all.
	namespaces     []string
	proxies        proxies
	sources        client.Reader
	waitForSources func(context.Context) error
	keys           Evaluator
	ingester       Ingester
	rejecter       Rejecter
	observer       Observer
	recorder       events.EventRecorder
	log            logr.Logger
	clock          clock.Clock

	rates         *sourceLimiter
	rejectedRates *sourceLimiter
	clients       *clientLimiter
	replays       *replayCache
	notices       *notices
	// reading is for bodies that are read, inFlight for callbacks that are handled, throttled for both of throttled clients.
	reading   *concurrencyLimiter
	inFlight  *concurrencyLimiter
	throttled *concurrencyLimiter
	buffers   buffers
	// decoy is the key of sources that do not exist.
	decoy Keys
	// serving says that the server is ready, closing that every response over HTTP/1 asks its sender to connect again,
	// elsewhere.
	serving atomic.Bool
	closing atomic.Bool
}

// New makes a Server that does nothing before it is started.
func New(config Config) (*Server, error) {
	if config.Sources == nil || config.Keys == nil || config.Ingester == nil || config.Observer == nil || config.Recorder == nil {
		return nil, errors.New("receiver: Sources, Keys, Ingester, Observer and Recorder are required")
	}
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	decoy, err := sparkrtc.ParseKey([]byte(rand.Text() + rand.Text()))
	if err != nil {
		return nil, fmt.Errorf("receiver: make a decoy key: %w", err)
	}
	limits, clk := config.Limits.withDefaults(), config.Clock
	return &Server{
		address: config.Address, certDir: config.CertDir, limits: limits, namespaces: config.Namespaces, proxies: config.TrustedProxies,
		sources: config.Sources, waitForSources: config.WaitForSources, keys: config.Keys, ingester: config.Ingester, rejecter: config.Rejecter,
		observer: config.Observer, recorder: config.Recorder, log: config.Log, clock: clk,
		rates:         newSourceLimiter(clk),
		rejectedRates: newRejectedLimiter(clk),
		clients:       newClientLimiter(max(limits.Reading/perClient, 1), clk),
		replays:       newReplayCache(clk),
		notices:       newNotices(config.Recorder, clk),
		reading:       newConcurrencyLimiter(limits.Reading, limits.Queue, limits.QueueTimeout, clk),
		inFlight:      newConcurrencyLimiter(limits.InFlight, limits.Queue, limits.QueueTimeout, clk),
		throttled:     newConcurrencyLimiter(limits.Throttled, limits.Queue, limits.QueueTimeout, clk),
		decoy:         Keys{Usable: []sparkrtc.Key{decoy}},
	}, nil
}

var errNotServing = errors.New("the receiver is not serving")

// ReadyCheck is a healthz.Checker: it passes while the server serves, and fails as soon as it is about to close.
func (s *Server) ReadyCheck(*http.Request) error {
	if !s.serving.Load() {
		return errNotServing
	}
	return nil
}

// Start serves until the context ends, and returns when the last response is sent. It serves only once the sources can be
// read: a source that is not known yet would be refused, and its callback lost.
func (s *Server) Start(ctx context.Context) error {
	if s.waitForSources != nil {
		if err := s.waitForSources(ctx); err != nil {
			if ctx.Err() != nil {
				return nil //nolint:nilerr // stopped before it began
			}
			return fmt.Errorf("read the recording sources: %w", err)
		}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen for callbacks: %w", err)
	}
	return s.serve(ctx, listener)
}

// serve serves callbacks from the listener until the context ends.
func (s *Server) serve(ctx context.Context, listener net.Listener) error {
	server := s.httpServer(ctx)
	listener = newIdleListener(netutil.LimitListener(listener, s.limits.Connections), s.certDir != "", s.limits, s.clock)
	serve := server.Serve
	if s.certDir != "" {
		watcher, err := certwatcher.New(filepath.Join(s.certDir, "tls.crt"), filepath.Join(s.certDir, "tls.key"))
		if err != nil {
			_ = listener.Close()
			return fmt.Errorf("read the certificate: %w", err)
		}
		watching, stop := context.WithCancel(context.WithoutCancel(ctx))
		defer stop()
		go s.watch(watching, watcher)
		server.TLSConfig = &tls.Config{GetCertificate: watcher.GetCertificate, MinVersion: tls.VersionTLS12}
		serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	s.log.Info("Serving callbacks", "address", listener.Addr().String(), "tls", s.certDir != "")
	if s.certDir == "" {
		s.log.Info("Serving plain HTTP: anybody on the network path can read callbacks, though not forge them. " +
			"Terminate TLS at an ingress in front, or set --callback-cert-dir")
	}
	failed := make(chan error, 1)
	go func() { failed <- serve(listener) }()
	s.serving.Store(true)
	defer s.serving.Store(false)
	select {
	case err := <-failed:
		return fmt.Errorf("serve callbacks: %w", err)
	case <-ctx.Done():
		return s.shutdown(ctx, server, failed)
	}
}

// watch reloads the certificate. It outlives the server's context by the shutdown, since handshakes do too.
func (s *Server) watch(ctx context.Context, watcher *certwatcher.CertWatcher) {
	if err := watcher.Start(ctx); err != nil {
		s.log.Error(err, "Could not watch the certificate; it will not be reloaded")
	}
}

// httpServer is net/http's, bounded.
func (s *Server) httpServer(ctx context.Context) *http.Server {
	return &http.Server{
		Handler:           s,
		MaxHeaderBytes:    s.limits.HeaderBytes,
		ReadHeaderTimeout: s.limits.ReadTimeout,
		ReadTimeout:       s.limits.ReadTimeout,
		// A handler that was given its time, and a response of a hundred bytes.
		WriteTimeout: s.limits.ReadTimeout + s.limits.HandleTimeout + 5*time.Second,
		IdleTimeout:  s.limits.IdleTimeout,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReadFrameSize: frameBytes,
			MaxReceiveBufferPerStream: streamBytes, MaxReceiveBufferPerConnection: connectionBytes,
			// A client that reads nothing would keep its connection for ever: the other timeouts end in something to be written.
			WriteByteTimeout: s.limits.ReadTimeout,
		},
		ErrorLog: quietLog(s.log),
		// "OPTIONS *" gets the response of any other path that does not exist.
		DisableGeneralOptionsHandler: true,
		// Requests that are under way are finished when the process stops.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

// shutdown ends the server without cutting a response off. It first goes on serving, but no longer ready, until the
// Service's endpoints have changed: a sender whose connection is refused may never try again.
func (s *Server) shutdown(ctx context.Context, server *http.Server, failed <-chan error) error {
	s.serving.Store(false)
	s.closing.Store(true)
	if s.limits.ShutdownDelay > 0 {
		select {
		case <-s.clock.After(s.limits.ShutdownDelay):
		case err := <-failed:
			return fmt.Errorf("serve callbacks: %w", err)
		}
	}
	draining, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.limits.DrainTimeout)
	defer cancel()
	if err := server.Shutdown(draining); err != nil {
		_ = server.Close()
		return fmt.Errorf("close the server: %w", err)
	}
	s.log.Info("Closed the server of callbacks")
	return nil
}
