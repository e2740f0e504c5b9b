// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"cmp"
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

// uriOf is the URI of that folder, as AnnotationDestinationURI has it.
func uriOf(destination workerapi.Destination) string {
	if claim := destination.Storage.Spec.PersistentVolumeClaim; claim != nil {
		return "pvc://" + claim.ClaimName + "/" + folder(path.Join(claim.SubPath, destination.Path))
	}
	return "s3://" + destinationOf(destination)
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
	misplaced := misplacedURI(job.Annotations[v1alpha1.AnnotationDestination], job.Annotations[v1alpha1.AnnotationDestinationURI], observed.Result)
	if misplaced == "" {
		return
	}
	observed.Result = &workerapi.Result{Failure: &workerapi.Failure{
		Reason: workerapi.ReasonOutputMisplaced, Message: fmt.Sprintf("the pod reported the output %.200q, which is not below the step's destination", misplaced),
		Permanent: true,
	}}
	if observed.State == pipeline.ChildSucceeded {
		observed.State = pipeline.ChildFailed
	}
}

// misplacedURI is the first URI of a result that does not name a place in a folder; empty: all do.
func misplacedURI(folder, uri string, result *workerapi.Result) string {
	if manifest := result.Manifest; manifest != nil && (uri == "" || manifest.URI != uri+workerapi.ManifestName) {
		return cmp.Or(manifest.URI, "without a URI")
	}
	for i := range result.Outputs {
		if output := &result.Outputs[i]; !isBelow(output, folder, uri) {
			return cmp.Or(output.URI, "without a URI")
		}
	}
	return ""
}

// isBelow says that an artifact lies below a folder, and that its URI names the same place.
func isBelow(output *v1alpha1.Artifact, folder, uri string) bool {
	if folder == "" || uri == "" || strings.Contains(output.Bucket, "/") || output.Key == "" || path.Clean("/"+output.Key) != "/"+output.Key {
		return false
	}
	name, below := strings.CutPrefix(output.Bucket+"/"+output.Key, folder)
	return below && name != "" && output.URI == uri+name
}
