// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// noticeInterval is how often a source is told of requests that are not authenticated. Anybody can cause such a notice.
	noticeInterval = 10 * time.Minute
	// noticeRate and noticeBurst bound the notices of all sources together, in events a second.
	noticeRate  = 1
	noticeBurst = 10
	// maxNoticed is how many sources are remembered. The one that was noticed longest ago is forgotten first; the rate
	// bounds what that lets through.
	maxNoticed = 4096
)

// notices says on a source that requests arrive for it which are not authenticated, so that a mistake in the set-up shows
// in `kubectl describe`. Their number is in the metrics.
type notices struct {
	recorder events.EventRecorder
	clock    clock.PassiveClock
	last     *lru.Cache[types.UID, time.Time]
	rate     *rate.Limiter
}

func newNotices(recorder events.EventRecorder, clk clock.PassiveClock) *notices {
	return &notices{recorder: recorder, clock: clk, last: bounded[types.UID, time.Time](maxNoticed), rate: rate.NewLimiter(noticeRate, noticeBurst)}
}

// unauthenticated reports a request whose signature is missing or wrong.
func (n *notices) unauthenticated(source *v1alpha1.RecordingSource, err error) {
	n.report(source, problemOf(err))
}

// report emits an event, unless the source had one within noticeInterval. The problem must hold nothing of the request.
func (n *notices) report(source *v1alpha1.RecordingSource, problem string) {
	now := n.clock.Now()
	if last, ok := n.last.Peek(source.UID); ok && now.Sub(last) < noticeInterval {
		return
	}
	if !n.rate.AllowN(now, 1) {
		return
	}
	n.last.Add(source.UID, now)
	n.recorder.Eventf(source, nil, corev1.EventTypeWarning, reasonUnauthenticated, "Verify", "Requests arrive for this source, but %s", problem)
}
