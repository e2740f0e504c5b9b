// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// What callbacks can make of an object at most, in bytes of JSON, as docs/architecture.md has it: of characters of one byte,
// and of any characters. JSON escapes some as six bytes. What a callback writes at once is a part of it.
const (
	maxPlainFile = 9 << 10
	maxPlainTask = 16 << 10
	maxFile      = 48 << 10
	maxTask      = 20 << 10
)

// greatest is a callback of the greatest size: every text is as long as the decoder takes it.
func greatest(t *testing.T, kind, piece string, n int) sparkrtc.Event {
	t.Helper()
	text := func(characters int) string { return fmt.Sprintf("%0*d", 4, n) + strings.Repeat(piece, characters-4) }
	body, err := json.Marshal(map[string]any{
		"event_type": kind, "app_id": strings.Repeat(piece, 128), "job_id": "job", "room_id": text(256), "stream_name": text(256),
		"record_format": strings.Repeat("X", 32), "detail_message": text(1024), "download_url": "https://h/" + strings.Repeat(piece, 4086),
		"obs_location": text(1024), "obs_bucket": strings.Repeat("b", 255), "obs_object": strings.Repeat(piece, 1024),
		"file_size": 1<<50 - 1000 + n, "record_duration": 1<<31 - 1000 + n, "width": 65536, "height": 65536,
		"start_time": "2021-04-28T08:57:07Z", "end_time": fmt.Sprintf("2021-04-28T08:58:02.%03dZ", n),
	})
	if err != nil {
		t.Fatal(err)
	}
	event, err := sparkrtc.Decode(body)
	if err != nil {
		t.Fatal(err)
	}
	return event
}

// TestIngest_GreatestCallbacksMakeBoundedObjects: a sender with the key of a source sends nothing but callbacks of the
// greatest size, of one recording, for other tasks and other rooms each time. However many they are, the file and the task
// that follow have a bound, whatever the characters.
func TestIngest_GreatestCallbacksMakeBoundedObjects(t *testing.T) {
	if testing.Short() {
		t.Skip("thousands of callbacks of the greatest size")
	}
	for _, piece := range []string{"x", "教", "<", "🎬"} {
		w := newWorld()
		ingester := w.ingester()
		before := w.calls
		for n := range 300 {
			for _, kind := range []string{"RECORD_FILE_COMPLETE", "RECORD_NEW_FILE_START"} {
				if kind == "RECORD_FILE_COMPLETE" && n >= 2*v1alpha1.MaxTaskIDs {
					continue // nothing grows any more
				}
				d := start(fmt.Sprintf("%016x%016x", n, n))
				d.Timestamp = strings.Repeat("9", 32)
				d.Event = greatest(t, kind, piece, n)
				if kind == "RECORD_FILE_COMPLETE" {
					d.Event.TaskID = fmt.Sprintf("%03d", n) + strings.Repeat(piece, 125)
				}
				if _, err := ingester.Ingest(t.Context(), d); err != nil {
					t.Fatalf("%q, %s %d: %v", piece, kind, n, err)
				}
			}
		}
		if len(w.files) != 1 || len(w.tasks) != 1 || w.calls-before > 300*2*5 {
			t.Errorf("%q: %d files, %d tasks, %d calls", piece, len(w.files), len(w.tasks), w.calls-before)
		}
		mostFile, mostTask := maxFile, maxTask
		if piece == "x" {
			mostFile, mostTask = maxPlainFile, maxPlainTask
		}
		for _, file := range w.files {
			checkSize(t, piece, "file", file, mostFile)
		}
		for _, task := range w.tasks {
			checkSize(t, piece, "task", task, mostTask)
		}
	}
}

func checkSize(t *testing.T, piece, what string, object any, most int) {
	t.Helper()
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%q: the greatest %s has %d bytes", piece, what, len(encoded))
	if len(encoded) > most || len(encoded) < 4<<10 {
		t.Errorf("%q: the greatest %s has %d bytes, want at most %d", piece, what, len(encoded), most)
	}
}
