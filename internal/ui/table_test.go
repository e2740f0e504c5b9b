// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ui

import (
	"errors"
	"fmt"
	"net/url"
	"runtime"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/follow"
)

// listed is a store with files, read as a Follower reads them.
func listed(files ...v1alpha1.RecordingFile) *store {
	s := newStore()
	relist(s, files...)
	return s
}

func relist(s *store, files ...v1alpha1.RecordingFile) {
	page := follow.Page{First: true}
	for i := range files {
		page.Objects = append(page.Objects, &files[i])
		if len(page.Objects) == 500 {
			s.tellFiles(page)
			page = follow.Page{}
		}
	}
	s.tellFiles(page)
	s.tellFiles(follow.Listed{})
}

func names(seen view[*fileRow]) string {
	var all []string
	for _, each := range seen.rows {
		all = append(all, each.row.Name)
	}
	return strings.Join(all, " ")
}

func filterOf(t *testing.T, query string) *filter {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := parseFilter(values)
	if err != nil {
		t.Fatal(err)
	}
	return chosen
}

func TestStore_FiltersFiles(t *testing.T) {
	other := fileAt(3, "Physics", v1alpha1.ReasonQueued)
	other.Namespace = "school"
	other.Status.Steps, other.Status.Queue = nil, &v1alpha1.QueueStatus{WaitingFor: "RecordingPipeline lecture: 8 of 8 files running"}
	s := listed(fileAt(1, "Math 101", v1alpha1.ReasonProcessing), fileAt(2, "math 202", v1alpha1.ReasonFailed), other)
	for query, want := range map[string]string{
		"":                               "camera-00003 camera-00002 camera-00001",
		"namespace=school":               "camera-00003",
		"namespace=none":                 "",
		"room=MATH":                      "camera-00002 camera-00001",
		"room=math+1":                    "camera-00001",
		"fileState=Failed":               "camera-00002",
		"text=8+of+8":                    "camera-00003",
		"text=SMALL+57%25":               "camera-00002 camera-00001",
		"text=job-2":                     "camera-00002",
		"room=math&fileState=Processing": "camera-00001",
	} {
		if got := names(s.snapshot(filterOf(t, query)).files); got != want {
			t.Errorf("%q: %q, want %q", query, got, want)
		}
	}
	seen := s.snapshot(filterOf(t, "room=math&fileState=Failed"))
	if states := fmt.Sprint(seen.files.states); states != "map[Failed:1 Processing:1]" || seen.files.total != 3 || seen.files.matched != 1 {
		t.Errorf("states %s, %d of %d", states, seen.files.matched, seen.files.total)
	}
	if got := fmt.Sprint(seen.namespaces); got != "[media school]" {
		t.Errorf("namespaces %s", got)
	}
	if _, err := parseFilter(url.Values{"room": {strings.Repeat("x", maxFilter+1)}}); err == nil || !strings.Contains(err.Error(), "room") {
		t.Errorf("a filter without end: %v", err)
	}
}

// A page shows the newest, says how many more there are, and the memory that is kept does not grow with what there is.
func TestStore_KeepsTheNewest(t *testing.T) {
	if testing.Short() {
		t.Skip("makes tens of thousands of files")
	}
	const all = 30_000
	s := newStore()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := 0; i < all; i += 500 {
		page := follow.Page{First: i == 0}
		for n := i; n < i+500; n++ {
			// The API server lists by name, which says nothing of age.
			file := fileAt((n*7919)%all, "math", v1alpha1.ReasonProcessing)
			page.Objects = append(page.Objects, &file)
		}
		s.tellFiles(page)
	}
	s.tellFiles(follow.Listed{})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if used := int64(after.HeapAlloc) - int64(before.HeapAlloc); used > 32<<20 {
		t.Errorf("%d files take %d MiB", all, used>>20)
	}
	seen := s.snapshot(&filter{}).files
	if len(seen.rows) != maxRows || seen.total != all || seen.matched < maxObjects || seen.matched > maxObjects+slackObjects {
		t.Errorf("%d rows, %d match, %d in all", len(seen.rows), seen.matched, seen.total)
	}
	if first, last := seen.rows[0].row.Name, seen.rows[maxRows-1].row.Name; first != "camera-29999" || last != "camera-29500" {
		t.Errorf("the rows are %s to %s", first, last)
	}
	// What is not kept stays so when it changes, counts no more when it is gone, and something new is kept.
	old, gone, made := fileAt(5, "old", v1alpha1.ReasonFailed), fileAt(6, "old", v1alpha1.ReasonFailed), fileAt(all, "new", v1alpha1.ReasonQueued)
	s.tellFiles(follow.Changed{Object: &old})
	s.tellFiles(follow.Deleted{Object: &gone})
	s.tellFiles(follow.Changed{Object: &made})
	seen = s.snapshot(&filter{}).files
	if seen.total != all || seen.rows[0].row.Room != "new" || seen.states[v1alpha1.ReasonFailed] != 0 {
		t.Errorf("%d in all, %v", seen.total, seen.states)
	}
}

