// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The longest texts, in characters as the API server counts them, and the greatest numbers. They are those of the
// RecordingFile's schema.
const (
	maxID       = 128
	maxName     = 256
	maxFormat   = 32
	maxURL      = 4096
	maxLocation = 1024
	maxBucket   = 255
	maxObject   = 1024
	maxPixels   = 65536
	maxSize     = 1 << 50   // bytes: 1 PiB
	maxDuration = 1<<31 - 1 // seconds: 68 years

	// maxDetail is where detail_message is cut.
	maxDetail = 1024
	// maxEventName is where an unknown event_type is cut.
	maxEventName = 64
	// maxNumber is the longest text of a number, in bytes.
	maxNumber = 64
)

// FieldError says which field of the JSON body is wrong. It never holds the field's value.
type FieldError struct {
	// Field is the name in the JSON body, several names separated by ", ", or "body".
	Field   string
	Problem string
}

// Error names the field first.
func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// wire is the body, every value still raw: unknown fields are skipped without being stored, and the fields of an
// unknown event are never looked at. As encoding/json does it, the last of several fields of one name counts, and a
// name matches in any case.
type wire struct {
	EventType      json.RawMessage `json:"event_type"`
	AppID          json.RawMessage `json:"app_id"`
	JobID          json.RawMessage `json:"job_id"`
	RoomID         json.RawMessage `json:"room_id"`
	StreamName     json.RawMessage `json:"stream_name"`
	RecordFormat   json.RawMessage `json:"record_format"`
	DetailMessage  json.RawMessage `json:"detail_message"`
	DownloadURL    json.RawMessage `json:"download_url"`
	FileSize       json.RawMessage `json:"file_size"`
	RecordDuration json.RawMessage `json:"record_duration"`
	StartTime      json.RawMessage `json:"start_time"`
	EndTime        json.RawMessage `json:"end_time"`
	Width          json.RawMessage `json:"width"`
	Height         json.RawMessage `json:"height"`
	OBSLocation    json.RawMessage `json:"obs_location"`
	OBSBucket      json.RawMessage `json:"obs_bucket"`
	OBSObject      json.RawMessage `json:"obs_object"`
}

// Decode reads a callback's body. Its only error is a *FieldError.
//
// Every field is optional, null and an empty string mean that it is absent, and unknown fields are skipped. Numbers may
// be written as strings, fractions of a second are dropped, and IDs may be written as integers. A field that identifies
// the recording (app_id, the task of a START or OVER, and where a finished file lies) has to be right: a wrong type, too
// long a text, invalid UTF-8 and control characters are errors. Any other field that cannot be read is dropped and named
// in Event.IgnoredFields, because the service does not send the callback again. Of an event whose event_type is unknown
// or absent nothing is demanded.
func Decode(body []byte) (Event, error) {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	if len(trimmed) == 0 || trimmed[0] != '{' {
		return Event{}, &FieldError{Field: "body", Problem: "is not a JSON object"}
	}
	var w wire
	if err := json.Unmarshal(marked(trimmed), &w); err != nil {
		return Event{}, &FieldError{Field: "body", Problem: "is not JSON: " + syntaxProblem(err, len(body)-len(trimmed))}
	}
	var r reader
	name := required(&r, "event_type", w.EventType, readEventType)
	event := Event{Type: typeOf(name), Name: cut(name, maxEventName)}
	if event.Type == Unknown {
		if r.err == nil {
			event = decodeUnknown(event, w)
		}
		return event, r.err
	}
	event.AppID = required(&r, "app_id", w.AppID, readID(maxID))
	if event.Type == Complete {
		event.TaskID = optional(&r, "job_id", w.JobID, readID(maxID))
		event.File = r.file(w)
	} else {
		event.TaskID = required(&r, "job_id", w.JobID, readID(maxID))
	}
	event.RoomID = optional(&r, "room_id", w.RoomID, readID(maxName))
	event.StreamName = optional(&r, "stream_name", w.StreamName, readID(maxName))
	event.Format = optional(&r, "record_format", w.RecordFormat, readFormat)
	event.Detail = detail(w.DetailMessage)
	if r.err != nil {
		return Event{}, r.err
	}
	if event.Type == Complete {
		if err := event.checkFile(); err != nil {
			return Event{}, err
		}
	}
	slices.Sort(r.ignored)
	event.IgnoredFields = r.ignored
	return event, nil
}

