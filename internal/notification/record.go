// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/pipeline"
)

// maxReason bounds a reason, in bytes, as the schema does.
const maxReason = 64

// Waiting is what waits to be sent.
type Waiting = v1alpha1.WaitingNotification

// AfterFile is what waits to be sent once a status of a file is written: what waited before, and the events that the status
// makes true. holds says whether the when of a notification holds for the recording; it is called only when there are events.
func AfterFile(
	file *v1alpha1.RecordingFile, after *v1alpha1.RecordingFileStatus, to []v1alpha1.Notification, holds func(when string) bool, now time.Time,
) []Waiting {
	return enqueue(file.Status.Notifications, address(fileEvents(file, after, now), to, holds))
}

// AfterTask is the same for a recording task.
func AfterTask(
	task *v1alpha1.RecordingTask, after *v1alpha1.RecordingTaskStatus, to []v1alpha1.Notification, holds func(when string) bool,
) []Waiting {
	var events []Waiting
	if after.State == v1alpha1.TaskEnded && task.Status.State != v1alpha1.TaskEnded && after.LastEventTime != nil {
		events = append(events, Waiting{Event: v1alpha1.EventTaskEnded, Time: metav1.NewMicroTime(after.LastEventTime.Time)})
	}
	return enqueue(task.Status.Notifications, address(events, to, holds))
}

// fileEvents are the events that a status makes true which the one before did not: in the order in which they are sent.
func fileEvents(file *v1alpha1.RecordingFile, after *v1alpha1.RecordingFileStatus, now time.Time) []Waiting {
	before := &file.Status
	var events []Waiting
	if !isKnown(before) {
		events = append(events, Waiting{Event: v1alpha1.EventFileRecorded, Time: metav1.NewMicroTime(file.CreationTimestamp.Time)})
	}
	steps := stepEvents(before, after, now)
	events = append(events, steps...)
	event, reason := outcome(after)
	if was, _ := outcome(before); event == "" || was == event && before.Run == after.Run {
		return events
	}
	at := metav1.NewMicroTime(now.Truncate(time.Microsecond))
	if len(steps) > 0 {
		at = steps[len(steps)-1].Time // what the outcome follows from
	}
	return append(events, Waiting{Event: event, Time: at, Run: after.Run, Reason: bounded.Bytes(reason, maxReason)})
}

// isKnown says that a status was written when the file's source was there: notifications of a source that is created later
// report the file too.
func isKnown(status *v1alpha1.RecordingFileStatus) bool {
	stalled := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled)
	return status.ObservedGeneration > 0 && (stalled == nil || stalled.Reason != v1alpha1.ReasonSourceNotFound)
}

// stepEvents are the steps that ended, in the order of their ends. One that is kept from an earlier run ended there.
func stepEvents(before, after *v1alpha1.RecordingFileStatus, now time.Time) []Waiting {
	ended := map[string]bool{}
	if before.Run == after.Run {
		for i := range before.Steps {
			ended[before.Steps[i].Name] = pipeline.Ended(before.Steps[i].State)
		}
	}
	var events []Waiting
	for i := range after.Steps {
		step := &after.Steps[i]
		if !pipeline.Ended(step.State) || ended[step.Name] || step.Reason == v1alpha1.ReasonReused {
			continue
		}
		at := metav1.NewMicroTime(now.Truncate(time.Microsecond)) // one that did not run
		if step.CompletionTime != nil {
			at = metav1.NewMicroTime(step.CompletionTime.Time)
		}
		events = append(events, Waiting{
			Event: v1alpha1.EventStepFinished, Time: at, Run: after.Run, Step: step.Name, State: step.State, Reason: bounded.Bytes(step.Reason, maxReason),
		})
	}
	slices.SortStableFunc(events, func(a, b Waiting) int { return a.Time.Compare(b.Time.Time) })
	return events
}

// outcome is the event that a status stands for, and its reason; empty: none. A file that no route matches is not ready for
// anything.
func outcome(status *v1alpha1.RecordingFileStatus) (v1alpha1.NotificationEvent, string) {
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		return "", ""
	case ready.Reason == v1alpha1.ReasonSucceeded || ready.Reason == v1alpha1.ReasonPartlySucceeded:
		return v1alpha1.EventFileReady, ready.Reason
	case ready.Reason == v1alpha1.ReasonFailed && status.Summary != nil:
		return v1alpha1.EventFileFailed, status.Summary.Reason
	case ready.Reason == v1alpha1.ReasonFailed:
		return v1alpha1.EventFileFailed, ""
	}
	return "", ""
}

// address says to whom events are sent; those that nobody wants are left out.
func address(events []Waiting, to []v1alpha1.Notification, holds func(when string) bool) []Waiting {
	if len(events) == 0 || len(to) == 0 {
		return nil
	}
	matching := make([]bool, len(to))
	for i := range to {
		wanted := slices.ContainsFunc(events, func(event Waiting) bool { return slices.Contains(to[i].Events, event.Event) })
		matching[i] = wanted && holds(to[i].When)
	}
	var addressed []Waiting
	for _, event := range events {
		for i := range to {
			if matching[i] && slices.Contains(to[i].Events, event.Event) {
				event.To = append(event.To, to[i].Name)
			}
		}
		if len(event.To) > 0 {
			addressed = append(addressed, event)
		}
	}
	return addressed
}

// enqueue adds events at the end, and leaves out the oldest where there are too many.
func enqueue(waiting, events []Waiting) []Waiting {
	if len(events) == 0 {
		return waiting
	}
	all := slices.Concat(waiting, events)
	return all[max(0, len(all)-v1alpha1.MaxWaitingNotifications):]
}

// LeftOut is how many events that waited before a write wait no more.
func LeftOut(before, after []Waiting) int {
	left := 0
	for i := range before {
		if !slices.ContainsFunc(after, func(other Waiting) bool { return same(&before[i], &other) }) {
			left++
		}
	}
	return left
}

// same says that it is the same event of an object.
func same(a, b *Waiting) bool {
	return a.Event == b.Event && a.Run == b.Run && a.Step == b.Step && a.Time.Equal(&b.Time)
}
