// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package receiver is the HTTP server that SparkRTC calls: POST /callbacks/{namespace}/{source}. It limits, reads,
// verifies and decodes, and answers 200 only when ingest has made the event safe.
//
// The answers, always JSON {"status": 1|0, "result": "..."}:
//
//	200  verified and safe: new, a duplicate or replay, or of a type that is not known
//	400  verified, but not decodable or not storable; an event on the RecordingSource names the field
//	401  signature missing or wrong, or, where the source enforces it, a timestamp out of tolerance
//	403  verified, but another app's
//	404  no such source or path
//	405  not POST
//	408  the body came too slowly or was cut off
//	413  the body is over 256 KiB
//	429  too many callbacks at one time, or of one source; Retry-After
//	503  cannot be verified or made safe now, though it may be genuine; Retry-After
package receiver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
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

// defaultTolerance is that of the RecordingSource's definition, for a source that was stored without it.
const defaultTolerance = 15 * time.Minute

// Verifier says whether a callback is genuine; KeyStore is the one.
type Verifier interface {
	Verify(ctx context.Context, source *v1alpha1.RecordingSource, proof sparkrtc.Proof, body []byte) error
}

// Ingester makes an event safe; ingest.Ingester is the one.
type Ingester interface {
	Ingest(ctx context.Context, delivery ingest.Delivery) (ingest.Result, error)
}

// DeadLetters keeps what is genuine but cannot be used, for a person to look at.
type DeadLetters interface {
	// Bury keeps a delivery and why it could not be used; its Event is not set when it could not be decoded. It does not
	// hold the delivery's body after it returned.
	Bury(ctx context.Context, delivery ingest.Delivery, reason string) error
}

// Observer is told of every answer. Namespace and source are those of an existing RecordingSource, or empty; the
// outcomes and units are few.
type Observer interface {
	CallbackHandled(namespace, source, outcome string, took time.Duration)
	// TimestampObserved is told what the timestamp of a genuine callback seems to be, and how far it lies from now:
	// below zero for the past.
	TimestampObserved(namespace, source, unit string, skew time.Duration)
}

// Caches are those that have to be synced before the door opens; a manager's GetCache is one.
type Caches interface {
	WaitForCacheSync(ctx context.Context) bool
}

// Config is what a Server needs. Every field is required but those that say otherwise.
type Config struct {
	// Address to listen on, for example ":8443".
	Address string
	// CertDir holds tls.crt and tls.key, which are read again when they change. Optional: without it the door speaks
	// plain HTTP.
	CertDir string
	// Limits are optional.
	Limits Limits
	// TrustedProxies are networks whose X-Forwarded-For is believed. Optional: without them, a caller is known by the
	// address of its connection.
	TrustedProxies []netip.Prefix
	// Namespaces are those whose sources may be called, and that the cache holds. Optional: without them, all.
	Namespaces []string

	// Sources reads RecordingSources from a cache.
	Sources client.Reader
	// Caches are optional.
	Caches   Caches
	Keys     Verifier
	Ingester Ingester
	Observer Observer
	// DeadLetters are optional.
	DeadLetters DeadLetters
	// Status writes the status of RecordingSources. Optional: without it, they do not show what their timestamps are.
	Status   client.SubResourceWriter
	Recorder events.EventRecorder
	Log      logr.Logger
	// Clock is optional.
	Clock clock.Clock
}

// Server is the door. It is a Runnable of a manager that serves on every replica, leader or not.
type Server struct {
	address string
	certDir string
	limits  Limits
	// namespaces is empty for all.
	namespaces  []string
	proxies     proxies
	sources     client.Reader
	caches      Caches
	keys        Verifier
	ingester    Ingester
	deadLetters DeadLetters
	observer    Observer
	recorder    events.EventRecorder
	log         logr.Logger
	clock       clock.Clock

	meter      *meter
	strangers  *strangers
	deliveries *deliveries
	timestamps *timestamps
	inFlight   *slots
	suspects   *slots
	buffers    buffers
	// serving says that the door is open, closing that every answer of HTTP/1 asks its sender to connect anew, elsewhere.
	serving atomic.Bool
	closing atomic.Bool
}

