// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"strings"
	"time"
	"unicode"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
)

const (
	// waitingGrace is how long a pod may wait before the status says so: most pods start sooner, and a status that says
	// what is over when it is read costs a write.
	waitingGrace = 10 * time.Second
	// startGrace is the same where Kubernetes gives no reason, for example while a node pulls the image.
	startGrace = 25 * time.Second
)

// Waiting says why the pod of an active Job has not started.
type Waiting struct {
	// Reason is Kubernetes' own, or one of those of the API. Message is for a person.
	Reason, Message string
	// Since is when the waiting began.
	Since time.Time
}

// Storage is what is known of the StorageLocations that a step uses.
type Storage struct {
	// Version changes with their specs.
	Version string
	// ReadySince is when the last of them became Ready; zero: one of them is not.
	ReadySince time.Time
	// Problem says which one is not Ready, and why; empty: none.
	Problem string
}

// sayWaiting says why the pod of a step has not started, once it has waited for long enough.
func (d *Decision) sayWaiting(child *Child, state *v1alpha1.StepStatus) {
	if child.Waiting == nil {
		return
	}
	waiting, grace := *child.Waiting, waitingGrace
	switch waiting.Reason {
	case v1alpha1.ReasonPodNotCreated:
		grace = startGrace
	case v1alpha1.ReasonContainersNotStarted:
		grace = startGrace
		if problem := d.storageProblem(child.Step); problem != "" {
			// A volume that cannot be mounted is told in events alone, which the operator does not read.
			grace, waiting.Reason, waiting.Message = waitingGrace, v1alpha1.ReasonStorageNotReady, problem
		}
	}
	if left := grace - d.seen.Now.Sub(waiting.Since); left > 0 {
		d.recheck(left)
		return
	}
	if recorded := find(d.seen.recordedSteps(), child.Step); recorded != nil && recorded.State == v1alpha1.StepPending &&
		recorded.JobName == child.Name && says(recorded, &waiting) {
		waiting.Reason, waiting.Message = recorded.Reason, recorded.Message
	}
	state.State, state.Reason, state.Message = v1alpha1.StepPending, waiting.Reason, waiting.Message
}

func (d *Decision) storageProblem(name string) string {
	for _, step := range Steps(d.seen.Pipeline.Spec) {
		if step.Name == name && d.seen.Storage != nil {
			return d.seen.Storage(step).Problem
		}
	}
	return ""
}

// says that a status says already what a pod waits for, so that it need not be written again: numbers change while a
// cluster works, and a node that fails to pull an image says so in two ways by turns, or not at all.
func says(recorded *v1alpha1.StepStatus, waiting *Waiting) bool {
	switch {
	case waiting.Reason == v1alpha1.ReasonContainersNotStarted:
		return recorded.Reason == v1alpha1.ReasonImagePull
	case recorded.Reason != waiting.Reason:
		return false
	}
	return waiting.Reason == v1alpha1.ReasonImagePull || Gist(recorded.Message) == Gist(bounded.Message(waiting.Message))
}

// Gist is a text without its digits.
func Gist(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return -1
		}
		return r
	}, text)
}
