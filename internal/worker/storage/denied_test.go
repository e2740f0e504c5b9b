// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// The two addresses of this host that the tests below tell apart: one network is denied, the other is not.
const (
	permittedHost = "127.0.0.1"
	deniedHost    = "127.0.0.2"
)

// deniedTarget is a server in the denied network, and beside it, at the same port, one that leads there.
type deniedTarget struct {
	port string
	// connections to the denied address.
	connections atomic.Int32
}

func startDeniedTarget(t *testing.T) *deniedTarget {
	t.Helper()
	permitted, inside := listenTwice(t)
	_, port, _ := net.SplitHostPort(inside.Addr().String())
	target := &deniedTarget{port: port}
	serve := func(listener net.Listener, handler http.HandlerFunc, state func(net.Conn, http.ConnState)) {
		server := httptest.NewUnstartedServer(handler)
		_ = server.Listener.Close()
		server.Listener, server.Config.ConnState = listener, state
		server.Start()
		t.Cleanup(server.Close)
	}
	serve(inside, http.NotFound, func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			target.connections.Add(1)
		}
	})
	serve(permitted, func(w http.ResponseWriter, r *http.Request) {
		to := "http://" + r.Host + "/again" // the name may mean another address by now
		if strings.HasPrefix(r.Host, permittedHost) {
			to = "http://" + net.JoinHostPort(deniedHost, port) + "/again"
		}
		w.Header().Set("Connection", "close") // so that the next request looks the name up again
		http.Redirect(w, r, to, http.StatusTemporaryRedirect)
	}, nil)
	return target
}

// lead tries a transfer twice against a host that leads to the target: the second try is what comes after a name has
// changed. A host that begins with a dot gets a name before it that nobody has looked up yet.
func (d *deniedTarget) lead(host string, try func(endpoint string) error) (first, second error) {
	if strings.HasPrefix(host, ".") {
		host = "host-" + d.port + host
	}
	endpoint := "http://" + net.JoinHostPort(host, d.port)
	return try(endpoint), try(endpoint)
}

// listenTwice listens at one port of both addresses.
func listenTwice(t *testing.T) (permitted, inside net.Listener) {
	t.Helper()
	var listen net.ListenConfig
	for range 20 {
		first, err := listen.Listen(t.Context(), "tcp", permittedHost+":0")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(first.Addr().String())
		second, err := listen.Listen(t.Context(), "tcp", net.JoinHostPort(deniedHost, port))
		if err == nil {
			return first, second
		}
		_ = first.Close()
	}
	t.Fatal("no port is free at both addresses")
	return nil, nil
}

// resolve has this process ask a name server of the test: every name is the denied address, but what ends in .rebound.test
// is the permitted one when it is looked up for the first time.
func resolve(t *testing.T) {
	t.Helper()
	var listen net.ListenConfig
	packets, err := listen.ListenPacket(t.Context(), "udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	served.Go(func() {
		lookups := map[string]int{}
		buffer := make([]byte, 1232)
		for {
			length, from, err := packets.ReadFrom(buffer)
			if err != nil {
				return
			}
			answer := respond(buffer[:length], func(name string) [4]byte {
				lookups[name]++
				if lookups[name] == 1 && strings.HasSuffix(name, ".rebound.test.") {
					return [4]byte{127, 0, 0, 1}
				}
				return [4]byte{127, 0, 0, 2}
			})
			_, _ = packets.WriteTo(answer, from)
		}
	})
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "udp", packets.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		_ = packets.Close()
		served.Wait()
	})
}

// respond answers a question of a resolver; address is that of a name now.
func respond(question []byte, address func(name string) [4]byte) []byte {
	var message dnsmessage.Message
	if err := message.Unpack(question); err != nil || len(message.Questions) != 1 {
		return nil
	}
	asked := message.Questions[0]
	message.Response, message.Authoritative, message.Additionals = true, true, nil
	if asked.Type == dnsmessage.TypeA {
		message.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: asked.Name, Class: dnsmessage.ClassINET},
			Body:   &dnsmessage.AResource{A: address(asked.Name.String())},
		}}
	}
	packed, err := message.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// transfers are all that a step does with a server: each is tried against an endpoint.
