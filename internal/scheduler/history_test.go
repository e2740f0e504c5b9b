// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package scheduler

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"
)

// TestScheduler_HoldsLimitsInAnyHistory: whatever happens, in whatever order, and however late the watch is, no step is
// started beyond a limit; when everything is seen, nothing waits that could start; and in the end everything has run.
func TestScheduler_HoldsLimitsInAnyHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := func(name string) int { return rapid.SampledFrom([]int{0, 1, 2, 5}).Draw(t, name) }
		w := newWorld(t, Limits{MaxActive: limit("max active"), MaxActivePerNamespace: limit("max active per namespace"), Weights: map[string]int{"a": 3}})
		namespaces, sources, pipelines, steps := []string{"a", "b", "c"}, []string{"s", "t"}, []string{"p", "q"}, []string{"x", "y"}
		drawFile := func() (types.NamespacedName, bool) {
			all := map[types.NamespacedName]bool{}
			for name := range w.files {
				all[name] = true
			}
			if len(all) == 0 {
				return types.NamespacedName{}, false
			}
			return rapid.SampledFrom(w.names(all)).Draw(t, "file"), true
		}
		drawJob := func() *worldJob {
			if running := w.running(); len(running) > 0 {
				return rapid.SampledFrom(running).Draw(t, "Job")
			}
			return nil
		}
		t.Repeat(map[string]func(*rapid.T){
			"new file": func(t *rapid.T) {
				f := &worldFile{
					name:   types.NamespacedName{Namespace: rapid.SampledFrom(namespaces).Draw(t, "namespace"), Name: fmt.Sprint("f", len(w.files))},
					source: rapid.SampledFrom(sources).Draw(t, "source"), pipeline: rapid.SampledFrom(pipelines).Draw(t, "pipeline"),
					order: Order{Priority: rapid.Int32Range(-10, 10).Draw(t, "priority"), Created: w.now.Unix(), UID: types.UID(fmt.Sprint(len(w.files)))},
					steps: steps[:rapid.IntRange(1, 2).Draw(t, "steps")],
				}
				w.files[f.name] = f
				w.woken[f.name] = true
			},
			"reconcile": func(t *rapid.T) {
				if names := w.names(w.woken); len(names) > 0 {
					w.reconcile(rapid.SampledFrom(names).Draw(t, "file"), rapid.SampledFrom([]string{"created", "created", "refused", "unanswered", "lost"}).Draw(t, "outcome"))
				}
			},
			"reconcile without cause": func(*rapid.T) {
				if name, ok := drawFile(); ok {
					w.reconcile(name, "created")
				}
			},
			"deliver": func(*rapid.T) { w.deliver() },
			"a Job ends": func(*rapid.T) {
				if job := drawJob(); job != nil {
					w.end(job)
				}
			},
			"a person deletes a Job": func(*rapid.T) {
				job := drawJob()
				if job == nil {
					return
				}
				if _, seen := w.cache[types.NamespacedName{Namespace: job.Namespace, Name: job.name}]; seen {
					w.delete(job)
				}
			},
			"suspend": func(*rapid.T) {
				if name, ok := drawFile(); ok {
					w.files[name].suspended = true
					w.woken[name] = true
					for _, job := range w.running() {
						if job.Namespace == name.Namespace && job.File == name.Name {
							job.suspended, job.suspendedByUs = true, true
							w.changed(job)
						}
					}
				}
			},
			"resume": func(*rapid.T) {
				if name, ok := drawFile(); ok {
					w.files[name].suspended = false
					w.woken[name] = true
				}
			},
			"delete": func(*rapid.T) {
				if name, ok := drawFile(); ok {
					w.files[name].deleted = true
					w.woken[name] = true
					for key, job := range w.jobs {
						if key.Namespace == name.Namespace && job.File == name.Name {
							w.delete(job)
						}
					}
				}
			},
			"limit of a source": func(t *rapid.T) {
				name := types.NamespacedName{Namespace: rapid.SampledFrom(namespaces).Draw(t, "namespace"), Name: rapid.SampledFrom(sources).Draw(t, "source")}
				w.useSlots()
				w.sources[name] = limit("concurrency")
				w.s.SetSource(name, w.sources[name], w.now)
				w.wake()
			},
			"limits of a pipeline": func(t *rapid.T) {
				name := types.NamespacedName{Namespace: rapid.SampledFrom(namespaces).Draw(t, "namespace"), Name: rapid.SampledFrom(pipelines).Draw(t, "pipeline")}
				w.useSlots()
				w.pipelines[name] = PipelineLimits{Files: limit("files"), Steps: map[string]int{"x": limit("step")}}
				w.s.SetPipeline(name, w.pipelines[name], w.now)
				w.wake()
			},
			"restart": func(*rapid.T) { w.restart() },
			"time": func(t *rapid.T) {
				w.now = w.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "minutes")) * time.Minute)
				w.confirm()
			},
			"settle": func(*rapid.T) {
				w.settle()
				w.isConserving()
			},
		})
		w.finish()
	})
}

// finish has everything run that can, and fails when something never does.
func (w *world) finish() {
	for _, f := range w.files {
		f.suspended = false
		w.woken[f.name] = true
	}
	for range 10_000 {
		w.settle()
		w.isConserving()
		running := w.running()
		if len(running) == 0 {
			break
		}
		w.now = w.now.Add(time.Minute)
		w.end(running[0])
	}
	for name, f := range w.files {
		if !f.deleted && f.done < len(f.steps) {
			w.t.Fatalf("file %v never ran: %d of %d steps", name, f.done, len(f.steps))
		}
	}
	if waiting := w.s.Waiting(); len(waiting) > 0 {
		w.t.Fatalf("still waiting: %v", waiting)
	}
}
