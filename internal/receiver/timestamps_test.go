// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// statuses is an API server of statuses: it keeps what is patched.
type statuses struct {
	client.SubResourceWriter
	mu      sync.Mutex
	patches []string
	err     error
}

func (s *statuses) Patch(_ context.Context, obj client.Object, patch client.Patch, _ ...client.SubResourcePatchOption) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	data, err := patch.Data(obj)
	s.patches = append(s.patches, obj.GetName()+" "+string(data))
	return errors.Join(err, s.err)
}

func (s *statuses) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.patches)
}

// A source's status says what its timestamps are: at once when that is new, and then every ten minutes at most.
func TestTimestampsAreShown(t *testing.T) {
	clk, status := clocktesting.NewFakeClock(testNow), &statuses{}
	shown := newTimestamps(status, clk, logr.Discard())
	source := builders.MakeRecordingSource("a").Obj()
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { shown.run(ctx) })
	defer running.Wait()
	defer stop()

	written := 0
	see := func(what string, unit sparkrtc.Unit, skew time.Duration, want string) {
		t.Helper()
		shown.see(source, unit, skew)
		if want == "" {
			shown.mu.Lock()
			defer shown.mu.Unlock()
			if len(shown.pending) > 0 {
				t.Errorf("%s: it is to be written", what)
			}
			return
		}
		written++
		waitFor(t, what, func() bool { return status.count() == written })
		if got := status.patches[written-1]; got != "a "+want {
			t.Errorf("%s: patched %s, want %s", what, got, want)
		}
	}
	// What was written comes back through the cache, sooner or later.
	cached := func(unit sparkrtc.Unit) {
		source.Status.Timestamp = &v1alpha1.ObservedTimestamp{Unit: v1alpha1.TimestampUnit(unit), ObservedTime: metav1.NewTime(clk.Now())}
	}
	see("the first", sparkrtc.Seconds, -1500*time.Millisecond, `{"status":{"timestamp":{"observedTime":"2021-04-28T08:58:02Z","skewSeconds":-2,"unit":"Seconds"}}}`)
	see("before the cache knows", sparkrtc.Seconds, 0, "")
	cached(sparkrtc.Seconds)
	clk.Step(observeRetry - time.Second)
	see("another unit a moment later", sparkrtc.Milliseconds, 0, "")
	clk.Step(time.Second)
	see("another unit", sparkrtc.Milliseconds, time.Hour, `{"status":{"timestamp":{"observedTime":"2021-04-28T08:59:02Z","skewSeconds":3600,"unit":"Milliseconds"}}}`)
	cached(sparkrtc.Milliseconds)
	clk.Step(observeInterval - time.Second)
	see("within ten minutes", sparkrtc.Milliseconds, 0, "")
	clk.Step(time.Second)
	status.mu.Lock()
	status.err = errors.New("the API server is away")
	status.mu.Unlock()
	see("after ten minutes", sparkrtc.Milliseconds, 0, `{"status":{"timestamp":{"observedTime":"2021-04-28T09:09:02Z","skewSeconds":0,"unit":"Milliseconds"}}}`)
	see("after a failure", sparkrtc.Milliseconds, 0, "")
	clk.Step(observeRetry)
	see("a minute after a failure", sparkrtc.UnknownUnit, 0, `{"status":{"timestamp":{"observedTime":"2021-04-28T09:10:02Z","skewSeconds":null,"unit":"Unknown"}}}`)
}

// What waits to be written is bounded, and what finds no room comes again.
func TestTimestampsAreBounded(t *testing.T) {
	shown := newTimestamps(&statuses{}, clocktesting.NewFakeClock(testNow), logr.Discard())
	source := builders.MakeRecordingSource("a").Obj()
	for i := range maxObserved + 10 {
		source.Namespace = "n" + strconv.Itoa(i)
		shown.see(source, sparkrtc.Seconds, 0)
	}
	if got := len(shown.taken()); got != maxObserved {
		t.Errorf("%d sources wait, want %d", got, maxObserved)
	}
	shown.see(source, sparkrtc.Seconds, 0)
	if got := len(shown.taken()); got != 1 {
		t.Errorf("%d sources wait afterwards, want 1", got)
	}
}

