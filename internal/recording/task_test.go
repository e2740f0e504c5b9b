// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package recording

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// task has so many starts and a status that was written that long ago.
func task(starts, files int, ago time.Duration, ended bool) *v1alpha1.RecordingTask {
	task := &v1alpha1.RecordingTask{ObjectMeta: metav1.ObjectMeta{Name: "t", Generation: 2},
		Spec: v1alpha1.RecordingTaskSpec{TaskID: "t", Ended: ended, Starts: map[string]v1alpha1.StartTimestamp{}}}
	for n := range starts {
		task.Spec.Starts[fmt.Sprintf("%016x", n)] = ""
	}
	task.Status = v1alpha1.RecordingTaskStatus{ObservedGeneration: 2, Files: int32(files), LastEventTime: &metav1.Time{Time: now.Add(-ago)}}
	return task
}

func TestComputeTask(t *testing.T) {
	const openTimeout = 13 * time.Hour
	for name, test := range map[string]struct {
		task  *v1alpha1.RecordingTask
		files int
		// ready is "status/reason", files as people see it, wait how long until the next look.
		ready, summary string
		missing        string
		wait           time.Duration
	}{
		"goes on":                       {task: task(1, 0, time.Hour, false), ready: "False/Recording", summary: "0/1", wait: 12 * time.Hour},
		"ended":                         {task: task(2, 2, time.Hour, true), files: 2, ready: "True/Ended", summary: "2"},
		"ended without a START":         {task: task(0, 1, time.Hour, true), files: 1, ready: "True/Ended", summary: "1"},
		"ended a moment ago":            {task: task(2, 1, time.Second, true), files: 1, ready: "True/Ended", summary: "1/2", wait: 59 * time.Second},
		"ended, and a file is missing":  {task: task(2, 1, time.Minute, true), files: 1, ready: "False/Ended", summary: "1/2", missing: "2 files began and 1 were reported"},
		"silent":                        {task: task(1, 1, openTimeout, false), files: 1, ready: "False/Silent", summary: "1"},
		"silent, and a file is missing": {task: task(1, 0, openTimeout, false), ready: "False/Silent", summary: "0/1", missing: "1 files began and 0 were reported"},
		"saturated":                     {task: task(v1alpha1.MaxStarts, 3, openTimeout, true), files: 3, ready: "True/Ended", summary: "3/256+"},
		"news, though it was silent":    {task: task(2, 0, openTimeout, false), files: 1, ready: "False/Recording", summary: "1/2", wait: openTimeout},
	} {
		t.Run(name, func(t *testing.T) {
			got, wait := ComputeTask(TaskObservation{Task: test.task, Files: make([]Facts, test.files), OpenTimeout: openTimeout, Now: now})
			ready := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionReady)
			if have := string(ready.Status) + "/" + ready.Reason; have != test.ready || got.State != v1alpha1.TaskState(ready.Reason) || ready.ObservedGeneration != 2 {
				t.Errorf("Ready is %s, want %s; the state is %s", have, test.ready, got.State)
			}
			if got.Summary.Files != test.summary || wait != test.wait {
				t.Errorf("files %s, wait %v; want %s, %v", got.Summary.Files, wait, test.summary, test.wait)
			}
			missing := meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionFilesMissing)
			if (missing == nil) != (test.missing == "") || missing != nil && !strings.Contains(missing.Message, test.missing) {
				t.Errorf("FilesMissing is %+v, want %q", missing, test.missing)
			}
			test.task.Status = got
			if again, _ := ComputeTask(TaskObservation{Task: test.task, Files: make([]Facts, test.files), OpenTimeout: openTimeout, Now: now}); !cmp.Equal(got, again) {
				t.Errorf("a second look at the same changes the status:\n%s", cmp.Diff(got, again))
			}
		})
	}
}

// The totals of the files are shown, and never overflow.
func TestComputeTask_AddsUpTheFiles(t *testing.T) {
	files := []Facts{
		{Room: "a", Stream: "s", RecordingFacts: v1alpha1.RecordingFacts{DurationSeconds: 60, SizeBytes: 1 << 20}},
		{Room: "b", RecordingFacts: v1alpha1.RecordingFacts{DurationSeconds: 3600, SizeBytes: 1 << 20}},
	}
	got, _ := ComputeTask(TaskObservation{Task: task(2, 2, 0, true), Files: files, OpenTimeout: time.Hour, Now: now})
	want := &v1alpha1.TaskSummary{Room: "b", Stream: "s", Files: "2", Duration: "1h1m0s", Size: "2.0MiB"}
	if diff := cmp.Diff(want, got.Summary); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	named := task(2, 2, 0, true)
	named.Spec.Room = "0"
	if got, _ := ComputeTask(TaskObservation{Task: named, Files: files, OpenTimeout: time.Hour, Now: now}); got.Summary.Room != "0" {
		t.Errorf("the task's own room is shown as %q", got.Summary.Room)
	}
	huge := Facts{RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: math.MaxInt64, DurationSeconds: math.MaxInt64}}
	if got, _ := ComputeTask(TaskObservation{Task: task(0, 2, 0, true), Files: []Facts{huge, huge}, OpenTimeout: time.Hour, Now: now}); got.SizeBytes != math.MaxInt64 || got.DurationSeconds != math.MaxInt64 {
		t.Errorf("%+v", got)
	}
}

// A late callback takes FilesMissing back.
func TestComputeTask_LateFileIsMissingNoMore(t *testing.T) {
	seen := TaskObservation{Task: task(1, 0, time.Hour, true), OpenTimeout: time.Hour, Now: now}
	seen.Task.Status, _ = ComputeTask(seen)
	if !meta.IsStatusConditionTrue(seen.Task.Status.Conditions, v1alpha1.ConditionFilesMissing) {
		t.Fatalf("%+v", seen.Task.Status)
	}
	seen.Files = make([]Facts, 1)
	got, _ := ComputeTask(seen)
	if meta.FindStatusCondition(got.Conditions, v1alpha1.ConditionFilesMissing) != nil || !meta.IsStatusConditionTrue(got.Conditions, v1alpha1.ConditionReady) {
		t.Errorf("%+v", got.Conditions)
	}
}

// Files that were deleted, or that the operator does not know yet after a restart, still count.
func TestComputeTask_TakesNoFileBack(t *testing.T) {
	seen := TaskObservation{Task: task(2, 0, time.Hour, true), OpenTimeout: time.Hour, Now: now,
		Files: []Facts{{Room: "room", RecordingFacts: v1alpha1.RecordingFacts{DurationSeconds: 60}}, {RecordingFacts: v1alpha1.RecordingFacts{DurationSeconds: 1}}}}
	seen.Task.Status, _ = ComputeTask(seen)
	if !seen.Task.Status.Done {
		t.Errorf("a task that is over with all its files is not done: %+v", seen.Task.Status)
	}
	seen.Files = seen.Files[1:]
	got, wait := ComputeTask(seen)
	if diff := cmp.Diff(seen.Task.Status, got); diff != "" || wait != 0 {
		t.Errorf("(-want +got), wait %v:\n%s", wait, diff)
	}
}
