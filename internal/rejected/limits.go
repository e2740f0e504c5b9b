// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rejected

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/internal/fair"
)

// The bounds of what is kept. Objects that are overwritten stay in etcd until it is compacted, so it is the rate that
// bounds its size.
const (
	// burst is how many rejected callbacks of a source are kept at once, and receiverBurst of all, which namespaces share.
	burst         = 10
	receiverBurst = 2 * burst
	// sourceInterval and receiverInterval are the time between those that follow.
	sourceInterval   = 30 * time.Second
	receiverInterval = time.Second
	// maxSources bounds the sources that are remembered. The one that was rejected longest ago is forgotten first.
	maxSources = 4096
)

// limits decide which rejected callbacks are kept, and count the others.
type limits struct {
	mu       sync.Mutex
	receiver *fair.Rate
	sources  *lru.Cache[types.NamespacedName, *sourceLimit]
}

type sourceLimit struct {
	limiter *rate.Limiter
	// dropped counts those that were not kept since the last one that was.
	dropped int
}

func newLimits() *limits {
	sources, err := lru.New[types.NamespacedName, *sourceLimit](maxSources)
	if err != nil {
		panic(err) // for no entries at all
	}
	return &limits{receiver: fair.NewRate(rate.Every(receiverInterval), receiverBurst), sources: sources}
}

// permit is for one rejected callback.
type permit struct {
	limits *limits
	source *sourceLimit
	// reserved is of the source, token of the receiver.
	reserved         *rate.Reservation
	token            *fair.Token
	at               time.Time
	droppedSinceLast int
}

// take asks for a permit. Without one, dropped is how many of the source were not kept since the last one that was.
func (l *limits) take(name types.NamespacedName, now time.Time) (p *permit, dropped int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	source, ok := l.sources.Get(name)
	if !ok {
		source = &sourceLimit{limiter: rate.NewLimiter(rate.Every(sourceInterval), burst)}
		l.sources.Add(name, source)
	}
	p = &permit{limits: l, source: source, at: now, droppedSinceLast: source.dropped}
	if p.reserved, ok = reserve(source.limiter, now); ok {
		if p.token = l.receiver.Take(name.Namespace, now); p.token == nil {
			p.reserved.CancelAt(now)
		}
	}
	if p.token == nil {
		source.dropped++
		return nil, source.dropped
	}
	source.dropped = 0
	return p, 0
}

func reserve(limiter *rate.Limiter, now time.Time) (r *rate.Reservation, ok bool) {
	r = limiter.ReserveN(now, 1)
	if !r.OK() || r.DelayFrom(now) > 0 {
		r.CancelAt(now)
		return nil, false
	}
	return r, true
}

// giveBack returns a permit that was not used.
func (p *permit) giveBack() {
	p.limits.mu.Lock()
	defer p.limits.mu.Unlock()
	p.reserved.CancelAt(p.at)
	p.token.GiveBack(p.at)
	p.source.dropped += p.droppedSinceLast
}
