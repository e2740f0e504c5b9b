// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// headersVariable names headers that are sent to the collector, as OpenTelemetry's exporters read them:
// name=value,name=value, with the values encoded as in a URL.
const headersVariable = "OTEL_EXPORTER_OTLP_HEADERS"

// exportTimeout bounds one request to the collector.
const exportTimeout = 5 * time.Second

// collector is an otlptrace.Client. OpenTelemetry's own brings gRPC, and makes the receiver and the manager 14 MB larger.
type collector struct {
	url     string
	headers http.Header
	client  http.Client
}

func newCollector(endpoint, headers string) (*collector, error) {
	parsed, err := parseHeaders(headers)
	if err != nil {
		return nil, err
	}
	parsed.Set("Content-Type", "application/x-protobuf")
	return &collector{url: endpoint, headers: parsed, client: http.Client{
		Timeout: exportTimeout,
		// A redirect would take the headers with it.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// errHeaders does not name the header, whose value is a secret.
var errHeaders = errors.New(headersVariable + ": must be name=value, several separated by commas, with values encoded as in a URL")

func parseHeaders(list string) (http.Header, error) {
	headers := http.Header{}
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, encoded, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(encoded))
		if !found || err != nil || strings.TrimSpace(name) == "" {
			return nil, errHeaders
		}
		headers.Set(strings.TrimSpace(name), value)
	}
	return headers, nil
}

// Start implements otlptrace.Client.
func (*collector) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (*collector) Stop(context.Context) error { return nil }

// UploadTraces implements otlptrace.Client. What the collector does not take is lost: a trace is worth no memory.
func (c *collector) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// An ExportTraceServiceRequest has the same field.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err != nil {
		return fmt.Errorf("encode traces: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	request.Header = c.headers.Clone()
	response, err := c.client.Do(request)
	if err != nil {
		return fmt.Errorf("send traces: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10))
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("send traces: the collector answered %d", response.StatusCode)
	}
	return nil
}
