// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/slim"
)

// fieldDone selects RecordingFiles and RecordingTasks in the API server.
const fieldDone = "status.done"

// CacheByObject bounds what the cache holds: of RecordingFiles and RecordingTasks, which are many, those that are not
// done, of kinds that are not only ours those objects that are, and of every object what is read.
func CacheByObject() map[client.Object]cache.ByObject {
	ours := labels.SelectorFromSet(labels.Set{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy})
	unfinished := cache.ByObject{Field: fields.OneTermNotEqualSelector(fieldDone, "true"), Transform: slim.Object}
	return map[client.Object]cache.ByObject{
		&v1alpha1.RecordingFile{}:     unfinished,
		&v1alpha1.RecordingTask{}:     unfinished,
		&v1alpha1.RecordingSource{}:   {Transform: slim.Object},
		&v1alpha1.RecordingPipeline{}: {Transform: slim.Object},
		&v1alpha1.StorageLocation{}:   {Transform: slim.Object},
		&v1alpha1.RejectedCallback{}:  {Transform: slimRejected},
		&batchv1.Job{}:                {Label: ours, Transform: slimJob},
		&corev1.Pod{}:                 {Label: ours, Transform: slimPod},
		&appsv1.ControllerRevision{}:  {Label: ours, Transform: slimRevision},
	}
}

// SetupCache has the cache hold every kind from its start, with the indexes that the reconcilers read by. The informer of a kind that is first read later would let that read
// wait for a second: the first Job after each start of the manager came that late.
func SetupCache(ctx context.Context, informers cache.Cache) error {
	for object := range CacheByObject() {
		if _, err := informers.GetInformer(ctx, object, cache.BlockUntilSynced(false)); err != nil {
			return fmt.Errorf("get the informer of %T: %w", object, err)
		}
	}
	return setupIndexes(ctx, informers)
}

// slimRejected drops the body.
func slimRejected(object any) (any, error) {
	if rejected, ok := object.(*v1alpha1.RejectedCallback); ok {
		slim.Metadata(rejected)
		rejected.Spec.Body = nil
	}
	return object, nil
}

// slimJob keeps whether a Job is suspended, how it ended, and what time and memory its pods may use.
func slimJob(object any) (any, error) {
	job, ok := object.(*batchv1.Job)
	if !ok {
		return object, nil
	}
	slim.Metadata(job)
	kept := corev1.PodSpec{
		ActiveDeadlineSeconds: job.Spec.Template.Spec.ActiveDeadlineSeconds,

		InitContainers: slimContainers(job.Spec.Template.Spec.InitContainers),
		Containers:     slimContainers(job.Spec.Template.Spec.Containers),
	}
	job.Spec = batchv1.JobSpec{Suspend: job.Spec.Suspend, Template: corev1.PodTemplateSpec{Spec: kept}}
	return job, nil
}

// maxMessage is as much as a status says of why a pod waits, in bytes.
const maxMessage = 1024

// maxContainers is more than a step's pod has.
const maxContainers = 8

func slimContainers(containers []corev1.Container) []corev1.Container {
	var kept []corev1.Container
	for i := range containers[:min(len(containers), maxContainers)] {
		memory, ok := containers[i].Resources.Limits[corev1.ResourceMemory]
		if !ok {
			continue
		}
		kept = append(kept, corev1.Container{
			Name:      containers[i].Name,
			Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: memory}},
		})
	}
	return kept
}

// slimPod keeps of a pod where it is and can be asked, why its containers have not started, and how they ended.
func slimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	slim.Metadata(pod)
	pod.Spec = corev1.PodSpec{NodeName: pod.Spec.NodeName}
	pod.Status = corev1.PodStatus{
		PodIP: pod.Status.PodIP, Phase: pod.Status.Phase, Reason: pod.Status.Reason, Message: pod.Status.Message, Conditions: scheduled(pod.Status.Conditions),
		InitContainerStatuses: slimStatuses(pod.Status.InitContainerStatuses), ContainerStatuses: slimStatuses(pod.Status.ContainerStatuses),
	}
	return pod, nil
}

func slimStatuses(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	var kept []corev1.ContainerStatus
	for i := range statuses[:min(len(statuses), maxContainers)] {
		state := statuses[i].State
		if waiting := state.Waiting; waiting != nil {
			state.Waiting = &corev1.ContainerStateWaiting{Reason: waiting.Reason, Message: bounded.Bytes(waiting.Message, maxMessage)}
		}
		kept = append(kept, corev1.ContainerStatus{Name: statuses[i].Name, State: state})
	}
	return kept
}

// scheduled is the condition that says whether a node was found.
func scheduled(conditions []corev1.PodCondition) []corev1.PodCondition {
	for i := range conditions {
		if one := conditions[i]; one.Type == corev1.PodScheduled {
			one.Message = bounded.Bytes(one.Message, maxMessage)
			return []corev1.PodCondition{one}
		}
	}
	return nil
}

// slimRevision drops the content of a revision that is not what its name says: it is never used.
func slimRevision(object any) (any, error) {
	revision, ok := object.(*appsv1.ControllerRevision)
	if !ok {
		return object, nil
	}
	slim.Metadata(revision)
	if _, err := readRevision(revision); err != nil {
		revision.Data = runtime.RawExtension{}
	}
	return revision, nil
}
