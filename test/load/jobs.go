// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// processedSource is the source whose files are processed.
	processedSource = "processed"
	processedRoom   = "processed"
	// jobsMeasured is how many files are processed, one after the other.
	jobsMeasured = 20
	// jobPause lets the burst that a callback is be over before the next one.
	jobPause = time.Second
)

// processing makes what a file needs to get a Job.
func processing() []client.Object {
	named := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: namespace, Name: name} }
	volume := &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "archive"}
	return []client.Object{
		&v1alpha1.StorageLocation{ObjectMeta: named("archive"), Spec: v1alpha1.StorageLocationSpec{PersistentVolumeClaim: volume}},
		&v1alpha1.RecordingPipeline{ObjectMeta: named("keep"), Spec: v1alpha1.RecordingPipelineSpec{Steps: []v1alpha1.Step{{
			Name: "keep", Archive: &v1alpha1.Archive{}, Output: &v1alpha1.StepOutput{StorageRef: v1alpha1.LocalReference{Name: "archive"}},
		}}}},
		&v1alpha1.RecordingSource{ObjectMeta: named(processedSource), Spec: v1alpha1.RecordingSourceSpec{
			Callback:   v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}}},
			StorageRef: &v1alpha1.LocalReference{Name: "archive"},
			Routes:     []v1alpha1.Route{{PipelineRef: v1alpha1.LocalReference{Name: "keep"}}},
		}},
	}
}

// jobPatience is how long a Job is waited for.
const jobPatience = time.Minute

// jobs measures how long after the response to a COMPLETE the step's Job is there, when nothing else goes on. A watch shows it:
// a list waits up to 100 ms for the API server's cache.
func (r runner) jobs(ctx context.Context, config *rest.Config, scheme *runtime.Scheme, complete request) (sample, error) {
	found := sample{requests: jobsMeasured}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	added, err := watchJobs(ctx, config, scheme)
	if err != nil {
		return found, err
	}
	for i := range jobsMeasured {
		send, err := complete(i)
		if err != nil {
			return found, err
		}
		time.Sleep(jobPause) //nolint:forbidigo // nothing else is to go on: the pause is what is measured
		if err := send(ctx); err != nil {
			return found, err
		}
		begin := time.Now()
		select {
		case <-added:
		case <-time.After(jobPatience):
			return found, fmt.Errorf("job %d: %w", i, errNoJob)
		case <-ctx.Done():
			return found, ctx.Err()
		}
		found.latencies = append(found.latencies, time.Since(begin))
		found.seconds += time.Since(begin).Seconds()
	}
	return found, nil
}

var errNoJob = errors.New("it did not come")

// watchJobs sends for each Job that is added, until the context ends.
func watchJobs(ctx context.Context, config *rest.Config, scheme *runtime.Scheme) (<-chan struct{}, error) {
	seen, err := cache.New(config, cache.Options{Scheme: scheme, DefaultNamespaces: map[string]cache.Config{namespace: {}}})
	if err != nil {
		return nil, err
	}
	informer, err := seen.GetInformer(ctx, &batchv1.Job{}, cache.BlockUntilSynced(false))
	if err != nil {
		return nil, err
	}
	added := make(chan struct{}, jobsMeasured)
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: func(any) { added <- struct{}{} }}); err != nil {
		return nil, err
	}
	go func() { _ = seen.Start(ctx) }() // it ends with the context
	seen.WaitForCacheSync(ctx)
	return added, nil
}
