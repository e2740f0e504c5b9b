// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"time"
)

// unreadable is a value that no optional field takes.
const unreadable = false

// Encode writes an event as the body of a callback, from which Decode reads the same event: each field once, those that
// were ignored with a value that is ignored again.
func Encode(e Event) ([]byte, error) {
	f := e.File
	fields := map[string]any{
		"event_type": e.Name, "app_id": e.AppID, "job_id": e.TaskID, "room_id": e.RoomID, "stream_name": e.StreamName,
		"record_format": e.Format, "detail_message": e.Detail, "download_url": f.DownloadURL, "file_size": f.SizeBytes,
		"record_duration": f.DurationSeconds, "start_time": encodeTime(f.StartTime), "end_time": encodeTime(f.EndTime),
		"width": f.Width, "height": f.Height, "obs_location": f.Location, "obs_bucket": f.Bucket, "obs_object": f.Object,
	}
	maps.DeleteFunc(fields, func(_ string, value any) bool { return reflect.ValueOf(value).IsZero() })
	for _, name := range e.IgnoredFields {
		fields[name] = unreadable
	}
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return bytes.TrimSuffix(body.Bytes(), []byte("\n")), nil
}

func encodeTime(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}
