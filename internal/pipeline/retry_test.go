// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// failing is a step whose every Job fails at once with this.
func failing(reason string, permanent bool) func(*Child) {
	return func(c *Child) {
		fails(c)
		c.CompletionTime = &c.CreationTime
		c.Result.Failure = &workerapi.Failure{Reason: reason, Message: "it failed", Permanent: permanent}
	}
}

// TestRetry_Schedule lists when a step is tried again after it first failed.
func TestRetry_Schedule(t *testing.T) {
	minutes := func(all ...time.Duration) (waits []time.Duration) {
		for _, each := range all {
			waits = append(waits, each*time.Minute)
		}
		return waits
	}
	day := slices.Concat(minutes(1, 2, 4, 8, 16, 30), slices.Repeat(minutes(60), 22))
	for name, test := range map[string]struct {
		fails func(*Child)
		want  []time.Duration
	}{
		"absent":                        {failing(workerapi.ReasonNotFound, true), day},
		"refused":                       {failing(workerapi.ReasonForbidden, true), day},
		"out of reach":                  {failing(workerapi.ReasonStorageUnavailable, false), day},
		"not started":                   {failing(workerapi.ReasonNotStarted, false), day},
		"a segment is absent":           {failing(workerapi.ReasonSegmentMissing, true), minutes(1, 2, 4, 8, 16)},
		"a playlist without its end":    {failing(workerapi.ReasonInvalidPlaylist, false), minutes(1, 2, 4, 8, 16)},
		"a playlist that breaks a rule": {failing(workerapi.ReasonInvalidPlaylist, true), nil},
		"damaged":                       {failing(workerapi.ReasonFramesMissing, true), nil},
	} {
		t.Run(name, func(t *testing.T) {
			var got []time.Duration
			last := now
			seen := observation(steps(step("mp4")), child("mp4", test.fails, func(c *Child) { *c.CompletionTime = metav1.NewTime(now) }))
			for range 100 {
				status := Decide(seen).Status(Outcome{})
				seen.Recorded = status.ProcessingStatus
				if status.Steps[0].State == failed {
					break
				}
				if status.Steps[0].State != pending {
					t.Fatalf("%+v", status.Steps[0])
				}
				seen.Now = status.Steps[0].Retry.NextTime.Time
				got = append(got, seen.Now.Sub(last))
				last = seen.Now
				if made := of(Decide(seen)); len(made.Create) != 1 {
					t.Fatalf("%+v", made)
				}
				seen.Children = []Child{child("mp4", func(c *Child) { c.Retry, c.CreationTime = status.Steps[0].Retry.Count, metav1.NewTime(last) }, test.fails)}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestRetry_SaysWhatComesNext in the step, in Ready and in the table, and looks again then.
func TestRetry_SaysWhatComesNext(t *testing.T) {
	seen := observation(steps(step("mp4"), step("keep", "mp4")), child("mp4", isAbsent))
	made := Decide(seen)
	if left := made.RecheckAfter; left != 59*time.Second {
		t.Errorf("the next look is in %s", left)
	}
	status := made.Status(Outcome{})
	got := status.Steps[0]
	if got.State != pending || got.Reason != "NotFound" || got.Message != "a.m3u8: not found" || got.Retry.Count != 1 || !got.Retry.NextTime.Equal(new(metav1.NewTime(now.Add(59*time.Second)))) {
		t.Errorf("%+v", got)
	}
	if status.Steps[1].State != pending || status.Done || status.Reason != "NotFound" {
		t.Errorf("%+v", status)
	}
	ready := meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionReady)
	if ready.Reason != v1alpha1.ReasonQueued || !strings.Contains(ready.Message, "mp4 (NotFound, tried again at 2026-03-01T12:00:59Z)") {
		t.Errorf("%s: %s", ready.Reason, ready.Message)
	}
	if meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionStalled) != nil {
		t.Error("it is stalled, although it goes on by itself")
	}
	// The Job may expire meanwhile.
	seen.Recorded, seen.Conditions, seen.Children = status.ProcessingStatus, status.Conditions, nil
	if diff := cmp.Diff(status, Decide(seen).Status(Outcome{})); diff != "" {
		t.Errorf("a second look changes the status (-first +second):\n%s", diff)
	}
	seen.Now = now.Add(time.Minute)
	if got := of(Decide(seen)); len(got.Create) != 1 {
		t.Errorf("%+v", got)
	}
	// A try that cannot begin is still the second.
	problems := Outcome{Problems: map[string]Problem{"mp4": {Reason: v1alpha1.ReasonQueued, Passing: true}}}
	if got := Decide(seen).Status(problems).Steps[0].Retry; got == nil || got.Count != 1 {
		t.Errorf("%+v", got)
	}
}

// TestRetry_StorageWakes what failed over it, once.
func TestRetry_StorageWakes(t *testing.T) {
	for name, test := range map[string]struct {
		storage Storage
		want    int
	}{
		"it became Ready after the failure": {Storage{Version: "archive/1", ReadySince: now}, 1},
		"it was Ready all along":            {Storage{Version: "archive/1", ReadySince: now.Add(-time.Hour)}, 0},
		"it was changed":                    {Storage{Version: "archive/2", ReadySince: now.Add(-time.Hour)}, 1},
		"it is not Ready":                   {Storage{Version: "archive/1", Problem: "down"}, 0},
	} {
		seen := observation(steps(step("mp4")), child("mp4", isAbsent, func(c *Child) { c.Storage = "archive/1" }))
		seen.Storage = func(*v1alpha1.Step) Storage { return test.storage }
		if got := of(Decide(seen)); len(got.Create) != test.want {
			t.Errorf("%s: %+v", name, got)
		}
		if test.storage.Version != "archive/1" {
			continue
		}
		seen.Storage = nil
		seen.Recorded, seen.Children = Decide(seen).Status(Outcome{}).ProcessingStatus, nil
		seen.Storage = func(*v1alpha1.Step) Storage { return test.storage }
		if got := of(Decide(seen)); len(got.Create) != test.want {
			t.Errorf("%s, and the Job is gone: %+v", name, got)
		}
	}
}

// TestRetry_NotWithoutRetries: who sets retries to 0 wants to know at once.
func TestRetry_NotWithoutRetries(t *testing.T) {
	one := step("mp4")
	one.Retries = new(int32(0))
	byDefault := observation(steps(step("mp4")), child("mp4", isAbsent))
	byDefault.Pipeline.Spec.Defaults = &v1alpha1.StepSettings{Retries: new(int32(0))}
	for _, seen := range []*Observation{observation(steps(one), child("mp4", isAbsent)), byDefault} {
		if got := Decide(seen).Status(Outcome{}).Steps[0]; got.State != failed || got.Retry != nil {
			t.Errorf("%+v", got)
		}
	}
}

func TestRetry_WaitsWhileSuspended(t *testing.T) {
	seen := observation(steps(step("mp4")), child("mp4", isAbsent)).suspended()
	seen.Now = now.Add(time.Hour)
	made := Decide(seen)
	if got := made.Status(Outcome{}).Steps[0]; got.State != suspended || len(made.Create) > 0 || got.Retry == nil {
		t.Errorf("%+v", got)
	}
}

// TestRetry_EarlierTriesDoNotCount, whatever the cache still shows of them.
func TestRetry_EarlierTriesDoNotCount(t *testing.T) {
	first := child("mp4", isAbsent)
	second := child("mp4", func(c *Child) { c.Name, c.Retry = "job-mp4-1", 1 })
	for _, children := range [][]Child{{first, second}, {second, first}, {second}} {
		made := Decide(observation(steps(step("mp4")), children...))
		if got := made.Status(Outcome{}).Steps[0]; got.State != running || got.JobName != "job-mp4-1" || got.Retry.Count != 1 || len(made.Create) > 0 {
			t.Errorf("%+v", got)
		}
	}
	// The cache does not show the second yet, and the status does: its name is the lock.
	seen := observation(steps(step("mp4")), first)
	seen.with(v1alpha1.StepStatus{Name: "mp4", State: running, JobName: "job-mp4-1", Retry: &v1alpha1.StepRetry{Count: 1}})
	if made := Decide(seen); len(made.Create) != 1 || made.Create[0].Job.Name != "job-mp4-1" {
		t.Errorf("%+v", of(made))
	}
}

// TestWaiting_IsSaidWhenItLasts, and written again only when there is something new to say.
func TestWaiting_IsSaidWhenItLasts(t *testing.T) {
	waits := func(reason, message string, seconds int) Child {
		return child("mp4", func(c *Child) {
			c.Waiting = &Waiting{Reason: reason, Message: message, Since: now.Add(-time.Duration(seconds) * time.Second)}
		})
	}
	full := v1alpha1.StepStatus{Name: "mp4", State: pending, JobName: "job-mp4", Reason: "Unschedulable", Message: "0/3 nodes"}
	pulls := v1alpha1.StepStatus{Name: "mp4", State: pending, JobName: "job-mp4", Reason: v1alpha1.ReasonImagePull, Message: "not found"}
	secret := Storage{Problem: `StorageLocation "archive" is not ready: CredentialsNotFound`}
	for name, test := range map[string]struct {
		child    Child
		recorded v1alpha1.StepStatus
		storage  Storage
		state    v1alpha1.StepState
		want     string
		recheck  time.Duration
	}{
		"not at once":                       {child: waits("Unschedulable", "0/3 nodes", 4), state: running, recheck: 6 * time.Second},
		"when it lasts":                     {child: waits("Unschedulable", "0/3 nodes", 10), state: pending, want: "Unschedulable: 0/3 nodes"},
		"without a reason later":            {child: waits(v1alpha1.ReasonPodNotCreated, "no pod", 20), state: running, recheck: 5 * time.Second},
		"but within 30 s":                   {child: waits(v1alpha1.ReasonPodNotCreated, "no pod", 25), state: pending, want: "PodNotCreated: no pod"},
		"numbers alone are no news":         {child: waits("Unschedulable", "0/4 nodes", 60), recorded: full, state: pending, want: "Unschedulable: 0/3 nodes"},
		"another cause is":                  {child: waits("Unschedulable", "no claim", 60), recorded: full, state: pending, want: "Unschedulable: no claim"},
		"another way to say it is not":      {child: waits(v1alpha1.ReasonImagePull, "back-off", 60), recorded: pulls, state: pending, want: "ImagePullBackOff: not found"},
		"nor that nothing is said":          {child: waits(v1alpha1.ReasonContainersNotStarted, "pulls", 60), recorded: pulls, state: pending, want: "ImagePullBackOff: not found"},
		"a Secret to mount is missing":      {child: waits(v1alpha1.ReasonContainersNotStarted, "pulls", 12), storage: secret, state: pending, want: "StorageNotReady: " + secret.Problem},
		"the Job of another try is another": {child: waits("Unschedulable", "0/4 nodes", 60), recorded: func() v1alpha1.StepStatus { o := full; o.JobName = "old"; return o }(), state: pending, want: "Unschedulable: 0/4 nodes"},
		"over":                              {child: child("mp4"), recorded: full, state: running},
	} {
		t.Run(name, func(t *testing.T) {
			seen := observation(steps(step("mp4")), test.child)
			seen.Storage = func(*v1alpha1.Step) Storage { return test.storage }
			if test.recorded.Name != "" {
				seen.with(test.recorded)
			}
			made := Decide(seen)
			status := made.Status(Outcome{})
			got := status.Steps[0]
			said := ""
			if got.Reason != "" {
				said = got.Reason + ": " + got.Message
			}
			if got.State != test.state || said != test.want || made.RecheckAfter != test.recheck {
				t.Errorf("%s, %q, recheck %s", got.State, said, made.RecheckAfter)
			}
			if status.Reason != got.Reason {
				t.Errorf("the table says %q", status.Reason)
			}
		})
	}
}
