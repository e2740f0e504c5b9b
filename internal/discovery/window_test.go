// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/objectstore"
)

func TestPrefix(t *testing.T) {
	for _, test := range []struct{ location, own, want string }{
		{"", "", ""}, {"kept", "", "kept/"}, {"kept/", "Record/a", "kept/Record/a"}, {"", "Record/", "Record/"},
	} {
		if got := Prefix(&v1alpha1.S3Location{Prefix: test.location}, &v1alpha1.Discovery{Prefix: test.own}); got != test.want {
			t.Errorf("%+v: %q", test, got)
		}
	}
	if got := Prefix(&v1alpha1.S3Location{Prefix: "kept"}, nil); got != "kept/" {
		t.Errorf("without spec.discovery: %q", got)
	}
}

func TestDue(t *testing.T) {
	last, through := metav1.NewTime(noon.Add(2*time.Hour)), metav1.NewTime(noon.Add(90*time.Minute))
	minute := &metav1.Duration{Duration: time.Minute}
	tests := map[string]struct {
		spec   v1alpha1.Discovery
		status v1alpha1.DiscoveryStatus
		failed bool
		want   time.Time
		spread time.Duration
	}{
		"first":           {v1alpha1.Discovery{}, v1alpha1.DiscoveryStatus{Since: metav1.NewTime(noon)}, false, noon.Add(90 * time.Minute), 6 * time.Minute},
		"next":            {v1alpha1.Discovery{}, v1alpha1.DiscoveryStatus{Since: metav1.NewTime(noon), Through: &through, LastTime: &last}, false, noon.Add(3 * time.Hour), 6 * time.Minute},
		"after a failure": {v1alpha1.Discovery{}, v1alpha1.DiscoveryStatus{Since: metav1.NewTime(noon), Through: &through, LastTime: &last}, true, last.Add(5 * time.Minute), 30 * time.Second},
		"after many":      {v1alpha1.Discovery{}, v1alpha1.DiscoveryStatus{Since: metav1.NewTime(last.Add(-100 * time.Hour)), LastTime: &last}, true, last.Add(10 * time.Hour), time.Hour},
		"often":           {v1alpha1.Discovery{Interval: minute, MinAge: minute}, v1alpha1.DiscoveryStatus{Since: metav1.NewTime(last.Add(-2 * time.Minute)), LastTime: &last}, true, last.Add(time.Minute), 6 * time.Second},
	}
	for name, test := range tests {
		differ := map[time.Time]bool{}
		for i := range 20 {
			got := Due(&test.spec, &test.status, test.failed, types.UID(fmt.Sprint("uid-", i)))
			if got.Before(test.want) || got.After(test.want.Add(test.spread)) {
				t.Errorf("%s: %v, want %v and at most %v more", name, got, test.want, test.spread)
			}
			differ[got] = true
		}
		if len(differ) < 10 {
			t.Errorf("%s: sources are not spread: %v", name, differ)
		}
	}
}

// world is a bucket, its RecordingFiles and one source with discovery, under a clock of their own.
type world struct {
	spec   v1alpha1.Discovery
	status v1alpha1.DiscoveryStatus
	failed bool
	now    time.Time
	begun  *Scan
	clean  bool // begun has met no failure

	written map[string]time.Time // what a listing says
	visible map[string]time.Time // from when on it says so
	failing map[string]bool
	files   map[string]bool
	created map[string]int
	// settled is, by object, what the last scan that got to its end has dealt with.
	settled map[string]time.Time
}

// Find and Discover are the RecordingFiles. Nothing grows here.
func (w *world) Find(_ context.Context, _, _ string, object v1alpha1.ObjectIdentity) (*v1alpha1.RecordingFile, error) {
	if w.files[object.Key] {
		return fileOf(object, &v1alpha1.RecordingFacts{SizeBytes: 1 << 30}), nil
	}
	return nil, nil //nolint:nilnil // as in ingest
}

func (w *world) Discover(_ context.Context, found ingest.Found) (ingest.Result, error) {
	w.files[found.Key] = true
	w.created[found.Key]++
	return ingest.Result{Outcome: ingest.Created}, nil
}

