// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// dial opens a connection to the server that fails within seconds.
func (o *open) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", o.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// say sends bytes as they are, and returns the code of the answer; 0 is none.
func say(t *testing.T, conn net.Conn, text string) int {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}

// raw is a signed callback of HTTP/1.1, its header changed.
func raw(tb testing.TB, change func(header string) string) string {
	tb.Helper()
	content := fixture(tb, "start-hls.json")
	r := signed(tb, path, content)
	header := "Host: x\r\nContent-Length: " + strconv.Itoa(len(content)) + "\r\n"
	for _, name := range []string{sparkrtc.HeaderRand, sparkrtc.HeaderTimestamp, sparkrtc.HeaderSignature} {
		header += name + ": " + r.Header.Get(name) + "\r\n"
	}
	if change != nil {
		header = change(header)
	}
	return "POST " + path + " HTTP/1.1\r\n" + header + "\r\n" + string(content)
}

// A header that is there twice is refused, however it is written; one that is merely in another case is not.
func TestServer_RepeatedHeadersAreRefused(t *testing.T) {
	o := startServer(t, nil, nil)
	add := func(lines string) func(string) string { return func(h string) string { return h + lines } }
	join := func(name string) func(string) string {
		return func(h string) string { return strings.Replace(h, name+": ", name+": 1, ", 1) }
	}
	for name, c := range map[string]struct {
		change func(string) string
		code   int
	}{
		"as they are":                {nil, 200},
		"in lower case":              {strings.ToLower, 200},
		"one beside them":            {add("X-Rtc-Other: 1\r\n"), 200},
		"with an underscore":         {add("X_Rtc_Signature: 00\r\n"), 200},
		"a second signature":         {add("X-Rtc-Signature: 00\r\n"), 401},
		"an empty second signature":  {add("X-Rtc-Signature:\r\n"), 401},
		"a second one in lower case": {add("x-rtc-signature: 00\r\n"), 401},
		"a second rand":              {add("x-RTC-rand: 1\r\n"), 401},
		"a second timestamp":         {add("X-RTC-TIMESTAMP: 1619600282\r\n"), 401},
		"joined signatures":          {join(sparkrtc.HeaderSignature), 401},
		"joined rands":               {join(sparkrtc.HeaderRand), 401},
		"joined timestamps":          {join(sparkrtc.HeaderTimestamp), 401},
		"a second length":            {add("Content-Length: 1\r\n"), 400},
		"a length and chunks":        {add("Transfer-Encoding: chunked\r\n"), 0},
		"a space before the colon":   {add("X-Rtc-Signature : 00\r\n"), 400},
	} {
		t.Run(name, func(t *testing.T) {
			if c.code == 0 && testing.Short() {
				t.Skip("waits for a time-out")
			}
			code := say(t, o.dial(t), raw(t, c.change))
			if c.code == 0 {
				// Whatever net/http makes of it: it is not taken for the callback that it is not.
				if code == http.StatusOK {
					t.Error("answered 200")
				}
			} else if code != c.code {
				t.Errorf("answered %d, want %d", code, c.code)
			}
		})
	}
}

// Who proves nothing does not keep a connection; who does, does.
func TestServer_UnauthenticatedRequestsKeepNoConnection(t *testing.T) {
	o := startServer(t, nil, nil)
	conn := o.dial(t)
	for range 2 {
		if code := say(t, conn, raw(t, nil)); code != http.StatusOK {
			t.Fatalf("answered %d", code)
		}
	}
	for name, request := range map[string]string{
		"a forgery":          strings.Replace(raw(t, nil), "X-Rtc-Timestamp: ", "X-Rtc-Timestamp: 0", 1),
		"no such path":       "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"every path at once": "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
	} {
		conn := o.dial(t)
		if code := say(t, conn, request); code != http.StatusUnauthorized && code != http.StatusNotFound {
			t.Errorf("%s: answered %d", name, code)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: the connection is kept: %v", name, err)
		}
	}
}

// An ingress that is written in Go keeps a connection for as long as this. If the server closed it no later, what the ingress
// was just sending would be lost.
func TestServer_IngressClosesFirst(t *testing.T) {
	ingress := http.DefaultTransport.(*http.Transport).IdleConnTimeout
	if timeout := (Limits{}).withDefaults().IdleTimeout; timeout < ingress+10*time.Second {
		t.Errorf("the server closes an idle connection after %s, an ingress after %s", timeout, ingress)
	}
}

