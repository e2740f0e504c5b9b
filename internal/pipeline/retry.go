// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// A step whose Job failed over something that may pass is tried again after 1, 2, 4, 8 and 16 minutes, and after each
// further half hour or hour, as long as its first failure is not too long ago.
const (
	retryFirst  = time.Minute
	retryDouble = 5 // times that the wait doubles, up to 30 minutes
	retryMost   = 30 * time.Minute
	retryHourly = time.Hour
	// retryWindow is how long what is absent, refused or out of reach is tried again.
	retryWindow = 24 * time.Hour
	// retryIncomplete is how long a recording with absent parts is tried again: what a service uploads late comes
	// within minutes, and what is lost does not come.
	retryIncomplete = time.Hour
)

// windowOf says for how long a step is tried again that failed with this reason; 0: it is not.
func windowOf(failure *workerapi.Failure) time.Duration {
	switch failure.Reason {
	case workerapi.ReasonNotFound, workerapi.ReasonForbidden, workerapi.ReasonStorageUnavailable,
		workerapi.ReasonAPIUnavailable, workerapi.ReasonKindNotFound, workerapi.ReasonNotStarted:
		return retryWindow
	case workerapi.ReasonSegmentMissing:
		return retryIncomplete
	case workerapi.ReasonInvalidPlaylist: // one without its end: its last upload may be late
		if !failure.Permanent {
			return retryIncomplete
		}
	}
	return 0
}

// backoff is how long after its Job failed a step is tried again, when so many failed before it.
func backoff(before int32) time.Duration {
	switch {
	case before < retryDouble:
		return retryFirst << before
	case before == retryDouble:
		return retryMost
	}
	return retryHourly
}

// retries is how many Jobs of a step have failed.
func retries(retry *v1alpha1.StepRetry) int32 {
	if retry == nil {
		return 0
	}
	return retry.Count
}

// isRetried says that the step is tried again at a time that is known.
func isRetried(retry *v1alpha1.StepRetry) bool { return retry != nil && retry.NextTime != nil }

// underway is the same without the time of the next try.
func underway(retry *v1alpha1.StepRetry) *v1alpha1.StepRetry {
	if retry == nil {
		return nil
	}
	return &v1alpha1.StepRetry{Count: retry.Count, FirstFailureTime: retry.FirstFailureTime}
}

// isLater says that the time of the next try has not come. Then there is another look when it has.
func (d *Decision) isLater(retry *v1alpha1.StepRetry) bool {
	if !isRetried(retry) {
		return false
	}
	left := retry.NextTime.Sub(d.seen.Now)
	if left > 0 {
		d.recheck(left)
	}
	return left > 0
}

// retryOf says which Jobs of a step failed in this run: as the status has it, or, when the operator died before it was
// written, as the Job of a later try shows.
func (d *Decision) retryOf(step string) *v1alpha1.StepRetry {
	var known *v1alpha1.StepRetry
	if recorded := find(d.seen.recordedSteps(), step); recorded != nil {
		known = recorded.Retry
	}
	for i := range d.seen.Children {
		child := &d.seen.Children[i]
		if child.Step != step || !d.current(child) || child.Retry <= retries(known) {
			continue
		}
		next := &v1alpha1.StepRetry{Count: child.Retry, FirstFailureTime: child.CreationTime}
		if known != nil {
			next.FirstFailureTime = known.FirstFailureTime
		}
		known = next
	}
	return known
}

// childOf is the Job of a step's current try; nil: it has none. The Jobs of earlier tries have failed.
func (d *Decision) childOf(step string, try int32) *Child {
	for i := range d.seen.Children {
		if child := &d.seen.Children[i]; child.Step == step && child.Retry == try && d.current(child) && !child.Deleting {
			return child
		}
	}
	return nil
}

// retryFailed turns a step whose Job failed into one that is tried again, if what it failed over may pass.
func (d *Decision) retryFailed(step *v1alpha1.Step, child *Child, state *v1alpha1.StepStatus) {
	if child.Result == nil || child.Result.Failure == nil || child.CompletionTime == nil || !d.repeats(step) {
		return
	}
	first := *child.CompletionTime
	if state.Retry != nil {
		first = state.Retry.FirstFailureTime
	}
	next := metav1.NewTime(child.CompletionTime.Add(backoff(child.Retry)))
	if window := windowOf(child.Result.Failure); window == 0 || next.Sub(first.Time) > window {
		return
	}
	state.State = v1alpha1.StepPending
	state.Retry = &v1alpha1.StepRetry{Count: child.Retry + 1, FirstFailureTime: first, NextTime: &next}
	state.Retry = d.wake(step, state)
}

// wake brings the next try forward when a StorageLocation that the step uses has become Ready, or was changed, since the
// step failed.
func (d *Decision) wake(step *v1alpha1.Step, failed *v1alpha1.StepStatus) *v1alpha1.StepRetry {
	if d.seen.Storage == nil {
		return failed.Retry
	}
	storage := d.seen.Storage(step)
	woken := failed.CompletionTime != nil && storage.ReadySince.After(failed.CompletionTime.Time)
	if child := d.childOf(step.Name, failed.Retry.Count-1); child != nil && child.Storage != storage.Version {
		woken = true
	}
	if !woken {
		return failed.Retry
	}
	retry := *failed.Retry
	retry.NextTime = new(metav1.NewTime(d.seen.Now))
	return &retry
}

// repeats says whether a step that failed is tried again at all.
func (d *Decision) repeats(step *v1alpha1.Step) bool {
	repeat := step.Retries
	if defaults := d.seen.Pipeline.Spec.Defaults; repeat == nil && defaults != nil {
		repeat = defaults.Retries
	}
	return repeat == nil || *repeat > 0
}
