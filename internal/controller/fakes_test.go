// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"maps"
	"path"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// counter counts status patches by object.
type counter struct {
	mu sync.Mutex
	n  map[client.ObjectKey]int
	// writes are all that succeeded, by namespace and what it was.
	writes map[string]map[string]int
}

func newCounter() *counter {
	return &counter{n: map[client.ObjectKey]int{}, writes: map[string]map[string]int{}}
}

// wrote takes note of a write that succeeded.
func (c *counter) wrote(verb string, object client.Object, err error) error {
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.writes[object.GetNamespace()]
	if of == nil {
		of = map[string]int{}
		c.writes[object.GetNamespace()] = of
	}
	of[fmt.Sprintf("%s %s", verb, reflect.TypeOf(object).Elem().Name())]++
	return nil
}

// in is what was written in a namespace.
func (c *counter) in(namespace string) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.writes[namespace])
}

func (c *counter) of(key client.ObjectKey) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[key]
}

func (c *counter) wrap(inner client.Client) client.Client {
	watcher, ok := inner.(client.WithWatch)
	if !ok {
		watcher = withoutWatch{inner}
	}
	return interceptor.NewClient(watcher, interceptor.Funcs{
		Create: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.CreateOption) error {
			return c.wrote("create", object, inner.Create(ctx, object, options...))
		},
		Update: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.UpdateOption) error {
			return c.wrote("update", object, inner.Update(ctx, object, options...))
		},
		Patch: func(ctx context.Context, inner client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			return c.wrote("patch", object, inner.Patch(ctx, object, patch, options...))
		},
		Delete: func(ctx context.Context, inner client.WithWatch, object client.Object, options ...client.DeleteOption) error {
			return c.wrote("delete", object, inner.Delete(ctx, object, options...))
		},
		SubResourcePatch: func(ctx context.Context, inner client.Client, subresource string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			err := c.wrote("patch "+subresource+" of", object, inner.SubResource(subresource).Patch(ctx, object, patch, options...))
			if err == nil {
				c.mu.Lock()
				c.n[client.ObjectKeyFromObject(object)]++
				c.mu.Unlock()
			}
			return err
		},
	})
}

// withoutWatch makes an interceptor of a client that cannot watch; nothing here watches through it.
type withoutWatch struct{ client.Client }

func (withoutWatch) Watch(context.Context, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
	panic("not a watching client")
}

// start plays the kubelet: a pod of the Job has begun.
func start(t *testing.T, job *batchv1.Job) {
	t.Helper()
	say(t, job, corev1.PodRunning, corev1.ContainerStatus{Name: workerapi.ContainerFetch,
		State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.Now()}}})
}

// say plays the kubelet: a pod of the Job is in this phase, and its containers say this.
func say(t *testing.T, job *batchv1.Job, phase corev1.PodPhase, statuses ...corev1.ContainerStatus) {
	t.Helper()
	podOf(t, job, func(pod *corev1.PodStatus) {
		pod.Phase = phase
		for _, status := range statuses {
			if status.Name == workerapi.ContainerPublish {
				pod.ContainerStatuses = append(pod.ContainerStatuses, status)
			} else {
				pod.InitContainerStatuses = append(pod.InitContainerStatuses, status)
			}
		}
	})
}

// podOf creates the pod of a Job, with a status.
func podOf(t *testing.T, job *batchv1.Job, change func(*corev1.PodStatus)) {
	t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: job.Namespace, GenerateName: job.Name + "-", Labels: map[string]string{batchv1.JobNameLabel: job.Name},
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(job, batchv1.SchemeGroupVersion.WithKind("Job"))}},
		Spec: job.Spec.Template.Spec,
	}
	maps.Copy(pod.Labels, job.Spec.Template.Labels)
	create(t, pod)
	change(&pod.Status)
	if err := k8s.Status().Update(t.Context(), pod); err != nil {
		t.Fatal(err)
	}
}

func ended(container string, exitCode int32, message string) corev1.ContainerStatus {
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	return corev1.ContainerStatus{Name: container, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		StartedAt: now, FinishedAt: now, ExitCode: exitCode, Message: message, Reason: map[bool]string{true: "Completed", false: "Error"}[exitCode == 0],
	}}}
}

func result(t *testing.T, r workerapi.Result) string {
	t.Helper()
	encoded, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// finish plays the Job controller.
func finish(t *testing.T, job *batchv1.Job, conditions ...batchv1.JobConditionType) {
	t.Helper()
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	job.Status.StartTime = &now
	for _, kind := range conditions {
		job.Status.Conditions = append(job.Status.Conditions, batchv1.JobCondition{
			Type: kind, Status: corev1.ConditionTrue, LastTransitionTime: now, Reason: "PodFailurePolicy", Message: "by the test",
		})
		if kind == batchv1.JobComplete {
			job.Status.CompletionTime = &now
			job.Status.Succeeded = 1
		}
	}
	if err := k8s.Status().Update(t.Context(), job); err != nil {
		t.Fatal(err)
	}
}

// succeed plays a step that published one output.
func succeed(t *testing.T, job *batchv1.Job, uri string) {
	t.Helper()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(uri, "s3://"), "/")
	publish(t, job, workerapi.Result{
		Manifest: &v1alpha1.ManifestReference{URI: uri + "/manifest.json", SHA256: "cd", Outputs: 1, Files: 1},
		Outputs:  []v1alpha1.Artifact{{Name: path.Base(key), URI: uri, Bucket: bucket, Key: key, MediaType: "video/mp4", SizeBytes: 10, SHA256: "ab", Files: 1}},
	})
}

// publishedAt is the URI of a file that a step published to its bucket.
func publishedAt(job *batchv1.Job, name string) string {
	return job.Annotations[v1alpha1.AnnotationDestinationURI] + name
}

// publish plays a step that succeeded and says this. Its outputs lie at the step's destination, whatever their folders.
func publish(t *testing.T, job *batchv1.Job, said workerapi.Result) {
	t.Helper()
	if said.Manifest != nil {
		said.Manifest.URI = publishedAt(job, workerapi.ManifestName)
	}
	for i := range said.Outputs {
		output := &said.Outputs[i]
		output.URI = publishedAt(job, path.Base(output.URI))
		output.Bucket, output.Key, _ = strings.Cut(strings.TrimPrefix(output.URI, "s3://"), "/")
	}
	say(t, job, corev1.PodSucceeded, ended(workerapi.ContainerFetch, 0, ""), ended(workerapi.ContainerProcess, 0, ""), ended(workerapi.ContainerPublish, 0, result(t, said)))
	finish(t, job, batchv1.JobSuccessCriteriaMet, batchv1.JobComplete)
}

// fail plays a step that failed for good in its first container.
func fail(t *testing.T, job *batchv1.Job, reason, message string) {
	t.Helper()
	say(t, job, corev1.PodFailed, ended(workerapi.ContainerFetch, workerapi.ExitPermanent,
		result(t, workerapi.Result{Failure: &workerapi.Failure{Reason: reason, Message: message, Permanent: true}})))
	job.Status.Failed = 1
	finish(t, job, batchv1.JobFailureTarget, batchv1.JobFailed)
}
