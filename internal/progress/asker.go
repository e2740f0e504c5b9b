// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package progress asks the pods of running steps how far they are, and decides what of it is worth writing. Pods are
// their tenants': what they answer is bounded in bytes and time, and changes nothing but a number that people read.
package progress

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"time"

	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// askTimeout bounds a question with its answer.
const askTimeout = time.Second

// Asker asks pods.
type Asker struct {
	client *http.Client
	port   uint16
}

// NewAsker makes an Asker. It connects to the port of a pod, unless its address is in a denied network; 0 stands for
// workerapi.ProgressPort.
func NewAsker(denied []netip.Prefix, port uint16) *Asker {
	if port == 0 {
		port = workerapi.ProgressPort
	}
	return &Asker{port: port, client: networks.Client(denied, nil, askTimeout)}
}

// Ask asks the pod at an IP address.
func (a *Asker) Ask(ctx context.Context, ip string) (workerapi.Progress, error) {
	address, err := netip.ParseAddr(ip)
	if err != nil || address.Zone() != "" {
		return workerapi.Progress{}, errors.New("the pod has no IP address")
	}
	url := "http://" + netip.AddrPortFrom(address, a.port).String() + workerapi.ProgressPath
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return workerapi.Progress{}, fmt.Errorf("ask for the progress: %w", err)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return workerapi.Progress{}, fmt.Errorf("ask for the progress: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return workerapi.Progress{}, fmt.Errorf("ask for the progress: HTTP status %d", response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, workerapi.MaxProgress+1))
	if err != nil {
		return workerapi.Progress{}, fmt.Errorf("read the progress: %w", err)
	}
	return workerapi.DecodeProgress(data)
}