// Genuine callbacks show on the source what their timestamps are, those that are refused over it, too; forgeries do not.
func TestCallbacksShowTheirTimestamps(t *testing.T) {
	source := builders.MakeRecordingSource("classroom").Key("callback", "key").Timestamp(v1alpha1.TimestampEnforce, nil).Obj()
	h := makeHouse(t, func(c *Config) { c.Sources, c.Status = sources{"media/classroom": source}, &statuses{} })
	content := fixture(t, "start-hls.json")
	forged := signed(t, path, content)
	forged.Header.Set(sparkrtc.HeaderRand, "x")
	h.post(forged)
	if len(h.observed.timestamps) > 0 || len(h.timestamps.taken()) > 0 {
		t.Errorf("a forgery was observed: %v", h.observed.timestamps)
	}
	h.post(signedAt(t, path, content, "1", "1619596682"))
	h.post(signedAt(t, path, content, "2", "1619600282500"))
	h.post(signedAt(t, path, content, "3", "soon"))
	want := []string{"media/classroom Seconds -1h0m0s", "media/classroom Milliseconds 500ms", "media/classroom Unknown 0s"}
	if got := h.observed.timestamps; len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("observed %q, want %q", got, want)
	}
	taken := h.timestamps.taken()[types.NamespacedName{Namespace: "media", Name: "classroom"}]
	if taken.Unit != v1alpha1.TimestampSeconds || *taken.SkewSeconds != -3600 {
		t.Errorf("to be shown: %+v", taken)
	}
}

// The timestamp and the rest of the status, which the source's reconciler writes as a difference guarded by the
// resourceVersion, do not erase each other.
func TestTheStatusHasTwoWriters(t *testing.T) {
	live, ctx := apiserver.Start(t).Client, t.Context()
	source := builders.MakeRecordingSource("a").Key("callback", "key").Obj()
	source.Namespace = "default"
	if err := live.Create(ctx, source); err != nil {
		t.Fatal(err)
	}
	name := client.ObjectKeyFromObject(source)
	shown := newTimestamps(live.Status(), clocktesting.NewFakeClock(testNow), logr.Discard())
	skew := int64(7)
	seen := v1alpha1.ObservedTimestamp{Unit: v1alpha1.TimestampSeconds, SkewSeconds: &skew, ObservedTime: metav1.NewTime(testNow)}
	reconcile := func(read *v1alpha1.RecordingSource, path string) error {
		before := read.DeepCopy()
		read.Status.CallbackPath = path
		return live.Status().Patch(ctx, read, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	}
	check := func(path string, want v1alpha1.ObservedTimestamp) {
		t.Helper()
		got := &v1alpha1.RecordingSource{}
		if err := live.Get(ctx, name, got); err != nil {
			t.Fatal(err)
		}
		at := got.Status.Timestamp
		if got.Status.CallbackPath != path || at == nil || at.Unit != want.Unit || (at.SkewSeconds == nil) != (want.SkewSeconds == nil) ||
			!at.ObservedTime.Equal(&want.ObservedTime) {
			t.Errorf("status is %+v (%+v), want %s and %+v", got.Status, at, path, want)
		}
	}
	// While the reconciler has read the source, the door writes.
	if err := shown.write(ctx, name, seen); err != nil {
		t.Fatal(err)
	}
	if err := reconcile(source.DeepCopy(), "/one"); !apierrors.IsConflict(err) {
		t.Errorf("the reconciler's look of before: %v, want a conflict", err)
	}
	check("", seen)
	if err := live.Get(ctx, name, source); err != nil {
		t.Fatal(err)
	}
	if err := reconcile(source, "/one"); err != nil {
		t.Fatal(err)
	}
	check("/one", seen)
	unknown := v1alpha1.ObservedTimestamp{Unit: v1alpha1.TimestampUnknown, ObservedTime: metav1.NewTime(testNow.Add(time.Hour))}
	if err := shown.write(ctx, name, unknown); err != nil {
		t.Fatal(err)
	}
	check("/one", unknown)
	name.Name = "gone"
	if err := shown.write(ctx, name, unknown); err != nil {
		t.Errorf("a source that is gone: %v", err)
	}
	// A unit without a skew is also the first that may be shown.
	fresh := builders.MakeRecordingSource("b").Key("callback", "key").Obj()
	fresh.Namespace, name.Name = "default", "b"
	if err := live.Create(ctx, fresh); err != nil {
		t.Fatal(err)
	}
	if err := shown.write(ctx, name, unknown); err != nil {
		t.Fatal(err)
	}
	check("", unknown)
}
