// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// frames is a connection that speaks HTTP/2 frame by frame.
type frames struct {
	net.Conn
	*http2.Framer
	// settings are what the server lets a client do.
	settings map[http2.SettingID]uint32
	// settled is closed when a ping was answered, or the connection has ended.
	settled chan struct{}
}

// connectHTTP2 opens a connection to the server and reads nothing from it.
func (o *open) connectHTTP2(t *testing.T) *frames {
	t.Helper()
	conn, err := (&tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}}).DialContext(t.Context(), "tcp", o.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	f := &frames{Conn: conn, Framer: http2.NewFramer(conn, conn), settled: make(chan struct{}),
		settings: map[http2.SettingID]uint32{http2.SettingInitialWindowSize: 65535, http2.SettingMaxFrameSize: 16 << 10}}
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if err := f.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return f
}

// dialHTTP2 opens a connection to the server, and reads what it lets a client do.
func (o *open) dialHTTP2(t *testing.T) *frames {
	t.Helper()
	f := o.connectHTTP2(t)
	frame, err := f.ReadFrame()
	settings, ok := frame.(*http2.SettingsFrame)
	if err != nil || !ok {
		t.Fatalf("the server begins with %v, %v", frame, err)
	}
	_ = settings.ForeachSetting(func(s http2.Setting) error { f.settings[s.ID] = s.Val; return nil })
	go func() {
		defer close(f.settled)
		for {
			frame, err := f.ReadFrame()
			if ping, ok := frame.(*http2.PingFrame); err != nil || ok && ping.IsAck() {
				return
			}
		}
	}()
	return f
}

// post begins a callback, and sends this much of its body; end says that it is all.
func (f *frames) post(stream uint32, header http.Header, body []byte, ends bool) error {
	var block bytes.Buffer
	fields := []hpack.HeaderField{{Name: ":method", Value: "POST"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "x"}, {Name: ":path", Value: path}}
	for name := range header {
		fields = append(fields, hpack.HeaderField{Name: strings.ToLower(name), Value: header.Get(name)})
	}
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		if err := encoder.WriteField(field); err != nil {
			return err
		}
	}
	err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true})
	for part := range slices.Chunk(body, 16<<10) {
		err = errors.Join(err, f.WriteData(stream, false, part))
	}
	if ends {
		err = errors.Join(err, f.WriteData(stream, true, nil))
	}
	return err
}

// settle returns when the server has seen all that was sent: it answers a ping in its turn.
func (f *frames) settle(t *testing.T) {
	t.Helper()
	if err := f.WritePing(false, [8]byte{}); err != nil {
		t.Fatal(err)
	}
	<-f.settled
}

// narrow is a listener whose connections have room for few bytes that the client has not read; it tells when one is closed.
type narrow struct {
	net.Listener
	closed chan struct{}
}

func (n narrow) Accept() (net.Conn, error) {
	conn, err := n.Listener.Accept()
	if tcp, ok := conn.(*net.TCPConn); ok {
		err = errors.Join(err, tcp.SetWriteBuffer(2<<10))
	}
	return narrowConn{conn, n.closed}, err
}

type narrowConn struct {
	net.Conn
	closed chan struct{}
}

func (c narrowConn) Close() error {
	select {
	case c.closed <- struct{}{}:
	default:
	}
	return c.Conn.Close()
}

// Who reads no answers does not keep its connection.
func TestServer_CutsOffWhatReadsNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs of net/http")
	}
	dir := t.TempDir()
	writeCertificate(t, dir, "receiver")
	h := newFixture(t, func(c *Config) {
		c.CertDir, c.Limits.ReadTimeout, c.Limits.IdleTimeout = dir, 200*time.Millisecond, 200*time.Millisecond
	})
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed, done := make(chan struct{}, 1), make(chan error, 1)
	ctx, stop := context.WithCancel(t.Context())
	go func() { done <- h.serve(ctx, narrow{listener, closed}) }()
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}
	conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.(*tls.Conn).NetConn().(*net.TCPConn).SetReadBuffer(2 << 10); err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, conn)
	if err := errors.Join(err, f.WriteSettings()); err != nil {
		t.Fatal(err)
	}
	// Some of the answers find no room, but not so many that they are too many. On a slow machine it is cut off meanwhile.
	for n := 0; n < 5000 && err == nil; n++ {
		err = f.WritePing(false, [8]byte{})
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Error("the connection is kept")
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("closed with %v", err)
	}
}

