// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	// showAfter and showStep: progress is shown that is so old, or so many percent further than what was shown last.
	showAfter = 10 * time.Second
	showStep  = 5
	// firstPause is how long a pod is left alone that has not answered; each following pause is twice as long, up to
	// lastPause: a NetworkPolicy may forbid all questions.
	firstPause = 4 * time.Second
	lastPause  = 2 * time.Minute
)

// Board keeps what the pods of running steps have answered. A pod is one attempt of a step. It is safe for concurrent
// use.
type Board struct {
	mu   sync.Mutex
	pods map[types.UID]*entry
}

// entry is what is known of a pod.
type entry struct {
	heard, shown *v1alpha1.StepProgress
	// pause is how long the pod is left alone after the next failure, and next when it is asked again.
	pause time.Duration
	next  time.Time
}

// NewBoard makes an empty Board.
func NewBoard() *Board { return &Board{pods: map[types.UID]*entry{}} }

// Due are those of the running pods that are to be asked now. Pods that are not among the running ones are forgotten.
func (b *Board) Due(running []types.UID, now time.Time) map[types.UID]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	pods, due := make(map[types.UID]*entry, len(running)), map[types.UID]bool{}
	for _, uid := range running {
		known := b.pods[uid]
		if known == nil {
			known = &entry{pause: firstPause}
		}
		pods[uid] = known
		if !now.Before(known.next) {
			due[uid] = true
		}
	}
	b.pods = pods
	return due
}

// Heard takes note of an answer. What is less than before is passed over.
func (b *Board) Heard(uid types.UID, report workerapi.Progress, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.pods[uid]
	if known == nil {
		return
	}
	known.pause, known.next = firstPause, time.Time{}
	if known.heard != nil && report.Percent < known.heard.Percent {
		return
	}
	known.heard = &v1alpha1.StepProgress{Percent: report.Percent, Stage: report.Stage, Rate: rateOf(report), UpdateTime: metav1.NewTime(now.Truncate(time.Second))}
}

// Failed takes note of a pod that has not answered.
func (b *Board) Failed(uid types.UID, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.pods[uid]; known != nil {
		known.next = now.Add(known.pause)
		known.pause = min(2*known.pause, lastPause)
	}
}

// Show are at most limit pods whose progress is worth writing now; from now on Of gives it. Those come first that have
// waited for longest.
func (b *Board) Show(limit int, now time.Time) []types.UID {
	b.mu.Lock()
	defer b.mu.Unlock()
	var due []types.UID
	for uid, known := range b.pods {
		if known.isDue(now) {
			due = append(due, uid)
		}
	}
	slices.SortFunc(due, func(one, other types.UID) int {
		return cmp.Or(b.pods[one].shownAt().Compare(b.pods[other].shownAt()), cmp.Compare(one, other))
	})
	due = due[:min(len(due), limit)]
	for _, uid := range due {
		b.pods[uid].shown = b.pods[uid].heard
	}
	return due
}

func (e *entry) isDue(now time.Time) bool {
	switch {
	case e.heard == nil:
		return false
	case e.shown == nil:
		return true
	}
	further := e.heard.Percent - e.shown.Percent
	return further >= showStep || further > 0 && now.Sub(e.shown.UpdateTime.Time) >= showAfter
}

// shownAt is when what is shown was heard; zero: nothing is.
func (e *entry) shownAt() time.Time {
	if e.shown == nil {
		return time.Time{}
	}
	return e.shown.UpdateTime.Time
}

// Of is the progress of a pod that is to be written; nil: there is none.
func (b *Board) Of(uid types.UID) *v1alpha1.StepProgress {
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.pods[uid]; known != nil {
		return known.shown.DeepCopy()
	}
	return nil
}

// maxSpeed is more than anything is processed at, in hundredths of the speed that it plays at.
const maxSpeed = 9_999_99

// rateOf writes a rate for people.
func rateOf(report workerapi.Progress) string {
	switch {
	case report.MediaMillisecondsPerSecond > 0:
		return fmt.Sprintf("%.1fx", float64(min(report.MediaMillisecondsPerSecond/10, maxSpeed))/100)
	case report.BytesPerSecond > 0:
		return recording.HumanSize(report.BytesPerSecond) + "/s"
	}
	return ""
}
