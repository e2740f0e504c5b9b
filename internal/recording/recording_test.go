// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package recording

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func at(second int64) *metav1.Time { return &metav1.Time{Time: time.Unix(second, 0)} }

func spec(change func(*v1alpha1.RecordingFileSpec)) *v1alpha1.RecordingFileSpec {
	s := &v1alpha1.RecordingFileSpec{SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "b", Key: "a/o.m3u8"}}
	change(s)
	return s
}

func reported(facts v1alpha1.RecordingFacts) *v1alpha1.ReportedRecording {
	return &v1alpha1.ReportedRecording{RecordingFacts: facts}
}

// Identity is what people set, else what was reported, else what the tasks say, else what the key says.
func TestOf_WeighsIdentity(t *testing.T) {
	task := func(room string) *v1alpha1.RecordingTaskSpec {
		return &v1alpha1.RecordingTaskSpec{RecordingIdentity: v1alpha1.RecordingIdentity{Room: room, Stream: "task"}}
	}
	for name, test := range map[string]struct {
		spec                 *v1alpha1.RecordingFileSpec
		tasks                []*v1alpha1.RecordingTaskSpec
		room, stream, format string
	}{
		"nothing but the key":    {spec: spec(func(*v1alpha1.RecordingFileSpec) {}), format: "HLS"},
		"the key and its stream": {spec: spec(func(s *v1alpha1.RecordingFileSpec) { s.Discovered = &v1alpha1.DiscoveredRecording{Stream: "key"} }), stream: "key", format: "HLS"},
		"the START alone has the room": {spec: spec(func(s *v1alpha1.RecordingFileSpec) { s.Discovered = &v1alpha1.DiscoveredRecording{Stream: "key"} }),
			tasks: []*v1alpha1.RecordingTaskSpec{task("a"), task("b")}, room: "b", stream: "task", format: "HLS"},
		"the report": {spec: spec(func(s *v1alpha1.RecordingFileSpec) {
			s.Reported = &v1alpha1.ReportedRecording{RecordingIdentity: v1alpha1.RecordingIdentity{Room: "0", Format: "WEBM"}}
		}), tasks: []*v1alpha1.RecordingTaskSpec{task("z")}, room: "0", stream: "task", format: "WEBM"},
		"people": {spec: spec(func(s *v1alpha1.RecordingFileSpec) {
			s.Room, s.Stream, s.Format = "mine", "mine", "MP4"
			s.Reported = &v1alpha1.ReportedRecording{RecordingIdentity: v1alpha1.RecordingIdentity{Room: "z", Stream: "z", Format: "HLS"}}
		}), room: "mine", stream: "mine", format: "MP4"},
		"a URL": {spec: spec(func(s *v1alpha1.RecordingFileSpec) { s.Object = v1alpha1.ObjectIdentity{URL: "https://h/a.mp4"} }), format: "MP4"},
	} {
		got := Of(test.spec, test.tasks...)
		if got.Room != test.room || got.Stream != test.stream || got.Format != test.format || got.Source != "classroom" || got.Object != test.spec.Object {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// Discovered facts count when nothing was reported, or when they are clearly more; a late report counts when it says
// clearly more than was discovered.
func TestOf_WeighsFacts(t *testing.T) {
	facts := func(size, duration, end int64) v1alpha1.RecordingFacts {
		return v1alpha1.RecordingFacts{SizeBytes: size, DurationSeconds: duration, EndTime: at(end)}
	}
	found := func(facts v1alpha1.RecordingFacts) *v1alpha1.DiscoveredRecording {
		return &v1alpha1.DiscoveredRecording{LastModified: *at(1000), RecordingFacts: facts}
	}
	for name, test := range map[string]struct {
		key      string
		reported *v1alpha1.ReportedRecording
		found    *v1alpha1.DiscoveredRecording
		want     v1alpha1.RecordingFacts
	}{
		"nothing":                           {key: "a.m3u8"},
		"reported":                          {key: "a.m3u8", reported: reported(facts(1, 60, 100)), want: facts(1, 60, 100)},
		"found":                             {key: "a.m3u8", found: found(facts(2, 61, 101)), want: facts(2, 61, 101)},
		"found, and a report of nothing":    {key: "a.m3u8", reported: reported(v1alpha1.RecordingFacts{}), found: found(facts(2, 61, 101)), want: facts(2, 61, 101)},
		"a late report of the same":         {key: "a.m3u8", reported: reported(facts(9, 62, 102)), found: found(facts(2, 61, 101)), want: facts(2, 61, 101)},
		"a late report of more":             {key: "a.m3u8", reported: reported(facts(9, 120, 202)), found: found(facts(2, 61, 101)), want: facts(9, 120, 202)},
		"grown after the report":            {key: "a.m3u8", reported: reported(facts(1, 60, 100)), found: found(facts(3, 300, 400)), want: facts(3, 300, 400)},
		"found, but nobody knows how long":  {key: "a.m3u8", reported: reported(facts(1, 60, 100)), found: found(facts(3, 0, 400)), want: facts(1, 60, 100)},
		"an MP4 that is reported as larger": {key: "a.mp4", reported: reported(facts(3, 60, 100)), found: found(facts(2, 60, 100)), want: facts(3, 60, 100)},
		"an MP4 that is as large":           {key: "a.mp4", reported: reported(facts(2, 99, 199)), found: found(facts(2, 60, 100)), want: facts(2, 60, 100)},
	} {
		s := spec(func(s *v1alpha1.RecordingFileSpec) {
			s.Object.Key, s.Reported, s.Discovered = test.key, test.reported, test.found
		})
		if diff := cmp.Diff(test.want, Of(s).RecordingFacts); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// A missing picture size or start comes from the other register; a picture size is never put together from two.
func TestOf_FillsInWhatDoesNotStartProcessing(t *testing.T) {
	s := spec(func(s *v1alpha1.RecordingFileSpec) {
		s.Reported = reported(v1alpha1.RecordingFacts{DurationSeconds: 60, StartTime: at(1), Width: 1280, Height: 720})
		s.Discovered = &v1alpha1.DiscoveredRecording{RecordingFacts: v1alpha1.RecordingFacts{DurationSeconds: 60}}
	})
	got := Of(s)
	if got.Width != 1280 || got.Height != 720 || !got.StartTime.Equal(at(1)) {
		t.Errorf("%+v", got.RecordingFacts)
	}
	s.Discovered.Height = 480
	if got := Of(s); got.Width != 0 || got.Height != 480 {
		t.Errorf("%dx%d", got.Width, got.Height)
	}
}

// A recording is processed again when it has grown, and not for a new signature, room or region.
func TestFacts_Digest(t *testing.T) {
	base := spec(func(s *v1alpha1.RecordingFileSpec) {
		s.Reported = reported(v1alpha1.RecordingFacts{SizeBytes: 1, DurationSeconds: 60, EndTime: at(100)})
	})
	for name, test := range map[string]struct {
		change func(*v1alpha1.RecordingFileSpec)
		same   bool
	}{
		"a new signature": {func(s *v1alpha1.RecordingFileSpec) { s.Reported.DownloadURL = "https://h/a?sign=2" }, true},
		"another region":  {func(s *v1alpha1.RecordingFileSpec) { s.Reported.Location = "x" }, true},
		"another room":    {func(s *v1alpha1.RecordingFileSpec) { s.Reported.Room, s.Room = "x", "y" }, true},
		"another task":    {func(s *v1alpha1.RecordingFileSpec) { s.TaskIDs = []string{"x"} }, true},
		"the same, found": {func(s *v1alpha1.RecordingFileSpec) {
			s.Discovered = &v1alpha1.DiscoveredRecording{RecordingFacts: s.Reported.RecordingFacts}
		}, true},
		"a longer one":    {func(s *v1alpha1.RecordingFileSpec) { s.Reported.DurationSeconds++ }, false},
		"a larger one":    {func(s *v1alpha1.RecordingFileSpec) { s.Reported.SizeBytes++ }, false},
		"a later end":     {func(s *v1alpha1.RecordingFileSpec) { s.Reported.EndTime = at(101) }, false},
		"another object":  {func(s *v1alpha1.RecordingFileSpec) { s.Object.Key = "x.m3u8" }, false},
		"a corrected end": {func(s *v1alpha1.RecordingFileSpec) { s.Reported.EndTime = nil }, false},
	} {
		changed := base.DeepCopy()
		test.change(changed)
		if got := Of(changed).Digest() == Of(base).Digest(); got != test.same {
			t.Errorf("%s: the same %t", name, got)
		}
	}
}

// A first report has nothing processed again, unless it says clearly more than was read. Later ones have.
func TestFacts_Input(t *testing.T) {
	unknown := Of(spec(func(*v1alpha1.RecordingFileSpec) {}))
	told := func(seconds int64) Facts {
		return Of(spec(func(s *v1alpha1.RecordingFileSpec) {
			s.Reported = reported(v1alpha1.RecordingFacts{SizeBytes: 1, DurationSeconds: seconds, EndTime: at(100)})
		}))
	}
	another := Of(spec(func(s *v1alpha1.RecordingFileSpec) { s.Object.Key = "x.m3u8" }))
	for name, test := range map[string]struct {
		facts     Facts
		processed Facts
		read      int64
		kept      bool
	}{
		"nothing is known":                   {facts: unknown, processed: unknown, kept: true},
		"reported, and nobody knows as what": {facts: told(60), processed: unknown, kept: true},
		"reported as it was read":            {facts: told(60), processed: unknown, read: 60, kept: true},
		"reported in another way":            {facts: told(63), processed: unknown, read: 60, kept: true},
		"reported as longer":                 {facts: told(64), processed: unknown, read: 60},
		"a long one in another way":          {facts: told(3636), processed: unknown, read: 3600, kept: true},
		"a long one as longer":               {facts: told(3637), processed: unknown, read: 3600},
		"reported without a duration":        {facts: told(0), processed: unknown, read: 60, kept: true},
		"reported again":                     {facts: told(61), processed: told(60), read: 60},
		"not reported any more":              {facts: unknown, processed: told(60), read: 60},
		"another object":                     {facts: told(60), processed: another, read: 60},
	} {
		want := test.facts.Digest()
		if test.kept {
			want = test.processed.Digest()
		}
		if got := test.facts.Input(test.processed.Digest(), test.read); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := told(60).Input("", 0); got != told(60).Digest() {
		t.Errorf("nothing was processed: %s", got)
	}
}

func TestHumanSize(t *testing.T) {
	for bytes, want := range map[int64]string{0: "0B", 1023: "1023B", 1024: "1.0KiB", 26254952: "25.0MiB", 1 << 50: "1.0PiB"} {
		if got := HumanSize(bytes); got != want {
			t.Errorf("%d is %s, want %s", bytes, got, want)
		}
	}
}
