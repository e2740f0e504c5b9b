// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// by is the request as another address sends it.
func by(peer string, r *http.Request) *http.Request {
	r.RemoteAddr = peer + ":1234"
	return r
}

// fails sends what costs an address a failure, until it is throttled.
func (h testServer) fails(t *testing.T, peer string) {
	t.Helper()
	for range failureBurst {
		r := by(peer, signed(t, path, fixture(t, "start-hls.json")))
		r.Header.Set(sparkrtc.HeaderRand, "forged")
		if w := h.post(r); w.Code != http.StatusUnauthorized || w.Header().Get("Connection") != "close" {
			t.Fatalf("a forgery: %d, Connection: %s", w.Code, w.Header().Get("Connection"))
		}
	}
}

// An address that failed too often is still heard, but crowds nobody out: it has a few slots, and not those of others.
func TestClientLimiter_ThrottledClientsShareAFewSlots(t *testing.T) {
	clk := clocktesting.NewFakeClock(testNow)
	h := newFixture(t, func(c *Config) { c.Clock, c.Limits.InFlight, c.Limits.Throttled, c.Limits.Queue = clk, 4, 2, -1 })
	h.fails(t, "192.0.2.1")
	h.sink.entered, h.sink.hold = make(chan struct{}), make(chan struct{})
	content, sent := fixture(t, "start-hls.json"), 0
	var all sync.WaitGroup
	authentic := func(peer string) {
		sent++
		r := by(peer, signedAt(t, path, content, strconv.Itoa(sent), "1619600282"))
		all.Go(func() {
			if w := h.post(r); w.Code != http.StatusOK {
				t.Errorf("a authentic callback from %s: %d", peer, w.Code)
			}
		})
		<-h.sink.entered
	}
	authentic("192.0.2.1")
	authentic("192.0.2.1")
	refused := by("192.0.2.1", signedAt(t, path, content, "x", "1619600282"))
	checkResponse(t, h.post(refused), http.StatusTooManyRequests, "too many callbacks")
	for range 4 {
		authentic("192.0.2.2")
	}
	close(h.sink.hold)
	all.Wait()
	h.sink.entered, h.sink.hold = nil, nil
	clk.Step(time.Second)
	if h.clients.enter(clientKeysOf(netip.MustParseAddr("192.0.2.1"))) {
		t.Error("still throttled after a second")
	}
}

// What is told apart by nobody, or may be authentic, costs an address nothing.
func TestClientLimiter_CountsUnauthenticatedRequests(t *testing.T) {
	content := fixture(t, "start-hls.json")
	for name, c := range map[string]struct {
		change  func(*Config)
		request func(*http.Request)
		costs   bool
	}{
		"a authentic callback": {nil, func(*http.Request) {}, false},
		"a forgery":            {nil, func(r *http.Request) { r.Header.Set(sparkrtc.HeaderTimestamp, "1") }, true},
		"no signature":         {nil, func(r *http.Request) { clear(r.Header) }, true},
		"no such source":       {nil, func(r *http.Request) { r.URL.Path += "x" }, true},
		"no such path":         {nil, func(r *http.Request) { r.URL.Path = "/" }, true},
		"another method":       {nil, func(r *http.Request) { r.Method = http.MethodGet }, true},
		"a body cut off":       {nil, func(r *http.Request) { r.Body = io.NopCloser(&cut{}) }, true},
		"a body too large":     {nil, func(r *http.Request) { r.ContentLength = 1 << 30 }, true},
		"a compressed body":    {nil, func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newFixture(t, c.change)
			r := by("192.0.2.1", signed(t, path, content))
			c.request(r)
			w := h.post(r)
			if costs := h.clients.failures.Len() > 0; costs != c.costs {
				t.Errorf("answered %d: costs %v, want %v", w.Code, costs, c.costs)
			}
			if closes := w.Header().Get("Connection") == "close"; closes != c.costs {
				t.Errorf("answered %d: closes the connection: %v", w.Code, closes)
			}
		})
	}
}

// stalled is a body that does not come until the test ends.
type stalled struct{ entered, end chan struct{} }

func (s stalled) Read([]byte) (int, error) {
	s.entered <- struct{}{}
	<-s.end
	return 0, io.ErrUnexpectedEOF
}

