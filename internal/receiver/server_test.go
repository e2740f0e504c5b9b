// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// open is a server that serves, and how to close it.
type open struct {
	testServer
	address string
	close   context.CancelFunc
	closed  chan error
}

// startServer serves on a port of this machine until the test ends.
func startServer(t *testing.T, change func(*Config), prepare func(testServer)) *open {
	t.Helper()
	h := newFixture(t, func(c *Config) {
		c.Clock = clock.RealClock{}
		if change != nil {
			change(c)
		}
	})
	if prepare != nil {
		prepare(h)
	}
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o := &open{testServer: h, address: listener.Addr().String(), close: cancel, closed: make(chan error, 1)}
	go func() {
		defer close(o.closed)
		if err := h.serve(ctx, listener); err != nil {
			o.closed <- err
		}
	}()
	t.Cleanup(func() {
		cancel()
		for err := range o.closed {
			t.Errorf("closed with %v", err)
		}
	})
	waitFor(t, "the server to serve", func() bool { return h.ReadyCheck(nil) == nil })
	return o
}

func waitFor(t *testing.T, what string, done func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) { return done(), nil })
	if err != nil {
		t.Fatalf("waited in vain for %s", what)
	}
}

// reply is what a test looks at of a response.
type reply struct {
	code, protocol int
	// closes says that the connection is not to be used again.
	closes bool
	// name is the certificate's.
	name string
}

// send posts a signed callback over a connection of its own.
func (o *open) send(t *testing.T, scheme string, maxTLS uint16) (reply, error) {
	t.Helper()
	content := fixture(t, "start-hls.json")
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, scheme+"://"+o.address+path, bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	proof, err := sparkrtc.Sign(mustKey(t, secret), "1", "2", content)
	if err != nil {
		t.Fatal(err)
	}
	proof.SetHeader(r.Header)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MaxVersion: maxTLS}}
	defer transport.CloseIdleConnections()
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = response.Body.Close() }()
	got := reply{code: response.StatusCode, protocol: response.ProtoMajor, closes: response.Close}
	if response.TLS != nil {
		got.name = response.TLS.PeerCertificates[0].DNSNames[0]
	}
	_, err = io.Copy(io.Discard, response.Body)
	return got, err
}

