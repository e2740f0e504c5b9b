// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package tracing sends OpenTelemetry traces by OTLP over HTTP: one trace for each run of a RecordingFile, from the callback
// that reported it to what was published. Nothing carries a trace from one process to the next: its ID follows from the
// file's name and the run, which every process knows. So a trace costs no write, and no part of a pod is needed for it.
package tracing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/go-logr/logr"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

const (
	// shutdownTimeout bounds how long a process that ends sends what it still has.
	shutdownTimeout = 5 * time.Second
	// path is where OTLP over HTTP takes traces, unless the endpoint names another.
	path = "/v1/traces"
)

// Tracer records spans. A nil Tracer records nothing. It is safe for concurrent use, and no call waits for the collector: what
// that does not take in time is dropped.
type Tracer struct {
	tracer   trace.Tracer
	provider *sdktrace.TracerProvider
}

// Options say where traces go, and from whom.
type Options struct {
	// Endpoint is the URL of an OTLP collector, for example http://collector.observability:4318; empty means no traces.
	Endpoint string
	// Service is the process's name, and Version the operator's.
	Service, Version string
	Log              logr.Logger
}

// New makes a Tracer; nil when there is no endpoint. It connects to nothing before the first span. Headers that a
// collector asks for, such as a token, come from OTEL_EXPORTER_OTLP_HEADERS.
func New(ctx context.Context, o Options) (*Tracer, error) {
	if o.Endpoint == "" {
		return nil, nil //nolint:nilnil // a nil Tracer records nothing
	}
	target, err := parse(o.Endpoint)
	if err != nil {
		return nil, err
	}
	client, err := newCollector(target, os.Getenv(headersVariable))
	if err != nil {
		return nil, err
	}
	exporter, err := otlptrace.New(ctx, client)
	if err != nil {
		return nil, fmt.Errorf("prepare the OTLP exporter: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { o.Log.Error(err, "Sending traces failed; some are lost") }))
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithIDGenerator(namedIDs{}),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", o.Service), attribute.String("service.version", o.Version),
		)),
	)
	return &Tracer{tracer: provider.Tracer("sparkrtc.dev/recording-operator"), provider: provider}, nil
}

var errEndpoint = errors.New("must be the URL of an OTLP collector over HTTP, for example http://collector.observability:4318")

// Validate says what is wrong with an endpoint.
func Validate(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	_, err := parse(endpoint)
	return err
}

// parse is the URL that traces are posted to. One with a password is refused: it would stand in errors.
func parse(endpoint string) (string, error) {
	target, err := url.Parse(endpoint)
	if err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "" || target.User != nil ||
		target.RawQuery != "" || target.Fragment != "" {
		return "", errEndpoint
	}
	if target.Path == "" || target.Path == "/" {
		target.Path = path
	}
	return target.String(), nil
}

// Start implements manager.Runnable: it sends what is left when the process ends.
func (t *Tracer) Start(ctx context.Context) error {
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if err := t.provider.Shutdown(last); err != nil {
		otel.Handle(err)
	}
	return nil
}

// NeedLeaderElection implements manager.LeaderElectionRunnable.
func (*Tracer) NeedLeaderElection() bool { return false }

// Recording is what a trace is about: a run of a RecordingFile. The first is run 1.
type Recording struct {
	Namespace, Name string
	Run             int32
}

// ids are those of the trace and of its root span.
func (r Recording) ids() trace.SpanContext {
	sum := sha256.Sum256(fmt.Appendf(nil, "recording-trace/v1\x00%s\x00%s\x00%d", r.Namespace, r.Name, max(r.Run, 1)))
	var named trace.SpanContextConfig
	copy(named.TraceID[:], sum[:])
	copy(named.SpanID[:], sum[len(named.TraceID):])
	named.TraceFlags, named.Remote = trace.FlagsSampled, true
	return trace.NewSpanContext(named)
}

// span is a stretch of time in a trace.
type span struct {
	name       string
	kind       trace.SpanKind
	start, end time.Time
	attributes []attribute.KeyValue
	// failed says why it failed; empty: it did not.
	failed string
}

// record records a span under the one of the context, and returns the context for those under it.
func (t *Tracer) record(ctx context.Context, one span) context.Context {
	under, recorded := t.tracer.Start(ctx, one.name, trace.WithSpanKind(one.kind), trace.WithTimestamp(one.start), trace.WithAttributes(one.attributes...))
	if one.failed != "" {
		recorded.SetStatus(codes.Error, one.failed)
	}
	end := one.end
	if end.Before(one.start) {
		end = one.start // the clocks of two machines differ
	}
	recorded.End(trace.WithTimestamp(end))
	return under
}

// under is a context for spans right below the root of a recording's trace.
func (r Recording) under() context.Context {
	return trace.ContextWithRemoteSpanContext(context.Background(), r.ids())
}
