// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestObserve_OutputsLieBelowTheDestination: a pod that somebody planted can say that the step succeeded, and not lead the
// next step, which has credentials, to another object.
func TestObserve_OutputsLieBelowTheDestination(t *testing.T) {
	s3 := workerapi.Destination{Path: "lectures/1/",
		Storage: workerapi.Storage{Spec: v1alpha1.StorageLocationSpec{S3: &v1alpha1.S3Location{Bucket: "archive", Prefix: "all"}}}}
	claim := workerapi.Destination{Path: "lectures/1/",
		Storage: workerapi.Storage{Spec: v1alpha1.StorageLocationSpec{PersistentVolumeClaim: &v1alpha1.PersistentVolumeClaimLocation{ClaimName: "c", SubPath: "sub"}}}}
	output := func(uri, bucket, key string) v1alpha1.Artifact {
		return v1alpha1.Artifact{Name: "a.mp4", URI: uri, Bucket: bucket, Key: key, MediaType: "video/mp4"}
	}
	for name, test := range map[string]struct {
		destination workerapi.Destination
		output      v1alpha1.Artifact
		below       bool
	}{
		"an object":                 {s3, output("s3://archive/all/lectures/1/a.mp4", "archive", "all/lectures/1/a.mp4"), true},
		"an object in a folder":     {s3, output("s3://archive/all/lectures/1/b/a.mp4", "archive", "all/lectures/1/b/a.mp4"), true},
		"a file":                    {claim, output("pvc://c/sub/lectures/1/a.mp4", "", "lectures/1/a.mp4"), true},
		"another bucket":            {s3, output("s3://other/all/lectures/1/a.mp4", "other", "all/lectures/1/a.mp4"), false},
		"another recording":         {s3, output("s3://archive/all/lectures/2/a.mp4", "archive", "all/lectures/2/a.mp4"), false},
		"a folder of a like name":   {s3, output("s3://archive/all/lectures/10/a.mp4", "archive", "all/lectures/10/a.mp4"), false},
		"a way out":                 {s3, output("s3://archive/all/lectures/1/../2/a.mp4", "archive", "all/lectures/1/../2/a.mp4"), false},
		"a bucket with the folder":  {s3, output("s3://archive/all/lectures/1/a.mp4", "archive/all", "lectures/1/a.mp4"), false},
		"another URI":               {s3, output("s3://other/b.mp4", "archive", "all/lectures/1/a.mp4"), false},
		"no key":                    {s3, output("s3://archive/", "archive", ""), false},
		"a file of another":         {claim, output("pvc://c/sub/lectures/2/a.mp4", "", "lectures/2/a.mp4"), false},
		"another claim":             {claim, output("pvc://other/sub/lectures/1/a.mp4", "", "lectures/1/a.mp4"), false},
		"another subPath":           {claim, output("pvc://c/lectures/1/a.mp4", "", "lectures/1/a.mp4"), false},
		"a key of another URI":      {claim, output("pvc://c/sub/lectures/1/lectures/2/a.mp4", "", "lectures/2/a.mp4"), false},
		"the folder itself":         {s3, output("s3://archive/all/lectures/1/", "archive", "all/lectures/1/"), false},
		"a way out of a volume":     {claim, output("pvc://c/sub/lectures/1/../a.mp4", "", "lectures/1/../a.mp4"), false},
		"an object for a file":      {claim, output("s3://archive/lectures/1/a.mp4", "archive", "lectures/1/a.mp4"), false},
		"a Job without destination": {workerapi.Destination{}, output("s3://archive/all/lectures/1/a.mp4", "archive", "all/lectures/1/a.mp4"), false},
	} {
		t.Run(name, func(t *testing.T) {
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{}}, Status: batchv1.JobStatus{
				Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}}
			if test.destination.Path != "" {
				job.Annotations[v1alpha1.AnnotationDestination] = destinationOf(test.destination)
				job.Annotations[v1alpha1.AnnotationDestinationURI] = uriOf(test.destination)
			}
			pod := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{
				ended(workerapi.ContainerPublish, 0, encodeResult(t, workerapi.Result{Outputs: []v1alpha1.Artifact{test.output}})),
			}}}
			observed := Observe(job, []corev1.Pod{pod})
			if test.below {
				if observed.State != pipeline.ChildSucceeded || len(observed.Result.Outputs) != 1 {
					t.Errorf("got %v, %+v; want the output", observed.State, observed.Result)
				}
				return
			}
			if observed.State != pipeline.ChildFailed || len(observed.Result.Outputs) != 0 || observed.Result.Failure.Reason != workerapi.ReasonOutputMisplaced {
				t.Errorf("got %v, %+v; want the step to fail", observed.State, observed.Result)
			}
			if !strings.Contains(observed.Result.Failure.Message, "not below the step's destination") {
				t.Errorf("message %q", observed.Result.Failure.Message)
			}
		})
	}
}

// TestObserve_ManifestLiesAtTheDestination: a pod that somebody planted cannot have the status refer to another manifest.
func TestObserve_ManifestLiesAtTheDestination(t *testing.T) {
	const folder, uri = "archive/all/lectures/1/", "s3://archive/all/lectures/1/"
	for said, right := range map[string]bool{
		uri + "manifest.json":                        true,
		"s3://archive/all/lectures/2/manifest.json":  false,
		"s3://other/all/lectures/1/manifest.json":    false,
		uri + "b/manifest.json":                      false,
		uri + "../2/manifest.json":                   false,
		"https://evil.example.com/manifest.json":     false,
		"":                                           false,
		uri + "manifest.json?versionId=1":            false,
		"s3://archive/all/lectures/1/manifest.json/": false,
	} {
		for _, annotations := range []map[string]string{{v1alpha1.AnnotationDestination: folder, v1alpha1.AnnotationDestinationURI: uri}, {}} {
			job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}, Status: batchv1.JobStatus{
				Conditions: []batchv1.JobCondition{{Type: batchv1.JobComplete, Status: corev1.ConditionTrue}}}}
			pod := corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{
				ended(workerapi.ContainerPublish, 0, encodeResult(t, workerapi.Result{Manifest: &v1alpha1.ManifestReference{URI: said, SHA256: "ab"}})),
			}}}
			observed := Observe(job, []corev1.Pod{pod})
			if taken := observed.State == pipeline.ChildSucceeded && observed.Result.Manifest != nil; taken != (right && len(annotations) > 0) {
				t.Errorf("%q: got %v, %+v", said, observed.State, observed.Result)
			}
		}
	}
}
