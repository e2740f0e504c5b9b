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

// defaultRate is how many callbacks of one source are accepted per second by default: far more than one SparkRTC app
// sends, and more than an API server takes. It bounds what one source can cost the others.
const defaultRate = 2000

// rejectedRate and rejectedBurst are how many deliveries of one source that were rejected before are looked at again per
// second, and at once.
const (
	rejectedRate  = 1
	rejectedBurst = 10
)

// maxLimitedSources is how many sources have a bucket at the same time. The one that called longest ago is forgotten
// first, which only ever lets more callbacks in.
const maxLimitedSources = 4096

// sourceLimiter limits the rate of each source. Only authenticated callbacks count, so that forgeries cannot use up the
// rate of a source; nor do replays of accepted ones.
type sourceLimiter struct {
	clock   clock.PassiveClock
	rateOf  func(*v1alpha1.RecordingSource) (limit rate.Limit, burst int)
	buckets *lru.Cache[types.NamespacedName, *rate.Limiter]
}

// newSourceLimiter limits each source to its spec.callback.rateLimit.
func newSourceLimiter(clk clock.PassiveClock) *sourceLimiter {
	return &sourceLimiter{clock: clk, buckets: bounded[types.NamespacedName, *rate.Limiter](maxLimitedSources),
		rateOf: func(source *v1alpha1.RecordingSource) (rate.Limit, int) {
			return rateOf(source.Spec.Callback.RateLimit)
		}}
}

// newRejectedLimiter limits the deliveries of each source that were rejected before.
func newRejectedLimiter(clk clock.PassiveClock) *sourceLimiter {
	return &sourceLimiter{clock: clk, buckets: bounded[types.NamespacedName, *rate.Limiter](maxLimitedSources),
		rateOf: func(*v1alpha1.RecordingSource) (rate.Limit, int) { return rejectedRate, rejectedBurst }}
}

// allow counts one callback, and reports whether it is within the source's rate. A changed rate begins with a full bucket.
func (l *sourceLimiter) allow(source *v1alpha1.RecordingSource) bool {
	limit, burst := l.rateOf(source)
	name := types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
	bucket, ok := l.buckets.Get(name)
	if !ok || bucket.Limit() != limit || bucket.Burst() != burst {
		bucket = rate.NewLimiter(limit, burst)
		l.buckets.Add(name, bucket)
	}
	return bucket.AllowN(l.clock.Now(), 1)
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
