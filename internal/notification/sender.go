// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/cloudevents/sdk-go/v2/binding"
	"github.com/cloudevents/sdk-go/v2/event"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
)

// sendTimeout bounds one request, from the name to the header of the response. A receiver that has more to do should respond
// first.
const sendTimeout = 10 * time.Second

// Sender sends events, as networks.Client does, and reads no body.
type Sender struct {
	client *http.Client
	clock  clock.PassiveClock
}

// NewSender makes a Sender that never connects to the denied networks. roots are the authorities of the sinks' certificates;
// nil: the system's.
func NewSender(denied []netip.Prefix, roots *x509.CertPool, clk clock.PassiveClock) *Sender {
	return &Sender{clock: clk, client: networks.Client(denied, roots, sendTimeout)}
}

// send sends an event once. Its error is a *Fault, or says that the event cannot be encoded.
func (s *Sender) send(ctx context.Context, to *url.URL, mode v1alpha1.SinkMode, keys signingKeys, sent event.Event) error {
	request, err := s.request(ctx, to, mode, keys, sent)
	if err != nil {
		return err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return unreachable(err, to.Host)
	}
	_ = response.Body.Close() // nothing was written to it
	if fault := refused(response, to.Host, s.clock.Now()); fault != nil {
		return fault
	}
	return nil
}

func (s *Sender) request(ctx context.Context, to *url.URL, mode v1alpha1.SinkMode, keys signingKeys, sent event.Event) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	encoding := binding.WithForceStructured(ctx)
	if mode == v1alpha1.SinkBinary {
		encoding = binding.WithForceBinary(ctx)
	}
	if err := cehttp.WriteRequest(encoding, binding.ToMessage(&sent), request); err != nil {
		return nil, fmt.Errorf("encode the event: %w", err)
	}
	body, err := io.ReadAll(request.Body) // it is in memory
	if err != nil {
		return nil, fmt.Errorf("encode the event: %w", err)
	}
	request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	request.Header.Set("User-Agent", "sparkrtc-recording-operator")
	if len(keys) > 0 {
		keys.sign(request.Header, sent.ID(), body, s.clock.Now())
	}
	return request, nil
}
