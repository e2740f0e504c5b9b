/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package spool

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// BenchmarkBacklog drains a backlog into a real API server, after as many bare creates of the same object by as many
// callers: the ratio of the rates is what is promised to be at least 0.5.
func BenchmarkBacklog(b *testing.B) {
	full := startCluster(b)
	dir := b.TempDir()
	h := makeHouse(b, dir, nil)
	h.api.down()
	for n := range b.N {
		d := deliver(fmt.Sprintf("drained-%d", n), 0)
		d.Namespace = builders.Namespace
		if _, err := h.Ingest(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		b.Fatal(err)
	}

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
		Dir: dir, Ingester: ingest.New(full, full, ingest.Options{}), Sources: full,
		Recorder: events.NewFakeRecorder(10), Log: logr.Discard(),
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	stop := house{Spool: s}.run(b)
	awaitEmpty(s)
	stop()
	drained := time.Since(started)
	b.ReportMetric(float64(b.N)/bare.Seconds(), "creates/s")
	b.ReportMetric(float64(b.N)/drained.Seconds(), "drained/s")
	b.ReportMetric(bare.Seconds()/drained.Seconds(), "ratio")
}

// startCluster runs a real API server until the benchmark ends, and returns a client that reads from a cache as the
// operator's does.
func startCluster(b *testing.B) client.Client {
	b.Helper()
	if os.Getenv("KUBEBUILDER_ASSETS") == "" {
		b.Skip("KUBEBUILDER_ASSETS is not set; `make envtest-assets` prints it")
	}
	log.SetLogger(logr.Discard())
	environment := &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}}
	config, err := environment.Start()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = environment.Stop() })
	config.QPS = -1
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	files, err := cache.New(config, cache.Options{Scheme: scheme})
	if err != nil {
		b.Fatal(err)
	}
	if err := ingest.SetupIndexes(b.Context(), files); err != nil {
		b.Fatal(err)
	}
	full, err := client.New(config, client.Options{Scheme: scheme, Cache: &client.CacheOptions{Reader: files}})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- files.Start(ctx) }()
	b.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			b.Error(err)
		}
	})
	namespace := &corev1.Namespace{}
	namespace.Name = builders.Namespace
	if err := full.Create(b.Context(), namespace); err != nil {
		b.Fatal(err)
	}
	return full
}
