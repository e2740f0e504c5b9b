// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// defaultRate is how many callbacks of one source are taken per second when it does not say: far more than one SparkRTC
// app sends, and more than an API server takes. It bounds what a source gone mad can cost its neighbours.
const defaultRate = 2000

// maxMetered is how many sources are metered at one time. The one that called longest ago is forgotten first, which only
// ever lets more callbacks in.
const maxMetered = 4096

// meter holds each source to its rate. Only verified callbacks count, so forgeries cannot use up what is the source's;
// nor can replays of what was kept already.
type meter struct {
	clock   clock.PassiveClock
	buckets *lru.Cache[types.NamespacedName, *rate.Limiter]
}

func newMeter(clk clock.PassiveClock) *meter {
	return &meter{clock: clk, buckets: bounded[types.NamespacedName, *rate.Limiter](maxMetered)}
}

// take counts one callback, and reports whether it is within the rate that the source asks for now. Another rate than
// before begins with a full bucket.
func (m *meter) take(source *v1alpha1.RecordingSource) bool {
	limit, burst := rateOf(source.Spec.Callback.RateLimit)
	name := types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
	bucket, ok := m.buckets.Get(name)
	if !ok || bucket.Limit() != limit || bucket.Burst() != burst {
		bucket = rate.NewLimiter(limit, burst)
		m.buckets.Add(name, bucket)
	}
	return bucket.AllowN(m.clock.Now(), 1)
}

// rateOf is a source's rate per second, and how many callbacks it may send at once.
func rateOf(asked *v1alpha1.RateLimit) (limit rate.Limit, burst int) {
	if asked == nil {
		return defaultRate, 2 * defaultRate
	}
	perSecond, burst := int(asked.CallbacksPerSecond), int(asked.Burst)
	perSecond = cmp.Or(perSecond, defaultRate)
	burst = cmp.Or(burst, 2*perSecond)
	return rate.Limit(perSecond), burst
}