// mark stands for a byte that is no UTF-8. It is DEL, which is refused as well, and which JSON allows.
const mark = "\x7f"

// marked is a body in which each byte that is no UTF-8 is marked. encoding/json would make three of each, in buffers that
// double as they grow: twenty times as many bytes as a hostile body has.
func marked(body []byte) []byte {
	if utf8.Valid(body) {
		return body
	}
	body = bytes.Clone(body)
	for i := 0; i < len(body); {
		r, size := utf8.DecodeRune(body[i:])
		if r == utf8.RuneError && size == 1 {
			body[i] = mark[0]
		}
		i += size
	}
	return body
}

// decodeUnknown keeps the app, so that another app's event can be refused whatever it is, and whether the event names a
// finished file.
func decodeUnknown(event Event, w wire) Event {
	var r reader
	event.AppID = optional(&r, "app_id", w.AppID, readID(maxID))
	event.NamesFile = !absent(w.OBSBucket) && !absent(w.OBSObject) || !absent(w.DownloadURL)
	return event
}

// detail reads what nothing depends on: whatever is wrong with it, the event counts.
func detail(raw json.RawMessage) string {
	var text string
	if len(raw) == 0 || json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return strings.ReplaceAll(cut(text, maxDetail), mark, string(utf8.RuneError))
}

// reader keeps the first error of a field that has to be right, and the names of the other fields that cannot be read,
// so that Decode reads as a list of fields.
type reader struct {
	err     error
	ignored []string
}

// required reads a field that identifies the recording. A field that is absent is zero.
func required[T any](r *reader, field string, raw json.RawMessage, read func(json.RawMessage) (T, error)) T {
	value, err := readField(raw, read)
	if err != nil && r.err == nil {
		r.err = &FieldError{Field: field, Problem: err.Error()}
	}
	return value
}

// optional reads a field that only describes the recording.
func optional[T any](r *reader, field string, raw json.RawMessage, read func(json.RawMessage) (T, error)) T {
	value, err := readField(raw, read)
	if err != nil {
		r.ignored = append(r.ignored, field)
	}
	return value
}

func readField[T any](raw json.RawMessage, read func(json.RawMessage) (T, error)) (T, error) {
	var zero T
	if absent(raw) {
		return zero, nil
	}
	value, err := read(raw)
	if err != nil {
		return zero, err
	}
	return value, nil
}

// file reads the facts that come with RECORD_FILE_COMPLETE. Where the file lies identifies it: bucket and object, or
// the URL when they are not both there.
func (r *reader) file(w wire) File {
	file := File{
		Bucket: required(r, "obs_bucket", w.OBSBucket, readText(maxBucket)),
		Object: required(r, "obs_object", w.OBSObject, readText(maxObject)),
	}
	if file.Bucket == "" || file.Object == "" {
		file.DownloadURL = required(r, "download_url", w.DownloadURL, readText(maxURL))
	} else {
		file.DownloadURL = optional(r, "download_url", w.DownloadURL, readURL)
	}
	file.SizeBytes = optional(r, "file_size", w.FileSize, readInteger(maxSize))
	file.DurationSeconds = optional(r, "record_duration", w.RecordDuration, readSeconds)
	file.StartTime = optional(r, "start_time", w.StartTime, readTime)
	file.EndTime = optional(r, "end_time", w.EndTime, readTime)
	file.Width = optional(r, "width", w.Width, readPixels)
	file.Height = optional(r, "height", w.Height, readPixels)
	file.Location = optional(r, "obs_location", w.OBSLocation, readText(maxLocation))
	return file
}

// syntaxProblem says where JSON is wrong, without the text that is wrong.
func syntaxProblem(err error, skipped int) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("wrong at byte %d", syntax.Offset+int64(skipped))
	}
	return "it cannot be read"
}
