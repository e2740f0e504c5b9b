// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
)

// backlog is what waited in the spools when the API server was back.
type backlog struct {
	waiting, drained int
	took             time.Duration
	// empty says that the spools were seen empty in the end; else another fault came first.
	empty bool
}

func (b backlog) rate() float64 { return float64(b.drained) / b.took.Seconds() }

// outageEnds waits for the API server, and mostly for the backlog too. What still waits when the next fault comes is a
// case of its own.
func (f *faults) outageEnds(ctx context.Context, random *rand.Rand) error {
	if err := f.cluster.waitUp(ctx); err != nil {
		return err
	}
	if random.IntN(4) == 0 {
		return nil
	}
	b, err := f.fleet.drain(ctx, 20*time.Second)
	f.mu.Lock()
	f.backlogs = append(f.backlogs, b)
	f.mu.Unlock()
	return err
}

// drain watches the spools until they are empty.
func (f *fleet) drain(ctx context.Context, patience time.Duration) (backlog, error) {
	begin := time.Now()
	f.look(ctx)
	b := backlog{waiting: int(f.now(spoolEvents))}
	before := f.totals()[spoolDrained]
	for {
		b.took, b.drained, b.empty = time.Since(begin), int(f.totals()[spoolDrained]-before), f.now(spoolEvents) == 0
		if b.empty || b.took > patience {
			return b, nil
		}
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return b, err
		}
		f.look(ctx)
	}
}

// clients is how many work at once where a rate is measured.
const clients = 32

// measureDrain lets n callbacks of n new files come while the API server is away, and watches them drain when nothing
// else goes on.
func (c *chaos) measureDrain(ctx context.Context, n int) (backlog, error) {
	deliveries := make([]*delivery, n)
	for i := range deliveries {
		deliveries[i] = c.generator.single()
	}
	c.cluster.apiServer.pause()
	err := parallel(ctx, n, func(ctx context.Context, i int) error {
		d := deliveries[i]
		d.sign()
		r := c.fleet.replicas[i%len(c.fleet.replicas)]
		code, _, err := callbacks.Post(ctx, c.load.client, r.callbacks+d.source.path(), d.body, d.proof)
		if err == nil && code != http.StatusOK {
			err = fmt.Errorf("%s answered %d with the API server away", r.name, code)
		}
		if err == nil {
			d.safe.Store(true)
		}
		return err
	})
	c.cluster.apiServer.resume()
	if err != nil {
		return backlog{}, fmt.Errorf("fill the spools: %w", err)
	}
	return c.fleet.drain(ctx, 2*time.Minute)
}

// measureCreates is how many such files a second the API server takes when nobody looks at them.
func (c *chaos) measureCreates(ctx context.Context, n int) (perSecond float64, err error) {
	start, end := metav1.NewTime(c.generator.epoch), metav1.NewTime(c.generator.epoch.Add(time.Minute))
	begin := time.Now()
	err = parallel(ctx, n, func(ctx context.Context, i int) error {
		object := fmt.Sprintf("Record/bare/job-%06d/camera/HLS/0.m3u8", i)
		return c.cluster.k8s.Create(ctx, &v1alpha1.RecordingFile{
			ObjectMeta: metav1.ObjectMeta{Namespace: bareNamespace, Name: fmt.Sprintf("camera-%08d-0", i), Labels: map[string]string{v1alpha1.LabelSource: "bare"}},
			Spec: v1alpha1.RecordingFileSpec{
				SourceRef: v1alpha1.LocalReference{Name: "bare"}, Object: v1alpha1.ObjectIdentity{Bucket: bucket, Key: object},
				TaskIDs: []string{fmt.Sprintf("job-%06d", i)},
				Reported: &v1alpha1.ReportedRecording{
					RecordingIdentity: v1alpha1.RecordingIdentity{App: appID, Room: "room", Stream: "camera", Format: "HLS"},
					RecordingFacts: v1alpha1.RecordingFacts{
						SizeBytes: 24000000, DurationSeconds: 60, StartTime: &start, EndTime: &end, Width: 1280, Height: 720,
					},
					DownloadURL: "https://" + bucket + ".obs.example.com/" + object, Location: "obs.example.com",
				},
			},
		})
	})
	return float64(n) / time.Since(begin).Seconds(), err
}

// parallel does the work of all numbers below n, as many at once as there are clients.
func parallel(ctx context.Context, n int, do func(context.Context, int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range clients {
		group.Go(func() error {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(ctx, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}
