// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"fmt"
	"strconv"
	"testing"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// inEveryOrder delivers in every order, each order to a world of its own, and holds that all end alike: in so many files
// and tasks. It returns the last of the worlds.
func inEveryOrder(t *testing.T, deliveries []Delivery, files, tasks int) *world {
	t.Helper()
	var first, last *world
	for _, order := range permutations(len(deliveries)) {
		last = newWorld()
		ingester := last.ingester()
		for _, n := range order {
			if _, err := ingester.Ingest(t.Context(), deliveries[n]); err != nil {
				t.Fatalf("order %v: %v", order, err)
			}
		}
		if len(last.files) != files || len(last.tasks) != tasks {
			t.Fatalf("order %v: %d files and %d tasks, want %d and %d", order, len(last.files), len(last.tasks), files, tasks)
		}
		if first == nil {
			first = last
		}
		for name, file := range last.files {
			if !apiequality.Semantic.DeepEqual(file.Spec, first.files[name].Spec) {
				t.Errorf("order %v: %+v, and in the first order %+v", order, file.Spec, first.files[name].Spec)
			}
		}
		for name, task := range last.tasks {
			if !apiequality.Semantic.DeepEqual(task.Spec, first.tasks[name].Spec) {
				t.Errorf("order %v: %+v, and in the first order %+v", order, task.Spec, first.tasks[name].Spec)
			}
		}
	}
	return last
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, shorter := range permutations(n - 1) {
		for at := range n {
			order := append(append(append([]int{}, shorter[:at]...), n-1), shorter[at:]...)
			all = append(all, order)
		}
	}
	return all
}

// identityParts are the fields that name what is recorded.
var identityParts = map[string]func(*sparkrtc.Event) *string{
	"app": func(e *sparkrtc.Event) *string { return &e.AppID }, "room": func(e *sparkrtc.Event) *string { return &e.RoomID },
	"stream": func(e *sparkrtc.Event) *string { return &e.StreamName }, "format": func(e *sparkrtc.Event) *string { return &e.Format },
}

// F4: whichever report of a file or task lacks a field, and in whatever order they come, the field is kept.
func TestIngest_FieldOfOneReportIsKeptInAnyOrder(t *testing.T) {
	for part, of := range identityParts {
		t.Run(part, func(t *testing.T) {
			without := complete("o", 1)
			*of(&without.Event) = ""
			nothing := complete("o", 2)
			nothing.Event = sparkrtc.Event{Type: sparkrtc.Complete, TaskID: "task-1", File: nothing.Event.File}
			startWithout := start(digest2)
			*of(&startWithout.Event) = ""
			w := inEveryOrder(t, []Delivery{complete("o", 1), without, nothing, start(digest1), startWithout}, 1, 1)
			for _, file := range w.files {
				if (file.Spec.Reported.RecordingIdentity != v1alpha1.RecordingIdentity{App: "app", Room: "room", Stream: "stream", Format: "HLS"}) {
					t.Errorf("the file has %+v", file.Spec.Reported.RecordingIdentity)
				}
			}
			for _, task := range w.tasks {
				if (task.Spec.RecordingIdentity != v1alpha1.RecordingIdentity{App: "app", Room: "room", Stream: "stream", Format: "HLS"}) {
					t.Errorf("the task has %+v", task.Spec.RecordingIdentity)
				}
			}
		})
	}
}

// F5: one object is one file, whatever task, stream, room or format its reports name, or none.
func TestIngest_OneObjectIsOneFile(t *testing.T) {
	var deliveries []Delivery
	for n, change := range []func(*sparkrtc.Event){
		func(*sparkrtc.Event) {}, func(e *sparkrtc.Event) { e.TaskID = "task-2" }, func(e *sparkrtc.Event) { e.TaskID = "" },
		func(e *sparkrtc.Event) { e.StreamName, e.RoomID = "", "" }, func(e *sparkrtc.Event) { e.Format, e.AppID = "MP4", "" },
	} {
		d := complete("o", int64(n))
		change(&d.Event)
		deliveries = append(deliveries, d)
	}
	for _, file := range inEveryOrder(t, deliveries, 1, 0).files {
		if fmt.Sprint(file.Spec.TaskIDs) != "[task-1 task-2]" {
			t.Errorf("tasks %v", file.Spec.TaskIDs)
		}
	}
}

// F8: STARTs that lack fields which their fellows have are of one task all the same, and leave no other behind.
func TestIngest_StartsWithoutAFieldAreOfOneTask(t *testing.T) {
	deliveries := []Delivery{over()}
	for _, of := range identityParts {
		d := start(strconv.Itoa(len(deliveries)) + digest1[1:])
		*of(&d.Event) = ""
		deliveries = append(deliveries, d)
	}
	for _, task := range inEveryOrder(t, deliveries, 0, 1).tasks {
		if len(task.Spec.Starts) != len(identityParts) || !task.Spec.Ended || task.Spec.Format != "HLS" || task.Spec.Room != "room" {
			t.Errorf("%+v", task.Spec)
		}
	}
}

// F16: an OVER that comes before, between or after the STARTs ends the task, and so does one that comes alone.
func TestIngest_OverInAnyOrderEndsTheTask(t *testing.T) {
	for _, deliveries := range [][]Delivery{{over()}, {over(), start(digest1)}, {over(), start(digest1), start(digest2), over()}} {
		for _, task := range inEveryOrder(t, deliveries, 0, 1).tasks {
			if !task.Spec.Ended {
				t.Errorf("after %d deliveries: %+v", len(deliveries), task.Spec)
			}
		}
	}
}