// A server that is told to close answers what it has begun, takes nothing new, and is not ready meanwhile.
func TestServer_ShutdownCutsNoAnswerOff(t *testing.T) {
	o := startServer(t, nil, func(h testServer) { h.sink.entered, h.sink.hold = make(chan struct{}), make(chan struct{}) })
	const begun = 5
	var answers sync.WaitGroup
	for range begun {
		answers.Go(func() {
			got, err := o.send(t, "http", 0)
			if err != nil || got.code != http.StatusOK || !got.closes {
				t.Errorf("an answer that had begun: %+v, %v", got, err)
			}
		})
	}
	for range begun {
		<-o.sink.entered
	}
	o.close()
	waitFor(t, "the server to be closing", func() bool { return o.ReadyCheck(nil) != nil })
	waitFor(t, "new callers to be refused", func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", o.address)
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	select {
	case err := <-o.closed:
		t.Fatalf("closed before its answers: %v", err)
	default:
	}
	close(o.sink.hold)
	answers.Wait()
	if err := <-o.closed; err != nil {
		t.Errorf("closed with %v", err)
	}
	if len(o.sink.deliveries) != begun {
		t.Errorf("%d deliveries, want %d", len(o.sink.deliveries), begun)
	}
}

// While the Service's endpoints still name it, a server that is about to close serves, and sends its callers elsewhere.
func TestServer_StaysOpenForAMomentAfterASignal(t *testing.T) {
	o := startServer(t, func(c *Config) { c.Limits.ShutdownDelay = 300 * time.Millisecond }, nil)
	o.close()
	waitFor(t, "the server to be closing", func() bool { return o.closing.Load() })
	if o.ReadyCheck(nil) == nil {
		t.Error("ready while it is about to close")
	}
	got, err := o.send(t, "http", 0)
	if err != nil || got.code != http.StatusOK || !got.closes {
		t.Errorf("during the delay: %+v, %v", got, err)
	}
	if err := <-o.closed; err != nil {
		t.Errorf("closed with %v", err)
	}
}

// An answer that takes for ever is cut off in the end.
func TestServer_DrainsForABoundedTime(t *testing.T) {
	o := startServer(t, func(c *Config) { c.Limits.DrainTimeout = 50 * time.Millisecond },
		func(h testServer) { h.sink.entered, h.sink.hold = make(chan struct{}), make(chan struct{}) })
	go func() { _, _ = o.send(t, "http", 0) }()
	<-o.sink.entered
	o.close()
	if err := <-o.closed; err == nil {
		t.Error("closed without saying that an answer was cut off")
	}
	close(o.sink.hold)
}

// A sender that is slower than a callback has any reason to be is cut off, in its header and in its body.
func TestServer_SlowSendersAreCutOff(t *testing.T) {
	o := startServer(t, func(c *Config) { c.Limits.ReadTimeout = 100 * time.Millisecond }, nil)
	for name, c := range map[string]struct{ sent, answer string }{
		"header": {"POST " + path + " HTTP/1.1\r\nHost: x\r\nX-Rtc-", ""},
		"body":   {"POST " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", "408"},
		"chunks": {"POST " + path + " HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", "408"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", o.address)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte(c.sent)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(bufio.NewReader(conn))
			if err != nil {
				t.Fatalf("not cut off: %v", err)
			}
			if !strings.Contains(string(got), c.answer) {
				t.Errorf("answered %q, want %q", got, c.answer)
			}
		})
	}
}

func TestServer_HeadersAreBounded(t *testing.T) {
	o := startServer(t, nil, nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+o.address+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Long", strings.Repeat("x", 32<<10))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("answered %d", response.StatusCode)
	}
}

func TestServer_ServesOnceSourcesCanBeRead(t *testing.T) {
	synced := make(chan struct{})
	h := newFixture(t, func(c *Config) {
		c.WaitForSources = func(context.Context) error { <-synced; return nil }
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- h.Start(ctx) }()
	if h.ReadyCheck(nil) == nil {
		t.Fatal("ready before the sources can be read")
	}
	close(synced)
	waitFor(t, "the server to serve", func() bool { return h.ReadyCheck(nil) == nil })
	cancel()
	if err := <-done; err != nil {
		t.Errorf("closed with %v", err)
	}
}

func TestServer_StoppedBeforeSourcesCanBeRead(t *testing.T) {
	h := newFixture(t, func(c *Config) {
		c.WaitForSources = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Start(ctx); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

func TestServer_DoesNotServeWithoutSources(t *testing.T) {
	h := newFixture(t, func(c *Config) {
		c.WaitForSources = func(context.Context) error { return io.ErrUnexpectedEOF }
	})
	if err := h.Start(t.Context()); err == nil || h.ReadyCheck(nil) == nil {
		t.Errorf("started with %v", err)
	}
}

type brokenList struct{ client.Reader }

func (brokenList) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return io.ErrUnexpectedEOF
}

// writeCertificate puts a new certificate for a name into the directory.
func writeCertificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{"tls.crt": {Type: "CERTIFICATE", Bytes: certificate}, "tls.key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// With a certificate the server speaks TLS 1.2 or later and HTTP/2, and takes a new certificate without a restart.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "first")
	o := startServer(t, func(c *Config) { c.CertDir = dir }, nil)
	got, err := o.send(t, "https", 0)
	if err != nil || got.code != http.StatusOK || got.protocol != 2 || got.name != "first" {
		t.Fatalf("over TLS: %+v, %v", got, err)
	}
	if _, err := o.send(t, "https", tls.VersionTLS11); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	writeCertificate(t, dir, "second")
	waitFor(t, "the new certificate", func() bool {
		got, err := o.send(t, "https", 0)
		return err == nil && got.name == "second"
	})
}

func TestServer_DoesNotServeWithoutItsCertificate(t *testing.T) {
	h := newFixture(t, func(c *Config) { c.CertDir = t.TempDir() })
	if err := h.Start(t.Context()); err == nil {
		t.Error("opened without the certificate that was asked for")
	}
}
