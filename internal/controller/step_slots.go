// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"sync"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/scheduler"
)

// StepSlots gives the steps of files slots to run in, as far as the limits allow, and has a file reconciled that waited for
// one. Nothing of it is stored: the Jobs themselves are counted. It is safe for use by several goroutines.
type StepSlots struct {
	// cache reads the cache, and live the API server.
	cache, live client.Reader
	clock       clock.WithTicker
	// namespaces whose Jobs are counted; none: all.
	namespaces []string

	mu        sync.Mutex
	scheduler *scheduler.Scheduler
	// files is the queue of the files' controller; nil before that starts.
	files workqueue.TypedRateLimitingInterface[reconcile.Request]
	// synced say that the watches have shown what there was when they began.
	synced []toolscache.InformerSynced
}

// NewStepSlots makes slots that know of no Job. Watch has them count those of the namespaces; none: of all. cache reads the
// manager's cache, and live the API server.
func NewStepSlots(limits scheduler.Limits, cache, live client.Reader, clock clock.WithTicker, namespaces []string) *StepSlots {
	return &StepSlots{cache: cache, live: live, clock: clock, namespaces: namespaces, scheduler: scheduler.New(limits)}
}

// change changes the scheduler, and has the files reconciled that got a slot by that.
func (s *StepSlots) change(do func(*scheduler.Scheduler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do(s.scheduler)
	if s.files == nil {
		return
	}
	for _, name := range s.scheduler.Woken() {
		s.files.Add(reconcile.Request{NamespacedName: name})
	}
}

// Counts are how many steps wait, by the reason, and how many Jobs have a slot.
func (s *StepSlots) Counts() (waiting map[string]int, active int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scheduler.Waiting(), s.scheduler.Active()
}

// forget gives back what a file has that wants nothing any more.
func (s *StepSlots) forget(file types.NamespacedName) {
	s.change(func(to *scheduler.Scheduler) { to.Update(file, nil, s.clock.Now()) })
}

// admit holds back what a decision would start for which there is no slot.
func (s *StepSlots) admit(seen *gathered, decision *pipeline.Decision) {
	var wanted []scheduler.Request
	for i := range decision.Create {
		wanted = append(wanted, requestFor(seen.file, decision.Create[i].Job.Name, decision.Create[i].Job.Labels))
	}
	for i := range decision.Resume {
		child := &decision.Resume[i]
		wanted = append(wanted, requestFor(seen.file, child.Name, map[string]string{
			v1alpha1.LabelPipeline: seen.Pipeline.Name, v1alpha1.LabelStep: child.Step, v1alpha1.LabelSource: seen.file.Spec.SourceRef.Name,
			v1alpha1.LabelFile: seen.file.Name,
		}))
	}
	var held map[string]scheduler.Wait
	s.change(func(to *scheduler.Scheduler) {
		held = to.Update(client.ObjectKeyFromObject(seen.file), wanted, s.clock.Now())
	})
	for step, wait := range held {
		decision.Hold(step, wait.Reason, wait.For)
	}
}

func requestFor(file *v1alpha1.RecordingFile, job string, labels map[string]string) scheduler.Request {
	return scheduler.Request{Step: stepOf(file.Namespace, labels), Job: job, Order: scheduler.OrderOf(file)}
}

// stepOf is the step that a Job runs, as its labels say.
func stepOf(namespace string, labels map[string]string) scheduler.Step {
	return scheduler.Step{
		Namespace: namespace, Source: labels[v1alpha1.LabelSource], Pipeline: labels[v1alpha1.LabelPipeline],
		File: labels[v1alpha1.LabelFile], Name: labels[v1alpha1.LabelStep],
	}
}

// created says what came of creating a Job, or of finding that it was there already.
func (s *StepSlots) created(namespace, name string, job *batchv1.Job, err error) {
	s.change(func(to *scheduler.Scheduler) {
		switch {
		case isRefused(err):
			to.Release(namespace, name, s.clock.Now())
		case err != nil:
			to.Started(namespace, name, "", false, s.clock.Now()) // it may be there
		default:
			to.Started(namespace, name, job.UID, false, s.clock.Now())
			if seen := observed(job); !seen.Active {
				to.Confirm(seen, s.clock.Now()) // it is in a queue, or has ended
			}
		}
	})
}

// resumed says what came of resuming a Job. done: it was.
func (s *StepSlots) resumed(namespace string, child *pipeline.Child, done bool, err error) {
	s.change(func(to *scheduler.Scheduler) {
		if !done && (err == nil || isRefused(err)) {
			to.Release(namespace, child.Name, s.clock.Now())
			return
		}
		to.Started(namespace, child.Name, child.UID, true, s.clock.Now())
	})
}
