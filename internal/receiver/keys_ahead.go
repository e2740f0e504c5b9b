// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// aheadInterval is how often new and changed sources are looked for.
	aheadInterval = time.Minute
	// aheadMaxAge is how old the keys of a source that is not called may grow. An outage finds them no older, and they
	// stay in use for keysKeep from then on.
	aheadMaxAge = time.Hour
)

// KeysAhead reads the keys of all sources before they are called. Without it an API server that goes away would leave
// those sources without keys that have not called this replica yet, and their callbacks could not even be spooled. It
// is a Runnable of a manager, on every replica.
type KeysAhead struct {
	Keys *KeyStore
	// Sources reads RecordingSources from a cache.
	Sources client.Reader
	Log     logr.Logger
	Clock   clock.Clock
}

// NeedLeaderElection is false: every replica verifies callbacks.
func (a *KeysAhead) NeedLeaderElection() bool { return false }

// Start reads keys until the context ends.
func (a *KeysAhead) Start(ctx context.Context) error {
	for {
		if err := a.once(ctx); err != nil && ctx.Err() == nil {
			a.Log.Error(err, "Could not read the keys of the recording sources ahead")
		}
		timer := a.Clock.NewTimer(aheadInterval)
		select {
		case <-timer.C():
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// once reads what is not known or old, one source after the other. It ends when the API server does not answer.
func (a *KeysAhead) once(ctx context.Context) error {
	var sources v1alpha1.RecordingSourceList
	if err := a.Sources.List(ctx, &sources); err != nil {
		return fmt.Errorf("list the recording sources: %w", err)
	}
	// More than these are not held.
	for i := range sources.Items[:min(len(sources.Items), maxSources)] {
		if answered := a.Keys.ahead(ctx, &sources.Items[i]); !answered {
			return nil // the KeyStore has told why
		}
	}
	return nil
}

// ahead reads the source's keys unless they are known and not old, and reports whether the API server answered.
func (k *KeyStore) ahead(ctx context.Context, source *v1alpha1.RecordingSource) bool {
	refs := source.Spec.Callback.Keys
	held := k.of(client.ObjectKeyFromObject(source))
	set := held.current.Load()
	if len(refs) == 0 || set.names(refs) && set.complete && k.clock.Since(set.readAt) < aheadMaxAge {
		return true
	}
	select {
	case <-k.read(held, source, set):
		return !held.current.Load().away
	case <-ctx.Done():
		return false
	}
}
