// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	// saveInterval is how often the state is saved when no key changes: it says when the API server was last seen.
	saveInterval = 10 * time.Second
	// savePause is the least time between two saves, and before the first one: the state saved before stays until keys have
	// been prefetched. What changed within it is missing after a crash.
	savePause = time.Second
	// restoreAfter is how long a receiver that starts waits for the API server before it serves with saved state.
	restoreAfter = 3 * time.Second
	stateFile    = "state.json"
	// stateVersion is that of the file. A file of another version is ignored.
	stateVersion = 1
)

// StateCache saves sources and callback keys in a memory-backed folder of the pod, so that a container that restarts while
// the API server is away serves with them. The folder outlives the container, not the pod. Saved state is used for at
// most maxStale, counted from when the API server was last seen. A StateCache reads RecordingSources: from the cache once
// that is synced, and from the saved state until then. It is a Runnable of a manager.
type StateCache struct {
	// Dir is the folder; empty: nothing is saved.
	Dir string
	// Cached reads RecordingSources from a cache, and Synced waits until that can be read.
	Cached client.Reader
	Synced func(ctx context.Context) bool
	Keys   *KeyStore
	Log    logr.Logger
	Clock  clock.Clock

	started  time.Time
	synced   atomic.Bool
	restored atomic.Pointer[map[types.NamespacedName]*v1alpha1.RecordingSource]
}

// savedState is the content of the file.
type savedState struct {
	Version int                        `json:"version"`
	SavedAt time.Time                  `json:"savedAt"`
	Sources []v1alpha1.RecordingSource `json:"sources"`
	Keys    []savedKeys                `json:"keys"`
}

// Wait returns once sources can be read: when the cache is synced, or, after a moment, with saved state. It says in the
// log why it goes on waiting for the API server.
func (c *StateCache) Wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	synced := make(chan bool, 1)
	go func() { synced <- c.Synced(ctx) }()
	timer := c.Clock.NewTimer(restoreAfter)
	defer timer.Stop()
	select {
	case ok := <-synced:
		return c.ready(ok)
	case <-timer.C():
	}
	if err := c.restore(); err != nil {
		c.Log.Info("Waiting for the API server: there are no saved sources to serve with", "reason", err.Error())
		return c.ready(<-synced)
	}
	return nil
}

var errNotSynced = errors.New("the cache was not synced")

func (c *StateCache) ready(synced bool) error {
	if !synced {
		return errNotSynced
	}
	c.synced.Store(true)
	return nil
}

// NeedLeaderElection is false: every replica serves.
func (c *StateCache) NeedLeaderElection() bool { return false }

// Start saves the state until the context ends. A manager starts it when its caches are synced: from then on saved state
// is not read any more.
func (c *StateCache) Start(ctx context.Context) error {
	c.started = c.Clock.Now()
	c.synced.Store(true)
	c.restored.Store(nil)
	if c.Dir == "" {
		return nil
	}
	pause := func() bool { return sleep(ctx, c.Clock, savePause, nil) }
	for ok := pause(); ok; ok = pause() && sleep(ctx, c.Clock, saveInterval, c.Keys.changed) {
		if err := c.save(ctx); err != nil && ctx.Err() == nil {
			c.Log.Error(err, "Could not save the sources and keys")
		}
	}
	return nil
}

// sleep returns true after the time, or when there is something to do, and false when the context ends.
func sleep(ctx context.Context, clk clock.Clock, atMost time.Duration, wake <-chan struct{}) bool {
	timer := clk.NewTimer(atMost)
	defer timer.Stop()
	select {
	case <-timer.C():
	case <-wake:
	case <-ctx.Done():
		return false
	}
	return true
}

// save replaces the file with the state as it is now. The time is that at which the API server was last seen, which is
// when a Secret was last read: a cache does not tell whether its watch is alive.
func (c *StateCache) save(ctx context.Context) error {
	var sources v1alpha1.RecordingSourceList
	if err := c.Cached.List(ctx, &sources); err != nil {
		return fmt.Errorf("list the recording sources: %w", err)
	}
	state := savedState{Version: stateVersion, Sources: sources.Items}
	state.Keys, state.SavedAt = c.Keys.snapshot()
	if state.SavedAt.IsZero() {
		state.SavedAt = c.started
	}
	content, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	path := filepath.Join(c.Dir, stateFile)
	if err := os.WriteFile(path+".new", content, 0o600); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("replace: %w", err)
	}
	return nil
}

// restore reads the file, and has sources and keys served from it. An error says why it cannot be used.
func (c *StateCache) restore() error {
	if c.Dir == "" {
		return errors.New("saving is switched off")
	}
	content, err := os.ReadFile(filepath.Join(c.Dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("nothing was saved: the pod is new")
	}
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	var state savedState
	if err := json.Unmarshal(content, &state); err != nil {
		return errors.New("the file is damaged") // the decoder's error may quote it
	}
	if state.Version != stateVersion {
		return fmt.Errorf("the file has version %d, not %d", state.Version, stateVersion)
	}
	age := c.Clock.Since(state.SavedAt)
	if age > maxStale {
		return fmt.Errorf("they are %s old, more than %s", age.Round(time.Minute), maxStale)
	}
	sources := make(map[types.NamespacedName]*v1alpha1.RecordingSource, len(state.Sources))
	for i := range state.Sources {
		sources[client.ObjectKeyFromObject(&state.Sources[i])] = &state.Sources[i]
	}
	c.Keys.restore(state.Keys)
	c.restored.Store(&sources)
	c.Log.Info("Serving with saved sources and keys until the API server is back", "sources", len(sources), "age", age.Round(time.Second).String())
	return nil
}

// Get reads a RecordingSource.
func (c *StateCache) Get(ctx context.Context, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
	restored := c.restored.Load()
	if restored == nil || c.synced.Load() {
		return c.Cached.Get(ctx, key, object, options...)
	}
	into, ok := object.(*v1alpha1.RecordingSource)
	source, found := (*restored)[key]
	if !ok || !found {
		return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("recordingsources").GroupResource(), key.Name)
	}
	source.DeepCopyInto(into)
	return nil
}

// List lists from the cache alone.
func (c *StateCache) List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error {
	return c.Cached.List(ctx, list, options...)
}

// savedKeys are the keys of a source in the file.
type savedKeys struct {
	Source     types.NamespacedName   `json:"source"`
	References []v1alpha1.CallbackKey `json:"references"`
	Keys       []savedKey             `json:"keys"`
}

// savedKey is one key; the text is empty for one that is not usable.
type savedKey struct {
	Text   []byte    `json:"text,omitempty"`
	Unread bool      `json:"unread,omitempty"`
	ReadAt time.Time `json:"readAt"`
}
