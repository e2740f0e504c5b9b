// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package callbacks makes and sends signed callbacks as SparkRTC does, for programs that measure and break the receiver.
package callbacks

import (
	"bytes"
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// Key is the callback key that a Sender signs with, as a Secret has it.
const Key = "0123456789abcdef0123456789abcdef"

// Sender sends signed callbacks to one source. It is safe for concurrent use.
type Sender struct {
	url    string
	key    sparkrtc.Key
	client *http.Client
}

// NewSender makes a Sender for a source. base is the receiver's URL, such as http://127.0.0.1:8090, and from the address of
// this machine that requests come from; empty: any.
func NewSender(base, namespace, source, from string) *Sender {
	key, err := sparkrtc.ParseKey([]byte(Key))
	if err != nil {
		panic(err) // a constant
	}
	return &Sender{url: base + sparkrtc.Path(namespace, source), key: key, client: NewClient(from)}
}

// NewClient makes an HTTP client that many goroutines may send callbacks with, from an address of this machine; empty: any.
func NewClient(from string) *http.Client {
	dialer := net.Dialer{Timeout: 2 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	// Longer than the receiver takes to answer.
	return &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DialContext: dialer.DialContext}}
}

// Sign signs a body with the present time. Each signature is another.
func (s *Sender) Sign(body []byte) (sparkrtc.Proof, error) {
	return sparkrtc.Sign(s.key, rand.Text(), strconv.FormatInt(time.Now().Unix(), 10), body)
}

// Send signs a body and posts it. It returns the response's status code and body.
func (s *Sender) Send(ctx context.Context, body []byte) (int, []byte, error) {
	proof, err := s.Sign(body)
	if err != nil {
		return 0, nil, err
	}
	return s.Post(ctx, body, proof)
}

// Post posts a body that is signed. It returns the response's status code and body.
func (s *Sender) Post(ctx context.Context, body []byte, proof sparkrtc.Proof) (int, []byte, error) {
	return Post(ctx, s.client, s.url, body, proof)
}

// Post posts a signed body to a source's URL. It returns the response's status code and body.
func Post(ctx context.Context, client *http.Client, url string, body []byte, proof sparkrtc.Proof) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	proof.SetHeader(request.Header)
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	content, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	return response.StatusCode, content, err
}