// A frame is read before anything is made of it, and the room for it is kept: it is no more than a callback needs.
func TestServer_FramesOfHTTP2AreBounded(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "receiver")
	o := startServer(t, func(c *Config) { c.CertDir = dir }, nil)
	const connections = 64
	var all [connections]*frames
	for i := range all {
		all[i] = o.dialHTTP2(t)
	}
	size := all[0].settings[http2.SettingMaxFrameSize]
	// A frame of a type that nobody knows, which is passed over.
	unknown := append([]byte{byte(size >> 16), byte(size >> 8), byte(size), 0x77, 0, 0, 0, 0, 0}, make([]byte, size)...)
	before := heap()
	for _, f := range all {
		if _, err := f.Write(unknown); err != nil {
			t.Fatal(err)
		}
		f.settle(t)
	}
	if held := int64(heap()) - int64(before); held > 16<<20 {
		t.Errorf("%d connections that sent one frame hold %d MiB", connections, held>>20)
	}
}

// Who resets a stream does not wait for its turn: a connection that begins streams, sends what it may, and resets them,
// costs next to nothing.
func TestServer_WaitingStreamsHoldNoBodies(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "receiver")
	o := startServer(t, func(c *Config) {
		c.CertDir, c.Limits.QueueTimeout, c.Limits.ReadTimeout, c.Limits.Reading, c.Limits.Throttled = dir, time.Minute, time.Minute, 1, 1
	}, nil)
	for _, all := range []*concurrencyLimiter{o.reading, o.throttled} {
		if !all.acquire(nil) {
			t.Fatal("no slot")
		}
		defer all.release()
	}
	f := o.dialHTTP2(t)
	window := int(f.settings[http2.SettingInitialWindowSize])
	before := heap()
	for n := range 4 * maxStreams {
		stream := uint32(2*n + 1)
		err := errors.Join(f.post(stream, nil, make([]byte, window), false), f.WriteRSTStream(stream, http2.ErrCodeCancel))
		if err != nil {
			t.Fatal(err)
		}
	}
	f.settle(t)
	waitFor(t, "what they sent to be dropped", func() bool { return int64(heap())-int64(before) < 8<<20 })
	waitFor(t, "what they sent to leave the queues", func() bool { return len(o.reading.queue)+len(o.throttled.queue) == 0 })
}

// The longest body comes in, on a new connection too, where a client does not know yet how much it may send; and so do as
// many at one time as the server lets one connection send.
func TestServer_LongBodiesOverHTTP2ComeIn(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "receiver")
	o := startServer(t, func(c *Config) {
		c.CertDir, c.Limits.ReadTimeout, c.Limits.HandleTimeout = dir, time.Minute, time.Minute
	}, nil)
	padded := func(size int) []byte {
		content := fixture(t, "start-hls.json")
		return append(content, bytes.Repeat([]byte(" "), size-len(content))...)
	}
	first := padded(64<<10 - 1)
	f := o.connectHTTP2(t)
	if err := f.post(1, signed(t, path, first).Header, first, true); err != nil {
		t.Fatal(err)
	}
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for answered := false; !answered; {
		frame, err := f.ReadFrame()
		if err != nil {
			t.Fatal(err)
		}
		switch frame := frame.(type) {
		case *http2.MetaHeadersFrame:
			if answered = true; frame.PseudoValue("status") != "200" {
				t.Errorf("the first is answered %v", frame.Fields)
			}
		case *http2.RSTStreamFrame:
			t.Fatalf("the first is not answered: %s", frame.ErrCode)
		}
	}

	transport := &http.Transport{ForceAttemptHTTP2: true, MaxConnsPerHost: 1, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	longest := padded(MaxBodyBytes)
	var all sync.WaitGroup
	for range maxStreams {
		all.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+o.address+path, bytes.NewReader(longest))
			if err != nil {
				t.Error(err)
				return
			}
			r.Header = signed(t, path, longest).Header
			response, err := transport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
				t.Errorf("answered %d over %s", response.StatusCode, response.Proto)
			}
		})
	}
	all.Wait()
}

// What one sender does, and a server that is about to close, ends no connection that others may share: what they are just
// sending would be refused, and perhaps never sent again.
func TestServer_StreamsOfOthersGoOn(t *testing.T) {
	dir := t.TempDir()
	writeCertificate(t, dir, "receiver")
	o := startServer(t, func(c *Config) { c.CertDir = dir }, nil)
	dials := 0
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials++
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}
	defer transport.CloseIdleConnections()
	content := fixture(t, "start-hls.json")
	send := func(url string, want int) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+o.address+url, bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		if want == http.StatusOK {
			r.Header = signed(t, url, content).Header
		}
		response, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want || response.ProtoMajor != 2 {
			t.Errorf("%s is answered %d over %s", url, response.StatusCode, response.Proto)
		}
	}
	for range 20 {
		send(path, http.StatusUnauthorized)
		send("/", http.StatusNotFound)
		send(path, http.StatusOK)
	}
	o.closing.Store(true)
	for range 20 {
		send(path, http.StatusOK)
	}
	if dials != 1 {
		t.Errorf("%d connections, want one", dials)
	}
}

// heap is what is in use after a collection.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}
