// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/scheduler"
)

const (
	// overdueInterval is how often Jobs are looked for that no watch has shown.
	overdueInterval = 30 * time.Second
	// countPage is how many Jobs one list returns, as metadata: some 500 KB.
	countPage = 500
)

// errNotSynced says that a watch was stopped before it showed what there is.
var errNotSynced = errors.New("the manager stopped before the cache held all Jobs")

// Watch counts the Jobs of the cache, and follows the limits of sources and pipelines.
func (s *StepSlots) Watch(ctx context.Context, informers cache.Cache) error {
	for object, handler := range map[client.Object]toolscache.ResourceEventHandlerFuncs{
		&batchv1.Job{}: {
			AddFunc:    func(object any) { s.observe(object, false) },
			UpdateFunc: func(_, after any) { s.observe(after, false) },
			DeleteFunc: func(object any) { s.observe(lastState(object), true) },
		},
		&v1alpha1.RecordingFile{}: {
			DeleteFunc: func(object any) { // it is done, or gone
				if file, ok := lastState(object).(*v1alpha1.RecordingFile); ok {
					s.forget(client.ObjectKeyFromObject(file))
				}
			},
		},
		&v1alpha1.RecordingSource{}: {
			AddFunc:    func(object any) { s.setSource(object, false) },
			UpdateFunc: func(_, after any) { s.setSource(after, false) },
			DeleteFunc: func(object any) { s.setSource(lastState(object), true) },
		},
		&v1alpha1.RecordingPipeline{}: {
			AddFunc:    func(object any) { s.setPipeline(object, false) },
			UpdateFunc: func(_, after any) { s.setPipeline(after, false) },
			DeleteFunc: func(object any) { s.setPipeline(lastState(object), true) },
		},
	} {
		informer, err := informers.GetInformer(ctx, object)
		if err != nil {
			return fmt.Errorf("get informer of %T: %w", object, err)
		}
		registration, err := informer.AddEventHandler(handler)
		if err != nil {
			return fmt.Errorf("watch %T: %w", object, err)
		}
		s.synced = append(s.synced, registration.HasSynced)
	}
	return nil
}

// Start has files reconciled from now on that get a slot. It is the first half of a controller-runtime source.
func (s *StepSlots) Start(ctx context.Context, files workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	s.mu.Lock()
	s.files = files
	s.mu.Unlock()
	ticker := s.clock.NewTicker(overdueInterval)
	go func() {
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C():
				s.lookUpOverdue(ctx)
			}
		}
	}()
	return nil
}

// WaitForSync keeps the files' controller from reconciling before every Job counts. The watches may be behind the API
// server, into which another leader wrote until a moment ago: so the Jobs are listed once, and count as far as the watches
// have not shown them as they are.
func (s *StepSlots) WaitForSync(ctx context.Context) error {
	if !toolscache.WaitForCacheSync(ctx.Done(), s.synced...) {
		return errNotSynced
	}
	for _, namespace := range orAll(s.namespaces) {
		if err := s.count(ctx, namespace); err != nil {
			return fmt.Errorf("count the Jobs that run: %w", err)
		}
	}
	return nil
}

func (s *StepSlots) count(ctx context.Context, namespace string) error {
	jobs := &metav1.PartialObjectMetadataList{}
	jobs.SetGroupVersionKind(batchv1.SchemeGroupVersion.WithKind("JobList"))
	for {
		if err := s.live.List(ctx, jobs, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy},
			client.MatchingFields{"status.successful": "0"}, client.Limit(countPage), client.Continue(jobs.Continue)); err != nil {
			return err
		}
		for i := range jobs.Items {
			job := &jobs.Items[i]
			cached := &batchv1.Job{}
			err := s.cache.Get(ctx, client.ObjectKeyFromObject(job), cached)
			if client.IgnoreNotFound(err) != nil {
				return err
			}
			if err == nil && cached.ResourceVersion == job.ResourceVersion || !isOfFile(job) {
				continue
			}
			s.change(func(to *scheduler.Scheduler) {
				to.Expect(stepOf(job.Namespace, job.Labels), job.Name, job.UID, s.clock.Now())
			})
		}
		if jobs.Continue == "" {
			return nil
		}
	}
}

