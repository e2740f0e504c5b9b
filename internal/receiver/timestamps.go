// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"sync"
	"time"

	"github.com/go-logr/logr"
	lru "github.com/hashicorp/golang-lru/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// observeInterval is how old what a source shows of its timestamps may be before a callback renews it.
	observeInterval = 10 * time.Minute
	// observeRetry is how long a source is left alone after it was written to, or could not be, whatever comes: a unit
	// that changes to and fro must not cost a write each time.
	observeRetry = time.Minute
	// observeTimeout is for one write.
	observeTimeout = 2 * time.Second
	// maxObserved is how many sources wait to be written to. What finds no room comes again with a later callback.
	maxObserved = 1024
)

// timestamps shows on the sources what X-Rtc-Timestamp was found to be. Callbacks only leave what they saw; run writes
// it. Nothing depends on it, so that nothing is made of a failure but another attempt.
type timestamps struct {
	status client.SubResourceWriter
	clock  clock.PassiveClock
	log    logr.Logger
	// tried is when a source was last to be written to.
	tried *lru.Cache[types.NamespacedName, time.Time]
	wake  chan struct{}

	mu      sync.Mutex
	pending map[types.NamespacedName]v1alpha1.ObservedTimestamp
}

func newTimestamps(status client.SubResourceWriter, clk clock.PassiveClock, log logr.Logger) *timestamps {
	return &timestamps{status: status, clock: clk, log: log, tried: bounded[types.NamespacedName, time.Time](maxMetered),
		wake: make(chan struct{}, 1), pending: map[types.NamespacedName]v1alpha1.ObservedTimestamp{}}
}

// see takes note of one genuine callback's timestamp, if the source does not show it yet.
func (t *timestamps) see(source *v1alpha1.RecordingSource, unit sparkrtc.Unit, skew time.Duration) {
	now := t.clock.Now()
	if t.status == nil || !stale(source.Status.Timestamp, unit, now) {
		return
	}
	name := types.NamespacedName{Namespace: source.Namespace, Name: source.Name}
	if tried, ok := t.tried.Get(name); ok && now.Sub(tried) < observeRetry {
		return
	}
	seen := v1alpha1.ObservedTimestamp{Unit: v1alpha1.TimestampUnit(unit), ObservedTime: metav1.NewTime(now)}
	if unit != sparkrtc.UnknownUnit {
		seconds := int64(math.Round(skew.Seconds()))
		seen.SkewSeconds = &seconds
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.pending) >= maxObserved {
		return
	}
	t.tried.Add(name, now)
	t.pending[name] = seen
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// stale says that a callback with this unit is news: the first one, one of another unit, or the first in ten minutes.
func stale(shown *v1alpha1.ObservedTimestamp, unit sparkrtc.Unit, now time.Time) bool {
	return shown == nil || shown.Unit != v1alpha1.TimestampUnit(unit) || now.Sub(shown.ObservedTime.Time).Abs() >= observeInterval
}

// run writes what was seen until the context ends.
func (t *timestamps) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.wake:
		}
		for name, seen := range t.taken() {
			if err := t.write(ctx, name, seen); err != nil && ctx.Err() == nil {
				t.log.Info("Could not show a source's timestamp; a later callback tries again", "source", name, "error", err.Error())
			}
		}
	}
}

// taken is what is pending, which then is no more.
func (t *timestamps) taken() map[types.NamespacedName]v1alpha1.ObservedTimestamp {
	t.mu.Lock()
	defer t.mu.Unlock()
	taken := maps.Clone(t.pending)
	clear(t.pending)
	return taken
}

// write patches the one field of the status, whatever else has changed: nobody else writes it.
func (t *timestamps) write(ctx context.Context, name types.NamespacedName, seen v1alpha1.ObservedTimestamp) error {
	ctx, cancel := context.WithTimeout(ctx, observeTimeout)
	defer cancel()
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"timestamp": map[string]any{
		// A skew of before must not stay beside another unit: null removes it.
		"unit": seen.Unit, "skewSeconds": seen.SkewSeconds, "observedTime": seen.ObservedTime,
	}}})
	if err != nil {
		return fmt.Errorf("encode the timestamp: %w", err)
	}
	source := &v1alpha1.RecordingSource{ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name}}
	err = t.status.Patch(ctx, source, client.RawPatch(types.MergePatchType, patch))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("patch the source's status: %w", err)
	}
	return nil
}
