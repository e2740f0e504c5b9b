// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"strings"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/fair"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// noticeInterval is how often a source gets an event about requests that are not authenticated. Anybody can cause such a notice.
	noticeInterval = 10 * time.Minute
	// noticeRate and noticeBurst bound the notices of all sources together, in events a second. Those of one namespace get
	// half of that.
	noticeRate  = 1
	noticeBurst = 10
	// timestampInterval is how often a source is told what its timestamps are: as long as an event is kept.
	// timestampChange is how often it is told when they change: a sender with its key can have every callback change them.
	timestampInterval = time.Hour
	timestampChange   = time.Minute
	// maxNoticed is how many sources are remembered. The one that was noticed longest ago is forgotten first; the rate
	// bounds what that lets through.
	maxNoticed = 4096
)

// notices says on a source that requests arrive for it which are not authenticated, so that a mistake in the set-up shows
// in `kubectl describe`, and what the timestamps of authentic ones are. Their number is in the metrics.
type notices struct {
	recorder events.EventRecorder
	clock    clock.PassiveClock
	last     *lru.Cache[types.UID, time.Time]
	rate     *fair.Rate
	// timestamps are the units and times of the last notices about timestamps.
	timestamps *lru.Cache[types.UID, timestampNotice]
}

type timestampNotice struct {
	unit sparkrtc.Unit
	at   time.Time
}

func newNotices(recorder events.EventRecorder, clk clock.PassiveClock) *notices {
	return &notices{recorder: recorder, clock: clk, last: bounded[types.UID, time.Time](maxNoticed), rate: fair.NewRate(noticeRate, noticeBurst),
		timestamps: bounded[types.UID, timestampNotice](maxNoticed)}
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
	if n.rate.Take(source.Namespace, now) == nil {
		return
	}
	n.last.Add(source.UID, now)
	n.recorder.Eventf(source, nil, corev1.EventTypeWarning, reasonUnauthenticated, "Verify", "Requests arrive for this source, but %s", problem)
}

// timestamp reports what X-Rtc-Timestamp is found to be, since the service documents neither its unit nor its meaning:
// when the unit is new or changed, at most once a minute, and once an hour.
func (n *notices) timestamp(source *v1alpha1.RecordingSource, unit sparkrtc.Unit, skew time.Duration) {
	now := n.clock.Now()
	if last, ok := n.timestamps.Get(source.UID); ok {
		interval := timestampInterval
		if last.unit != unit {
			interval = timestampChange
		}
		if now.Sub(last.at) < interval {
			return
		}
	}
	if n.rate.Take(source.Namespace, now) == nil {
		return
	}
	n.timestamps.Add(source.UID, timestampNotice{unit: unit, at: now})
	note := "X-Rtc-Timestamp is neither seconds nor milliseconds of this year"
	if unit != sparkrtc.UnknownUnit {
		note = fmt.Sprintf("X-Rtc-Timestamp is in %s, %s from the receiver's clock", strings.ToLower(string(unit)), skew.Round(time.Second))
	}
	n.recorder.Eventf(source, nil, corev1.EventTypeNormal, reasonTimestamp, "Verify", "%s", note)
}