// lookUpOverdue reads the Jobs that no watch has shown for a while.
func (s *StepSlots) lookUpOverdue(ctx context.Context) {
	var overdue []types.NamespacedName
	s.change(func(to *scheduler.Scheduler) { overdue = to.Overdue(s.clock.Now()) })
	for _, name := range overdue {
		job := &batchv1.Job{}
		err := s.live.Get(ctx, name, job)
		if client.IgnoreNotFound(err) != nil {
			log.FromContext(ctx).Error(err, "Looking up a Job failed; it counts until that succeeds", "namespace", name.Namespace, "job", name.Name)
			continue
		}
		seen := scheduler.Observation{Step: scheduler.Step{Namespace: name.Namespace}, Job: name.Name, Ended: true}
		if err == nil {
			seen = observed(job)
		}
		s.change(func(to *scheduler.Scheduler) { to.Confirm(seen, s.clock.Now()) })
	}
}

func (s *StepSlots) observe(object any, gone bool) {
	job, ok := object.(*batchv1.Job)
	if !ok || !isOfFile(job) {
		return
	}
	seen := observed(job)
	if gone {
		seen.Active, seen.Ended = false, true
	}
	s.change(func(to *scheduler.Scheduler) { to.Observe(seen, s.clock.Now()) })
}

// observed is what counts of a Job. One that is being deleted counts until its pods are gone, and it with them.
func observed(job *batchv1.Job) scheduler.Observation {
	seen := scheduler.Observation{Step: stepOf(job.Namespace, job.Labels), Job: job.Name, UID: job.UID}
	for _, condition := range job.Status.Conditions {
		if (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed) && condition.Status == corev1.ConditionTrue {
			seen.Ended = true
		}
	}
	seen.Active = !seen.Ended && (job.Spec.Suspend == nil || !*job.Spec.Suspend)
	return seen
}

// isOfFile says that a Job belongs to a RecordingFile.
func isOfFile(job metav1.Object) bool {
	owner := metav1.GetControllerOf(job)
	return owner != nil && owner.Kind == "RecordingFile"
}

func (s *StepSlots) setSource(object any, gone bool) {
	source, ok := object.(*v1alpha1.RecordingSource)
	if !ok {
		return
	}
	most := 0
	if source.Spec.Concurrency != nil && !gone {
		most = int(*source.Spec.Concurrency)
	}
	s.change(func(to *scheduler.Scheduler) { to.SetSource(client.ObjectKeyFromObject(source), most, s.clock.Now()) })
}

func (s *StepSlots) setPipeline(object any, gone bool) {
	pipeline, ok := object.(*v1alpha1.RecordingPipeline)
	if !ok {
		return
	}
	var limits scheduler.PipelineLimits
	if most := pipeline.Spec.Concurrency; most != nil && !gone {
		if most.Files != nil {
			limits.Files = int(*most.Files)
		}
		limits.Steps = make(map[string]int, len(most.Steps))
		for _, step := range most.Steps {
			limits.Steps[step.Name] = int(step.Jobs)
		}
	}
	s.change(func(to *scheduler.Scheduler) {
		to.SetPipeline(client.ObjectKeyFromObject(pipeline), limits, s.clock.Now())
	})
}

// isRefused says that the API server has certainly not done what it was asked.
func isRefused(err error) bool {
	if errors.Is(err, errTaken) || errors.Is(err, errForged) {
		return true
	}
	status, ok := errors.AsType[*apierrors.StatusError](err)
	return ok && status.Status().Code >= 400 && status.Status().Code < 500
}
