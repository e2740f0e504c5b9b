// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// prefetchInterval is how often sources are looked at when none is new or changed, for keys that have grown old.
	prefetchInterval = time.Minute
	// prefetchPause is the least time between two looks.
	prefetchPause = time.Second
	// prefetchMaxAge is how old the keys of a source that is not called may grow. An outage finds them no older, and they
	// stay in use for maxStale from then on.
	prefetchMaxAge = time.Hour
)

// KeyPrefetcher reads the keys of all sources before they are called, and forgets those of deleted sources. Without it an
// API server that goes away would leave those sources without keys that have not called this replica yet, and their
// callbacks could not even be spooled. It is a Runnable of a manager, on every replica.
type KeyPrefetcher struct {
	Keys *KeyStore
	// Sources reads RecordingSources from a cache.
	Sources client.Reader
	// Changed has room for one element, which SourceChanged leaves there.
	Changed chan struct{}
	Log     logr.Logger
	Clock   clock.Clock
}

// NeedLeaderElection is false: every replica verifies callbacks.
func (p *KeyPrefetcher) NeedLeaderElection() bool { return false }

// SourceChanged says that a source is new or has changed. It never waits.
func (p *KeyPrefetcher) SourceChanged() { notify(p.Changed) }

// Start reads keys until the context ends.
func (p *KeyPrefetcher) Start(ctx context.Context) error {
	for ok := true; ok; ok = sleep(ctx, p.Clock, prefetchPause, nil) && sleep(ctx, p.Clock, prefetchInterval, p.Changed) {
		if err := p.prefetch(ctx); err != nil && ctx.Err() == nil {
			p.Log.Error(err, "Could not prefetch the keys of the recording sources")
		}
	}
	return nil
}

// prefetch reads what is not known or old, one source after the other. It ends when the API server does not answer.
func (p *KeyPrefetcher) prefetch(ctx context.Context) error {
	var sources v1alpha1.RecordingSourceList
	if err := p.Sources.List(ctx, &sources); err != nil {
		return fmt.Errorf("list the recording sources: %w", err)
	}
	names := make(map[types.NamespacedName]bool, len(sources.Items))
	for i := range sources.Items {
		names[client.ObjectKeyFromObject(&sources.Items[i])] = true
	}
	p.Keys.retain(names)
	for i := range sources.Items {
		if answered := p.Keys.prefetch(ctx, &sources.Items[i]); !answered {
			return nil // the KeyStore has logged why
		}
	}
	return nil
}

// isDue says whether a source's keys are to be read: they are others, or old, or lack the next key of a rotation, so that an
// outage that begins after that key is registered finds it. The start of the rotation tells the next key from that of one before. It
// is a little earlier than the write of the key, on the clock of the manager, so that what was read since may lack the key
// nevertheless. What could not be read is asked for once an interval, however often sources change.
func (k *KeyStore) isDue(set *keySet, source *v1alpha1.RecordingSource) bool {
	if !set.names(keysOf(source)) {
		return true
	}
	lacksKey, age := !set.complete, k.clock.Since(set.readAt)
	if registration := source.Status.Registration; registration != nil && registration.Rotation != nil {
		if set.readAt.Before(registration.Rotation.StartTime.Time) {
			return true
		}
		next := set.held[len(set.held)-1] // of keysOf
		lacksKey = lacksKey || !next.usable
	}
	return age >= prefetchMaxAge || lacksKey && age >= prefetchInterval
}

// prefetch reads the source's keys if they are due, and reports whether the API server answered.
func (k *KeyStore) prefetch(ctx context.Context, source *v1alpha1.RecordingSource) bool {
	held := k.of(client.ObjectKeyFromObject(source))
	set := held.current.Load()
	if len(keysOf(source)) == 0 || !k.isDue(set, source) {
		return true
	}
	select {
	case <-k.read(held, source, set):
		return !held.current.Load().away
	case <-ctx.Done():
		return false
	}
}
