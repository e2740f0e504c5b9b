// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"k8s.io/utils/clock"
)

// A load balancer opens connections ahead of time, and sends the first request over one when it comes.
func TestServer_FirstRequestMayComeLate(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time-outs")
	}
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			const readTimeout = 300 * time.Millisecond
			dir := t.TempDir()
			writeCertificate(t, dir, "receiver")
			o := startServer(t, func(c *Config) {
				c.Limits.ReadTimeout = readTimeout
				if scheme == "https" {
					c.CertDir = dir
				}
			}, nil)
			connection, err := net.Dial("tcp", o.address)
			if err != nil {
				t.Fatal(err)
			}
			if scheme == "https" {
				secure := tls.Client(connection, &tls.Config{InsecureSkipVerify: true})
				if err := secure.HandshakeContext(t.Context()); err != nil {
					t.Fatal(err)
				}
				connection = secure
			}
			defer func() { _ = connection.Close() }()
			// The server gets no sign of life for longer than a header may take.
			select {
			case <-clock.RealClock{}.After(2 * readTimeout):
			case <-t.Context().Done():
			}
			content := fixture(t, "start-hls.json")
			if err := signed(t, "http://receiver"+path, content).Write(connection); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(connection), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != http.StatusOK {
				t.Errorf("answered %d", response.StatusCode)
			}
		})
	}
}

// A header that begins and does not end is cut off in ReadTimeout, whenever it begins.
func TestServer_FirstHeaderIsBoundedFromItsFirstByte(t *testing.T) {
	const readTimeout = 200 * time.Millisecond
	o := startServer(t, func(c *Config) { c.Limits.ReadTimeout = readTimeout }, nil)
	connection, err := net.Dial("tcp", o.address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	if _, err := connection.Write([]byte("POST ")); err != nil {
		t.Fatal(err)
	}
	if err := connection.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(connection); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still open after ten seconds")
	}
}