func TestStore_TakesInListsAsAWhole(t *testing.T) {
	a, b, c := fileAt(1, "a", v1alpha1.ReasonQueued), fileAt(2, "b", v1alpha1.ReasonQueued), fileAt(3, "c", v1alpha1.ReasonQueued)
	s := listed(a, b)
	serials := map[string]uint64{}
	for _, each := range s.snapshot(&filter{}).files.rows {
		serials[each.row.Name] = each.serial
	}
	s.tellFiles(follow.Trouble{Err: errors.New("away")})
	if seen := s.snapshot(&filter{}); seen.filesTrouble != "connecting again: away" || names(seen.files) != "camera-00002 camera-00001" {
		t.Errorf("trouble %q", seen.filesTrouble)
	}
	// A list that breaks off is void.
	s.tellFiles(follow.Page{Objects: []client.Object{&c}, First: true})
	if got := names(s.snapshot(&filter{}).files); got != "camera-00002 camera-00001" {
		t.Errorf("half a list shows %s", got)
	}
	b.ResourceVersion = "99"
	relist(s, a, b)
	seen := s.snapshot(&filter{})
	if got := names(seen.files); got != "camera-00002 camera-00001" || seen.filesTrouble != "" {
		t.Errorf("after the next list: %s, trouble %q", got, seen.filesTrouble)
	}
	for _, each := range seen.files.rows {
		if same := each.serial == serials[each.row.Name]; same != (each.row.Name == a.Name) {
			t.Errorf("%s is sent again: %v", each.row.Name, !same)
		}
	}
}

func TestDifference_TellsWhatChanged(t *testing.T) {
	a, b := fileAt(1, "a", v1alpha1.ReasonQueued), fileAt(2, "b", v1alpha1.ReasonQueued)
	s, known := listed(a, b), shown{}
	check := func(what string, changed, gone int) {
		t.Helper()
		if got := difference(known, s.snapshot(&filter{}).files); len(got.Changed) != changed || len(got.Gone) != gone {
			t.Errorf("%s: %d changed, %d gone", what, len(got.Changed), len(got.Gone))
		}
	}
	check("at first", 2, 0)
	check("nothing", 0, 0)
	s.tellFiles(follow.Changed{Object: &a})
	check("one changed", 1, 0)
	s.tellFiles(follow.Deleted{Object: &b})
	check("one is gone", 0, 1)
	check("nothing again", 0, 0)
}

// The place in the queue is the one that `kubectl recordings queue` prints.
func TestStore_KnowsThePlaceInTheQueue(t *testing.T) {
	waiting := func(n int, priority int32, source string) v1alpha1.RecordingFile {
		file := fileAt(n, "room", v1alpha1.ReasonQueued)
		file.Spec.Priority, file.Spec.SourceRef.Name = &priority, source
		file.Status.Queue = &v1alpha1.QueueStatus{WaitingFor: "a limit", Since: metav1.Now()}
		return file
	}
	s := listed(waiting(1, 0, "classroom"), waiting(2, 0, "classroom"), waiting(3, 100, "classroom"), waiting(0, 100, "lobby"), fileAt(4, "room", v1alpha1.ReasonProcessing))
	for name, want := range map[string]int{"camera-00003": 1, "camera-00001": 2, "camera-00002": 3, "camera-00000": 1, "camera-00004": 0, "none": 0} {
		if got := s.position("media", name); got != want {
			t.Errorf("%s has place %d, want %d", name, got, want)
		}
	}
}

func BenchmarkStore_Snapshot(b *testing.B) {
	files := make([]v1alpha1.RecordingFile, maxObjects)
	for i := range files {
		files[i] = fileAt(i, "math", v1alpha1.ReasonProcessing)
	}
	s := listed(files...)
	for b.Loop() {
		if seen := s.snapshot(&filter{text: "camera-0"}); len(seen.files.rows) != maxRows {
			b.Fatal(len(seen.files.rows))
		}
	}
}
