// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callbacks

import (
	"maps"
	"time"
)

// Event are the fields of a callback about a file: kind is its event_type, such as RECORD_NEW_FILE_START.
func Event(kind, task, room string) map[string]any {
	return map[string]any{
		"event_type": kind, "app_id": "app", "job_id": task, "room_id": room, "stream_name": "camera", "record_format": "HLS",
	}
}

// Start are the fields of the callback that a file of a task begins.
func Start(task, room string) map[string]any { return Event("RECORD_NEW_FILE_START", task, room) }

// Complete are the fields of the callback that the one file of a task ended at a time.
func Complete(task, room string, end time.Time) map[string]any {
	event := Event("RECORD_FILE_COMPLETE", task, room)
	maps.Copy(event, map[string]any{
		"obs_bucket": "recordings", "obs_object": ObjectKey(task), "obs_location": "http://obs.example.com",
		"download_url": "https://recordings.obs.example.com/live/camera/camera.m3u8", "file_size": 26254952, "record_duration": 65,
		"width": 1280, "height": 720, "start_time": end.Add(-65 * time.Second).UTC().Format(time.RFC3339), "end_time": end.UTC().Format(time.RFC3339),
	})
	return event
}

// ObjectKey is the key of the object that Complete reports for a task.
func ObjectKey(task string) string { return "live/" + task + "/camera.m3u8" }
