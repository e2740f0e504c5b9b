// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

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

const callbackKey = "0123456789abcdef0123456789abcdef"

// caller posts signed callbacks to one source.
type caller struct {
	url    string
	key    sparkrtc.Key
	client http.Client
}

// newCaller sends from an address of this host.
func newCaller(namespace, source, from string) *caller {
	key, err := sparkrtc.ParseKey([]byte(callbackKey))
	if err != nil {
		panic(err) // a constant
	}
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return &caller{
		url: "http://" + callbackAddress + sparkrtc.Path(namespace, source), key: key,
		client: http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DialContext: dialer.DialContext}},
	}
}

// send signs a body, and returns the code of the answer.
func (c *caller) send(ctx context.Context, body []byte) (int, error) {
	proof, err := sparkrtc.Sign(c.key, rand.Text(), strconv.FormatInt(time.Now().Unix(), 10), body)
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	proof.SetHeader(request.Header)
	response, err := c.client.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode, err
}
