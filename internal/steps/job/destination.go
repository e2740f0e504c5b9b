// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"fmt"
	"path"
	"strings"

	batchv1 "k8s.io/api/batch/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// destinationOf is the bucket and the folder that a step publishes to, as AnnotationDestination has them.
func destinationOf(destination workerapi.Destination) string {
	if s3 := destination.Storage.Spec.S3; s3 != nil {
		return s3.Bucket + "/" + folder(path.Join(s3.Prefix, destination.Path))
	}
	return "/" + folder(destination.Path)
}

func folder(name string) string {
	if name = strings.Trim(path.Clean(name), "/"); name == "" || name == "." {
		return ""
	}
	return name + "/"
}

// refuseMisplaced has a step fail whose pod says that it published elsewhere than the step publishes to. Who may create
// pods can plant one that the Job adopts: it must not lead later steps, which have credentials, to other objects.
func refuseMisplaced(job *batchv1.Job, observed *pipeline.Child) {
	if observed.Result == nil {
		return
	}
	destination, known := job.Annotations[v1alpha1.AnnotationDestination]
	for i := range observed.Result.Outputs {
		output := &observed.Result.Outputs[i]
		if known && isBelow(output, destination) {
			continue
		}
		observed.Result = &workerapi.Result{Failure: &workerapi.Failure{
			Reason: workerapi.ReasonOutputMisplaced, Message: fmt.Sprintf("the pod reported the output %.200q, which is not below the step's destination", output.URI),
			Permanent: true,
		}}
		if observed.State == pipeline.ChildSucceeded {
			observed.State = pipeline.ChildFailed
		}
		return
	}
}

// isBelow says that an artifact lies below a destination, and that its URI names the same place.
func isBelow(output *v1alpha1.Artifact, destination string) bool {
	if strings.Contains(output.Bucket, "/") || output.Key == "" || path.Clean("/"+output.Key) != "/"+output.Key {
		return false
	}
	if !strings.HasPrefix(output.Bucket+"/"+output.Key, destination) {
		return false
	}
	if output.Bucket == "" {
		return strings.HasPrefix(output.URI, "pvc://") && strings.HasSuffix(output.URI, "/"+output.Key)
	}
	return output.URI == "s3://"+output.Bucket+"/"+output.Key
}
