// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// news is what comes to an Ingester: a callback, or what discovery found.
type news struct {
	delivery *Delivery
	found    *Found
}

// drawNews makes up one event. Few values make for many meetings: the same task, object, name and time come again and
// again, with and without fields.
func drawNews(t *rapid.T, n int) news {
	if rapid.IntRange(0, 5).Draw(t, "discovered") == 0 {
		return news{found: &Found{
			Namespace: testNamespace, Source: testSource, Bucket: "bucket", Key: drawObject(t),
			LastModified: drawTime(t, "modified"), Stream: oneOf(t, "derived", "", "s1"), Facts: drawFacts(t),
		}}
	}
	event := sparkrtc.Event{
		TaskID: oneOf(t, "task", "", "t1", "t2", "t3"), AppID: oneOf(t, "app", "", "a", "b"), RoomID: oneOf(t, "room", "", "r1", "r2", "ä"),
		StreamName: oneOf(t, "stream", "", "s1", "s2"), Format: oneOf(t, "format", "", "HLS", "MP4"),
	}
	event.Type = rapid.SampledFrom([]sparkrtc.Type{sparkrtc.Start, sparkrtc.Complete, sparkrtc.Complete, sparkrtc.Over}).Draw(t, "type")
	d := &Delivery{Namespace: testNamespace, Source: testSource, Digest: fmt.Sprintf("%016x%016x", n, n), Timestamp: fmt.Sprint(1_619_600_000 + n)}
	if rapid.IntRange(0, 4).Draw(t, "unsigned") == 0 {
		d.Digest, d.Timestamp = sparkrtc.Unsigned, ""
	}
	if event.Type == sparkrtc.Complete {
		facts := drawFacts(t)
		event.File = sparkrtc.File{
			SizeBytes: facts.SizeBytes, DurationSeconds: facts.DurationSeconds, Width: facts.Width, Height: facts.Height,
			StartTime: timeOf(facts.StartTime), EndTime: timeOf(facts.EndTime), Location: oneOf(t, "location", "", "l"),
			DownloadURL: oneOf(t, "url", "", "https://host/x?sign=1", "https://host/x?sign=2"),
		}
		event.IgnoredFields = rapid.SampledFrom([][]string{nil, {"width"}, {"height", "width"}}).Draw(t, "ignored")
		if event.File.Object = drawObject(t); event.File.Object == "byURL" {
			event.File.Object, event.File.DownloadURL = "", oneOf(t, "identifying", "HTTPS://U:p@Host/A?x", "https://host/A#y")
		} else {
			event.File.Bucket = "bucket"
		}
	}
	d.Event = event
	return news{delivery: d}
}

func drawObject(t *rapid.T) string { return oneOf(t, "object", "o1.m3u8", "o2.mp4", "byURL") }

func oneOf(t *rapid.T, label string, values ...string) string {
	return rapid.SampledFrom(values).Draw(t, label)
}

// drawTime is a time, in some zone and with a fraction of a second, or none.
func drawTime(t *rapid.T, label string) time.Time {
	n := rapid.IntRange(0, 5).Draw(t, label)
	if n == 0 {
		return time.Time{}
	}
	at := time.Unix(1_700_000_000+int64(n/2), int64(n%2)*900_000_000)
	if rapid.Bool().Draw(t, "zone") {
		return at.In(time.FixedZone("x", 3600))
	}
	return at.UTC()
}

func drawFacts(t *rapid.T) v1alpha1.RecordingFacts {
	facts := v1alpha1.RecordingFacts{
		SizeBytes: rapid.Int64Range(0, 2).Draw(t, "size"), DurationSeconds: rapid.Int64Range(0, 2).Draw(t, "duration"),
		Width: rapid.Int32Range(0, 1).Draw(t, "width"), Height: rapid.Int32Range(0, 1).Draw(t, "height"),
	}
	if at := drawTime(t, "start"); !at.IsZero() {
		facts.StartTime = &metav1.Time{Time: at}
	}
	if at := drawTime(t, "end"); !at.IsZero() {
		facts.EndTime = &metav1.Time{Time: at}
	}
	return facts
}

func timeOf(at *metav1.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return at.Time
}

// expected is what has to be known in the end. It is found from the set of events alone, in no order, and shares no code
// with what is tested: texts that sort as the values do.
type expected struct {
	files map[string]*expectedFile
	tasks map[string]*expectedTask
}

type expectedFile struct {
	taskIDs              []string
	identity             [4]string
	reported, discovered string
}

type expectedTask struct {
	identity [4]string
	starts   map[string]v1alpha1.StartTimestamp
	ended    bool
}

func greater(into *[4]string, values ...string) {
	for i, value := range values {
		into[i] = max(into[i], value)
	}
}

