// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/spool"
)

// apiServer takes deliveries while it is up.
type apiServer struct {
	up      atomic.Bool
	written atomic.Int64
}

func (a *apiServer) Ingest(context.Context, ingest.Delivery) (ingest.Result, error) {
	if !a.up.Load() {
		return ingest.Result{}, &ingest.Error{Err: errors.New("connection refused")}
	}
	a.written.Add(1)
	return ingest.Result{Outcome: ingest.Created}, nil
}

func (a *apiServer) ready(context.Context) error {
	if !a.up.Load() {
		return errors.New("connection refused")
	}
	return nil
}

func openSpool(g *WithT, dir string, api *apiServer) *spool.Spool {
	s, err := spool.Open(spool.Options{
		Dir: dir, Ingester: api, Ready: api.ready, Log: logr.Discard(),
	})
	g.Expect(err).NotTo(HaveOccurred())
	return s
}

var start = ingest.Delivery{
	Namespace: "media", Source: "classroom", Received: time.Now(), Event: sparkrtc.Event{Type: sparkrtc.Start, TaskID: "job"},
	Body: []byte(`{"event_type":"RECORD_NEW_FILE_START","job_id":"job"}`),
}

// What the server takes while it closes is stored, and what the API server can take by then does not stay on disk.
func TestCallbacks_SpoolOutlivesTheServer(t *testing.T) {
	for name, c := range map[string]struct {
		returns       bool
		written, left int
	}{
		"the API server is back":       {true, 2, 0},
		"the API server is still away": {false, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			dir, api := t.TempDir(), &apiServer{}
			s := openSpool(g, dir, api)
			server := manager.RunnableFunc(func(ctx context.Context) error {
				_, first := s.Ingest(ctx, start)
				<-ctx.Done()
				_, last := s.Ingest(context.WithoutCancel(ctx), start)
				api.up.Store(c.returns)
				if c.returns {
					g.Eventually(func() bool { return s.Stats().BreakerOpen }, 10*time.Second).Should(BeFalse())
				}
				return errors.Join(first, last)
			})
			ctx, stop := context.WithCancel(t.Context())
			stop()
			g.Expect(callbacks{server: server, spool: s}.Start(ctx)).To(Succeed())
			g.Expect(api.written.Load()).To(BeEquivalentTo(c.written))

			s = openSpool(g, dir, api)
			g.Expect(s.Stats().Events).To(Equal(c.left))
			g.Expect(s.Close()).To(Succeed())
		})
	}
}

// An API server that takes longer than a caller waits, at each write, still drains the spool.
func TestSpool_SlowAPIServerDrains(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a slow API server")
	}
	g := NewWithT(t)
	scheme := runtime.NewScheme()
	g.Expect(v1alpha1.AddToScheme(scheme)).To(Succeed())
	slow := interceptor.NewClient(
		fake.NewClientBuilder().WithScheme(scheme).Build(),
		interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(ingest.DefaultCallTimeout + 500*time.Millisecond):
				return c.Create(ctx, object, options...)
			}
		}})
	s, err := spool.Open(spool.Options{
		Dir: t.TempDir(), DirectTimeout: 10 * time.Millisecond, Ingester: newIngester(slow, slow),
		Ready: func(context.Context) error { return nil }, Log: logr.Discard(),
	})
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(s.Ingest(t.Context(), start)).To(HaveField("Outcome", ingest.Spooled))
	draining, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Run(draining) }()
	g.Eventually(func() uint64 { return s.Stats().Drained }, 15*time.Second).Should(BeEquivalentTo(1))
	stop()
	<-ended
	g.Expect(s.Close()).To(Succeed())
}

func TestSpoolFlags(t *testing.T) {
	for problem, args := range map[string][]string{
		"--spool-max-bytes must be at least 16Mi, not 1Mi": {"--spool-max-bytes=1Mi"},
	} {
		t.Run(problem, func(t *testing.T) {
			command := newCommand()
			command.SetArgs(args)
			NewWithT(t).Expect(command.ExecuteContext(t.Context())).To(MatchError(ContainSubstring(problem)))
		})
	}
}
