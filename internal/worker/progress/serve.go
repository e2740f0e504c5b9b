// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	// maxConnections bounds what those who may connect to the pod can take of its memory.
	maxConnections = 4
	// patience is how long a connection may last: one request of some hundred bytes, and its answer.
	patience = 2 * time.Second
	// maxHeader bounds the header of a request, in bytes; net/http adds 4096.
	maxHeader = 1 << 10
)

// Address is where a container of a step serves its progress.
func Address() string { return fmt.Sprintf(":%d", workerapi.ProgressPort) }

// Serve answers questions for the progress until stop is called. It returns the address that it listens on.
func Serve(ctx context.Context, address string, meter *Meter) (listening net.Addr, stop func(), err error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, nil, fmt.Errorf("serve the progress: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+workerapi.ProgressPath, func(w http.ResponseWriter, _ *http.Request) {
		data, err := json.Marshal(meter.Report())
		if err != nil {
			http.Error(w, "no progress", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(data) // the client is gone
	})
	server := &http.Server{
		Handler: mux, ReadTimeout: patience, WriteTimeout: patience, MaxHeaderBytes: maxHeader,
		// What untrusted clients send is no news for the log of a step.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server.SetKeepAlivesEnabled(false)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(netutil.LimitListener(listener, maxConnections)) // it ends by Close
	}()
	return listener.Addr(), func() {
		_ = server.Close()
		<-ended
	}, nil
}
