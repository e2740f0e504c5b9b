// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
	"sparkrtc.dev/recording-operator/internal/testing/operator"
)

// Every other kind of callback takes turns with bare creates: so many rounds of so many requests at most. With fewer of them, the
// figures would depend on whether the API server collects garbage in a phase.
const (
	othersRounds   = 4
	othersMeasured = 500
)

// other is a kind of callback that writes something else than a new file.
type other struct {
	name string
	// most is how many times a bare create it may cost.
	most float64
	// prepare makes ready what the callbacks meet.
	prepare func(ctx context.Context, k8s client.Client, i int) error
	event   func(i int) map[string]any
}

// others are the kinds of callbacks besides new COMPLETEs.
func (c *caller) others(completed func(int) string) []other {
	starts := func(count int) other {
		id := func(i int) string { return fmt.Sprintf("%d-starts-%d", count, i) }
		return other{
			prepare: func(ctx context.Context, k8s client.Client, i int) error {
				return k8s.Create(ctx, taskWithStarts(id(i), count))
			},
			event: func(i int) map[string]any { return callbacks.Start("job-"+id(i), c.room) },
		}
	}
	five, many := starts(5), starts(200)
	five.name, five.most = "START on a task with 5 starts", 1.5
	many.name, many.most = "START on a task with 200 starts", 4
	over := func(task string) func(i int) map[string]any {
		return func(i int) map[string]any {
			return map[string]any{"event_type": "CLOUD_RECORD_SERVER_OVER", "app_id": "app", "job_id": fmt.Sprintf("job-%s-%d", task, i), "room_id": c.room}
		}
	}
	return []other{
		{name: "duplicate COMPLETE", most: 1.5, event: func(i int) map[string]any { return c.complete(completed(i)) }},
		five, many,
		{name: "OVER of a task that is not known", most: 1.2, event: over("unknown")},
		{name: "OVER of a task with one start", most: 1.2, event: over("known"),
			prepare: func(ctx context.Context, k8s client.Client, i int) error {
				return k8s.Create(ctx, taskWithStarts(fmt.Sprintf("known-%d", i), 1))
			}},
	}
}

// taskWithStarts is a task to which so many files have begun.
func taskWithStarts(id string, count int) *v1alpha1.RecordingTask {
	task := ingest.NewTask(namespace, sourceName, "job-"+id)
	task.Spec.App, task.Spec.Room, task.Spec.Stream, task.Spec.Format = "app", callbackRoom, "camera", "HLS"
	task.Spec.Starts = map[string]v1alpha1.StartTimestamp{}
	for i := range count {
		task.Spec.Starts[fmt.Sprintf("%016x", i)] = v1alpha1.StartTimestamp(fmt.Sprint(1_700_000_000 + i))
	}
	return task
}

// measured is what one kind of callback costs.
type measured struct {
	Name string `json:"name"`
	// Creates is the CPU time of one, in that of bare creates; Most is the aim.
	Creates float64 `json:"creates"`
	Most    float64 `json:"most"`
	phase
}

// measureOthers measures every other kind of callback beside bare creates.
func (r runner) measureOthers(ctx context.Context, k8s client.Client, c *caller, completed func(int) string) ([]measured, error) {
	r.requests, r.rounds = min(r.requests, othersMeasured), othersRounds
	r.profiles = nil
	var found []measured
	for number, kind := range c.others(completed) {
		if err := prepareAll(ctx, k8s, kind, r.requests*r.rounds); err != nil {
			return nil, fmt.Errorf("prepare %s: %w", kind.name, err)
		}
		bare := bareCreates(k8s, func(i int) string { return fmt.Sprintf("other-%d-%d", number, i) })
		one, err := r.measureOther(ctx, kind, bare, func(i int) (func(context.Context) error, error) { return c.signed(kind.event(i)) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", kind.name, err)
		}
		found = append(found, one)
	}
	return found, nil
}

// measureOther has callbacks of one kind and bare creates take turns.
func (r runner) measureOther(ctx context.Context, kind other, bare, callbacks request) (measured, error) {
	requests := [2]request{bare, callbacks}
	var samples [2]sample
	for round := range r.rounds {
		for turn := range requests {
			n := (round + turn) % len(requests)
			if err := waitForQuiet(ctx, r.operator); err != nil {
				return measured{}, err
			}
			one, err := r.phase(ctx, kind.name, func(i int) (func(context.Context) error, error) { return requests[n](round*r.requests + i) })
			if err != nil {
				return measured{}, err
			}
			samples[n].add(one)
		}
	}
	found := measured{Name: kind.name, Most: kind.most, phase: samples[1].phase()}
	creates := samples[0].phase()
	found.Creates = found.totalCPU() / creates.totalCPU()
	return found, nil
}

func prepareAll(ctx context.Context, k8s client.Client, kind other, count int) error {
	if kind.prepare == nil {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range count {
		group.Go(func() error { return kind.prepare(ctx, k8s, i) })
	}
	return group.Wait()
}

// waitForQuiet waits until the manager has done what came before, so that a phase is not charged for it.
func waitForQuiet(ctx context.Context, started *operated) error {
	const idle = 20 // milliseconds of CPU time in a second
	last := math.Inf(-1)
	return operator.WaitFor(ctx, time.Second, "the manager to be idle", func(context.Context) (bool, error) {
		now := started.processes.cpu()["manager"]
		used := now - last
		last = now
		return used < idle, nil
	})
}

// describeOthers is a table for people to read.
func describeOthers(found []measured) string {
	var text strings.Builder
	for _, kind := range found {
		names := slices.Sorted(maps.Keys(kind.CPU))
		shares := make([]string, 0, len(names))
		for _, name := range names {
			shares = append(shares, fmt.Sprintf("%s %.2f", name, kind.CPU[name]))
		}
		fmt.Fprintf(&text, "%s: %.2f bare creates by CPU (aim: at most %.1f); %.0f/s, CPU ms: %s\n",
			kind.Name, kind.Creates, kind.Most, kind.Rate, strings.Join(shares, ", "))
	}
	return text.String()
}
