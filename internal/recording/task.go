// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package recording

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// missingGrace is how long after the last callback of a task that is over files are waited for: the end is often
// reported before the last file.
const missingGrace = time.Minute

// TaskObservation is everything that the status of a RecordingTask is computed from.
type TaskObservation struct {
	// Task as it was read, with its status so far.
	Task *v1alpha1.RecordingTask
	// Files are what is known of the task's files. There may be fewer than its status counts.
	Files []Facts
	// OpenTimeout is how long the task may go on without a callback.
	OpenTimeout time.Duration
	Now         time.Time
}

// ComputeTask is the status that the observation amounts to. It changes by itself after the duration that comes with it;
// 0: it does not.
func ComputeTask(seen TaskObservation) (v1alpha1.RecordingTaskStatus, time.Duration) {
	spec, old := &seen.Task.Spec, &seen.Task.Status
	computed := v1alpha1.RecordingTaskStatus{
		Conditions:         slices.Clone(old.Conditions),
		ObservedGeneration: seen.Task.Generation,
		LastEventTime:      old.LastEventTime,
		Started:            int32(min(len(spec.Starts), v1alpha1.MaxStarts)),
	}
	addUp(&computed, seen.Files, old)
	if old.LastEventTime == nil || old.ObservedGeneration != seen.Task.Generation || old.Files != computed.Files ||
		old.DurationSeconds != computed.DurationSeconds || old.SizeBytes != computed.SizeBytes {
		computed.LastEventTime = &metav1.Time{Time: seen.Now.Truncate(time.Second)}
	}
	quiet := seen.Now.Sub(computed.LastEventTime.Time)
	var wait time.Duration
	message := ""
	switch {
	case spec.Ended:
		computed.State, message = v1alpha1.TaskEnded, "the service reported the end of the task"
	case quiet >= seen.OpenTimeout:
		computed.State = v1alpha1.TaskSilent
		message = fmt.Sprintf("no callback came for %s, the source's spec.openTimeout; a late callback is still taken", seen.OpenTimeout)
	default:
		computed.State, message, wait = v1alpha1.TaskRecording, "the task has not ended", seen.OpenTimeout-quiet
	}
	computed.Summary = summaryOfTask(seen, &computed)
	set := func(kind string, status metav1.ConditionStatus, reason, message string) {
		meta.SetStatusCondition(&computed.Conditions, metav1.Condition{
			Type: kind, Status: status, Reason: reason, Message: message,
			ObservedGeneration: seen.Task.Generation, LastTransitionTime: metav1.NewTime(seen.Now),
		})
	}
	missing := 0
	if over := computed.State != v1alpha1.TaskRecording; over {
		missing = filesMissing(&computed)
	}
	if grace := missingGrace - quiet; missing > 0 && grace > 0 {
		missing, wait = 0, grace
	}
	ready := metav1.ConditionFalse
	if missing > 0 {
		message = fmt.Sprintf("%d files began and %d were reported; look for the others in the bucket, or set the source's spec.discovery",
			computed.Started, computed.Files)
		set(v1alpha1.ConditionFilesMissing, metav1.ConditionTrue, v1alpha1.ReasonFilesMissing, message)
	} else {
		meta.RemoveStatusCondition(&computed.Conditions, v1alpha1.ConditionFilesMissing)
		if computed.State == v1alpha1.TaskEnded {
			ready = metav1.ConditionTrue
		}
	}
	computed.Done = computed.State != v1alpha1.TaskRecording && wait == 0
	set(v1alpha1.ConditionReady, ready, string(computed.State), message)
	return computed, wait
}

// addUp says how much the files are together. Files that were deleted still count: they were recorded.
func addUp(task *v1alpha1.RecordingTaskStatus, files []Facts, old *v1alpha1.RecordingTaskStatus) {
	if len(files) < int(old.Files) {
		task.Files, task.DurationSeconds, task.SizeBytes = old.Files, old.DurationSeconds, old.SizeBytes
		return
	}
	task.Files = int32(min(len(files), math.MaxInt32))
	for _, file := range files {
		task.DurationSeconds = saturatingSum(task.DurationSeconds, file.DurationSeconds)
		task.SizeBytes = saturatingSum(task.SizeBytes, file.SizeBytes)
	}
}

// filesMissing is how many files began and were not reported. Of a saturated task nobody knows how many began.
func filesMissing(task *v1alpha1.RecordingTaskStatus) int {
	if task.Started >= v1alpha1.MaxStarts {
		return 0
	}
	return max(0, int(task.Started)-int(task.Files))
}

func summaryOfTask(seen TaskObservation, task *v1alpha1.RecordingTaskStatus) *v1alpha1.TaskSummary {
	result := &v1alpha1.TaskSummary{Files: fmt.Sprint(task.Files)}
	for _, file := range seen.Files {
		result.Room, result.Stream = max(result.Room, file.Room), max(result.Stream, file.Stream)
	}
	var old v1alpha1.TaskSummary
	if summary := seen.Task.Status.Summary; summary != nil {
		old = *summary
	}
	result.Room = Short(cmp.Or(seen.Task.Spec.Room, result.Room, old.Room))
	result.Stream = Short(cmp.Or(seen.Task.Spec.Stream, result.Stream, old.Stream))
	switch {
	case task.Started >= v1alpha1.MaxStarts:
		result.Files += fmt.Sprintf("/%d+", v1alpha1.MaxStarts)
	case task.Started > task.Files:
		result.Files += fmt.Sprintf("/%d", task.Started)
	}
	if task.DurationSeconds > 0 && task.DurationSeconds < math.MaxInt64/int64(time.Second) {
		result.Duration = (time.Duration(task.DurationSeconds) * time.Second).String()
	}
	if task.SizeBytes > 0 {
		result.Size = HumanSize(task.SizeBytes)
	}
	return result
}

func saturatingSum(a, b int64) int64 {
	if b > math.MaxInt64-a {
		return math.MaxInt64
	}
	return a + max(b, 0)
}