func TestServer_IdleConnectionsAreClosed(t *testing.T) {
	o := startServer(t, func(c *Config) { c.Limits.ReadTimeout, c.Limits.IdleTimeout = time.Second, 50*time.Millisecond }, nil)
	conn := o.dial(t)
	if code := say(t, conn, raw(t, nil)); code != http.StatusOK {
		t.Fatalf("answered %d", code)
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("an idle connection is kept: %v", err)
	}
}

// More connections than there may be wait for one to end.
func TestServer_ConnectionsAreBounded(t *testing.T) {
	o := startServer(t, func(c *Config) { c.Limits.Connections = 1 }, nil)
	first, second := o.dial(t), o.dial(t)
	if code := say(t, first, raw(t, nil)); code != http.StatusOK {
		t.Fatalf("the first: %d", code)
	}
	if _, err := second.Write([]byte(raw(t, nil))); err != nil {
		t.Fatal(err)
	}
	if err := second.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := second.Read(make([]byte, 1)); n > 0 || err == nil {
		t.Error("the second was answered beside the first")
	}
	_ = first.Close()
	if err := second.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := second.Read(make([]byte, 1)); err != nil {
		t.Errorf("the second, after the first: %v", err)
	}
}

// Over HTTP/2, too, a repeated header is refused and a slow body is cut off, while the connection's other streams go on.
func TestHTTP2(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "receiver")
	o := startServer(t, func(c *Config) { c.CertDir, c.Limits.ReadTimeout = dir, 300*time.Millisecond }, nil)
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	send := func(content io.Reader, change func(http.Header)) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+o.address+path, content)
		if err != nil {
			t.Error(err)
			return 0
		}
		r.Header = signed(t, path, fixture(t, "start-hls.json")).Header
		if change != nil {
			change(r.Header)
		}
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Error(err)
			return 0
		}
		defer func() { _ = response.Body.Close() }()
		if response.ProtoMajor != 2 {
			t.Errorf("answered over %s", response.Proto)
		}
		return response.StatusCode
	}
	whole := func() io.Reader { return bytes.NewReader(fixture(t, "start-hls.json")) }
	slow, end := io.Pipe()
	defer func() { _ = end.Close() }()
	var all sync.WaitGroup
	all.Go(func() {
		if code := send(slow, nil); code != http.StatusRequestTimeout {
			t.Errorf("a slow body: %d", code)
		}
	})
	if code := send(whole(), nil); code != http.StatusOK {
		t.Errorf("beside a slow body: %d", code)
	}
	all.Wait()
	if code := send(whole(), func(h http.Header) { h.Add(sparkrtc.HeaderSignature, "00") }); code != http.StatusUnauthorized {
		t.Errorf("two signatures: %d", code)
	}
}

// broken is an ingester with a fault.
type broken struct{}

func (broken) Ingest(context.Context, ingest.Delivery) (ingest.Result, error) { panic("a fault") }

// A fault in the handling of a callback costs that one its response, and is logged; a failed handshake is not.
func TestServer_LogsPanics(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "receiver")
	for scheme, certDir := range map[string]string{"http": "", "https": dir} {
		var mu sync.Mutex
		var log []string
		o := startServer(t, func(c *Config) {
			c.CertDir, c.Ingester = certDir, broken{}
			c.Log = funcr.New(func(_, args string) {
				mu.Lock()
				defer mu.Unlock()
				log = append(log, args)
			}, funcr.Options{})
		}, nil)
		mu.Lock()
		before := len(log)
		mu.Unlock()
		_ = say(t, o.dial(t), "x\r\n\r\n")
		if got, err := o.send(t, scheme, 0); err == nil {
			t.Errorf("%s: answered %d", scheme, got.code)
		}
		waitFor(t, "the panic to be told", func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(log) > before
		})
		mu.Lock()
		for _, line := range log[before:] {
			if !strings.Contains(line, "a fault") {
				t.Errorf("%s: the log says %s", scheme, line)
			}
		}
		mu.Unlock()
	}
}

// Without a certificate the log says at once what that means; with one it does not.
func TestServer_LogsPlainHTTP(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "receiver")
	for certDir, want := range map[string]int{"": 1, dir: 0} {
		var mu sync.Mutex
		var log strings.Builder
		startServer(t, func(c *Config) {
			c.CertDir = certDir
			c.Log = funcr.New(func(_, args string) {
				mu.Lock()
				defer mu.Unlock()
				log.WriteString(args + "\n")
			}, funcr.Options{})
		}, nil)
		mu.Lock()
		if got := strings.Count(log.String(), "plain HTTP"); got != want {
			t.Errorf("with the certificates %q, the log tells %d times: %s", certDir, got, log.String())
		}
		mu.Unlock()
	}
}
