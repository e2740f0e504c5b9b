// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"context"
	"crypto/rand"

	"go.opentelemetry.io/otel/trace"
)

// namedIDs gives the root span of a recording the IDs that follow from its name, and others random ones.
type namedIDs struct{}

type rootKey struct{}

// asRoot is a context in which the next span is the root of a recording's trace.
func (r Recording) asRoot() context.Context {
	return context.WithValue(context.Background(), rootKey{}, r.ids())
}

// NewIDs implements sdktrace.IDGenerator, for a span without a parent.
func (namedIDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	if named, ok := ctx.Value(rootKey{}).(trace.SpanContext); ok {
		return named.TraceID(), named.SpanID()
	}
	var id trace.TraceID
	_, _ = rand.Read(id[:]) // it does not fail
	return id, newSpanID()
}

// NewSpanID implements sdktrace.IDGenerator.
func (namedIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return newSpanID() }

func newSpanID() (id trace.SpanID) {
	_, _ = rand.Read(id[:]) // it does not fail
	return id
}
