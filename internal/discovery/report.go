// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import "fmt"

// Outcome is what became of an object that may be a recording. Its values are few, so that it can label a metric.
type Outcome string

// The outcomes.
const (
	// Created says that a RecordingFile was created.
	Created Outcome = "created"
	// Updated says that the object holds more than its RecordingFile said, which says so now.
	Updated Outcome = "updated"
	// Known says that the object has a RecordingFile.
	Known Outcome = "known"
	// Own says that the operator's own worker wrote the object.
	Own Outcome = "own"
	// Part says that the object is part of a recording: a segment of fragmented MP4, or a playlist of playlists, whose
	// playlists are looked at themselves.
	Part Outcome = "part"
	// Gone says that the object was deleted after it was listed.
	Gone Outcome = "gone"
	// Refused says that the object cannot be stored as a RecordingFile, now or later.
	Refused Outcome = "refused"
	// Failed says that the object could not be looked at. It has to be scanned again.
	Failed Outcome = "failed"
)

// maxProblems bounds what a report keeps; the first ones tell the most.
const maxProblems = 5

// Report says what a scan came to.
type Report struct {
	// Listed is how many objects were listed, of any kind.
	Listed int64
	// Outcomes counts those that may be recordings and were written in time.
	Outcomes map[Outcome]int64
	// Problems are the first things that a person should know, each with the object's key: objects that failed or were
	// refused, and recordings whose facts are not all known.
	Problems []string
}

// Looked is how many objects that may be recordings were looked at.
func (r Report) Looked() int64 {
	var total int64
	for _, count := range r.Outcomes {
		total += count
	}
	return total
}

// Add puts the report of a later run to this one.
func (r *Report) Add(later Report) {
	if r.Outcomes == nil {
		r.Outcomes = map[Outcome]int64{}
	}
	r.Listed += later.Listed
	for outcome, count := range later.Outcomes {
		r.Outcomes[outcome] += count
	}
	r.Problems = append(r.Problems, later.Problems...)
	r.Problems = r.Problems[:min(len(r.Problems), maxProblems)]
}

func (r *Report) count(key string, outcome Outcome, problem string) {
	r.Outcomes[outcome]++
	if problem != "" && outcome != Known && len(r.Problems) < maxProblems {
		r.Problems = append(r.Problems, fmt.Sprintf("%.200q: %.300s", key, problem))
	}
}