var transfers = map[string]func(ctx context.Context, endpoint string, denied []string, paths Paths, dir string) error{
	"download": func(ctx context.Context, endpoint string, denied []string, paths Paths, dir string) error {
		host := strings.TrimPrefix(endpoint, "http://")
		reader, err := NewReader(workerapi.Input{AllowedHosts: []string{host}}, denied, paths, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		return reader.Copy(ctx, []Object{{Ref: endpoint + "/x", File: "x"}}, dir, 10, nil)
	},
	"fetch": func(ctx context.Context, endpoint string, denied []string, paths Paths, dir string) error {
		storage := s3Storage(endpoint, "calls", "")
		reader, err := NewReader(workerapi.Input{Storage: &storage}, denied, paths, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		if s3, ok := reader.(*s3Reader); ok {
			s3.pause = 0
		}
		return reader.Copy(ctx, []Object{{Ref: "x", File: "x"}}, dir, 10, nil)
	},
	"write": writing(func(ctx context.Context, writer Writer, dir string) error {
		_, err := writer.Write(ctx, dir, []File{{Name: "result"}})
		return err
	}),
	"read": writing(func(ctx context.Context, writer Writer, _ string) error {
		_, err := writer.Read(ctx, "manifest.json", 10)
		return err
	}),
	"sums": writing(func(ctx context.Context, writer Writer, _ string) error {
		_, err := writer.Sums(ctx, []string{"result"})
		return err
	}),
	"claim": writing(func(ctx context.Context, writer Writer, _ string) error {
		_, err := writer.Claim(ctx, "claim", []byte("me"), time.Hour)
		return err
	}),
	"remove": writing(func(ctx context.Context, writer Writer, _ string) error { return writer.Remove(ctx, "claim") }),
}

func writing(use func(context.Context, Writer, string) error) func(context.Context, string, []string, Paths, string) error {
	return func(ctx context.Context, endpoint string, denied []string, paths Paths, dir string) error {
		destination := workerapi.Destination{Storage: s3Storage(endpoint, "calls", ""), Path: "room/"}
		writer, err := NewWriter(destination, denied, paths, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		if s3, ok := writer.(*s3Writer); ok {
			s3.pause, s3.settle = 0, 0
		}
		return use(ctx, writer, dir)
	}
}

// TestDenied_NoTransferConnects tries to lead every transfer of a step into a network that is denied to it, and counts
// the connections that arrive there. Where the network is not denied, the same ways lead there.
func TestDenied_NoTransferConnects(t *testing.T) {
	resolve(t)
	paths, dir := Paths{Credentials: credentialsDir(t)}, t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "result"), []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	var tries sync.WaitGroup // side by side, as each waits between its attempts
	for way, host := range map[string]string{
		"address": deniedHost, "address in IPv6": "::ffff:" + deniedHost, "name": "inside.test", "name that changes": ".rebound.test",
		"redirect": permittedHost,
	} {
		for transfer, try := range transfers {
			target, open := startDeniedTarget(t), startDeniedTarget(t)
			tries.Go(func() {
				first, second := target.lead(host, func(endpoint string) error {
					return try(t.Context(), endpoint, []string{deniedHost + "/32"}, paths, dir)
				})
				if came := target.connections.Load(); came != 0 {
					t.Errorf("%s by %s: %d connections came through; %v, %v", transfer, way, came, first, second)
				}
				if reason := failure.Of(second).Reason; way != "redirect" && reason != workerapi.ReasonForbidden {
					t.Errorf("%s by %s: %v", transfer, way, second)
				}
			})
			tries.Go(func() {
				first, second := open.lead(host, func(endpoint string) error { return try(t.Context(), endpoint, nowhere, paths, dir) })
				if way != "redirect" && open.connections.Load() == 0 {
					t.Errorf("%s by %s does not lead there where it is not denied: %v, %v", transfer, way, first, second)
				}
			})
		}
	}
	tries.Wait()
}

// TestDenied_LocalNetworksByDefault: without a list, steps do not connect to this host, nor to metadata services.
func TestDenied_LocalNetworksByDefault(t *testing.T) {
	target := startDeniedTarget(t)
	paths, dir := Paths{Credentials: credentialsDir(t)}, t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "result"), []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	var tries sync.WaitGroup
	for name, try := range transfers {
		for _, host := range []string{deniedHost, "localhost", "::ffff:" + deniedHost, "::ffff:" + permittedHost} {
			tries.Go(func() {
				err := try(t.Context(), "http://"+net.JoinHostPort(host, target.port), nil, paths, dir)
				if failure.Of(err).Reason != workerapi.ReasonForbidden {
					t.Errorf("%s at %s: %v", name, host, err)
				}
			})
		}
	}
	tries.Wait()
	if came := target.connections.Load(); came != 0 {
		t.Errorf("%d connections came through", came)
	}
}

func TestDenied_ListThatCannotBeReadEndsTheStep(t *testing.T) {
	everything := []string{"everything"}
	_, err := NewReader(workerapi.Input{}, everything, Paths{}, slog.New(slog.DiscardHandler))
	checkFailure(t, err, workerapi.ReasonInvalidStep)
	_, err = NewWriter(workerapi.Destination{Storage: claim("out"), Path: "room/"}, everything, Paths{}, slog.New(slog.DiscardHandler))
	checkFailure(t, err, workerapi.ReasonInvalidStep)
}
