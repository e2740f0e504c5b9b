// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// BenchmarkBacklog drains a backlog into a real API server, after as many bare creates of the same object by as many
// callers: the ratio of the rates is to be at least 0.7.
func BenchmarkBacklog(b *testing.B) {
	log.SetLogger(logr.Discard())
	full := apiserver.Start(b).Client
	namespace := &corev1.Namespace{}
	namespace.Name = builders.Namespace
	if err := full.Create(b.Context(), namespace); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	fill(b, dir, b.N, nil)

	b.ResetTimer()
	started := time.Now()
	var creators errgroup.Group
	creators.SetLimit(DefaultWorkers)
	for n := range b.N {
		creators.Go(func() error {
			file := builders.MakeRecordingFile(fmt.Sprintf("bare-%d", n), "classroom").Of("app", fmt.Sprintf("bare-%d", n), "", "").Obj()
			return full.Create(b.Context(), file)
		})
	}
	if err := creators.Wait(); err != nil {
		b.Fatal(err)
	}
	bare := time.Since(started)

	started = time.Now()
	s, err := Open(Options{
		Dir: dir, Ingester: ingest.New(full, full, ingest.Options{}), Rejecter: &rejecter{},
		Ready: func(context.Context) error { return nil }, Log: logr.Discard(),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	stop := harness{Spool: s}.run(b)
	awaitEmpty(b, s)
	stop()
	drained := time.Since(started)
	b.ReportMetric(float64(b.N)/bare.Seconds(), "creates/s")
	b.ReportMetric(float64(b.N)/drained.Seconds(), "drained/s")
	b.ReportMetric(bare.Seconds()/drained.Seconds(), "ratio")
}
