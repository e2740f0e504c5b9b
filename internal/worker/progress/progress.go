// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package progress counts how far a container of a step is, and serves it.
package progress

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Unit is what a Meter counts.
type Unit int

const (
	// Items have no rate.
	Items Unit = iota
	// Bytes are fetched or published.
	Bytes
	// Milliseconds are those of the recording.
	Milliseconds
)

// Meter counts what one container has done. A nil Meter counts nothing. It is safe for concurrent use.
type Meter struct {
	stage v1alpha1.StepStage
	now   func() time.Time
	done  atomic.Int64

	mu    sync.Mutex
	unit  Unit
	total int64
	began time.Time
	// reached is the highest percent that was reported.
	reached int32
}

// rateAfter is how long something goes on before its rate means anything.
const rateAfter = time.Second

// New makes the Meter of a stage.
func New(stage v1alpha1.StepStage, now func() time.Time) *Meter {
	from, _, _ := workerapi.Share(stage)
	return &Meter{stage: stage, now: now, began: now(), reached: from}
}

// Expect says how much there is to do; 0: it is not known, and the percent stays where it is. Counting and the time that
// the rate is taken over begin here.
func (m *Meter) Expect(unit Unit, total int64) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unit, m.total, m.began = unit, total, m.now()
	m.done.Store(0)
}

// Add counts what was done; below zero it has to be done again.
func (m *Meter) Add(count int64) {
	if m != nil {
		m.done.Add(count)
	}
}

// Report is how far the container is. The percent never goes back. The rate is that since Expect.
func (m *Meter) Report() workerapi.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	done := max(0, m.done.Load())
	report := workerapi.Progress{Stage: m.stage}
	if elapsed := m.now().Sub(m.began); elapsed >= rateAfter {
		rate := int64(float64(done) / elapsed.Seconds())
		switch m.unit {
		case Bytes:
			report.BytesPerSecond = rate
		case Milliseconds:
			report.MediaMillisecondsPerSecond = rate
		case Items:
		}
	}
	if from, to, _ := workerapi.Share(m.stage); m.total > 0 {
		part := float64(min(done, m.total)) / float64(m.total)
		m.reached = max(m.reached, from+int32(part*float64(to-from)))
	}
	report.Percent = m.reached
	return report
}

type contextKey struct{}

// With is a context whose transfers are counted by a Meter.
func With(ctx context.Context, meter *Meter) context.Context {
	return context.WithValue(ctx, contextKey{}, meter)
}

// From is the Meter that counts the transfers of a context; nil: none does.
func From(ctx context.Context) *Meter {
	meter, _ := ctx.Value(contextKey{}).(*Meter)
	return meter
}
