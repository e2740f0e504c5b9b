// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// mayForce says that a callback which does not verify may have the keys read again: they are being read anyway, or the
// bounds of its namespace and of all sources together allow one more reading.
func (k *KeyStore) mayForce(held *sourceKeys, namespace string, now time.Time) bool {
	held.mu.Lock()
	defer held.mu.Unlock()
	return held.reading != nil || k.forced.Take(namespace, now) != nil
}

// refreshUnread is refresh for keys that were not read, unless too many callbacks of the namespace wait for such.
func (k *KeyStore) refreshUnread(ctx context.Context, held *sourceKeys, source *v1alpha1.RecordingSource, request Request, set *keySet) Evaluation {
	if !k.refreshing.Take(source.Namespace, maxRefreshing, maxRefreshingAll) {
		return Evaluation{Result: Unverifiable, Err: ErrKeysUnread}
	}
	defer k.refreshing.GiveBack(source.Namespace)
	return k.refresh(ctx, held, source, request, set)
}

// refresh waits until there are newer keys than those of set, and evaluates with them.
func (k *KeyStore) refresh(ctx context.Context, held *sourceKeys, source *v1alpha1.RecordingSource, request Request, set *keySet) Evaluation {
	// The reading that is under way may be for what the source named before.
	for range 2 {
		select {
		case <-k.read(held, source, set):
		case <-ctx.Done():
			return Evaluation{Result: Unverifiable, Err: ErrKeysUnread}
		}
		if set = held.current.Load(); set.names(keysOf(source)) {
			break
		}
	}
	return set.evaluate(source, request, k.clock.Now())
}
