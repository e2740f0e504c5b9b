// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package describe says in words how recordings, their steps, Jobs and pods are, so that every command of the plugin and its
// page use the same ones. It is pure. The texts hold what others wrote: a terminal needs them escaped.
package describe

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Status is the STATUS column of a file, and the message beside it.
func Status(file *v1alpha1.RecordingFile) (status, message string) {
	if ready := meta.FindStatusCondition(file.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		return ready.Reason, ready.Message
	}
	return v1alpha1.ReasonPending, ""
}

// Row is how a file is at a glance: one of its steps that run or wait for a person, or what it waits for.
type Row struct {
	// Status is that of the file, and Steps how many of its steps are done, of all: 1/2.
	Status, Steps string
	// Step and Progress are the name of the running step and the percentage of it that is done; empty: none runs, or its
	// progress is not known.
	Step, Progress string
	// Detail is what the step does, else what the file waits for, else the message of its status.
	Detail string
}

// Rows are the rows of a file, one for each step that runs or waits for a person: at least one.
func Rows(file *v1alpha1.RecordingFile) []Row {
	status, message := Status(file)
	about := Row{Status: status}
	if file.Status.Summary != nil {
		about.Steps = file.Status.Summary.Progress
	}
	var rows []Row
	for i := range file.Status.Steps {
		step := &file.Status.Steps[i]
		if step.State != v1alpha1.StepRunning && !AsksPerson(step) {
			continue
		}
		row := about
		row.Step, row.Detail = step.Name, step.Message
		if progress := step.Progress; progress != nil {
			row.Progress = fmt.Sprintf("%d%%", progress.Percent)
			row.Detail = Stage(progress)
		}
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		return rows
	}
	about.Detail = message
	if file.Status.Queue != nil {
		about.Detail = file.Status.Queue.WaitingFor
	}
	return []Row{about}
}

// Now says in one line what the steps of a file do that run, else what it waits for, else the message of its status.
func Now(file *v1alpha1.RecordingFile) string {
	var running []string
	for _, row := range Rows(file) {
		running = append(running, Words(row.Step, row.Progress, row.Detail))
	}
	return strings.Join(running, ", ")
}

// Words joins words by blanks, and leaves out what is empty.
func Words(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "" }), " ")
}

// With adds a message to a state. One of them may be empty.
func With(state, message string) string {
	if state == "" || message == "" {
		return state + message
	}
	return state + ": " + message
}