// expect is what the news amounts to.
func expect(all []news) expected {
	want := expected{files: map[string]*expectedFile{}, tasks: map[string]*expectedTask{}}
	file := func(object string) *expectedFile {
		if want.files[object] == nil {
			want.files[object] = &expectedFile{}
		}
		return want.files[object]
	}
	for _, n := range all {
		if n.found != nil {
			f := file("bucket/" + n.found.Key)
			f.discovered = max(f.discovered, sortable(n.found.LastModified)+factsText(n.found.Facts)+n.found.Stream)
			continue
		}
		e := n.delivery.Event
		if e.Type == sparkrtc.Complete {
			object := e.File.Bucket + "/" + e.File.Object
			if e.File.Object == "" {
				object = "https://host/A"
			}
			f := file(object)
			if e.TaskID != "" && !slices.Contains(f.taskIDs, e.TaskID) {
				f.taskIDs = append(f.taskIDs, e.TaskID)
				slices.Sort(f.taskIDs)
			}
			greater(&f.identity, e.AppID, e.RoomID, e.StreamName, e.Format)
			f.reported = max(f.reported, eventText(e))
			continue
		}
		if e.TaskID == "" {
			continue
		}
		task := want.tasks[e.TaskID]
		if task == nil {
			task = &expectedTask{starts: map[string]v1alpha1.StartTimestamp{}}
			want.tasks[e.TaskID] = task
		}
		greater(&task.identity, e.AppID, e.RoomID, e.StreamName, e.Format)
		if e.Type == sparkrtc.Over {
			task.ended = true
		} else {
			task.starts[n.delivery.startKey()] = v1alpha1.StartTimestamp(n.delivery.Timestamp)
		}
	}
	return want
}

// sortable is a time in whole seconds as a text that sorts as times do.
func sortable(at time.Time) string {
	if at.IsZero() {
		return fmt.Sprintf("%020d\x00", 0)
	}
	return fmt.Sprintf("%020d\x00", at.Unix())
}

func factsText(f v1alpha1.RecordingFacts) string {
	return sortable(timeOf(f.EndTime)) + fmt.Sprintf("%d\x00%d\x00", f.SizeBytes, f.DurationSeconds) + sortable(timeOf(f.StartTime)) +
		fmt.Sprintf("%d\x00%d\x00", f.Width, f.Height)
}

func eventText(e sparkrtc.Event) string {
	f := e.File
	return sortable(f.EndTime) + fmt.Sprintf("%d\x00%d\x00", f.SizeBytes, f.DurationSeconds) + sortable(f.StartTime) +
		fmt.Sprintf("%d\x00%d\x00%s\x00%s\x00%s", f.Width, f.Height, f.DownloadURL, f.Location, strings.Join(e.IgnoredFields, " "))
}

// observed is what a world knows, in the same form.
func observed(w *world) expected {
	got := expected{files: map[string]*expectedFile{}, tasks: map[string]*expectedTask{}}
	for _, file := range w.files {
		if file.Spec.SourceRef.Name != testSource {
			continue // planted
		}
		object := file.Spec.Object.Bucket + "/" + file.Spec.Object.Key
		if file.Spec.Object.URL != "" {
			object = file.Spec.Object.URL
		}
		f := &expectedFile{taskIDs: file.Spec.TaskIDs}
		if r := file.Spec.Reported; r != nil {
			f.identity = [4]string{r.App, r.Room, r.Stream, r.Format}
			f.reported = factsText(r.RecordingFacts) + r.DownloadURL + "\x00" + r.Location + "\x00" + strings.Join(r.IgnoredFields, " ")
		}
		if d := file.Spec.Discovered; d != nil {
			f.discovered = sortable(d.LastModified.Time) + factsText(d.RecordingFacts) + d.Stream
		}
		if got.files[object] != nil {
			panic(object + " has two files")
		}
		got.files[object] = f
	}
	for _, task := range w.tasks {
		if task.Spec.SourceRef.Name != testSource {
			continue
		}
		if got.tasks[task.Spec.TaskID] != nil {
			panic(task.Spec.TaskID + " has two tasks")
		}
		starts := map[string]v1alpha1.StartTimestamp{}
		maps.Copy(starts, task.Spec.Starts)
		got.tasks[task.Spec.TaskID] = &expectedTask{starts: starts, ended: task.Spec.Ended,
			identity: [4]string{task.Spec.App, task.Spec.Room, task.Spec.Stream, task.Spec.Format}}
	}
	return got
}

// text prints what is known, the same for what is the same.
func (e expected) text() string {
	flat := map[string]any{}
	for object, f := range e.files {
		flat["file "+object] = map[string]any{"taskIDs": strings.Join(f.taskIDs, " "), "identity": f.identity, "reported": f.reported, "discovered": f.discovered}
	}
	for id, task := range e.tasks {
		flat["task "+id] = map[string]any{"identity": task.identity, "starts": task.starts, "ended": task.ended}
	}
	encoded, err := json.MarshalIndent(flat, "", "  ")
	if err != nil {
		panic(err)
	}
	return string(encoded)
}
