// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
)

func route(when, pipeline string) v1alpha1.Route {
	return v1alpha1.Route{When: when, PipelineRef: v1alpha1.LocalReference{Name: pipeline}}
}

func newRouter(t *testing.T) *Router {
	t.Helper()
	router, err := NewRouter()
	if err != nil {
		t.Fatal(err)
	}
	return router
}

// A route that asks for a duration takes a recording whose duration nobody reported, and one without sound and pictures has none.
func TestRouter_TakesWhatIsNotKnown(t *testing.T) {
	router := newRouter(t)
	for when, want := range map[string]bool{
		"recording.format == 'HLS' && recording.duration >= duration('5s')": true,
		"recording.size > 1000": true, "recording.end < timestamp('2020-01-01T00:00:00Z')": true,
		"recording.width > 0": false, "recording.height > 0": false, "recording.room == 'x'": false,
	} {
		_, matched, err := router.Choose([]v1alpha1.Route{route(when, "p")}, FromFacts(recording.Facts{Format: "HLS"}))
		if matched != want || err != nil {
			t.Errorf("%s: %t, %v", when, matched, err)
		}
	}
}

func TestChoose(t *testing.T) {
	router := newRouter(t)
	facts := recording.Facts{
		Source: "classroom", Room: "room01", Format: "HLS", TaskIDs: []string{"b", "a"}, Object: v1alpha1.ObjectIdentity{Bucket: "b", Key: "o.m3u8"},
		RecordingFacts: v1alpha1.RecordingFacts{DurationSeconds: 65, SizeBytes: 1000, Width: 1280, Height: 720},
	}
	tests := map[string]struct {
		routes  []v1alpha1.Route
		want    string
		matched bool
		problem string
	}{
		"no routes":                                  {},
		"absent when matches":                        {routes: []v1alpha1.Route{route("", "all")}, want: "all", matched: true},
		"first match wins":                           {routes: []v1alpha1.Route{route("recording.format == 'MP4'", "a"), route("recording.format == 'HLS'", "b"), route("", "c")}, want: "b", matched: true},
		"duration":                                   {routes: []v1alpha1.Route{route("recording.duration >= duration('66s')", "long"), route("recording.duration >= duration('65s')", "ok")}, want: "ok", matched: true},
		"integers and strings":                       {routes: []v1alpha1.Route{route("recording.height >= 720 && recording.room.startsWith('room') && recording.bucket == 'b'", "hd")}, want: "hd", matched: true},
		"the task that sorts last":                   {routes: []v1alpha1.Route{route("recording.task == 'b'", "x")}, want: "x", matched: true},
		"a fact that is not known matches":           {routes: []v1alpha1.Route{route("recording.start > timestamp('2020-01-01T00:00:00Z')", "x")}, want: "x", matched: true},
		"unless the rest says no":                    {routes: []v1alpha1.Route{route("recording.format == 'MP4' && recording.start > timestamp('2020-01-01T00:00:00Z')", "x")}},
		"in whatever order":                          {routes: []v1alpha1.Route{route("recording.start > timestamp('2020-01-01T00:00:00Z') && recording.format == 'MP4'", "x")}},
		"or the expression asks whether it is known": {routes: []v1alpha1.Route{route("has(recording.start) && recording.start > timestamp('2020-01-01T00:00:00Z')", "x"), route("recording.?start.orValue(timestamp('1970-01-01T00:00:00Z')) > timestamp('2020-01-01T00:00:00Z')", "y")}},
		"what is known is known":                     {routes: []v1alpha1.Route{route("!has(recording.duration)", "x"), route("recording.?duration.orValue(duration('0s')) == duration('65s')", "y")}, want: "y", matched: true},
		"wrong expression matches nothing, the next one does": {
			routes: []v1alpha1.Route{route("recording.fromat == 'HLS'", "a"), route("", "b")},
			want:   "b", matched: true, problem: "spec.routes[0].when: line 1, column 10: undefined field 'fromat'; the fields of recording are source, app",
		},
		"not a bool":     {routes: []v1alpha1.Route{route("recording.format", "a")}, problem: "must be a bool"},
		"fails when run": {routes: []v1alpha1.Route{route("1 / (recording.width - 1280) == 1", "a")}, problem: "division by zero"},
		"costs too much": {
			routes:  []v1alpha1.Route{route("["+strings.Repeat("1,", 400)+"1].all(a, "+strings.Repeat("a+", 40)+"a > recording.size - 1000)", "a")},
			problem: "cost",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, matched, err := router.Choose(test.routes, FromFacts(facts))
			if got != test.want || matched != test.matched {
				t.Errorf("got %q, %v; want %q, %v", got, matched, test.want, test.matched)
			}
			if (err == nil) != (test.problem == "") || (err != nil && !strings.Contains(err.Error(), test.problem)) {
				t.Errorf("got error %v, want one with %q", err, test.problem)
			}
		})
	}
}

func TestRouter_ProgramsAreBounded(t *testing.T) {
	router := newRouter(t)
	for i := range maxCompiled + 10 {
		if err := router.Check("recording.size > " + strings.Repeat("1", 1+i%9) + strings.Repeat(" ", i/9)); err != nil {
			t.Fatal(err)
		}
	}
	if len(router.compiler.compiled) > maxCompiled {
		t.Errorf("%d compiled expressions are kept, the bound is %d", len(router.compiler.compiled), maxCompiled)
	}
}

// maxCompiledBytes is what compiled expressions may take of the manager's 512 MiB.
const maxCompiledBytes = 128 << 20

// TestPrograms_OfManySourcesTakeBoundedMemory: a tenant makes sources with the greatest routes there are. As many as are kept
// (TestRouter_ProgramsAreBounded) leave the manager most of its memory.
func TestPrograms_OfManySourcesTakeBoundedMemory(t *testing.T) {
	const routes = 64
	for name, shape := range map[string]string{"comparisons": "1<2||", "lists": "[]==[]||", "patterns": "''.matches('a')||"} {
		t.Run(name, func(t *testing.T) {
			router := newRouter(t)
			inUse := func() int64 {
				var stats runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&stats)
				return int64(stats.HeapAlloc)
			}
			before, refused := inUse(), 0
			for i := range routes {
				last := fmt.Sprintf("recording.size==%d", i)
				if router.Check(strings.Repeat(shape, (1024-len(last))/len(shape))+last) != nil {
					refused++
				}
			}
			if refused > 0 {
				t.Errorf("%d are refused", refused)
			}
			if size := (inUse() - before) / routes * maxCompiled; size > maxCompiledBytes || size < 1<<20 {
				t.Errorf("as many expressions as are kept take %d bytes", size)
			}
			runtime.KeepAlive(router)
		})
	}
}

func BenchmarkChoose(b *testing.B) {
	router, err := NewRouter()
	if err != nil {
		b.Fatal(err)
	}
	routes := []v1alpha1.Route{route("recording.format == 'HLS' && recording.duration >= duration('5s')", "lecture")}
	recording := Recording{Format: "HLS", Duration: 65e9}
	for b.Loop() {
		if _, _, err := router.Choose(routes, recording); err != nil {
			b.Fatal(err)
		}
	}
}
