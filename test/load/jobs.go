// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/operator"
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

// jobs measures how long after the response to a COMPLETE the step's Job is there, when nothing else goes on.
func (r runner) jobs(ctx context.Context, k8s client.Client, complete request) (sample, error) {
	found := sample{requests: jobsMeasured}
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
		if err := operator.WaitFor(ctx, 5*time.Millisecond, fmt.Sprintf("Job %d", i), func(ctx context.Context) (bool, error) {
			var jobs batchv1.JobList
			err := k8s.List(ctx, &jobs, client.InNamespace(namespace))
			return len(jobs.Items) > i, err
		}); err != nil {
			return found, err
		}
		found.latencies = append(found.latencies, time.Since(begin))
		found.seconds += time.Since(begin).Seconds()
	}
	return found, nil
}