// One address cannot hold all slots with bodies that do not come, not even in the first seconds.
func TestClientLimiter_SlowSendersLeaveRoomForOthers(t *testing.T) {
	h := newFixture(t, func(c *Config) {
		c.Limits.Reading, c.Limits.InFlight, c.Limits.Throttled, c.Limits.Queue = 16, 1, 2, -1
	})
	content := fixture(t, "start-hls.json")
	body := stalled{entered: make(chan struct{}), end: make(chan struct{})}
	slow := func() *http.Request {
		r := by("192.0.2.1", signed(t, path, content))
		r.Body = io.NopCloser(body)
		return r
	}
	var all sync.WaitGroup
	for range 16/perClient + 2 {
		r := slow()
		all.Go(func() {
			if w := h.post(r); w.Code != http.StatusRequestTimeout {
				t.Errorf("a slow body: %d", w.Code)
			}
		})
		<-body.entered
	}
	checkResponse(t, h.post(slow()), http.StatusTooManyRequests, "too many callbacks")
	checkResponse(t, h.post(by("192.0.2.2", signed(t, path, content))), http.StatusOK, "")
	close(body.end)
	all.Wait()
	if got := len(h.clients.reading); got != 0 {
		t.Errorf("%d addresses are still said to send", got)
	}
}

// Many authentic callers behind one address, as an ingress is, are not taken for slow senders.
func TestServer_ServesManyAuthenticSendersAtOneAddress(t *testing.T) {
	if testing.Short() {
		t.Skip("2,048 callbacks")
	}
	// However slow the machine: what is tested is room, not speed.
	o := startServer(t, func(c *Config) { c.Limits.ReadTimeout, c.Limits.QueueTimeout = time.Minute, time.Minute }, nil)
	content := fixture(t, "start-hls.json")
	transport := &http.Transport{MaxIdleConnsPerHost: 256}
	defer transport.CloseIdleConnections()
	var all sync.WaitGroup
	for caller := range 256 {
		all.Go(func() {
			for n := range 8 {
				r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+o.address+path, bytes.NewReader(content))
				if err != nil {
					t.Error(err)
					return
				}
				r.Header = signedAt(t, path, content, strconv.Itoa(caller)+"-"+strconv.Itoa(n), "1619600282").Header
				response, err := transport.RoundTrip(r)
				if err != nil {
					t.Error(err)
					return
				}
				_ = response.Body.Close()
				if response.StatusCode != http.StatusOK {
					t.Errorf("answered %d", response.StatusCode)
				}
			}
		})
	}
	all.Wait()
}

// An address is believed of whom the proxy names, and not of anybody else.
func TestClientLimiter_KnowsClientsBehindAProxy(t *testing.T) {
	h := newFixture(t, func(c *Config) { c.TrustedProxies = testProxies })
	forged := func(forwarded string) {
		r := by("10.0.0.1", signed(t, path, nil))
		r.Header.Set("X-Forwarded-For", forwarded)
		r.Header.Set(sparkrtc.HeaderRand, "forged")
		h.post(r)
	}
	for i := range failureBurst {
		forged("198.51.100." + strconv.Itoa(i) + ", 203.0.113.9")
	}
	for address, want := range map[string]bool{"203.0.113.9": true, "198.51.100.1": false, "10.0.0.1": false} {
		if got := h.clients.enter(clientKeysOf(netip.MustParseAddr(address))); got != want {
			t.Errorf("%s: throttled is %v", address, got)
		}
	}
}

func TestClientLimiter_IsBounded(t *testing.T) {
	s := newClientLimiter(1, clocktesting.NewFakeClock(testNow))
	for i := range maxClients + 10 {
		s.fail(clientKeysOf(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})))
	}
	if got := s.failures.Len(); got != maxClients {
		t.Errorf("%d addresses are remembered", got)
	}
}

// grown is how much more memory is in use after a piece of work, in bytes.
func grown(work func()) int64 {
	inUse := func() int64 {
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		return int64(stats.HeapAlloc)
	}
	before := inUse()
	work()
	return inUse() - before
}

// TestClientLimiter_ForgeriesOfManyAddressesCostLittle: every request comes from another network of IPv6, and fails. The
// server forgets the first ones for the last, in some MiB, and serves the authentic callback of another address.
func TestClientLimiter_ForgeriesOfManyAddressesCostLittle(t *testing.T) {
	h := newFixture(t, func(c *Config) { c.Observer, c.Ingester = nothing{}, nothing{} })
	content := fixture(t, "start-hls.json")
	forgery := signed(t, path, content)
	forgery.Header.Set(sparkrtc.HeaderRand, "forged")
	size := grown(func() {
		for i := range 3 * maxClients {
			r := *forgery
			r.Body = io.NopCloser(bytes.NewReader(content))
			r.RemoteAddr = fmt.Sprintf("[2001:%x:%x::1]:1", i>>16+1, i&0xffff)
			if code := h.post(&r).Code; code != http.StatusUnauthorized {
				t.Fatalf("forgery %d: %d", i, code)
			}
		}
	})
	if size > 6<<20 {
		t.Errorf("%d forgeries take %d bytes for good", 3*maxClients, size)
	}
	checkResponse(t, h.post(by("192.0.2.9", signed(t, path, content))), http.StatusOK, "")
}