// New makes a Server that does nothing before it is started.
func New(config Config) (*Server, error) {
	if config.Sources == nil || config.Keys == nil || config.Ingester == nil || config.Observer == nil || config.Recorder == nil {
		return nil, errors.New("door: Sources, Keys, Ingester, Observer and Recorder are required")
	}
	if config.Clock == nil {
		config.Clock = clock.RealClock{}
	}
	limits, clk := config.Limits.withDefaults(), config.Clock
	return &Server{
		address: config.Address, certDir: config.CertDir, limits: limits, namespaces: config.Namespaces, proxies: config.TrustedProxies,
		sources: config.Sources, caches: config.Caches, keys: config.Keys, ingester: config.Ingester, deadLetters: config.DeadLetters,
		observer: config.Observer, recorder: config.Recorder, log: config.Log, clock: clk,
		meter:      newMeter(clk),
		strangers:  newStrangers(max(limits.InFlight/perAddress, 1), clk),
		deliveries: newDeliveries(clk),
		timestamps: newTimestamps(config.Status, clk, config.Log),
		inFlight:   newSlots(limits.InFlight, limits.Queue, limits.QueueTimeout, clk),
		suspects:   newSlots(limits.Suspects, limits.Queue, limits.QueueTimeout, clk),
	}, nil
}

// NeedLeaderElection is false: every replica takes callbacks.
func (s *Server) NeedLeaderElection() bool { return false }

var errNotServing = errors.New("the callback door is not open")

// ReadyCheck is a healthz.Checker: it passes while the door is open, and fails as soon as it is about to close.
func (s *Server) ReadyCheck(*http.Request) error {
	if !s.serving.Load() {
		return errNotServing
	}
	return nil
}

// Start serves until the context ends, and returns when the last answer is sent. It opens the door only when the
// caches are synced: a source that is not known yet would be answered with 404, and its callback lost.
func (s *Server) Start(ctx context.Context) error {
	if err := s.waitForCaches(ctx); err != nil {
		select {
		case <-ctx.Done():
			// Stopped before it began is no failure.
			return nil
		default:
			return err
		}
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", s.address)
	if err != nil {
		return fmt.Errorf("listen for callbacks: %w", err)
	}
	return s.serve(ctx, listener)
}

// waitForCaches reads the sources once: a cache that is read for the first time is filled before it answers.
func (s *Server) waitForCaches(ctx context.Context) error {
	if s.caches != nil && !s.caches.WaitForCacheSync(ctx) {
		return errors.New("the caches were not synced")
	}
	if err := s.sources.List(ctx, &v1alpha1.RecordingSourceList{}, client.Limit(1)); err != nil {
		return fmt.Errorf("read the recording sources: %w", err)
	}
	return nil
}

// serve takes callbacks from the listener until the context ends.
func (s *Server) serve(ctx context.Context, listener net.Listener) error {
	server := s.httpServer(ctx)
	listener = netutil.LimitListener(listener, s.limits.Connections)
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
	s.log.Info("Opening the callback door", "address", listener.Addr().String(), "tls", s.certDir != "")
	if s.certDir == "" {
		s.log.Info("Callbacks are taken over plain HTTP: anybody on the way can read them, though not forge them. " +
			"Let an ingress end TLS in front of the door, or give it a certificate with --callback-cert-dir")
	}
	var background sync.WaitGroup
	defer background.Wait()
	showing, stop := context.WithCancel(ctx)
	defer stop()
	background.Go(func() { s.timestamps.run(showing) })
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

// watch reloads the certificate. It outlives the manager's context by the shutdown, since handshakes do too.
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
		// A handler that was given its time, and an answer of a hundred bytes.
		WriteTimeout: s.limits.ReadTimeout + s.limits.HandleTimeout + 5*time.Second,
		IdleTimeout:  s.limits.IdleTimeout,
		HTTP2: &http.HTTP2Config{
			MaxConcurrentStreams: maxStreams, MaxReadFrameSize: frameBytes,
			MaxReceiveBufferPerStream: streamBytes, MaxReceiveBufferPerConnection: connectionBytes,
			// Who reads nothing would keep its connection for ever: the other time-outs end in something to be written.
			WriteByteTimeout: s.limits.ReadTimeout,
		},
		ErrorLog: quietLog(s.log),
		// "OPTIONS *" is answered as every other stranger's request.
		DisableGeneralOptionsHandler: true,
		// Answers that are under way are finished when the manager stops.
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
}

// shutdown closes the door without cutting an answer off. It first stays open, but no longer ready, until the
// Service's endpoints have heard of it: a caller that is refused a connection may never call again.
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
		return fmt.Errorf("close the callback door: %w", err)
	}
	s.log.Info("Closed the callback door")
	return nil
}
