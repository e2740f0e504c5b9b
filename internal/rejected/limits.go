// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rejected

import (
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
)

// The bounds of what is kept. Objects that are overwritten stay in etcd until it is compacted, so it is the rate that
// bounds its size.
const (
	// burst is how many rejected callbacks of a source, and of a namespace, are kept at once, and receiverBurst of all. One
	// namespace leaves the others half of what a receiver keeps.
	burst         = 10
	receiverBurst = 2 * burst
	// sourceInterval, namespaceInterval and receiverInterval are the time between those that follow.
	sourceInterval    = 30 * time.Second
	namespaceInterval = 2 * receiverInterval
	receiverInterval  = time.Second
	// maxSources bounds the sources, and the namespaces, that are remembered. The one that was rejected longest ago is
	// forgotten first.
	maxSources = 4096
)

// limits decide which rejected callbacks are kept, and count the others.
type limits struct {
	mu         sync.Mutex
	receiver   *rate.Limiter
	namespaces *lru.Cache[string, *rate.Limiter]
	sources    *lru.Cache[types.NamespacedName, *sourceLimit]
}

type sourceLimit struct {
	limiter *rate.Limiter
	// dropped counts those that were not kept since the last one that was.
	dropped int
}

func newLimits() *limits {
	return &limits{
		receiver:   rate.NewLimiter(rate.Every(receiverInterval), receiverBurst),
		namespaces: remember[string, *rate.Limiter](),
		sources:    remember[types.NamespacedName, *sourceLimit](),
	}
}

func remember[K comparable, V any]() *lru.Cache[K, V] {
	memory, err := lru.New[K, V](maxSources)
	if err != nil {
		panic(err) // for no entries at all
	}
	return memory
}

// permit is for one rejected callback.
type permit struct {
	limits *limits
	source *sourceLimit
	// reserved are of the source, its namespace and the receiver.
	reserved         []*rate.Reservation
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
	reserved, ok := reserveAll(now, source.limiter, l.namespace(name.Namespace), l.receiver)
	if !ok {
		source.dropped++
		return nil, source.dropped
	}
	p = &permit{limits: l, source: source, reserved: reserved, at: now, droppedSinceLast: source.dropped}
	source.dropped = 0
	return p, 0
}

func (l *limits) namespace(name string) *rate.Limiter {
	limiter, ok := l.namespaces.Get(name)
	if !ok {
		limiter = rate.NewLimiter(rate.Every(namespaceInterval), burst)
		l.namespaces.Add(name, limiter)
	}
	return limiter
}

// reserveAll takes one of each limiter, or none.
func reserveAll(now time.Time, limiters ...*rate.Limiter) (reserved []*rate.Reservation, ok bool) {
	for _, limiter := range limiters {
		r, ok := reserve(limiter, now)
		if !ok {
			cancel(reserved, now)
			return nil, false
		}
		reserved = append(reserved, r)
	}
	return reserved, true
}

func cancel(reserved []*rate.Reservation, at time.Time) {
	for _, r := range reserved {
		r.CancelAt(at)
	}
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
	cancel(p.reserved, p.at)
	p.source.dropped += p.droppedSinceLast
}
