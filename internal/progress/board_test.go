// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package progress

import (
	"fmt"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(percent int32) workerapi.Progress {
	return workerapi.Progress{Stage: v1alpha1.StageProcess, Percent: percent}
}

// TestBoard_ShowsWhatIsWorthAWrite: the first answer, 5 percent more, or anything more after 10 seconds; never less.
func TestBoard_ShowsWhatIsWorthAWrite(t *testing.T) {
	b := NewBoard()
	b.Due([]types.UID{"a"}, start)
	for _, each := range []struct {
		after   time.Duration
		percent int32
		shown   int32
	}{
		{0, 20, 20}, {2, 24, 20}, {4, 25, 25}, {6, 26, 25}, {14, 26, 26}, {30, 26, 26}, {32, 25, 26}, {34, 24, 26}, {36, 27, 27}, {38, 80, 80},
	} {
		now := start.Add(each.after * time.Second)
		b.Heard("a", at(each.percent), now)
		shown := b.Of("a")
		due := len(b.Show(1, now)) > 0
		if got := b.Of("a").Percent; got != each.shown || due != (shown == nil || shown.Percent != got) {
			t.Errorf("after %d s with %d percent: %d is shown, due %v", each.after, each.percent, got, due)
		}
	}
	if b.Of("another") != nil {
		t.Error("a pod that nobody asked has progress")
	}
	b.Due(nil, start)
	if b.Of("a") != nil {
		t.Error("a pod that does not run any more is remembered")
	}
}

// TestBoard_KeepsToThePace: whatever pods answer, no round shows more than its limit, no pod goes back, none is shown more
// than once in 10 seconds for less than 5 percent, and each that goes on has its turn.
func TestBoard_KeepsToThePace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 4
		b, now := NewBoard(), start
		pods := make([]types.UID, rapid.IntRange(1, 100).Draw(t, "pods"))
		for i := range pods {
			pods[i] = types.UID(fmt.Sprint("pod-", i))
		}
		shown, turns := map[types.UID]v1alpha1.StepProgress{}, map[types.UID]int{}
		for round := range int32(60) {
			for uid := range b.Due(pods, now) {
				if rapid.IntRange(0, 9).Draw(t, "hostile") == 0 {
					b.Heard(uid, at(rapid.Int32Range(20, 80).Draw(t, "percent")), now)
					continue
				}
				b.Heard(uid, at(20+round), now)
			}
			due := b.Show(limit, now)
			if len(due) > limit {
				t.Fatalf("%d are written at once", len(due))
			}
			for _, uid := range due {
				is, was := *b.Of(uid), shown[uid]
				if is.Percent <= was.Percent || is.Percent-was.Percent < showStep && now.Sub(was.UpdateTime.Time) < showAfter {
					t.Fatalf("%s: %+v follows %+v", uid, is, was)
				}
				shown[uid] = is
				turns[uid]++
			}
			now = now.Add(2 * time.Second)
		}
		if len(turns) != len(pods) {
			t.Fatalf("%d of %d pods had a turn", len(turns), len(pods))
		}
	})
}

// TestBoard_SilentPodsAreAskedLessAndLess, and as often as others once they answer.
func TestBoard_SilentPodsAreAskedLessAndLess(t *testing.T) {
	b, now, asked := NewBoard(), start, 0
	for range 30 * 60 / 2 {
		if b.Due([]types.UID{"a"}, now)["a"] {
			asked++
			b.Failed("a", now)
		}
		now = now.Add(2 * time.Second)
	}
	if asked < 15 || asked > 22 {
		t.Errorf("asked %d times in half an hour", asked)
	}
	b.Heard("a", at(20), now)
	if !b.Due([]types.UID{"a"}, now)["a"] {
		t.Error("a pod that answers is left alone")
	}
}

func TestRateOf_IsShort(t *testing.T) {
	for want, report := range map[string]workerapi.Progress{
		"":          {},
		"1.8x":      {MediaMillisecondsPerSecond: 1800},
		"0.4x":      {MediaMillisecondsPerSecond: 440},
		"10000.0x":  {MediaMillisecondsPerSecond: 1 << 62},
		"12.0MiB/s": {BytesPerSecond: 12 << 20},
		"8.0EiB/s":  {BytesPerSecond: 1<<63 - 1},
		"1023B/s":   {BytesPerSecond: 1023},
	} {
		if got := rateOf(report); got != want || len(got) > 32 {
			t.Errorf("%+v: %q, want %q", report, got, want)
		}
	}
}
