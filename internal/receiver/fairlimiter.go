// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// maxLimitedNamespaces is how many namespaces have a bucket at the same time. The one that was used longest ago is
// forgotten first; the rate of all bounds what that lets through.
const maxLimitedNamespaces = 4096

// fairLimiter is a rate that namespaces share. One namespace gets at most half of it, so that what happens to its sources
// leaves the other half to the others.
type fairLimiter struct {
	all        *rate.Limiter
	namespaces *lru.Cache[string, *rate.Limiter]
}

func newFairLimiter(limit rate.Limit, burst int) *fairLimiter {
	return &fairLimiter{all: rate.NewLimiter(limit, burst), namespaces: bounded[string, *rate.Limiter](maxLimitedNamespaces)}
}

// allow uses up one of the namespace's and of all.
func (l *fairLimiter) allow(namespace string, now time.Time) bool {
	own, ok := l.namespaces.Get(namespace)
	if !ok {
		own = rate.NewLimiter(l.all.Limit()/2, l.all.Burst()/2)
		l.namespaces.Add(namespace, own)
	}
	return own.AllowN(now, 1) && l.all.AllowN(now, 1)
}
