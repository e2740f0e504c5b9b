// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package fair shares what the operator has little of between namespaces, so that neither one nor several together take
// all of it.
package fair

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxNamespaces is how many namespaces are remembered at the same time. The one that was used longest ago is forgotten
// first; the rate of all bounds what that lets through.
const maxNamespaces = 4096

// Rate is a rate that namespaces share. One namespace gets at most half of it, and those that ask for more than they get
// share one half, so that the other is left for those that do not, in whatever order all of them ask. It is safe for
// concurrent use.
type Rate struct {
	mu  sync.Mutex
	all *rate.Limiter
	own *lru.Cache[string, *rate.Limiter]
	// refused has the namespaces that got no token within the last window, which is the time in which an empty bucket fills.
	refused *lru.Cache[string, time.Time]
	window  time.Duration
}

// NewRate makes a rate of limit tokens a second; burst may be taken at once.
func NewRate(limit rate.Limit, burst int) *Rate {
	return &Rate{
		all: rate.NewLimiter(limit, burst), own: remember[*rate.Limiter](), refused: remember[time.Time](),
		window: time.Duration(float64(burst) / float64(limit) * float64(time.Second)),
	}
}

func remember[V any]() *lru.Cache[string, V] {
	memory, err := lru.New[string, V](maxNamespaces)
	if err != nil {
		panic(err) // for no entries at all
	}
	return memory
}

// Token is one that was taken.
type Token struct{ reserved [2]*rate.Reservation }

// GiveBack returns a token that was not used after all.
func (t *Token) GiveBack(now time.Time) {
	for _, reserved := range t.reserved {
		reserved.CancelAt(now)
	}
}

// Take takes a token for a namespace; nil: it has to do without.
func (r *Rate) Take(namespace string, now time.Time) *Token {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.ownOf(namespace, now)
	if !hasToken(own, now) || !hasToken(r.all, now) {
		r.refused.Add(namespace, now)
		return nil
	}
	return &Token{reserved: [2]*rate.Reservation{own.ReserveN(now, 1), r.all.ReserveN(now, 1)}}
}

// ownOf is the namespace's own bucket, with its part of the rate as it is now.
func (r *Rate) ownOf(namespace string, now time.Time) *rate.Limiter {
	parts := r.parts(namespace, now)
	limit, burst := r.all.Limit()/rate.Limit(parts), max(1, r.all.Burst()/parts)
	own, ok := r.own.Get(namespace)
	if !ok {
		own = rate.NewLimiter(limit, burst)
		r.own.Add(namespace, own)
	}
	own.SetLimitAt(now, limit)
	own.SetBurstAt(now, burst)
	return own
}

// parts says that the namespace may have one of so many equal parts.
func (r *Rate) parts(namespace string, now time.Time) int {
	for {
		oldest, last, ok := r.refused.GetOldest()
		if !ok || now.Sub(last) < r.window {
			break
		}
		r.refused.Remove(oldest)
	}
	if r.refused.Contains(namespace) {
		return 2 * r.refused.Len()
	}
	return 2
}

// hasToken says that a bucket has a token, but for what rounding takes from it.
func hasToken(bucket *rate.Limiter, now time.Time) bool { return bucket.TokensAt(now) > 1-1e-6 }
