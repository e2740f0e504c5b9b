// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// The events that can be sent, as they are named on the command line.
const (
	eventStart    = "start"
	eventComplete = "complete"
	eventOver     = "over"
)

var eventNames = []string{eventStart, eventComplete, eventOver}

// eventFields are a callback's fields, as flags give them. The order is that of the service's documents.
type eventFields struct {
	EventType      string `json:"event_type"`
	AppID          string `json:"app_id,omitempty"`
	TaskID         string `json:"job_id,omitempty"`
	RoomID         string `json:"room_id,omitempty"`
	StreamName     string `json:"stream_name,omitempty"`
	RecordFormat   string `json:"record_format,omitempty"`
	DownloadURL    string `json:"download_url,omitempty"`
	OBSLocation    string `json:"obs_location,omitempty"`
	OBSBucket      string `json:"obs_bucket,omitempty"`
	OBSObject      string `json:"obs_object,omitempty"`
	FileSize       int64  `json:"file_size,omitempty"`
	RecordDuration int64  `json:"record_duration,omitempty"`
	StartTime      string `json:"start_time,omitempty"`
	EndTime        string `json:"end_time,omitempty"`
	Width          int64  `json:"width,omitempty"`
	Height         int64  `json:"height,omitempty"`
	DetailMessage  string `json:"detail_message,omitempty"`
}

// Which flags are about which events. Every event takes those of none of these lists.
var (
	streamFlags   = []string{"stream", "format"}
	completeFlags = []string{"download-url", "location", "bucket", "object", "size", "duration", "start-time", "end-time", "width", "height"}
	commonFlags   = []string{"app", "task", "room", "detail"}
)

// flagNames are the flags of the fields that Decode may refuse.
var flagNames = map[string]string{
	"app_id": "app", "job_id": "task", "room_id": "room", "stream_name": "stream", "record_format": "format",
	"obs_bucket": "bucket", "obs_object": "object", "download_url": "download-url",
}

func (f *eventFields) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&f.AppID, "app", "", "app_id (default: the source's spec.appID)")
	flags.StringVar(&f.TaskID, "task", "", "job_id")
	flags.StringVar(&f.RoomID, "room", "", "room_id")
	flags.StringVar(&f.StreamName, "stream", "", "stream_name of start and complete")
	flags.StringVar(&f.RecordFormat, "format", "", "record_format of start and complete: HLS or MP4 (default: none; of complete, the operator goes by the ending of the object)")
	flags.StringVar(&f.DetailMessage, "detail", "", "detail_message")
	flags.StringVar(&f.OBSBucket, "bucket", "", "obs_bucket of complete")
	flags.StringVar(&f.OBSObject, "object", "", "obs_object of complete: the key of the playlist or MP4")
	flags.StringVar(&f.OBSLocation, "location", "", "obs_location of complete")
	flags.StringVar(&f.DownloadURL, "download-url", "", "download_url of complete")
	flags.Var((*sizeValue)(&f.FileSize), "size", "file_size of complete, in bytes, or with a unit such as MB or MiB")
	flags.Var((*secondsValue)(&f.RecordDuration), "duration", "record_duration of complete, in seconds, or such as 5m")
	flags.StringVar(&f.StartTime, "start-time", "", "start_time of complete, RFC 3339 (default: --end-time less --duration)")
	flags.StringVar(&f.EndTime, "end-time", "", "end_time of complete, RFC 3339 (default: now)")
	flags.Int64Var(&f.Width, "width", 0, "width of complete, in pixels")
	flags.Int64Var(&f.Height, "height", 0, "height of complete, in pixels")
}

// checkFlags refuses flags that the event has no field for.
func checkFlags(flags *pflag.FlagSet, event string) error {
	foreign := completeFlags
	if event == eventOver {
		foreign = slices.Concat(streamFlags, completeFlags)
	}
	if event == eventComplete {
		foreign = nil
	}
	for _, name := range foreign {
		if flags.Changed(name) {
			return usagef("--%s is no field of %s", name, event)
		}
	}
	return nil
}

// changedField is the first flag of a field that was given, or empty.
func changedField(flags *pflag.FlagSet) string {
	for _, name := range slices.Concat(commonFlags, streamFlags, completeFlags) {
		if flags.Changed(name) {
			return name
		}
	}
	return ""
}

// body makes the callback's body. What the operator would not decode is refused here, with the flag's name.
func (f *eventFields) body(event string, now time.Time) ([]byte, error) {
	fields := *f
	if event != eventComplete && fields.TaskID == "" {
		return nil, usagef("--task is required: a %s that names no task is answered, but not stored", event)
	}
	switch event {
	case eventStart:
		fields.EventType = "RECORD_NEW_FILE_START"
	case eventComplete:
		fields.EventType = "RECORD_FILE_COMPLETE"
		if (fields.OBSBucket == "" || fields.OBSObject == "") && fields.DownloadURL == "" {
			return nil, usagef("give --bucket and --object, or --download-url: where the recorded file is")
		}
		if err := fields.setTimes(now); err != nil {
			return nil, err
		}
	case eventOver:
		fields.EventType = "CLOUD_RECORD_SERVER_OVER"
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(fields); err != nil {
		return nil, fmt.Errorf("write the body: %w", err)
	}
	body := bytes.TrimSuffix(text.Bytes(), []byte("\n"))
	if _, err := sparkrtc.Decode(body); err != nil {
		return nil, refusedFlag(err)
	}
	return body, nil
}

// refusedFlag says which flag holds what the operator would refuse.
func refusedFlag(err error) error {
	if field, ok := errors.AsType[*sparkrtc.FieldError](err); ok && flagNames[field.Field] != "" {
		return usagef("--%s: %s", flagNames[field.Field], field.Problem)
	}
	return usagef("the operator would not take this callback: %w", err)
}

// setTimes fills in the times of a file that ends now, and writes them as the service does.
func (f *eventFields) setTimes(now time.Time) error {
	end := now
	if f.EndTime != "" {
		var err error
		if end, err = parseTime("end-time", f.EndTime); err != nil {
			return err
		}
	}
	start := end.Add(-time.Duration(f.RecordDuration) * time.Second)
	if f.StartTime != "" {
		var err error
		if start, err = parseTime("start-time", f.StartTime); err != nil {
			return err
		}
	}
	const written = "2006-01-02T15:04:05Z"
	f.StartTime, f.EndTime = start.UTC().Format(written), end.UTC().Format(written)
	return nil
}
