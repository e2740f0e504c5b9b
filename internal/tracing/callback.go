// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/internal/ingest"
)

// Ingester stores deliveries by another one, and traces those that a RecordingFile came of.
type Ingester struct {
	Next interface {
		Ingest(ctx context.Context, d ingest.Delivery) (ingest.Result, error)
	}
	Tracer *Tracer
	Clock  clock.PassiveClock
}

// Ingest implements spool.Ingester. The span of a callback lasts from its receipt until it is stored: for one that came out of
// the spool, the time that it lay there is part of it.
func (i Ingester) Ingest(ctx context.Context, d ingest.Delivery) (ingest.Result, error) {
	begin := i.Clock.Now()
	result, err := i.Next.Ingest(ctx, d)
	if err != nil || result.File == "" || i.Tracer == nil {
		return result, err
	}
	now := i.Clock.Now()
	about := []attribute.KeyValue{
		attribute.String("recording.namespace", d.Namespace), attribute.String("recording.source", d.Source), attribute.String("recording.outcome", string(result.Outcome)),
	}
	callback := i.Tracer.record(Recording{Namespace: d.Namespace, Name: result.File, Run: 1}.under(), span{
		name: "callback", kind: trace.SpanKindServer, start: d.Received, end: now, attributes: about,
	})
	i.Tracer.record(callback, span{name: "store", kind: trace.SpanKindClient, start: begin, end: now})
	return result, nil
}