// scan does what the reconciler does: once, if it is time; cutOff is the question at which it stops, 0 for never.
func (w *world) scan(cutOff int, listFails bool) {
	if w.begun == nil {
		if w.now.Before(Due(&w.spec, &w.status, w.failed, "uid")) {
			return
		}
		scope := Scope{}
		scope.From, scope.To = Window(&w.spec, &w.status, w.now)
		w.begun, w.clean = New(scope, w), true
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b := &fakeBucket{objects: map[string]fakeObject{}, before: func(string, string) {
		if cutOff--; cutOff == 0 {
			cancel()
		}
	}}
	for key, written := range w.written {
		if object := (fakeObject{data: movie, written: written}); !w.visible[key].After(w.now) {
			if w.failing[key] {
				object.err = objectstore.ErrUnreachable
			}
			b.objects[key] = object
		}
	}
	if listFails {
		b.listErr = objectstore.ErrUnreachable
	}
	report, err := w.begun.Run(ctx, b)
	w.clean = w.clean && report.Outcomes[Failed] == 0
	if err != nil && ctx.Err() != nil {
		return // its budget is used up
	}
	ended := w.begun
	w.begun, w.failed = nil, err != nil || !w.clean
	w.status.LastTime = &metav1.Time{Time: w.now}
	if w.failed {
		return
	}
	through := metav1.NewTime(ended.scope.To)
	w.status.Through = new(through.Rfc3339Copy()) // as the API server keeps it
	for key, written := range w.written {
		if written.Before(ended.scope.To) {
			w.settled[key] = written
		}
	}
}

// Whatever the interval, whatever fails, however late a listing shows what was written: every recording is found by the
// scan after the next one at the latest that nothing keeps from it, none is found twice, and one whose RecordingFile
// was deleted after it was dealt with does not come back.
func TestWindow_NothingIsMissedAndNothingComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := func(label string, most int) time.Duration {
			return time.Duration(rapid.IntRange(60, most*60).Draw(t, label)) * time.Second
		}
		minAge := minutes("minAge", 120)
		w := &world{
			spec: v1alpha1.Discovery{MinAge: &metav1.Duration{Duration: minAge}, Interval: &metav1.Duration{Duration: minutes("interval", 180)}},
			now:  noon.Add(500 * time.Millisecond), written: map[string]time.Time{}, visible: map[string]time.Time{},
			failing: map[string]bool{}, files: map[string]bool{}, created: map[string]int{}, settled: map[string]time.Time{},
		}
		w.status.Since = metav1.NewTime(w.now.Truncate(time.Second))
		key := func() string { return rapid.SampledFrom([]string{"a.mp4", "b.mp4", "c.mp4", "d.mp4"}).Draw(t, "key") }
		deleted := map[string]time.Time{} // the state whose file was deleted
		settled := map[string]bool{}      // that state was dealt with by a scan that got to its end
		mayCreate := map[string]int{}     // how often an object may have been found by now
		t.Repeat(map[string]func(*rapid.T){
			"write": func(*rapid.T) {
				k := key()
				w.written[k] = w.now.Truncate(time.Second)
				w.visible[k] = w.now.Add(rapid.SampledFrom([]time.Duration{0, minAge / 2, minAge - time.Second}).Draw(t, "lag"))
				if !w.files[k] {
					mayCreate[k]++
				}
			},
			"delete": func(*rapid.T) {
				k := key()
				if !w.files[k] {
					return
				}
				delete(w.files, k)
				deleted[k], settled[k] = w.written[k], w.settled[k].Equal(w.written[k])
				if !settled[k] {
					mayCreate[k]++ // its scan has not got to its end: it may be found again
				}
			},
			"fail":    func(*rapid.T) { k := key(); w.failing[k] = !w.failing[k] },
			"restart": func(*rapid.T) { w.begun = nil },
			"time": func(t *rapid.T) {
				w.now = w.now.Add(rapid.SampledFrom([]time.Duration{
					time.Millisecond, time.Second, time.Minute, minAge / 3, minAge, w.spec.Interval.Duration, 5 * time.Hour,
				}).Draw(t, "step"))
			},
			"scan": func(t *rapid.T) {
				w.now = w.now.Add(rapid.SampledFrom([]time.Duration{time.Millisecond, minAge / 2, minAge + w.spec.Interval.Duration, 9 * time.Hour}).Draw(t, "step"))
				w.scan(rapid.SampledFrom([]int{0, 0, 2, 3, 5, 8}).Draw(t, "cutOff"), rapid.IntRange(0, 5).Draw(t, "list") == 5)
			},
			"": func(t *rapid.T) {
				for k, count := range w.created {
					if count > mayCreate[k] {
						t.Fatalf("%s was found %d times, at most %d are right", k, count, mayCreate[k])
					}
				}
				for k, state := range deleted {
					if settled[k] && w.files[k] && w.written[k].Equal(state) {
						t.Fatalf("%s came back", k)
					}
				}
			},
		})
		// Peace: nothing fails any more, and everything is old.
		clear(w.failing)
		w.now = w.now.Add(2 * minAge)
		for range 5 {
			w.scan(0, false)
			w.now = w.now.Add(24 * time.Hour)
		}
		for k, written := range w.written {
			if !w.files[k] && !deleted[k].Equal(written) {
				t.Fatalf("%s, written at %v, was never found; status %+v", k, written, w.status)
			}
		}
	})
}
