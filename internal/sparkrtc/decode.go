// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
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
// be written as strings, and as floating-point numbers without a fraction. A field that is there has to be right:
// a wrong type, a negative or too great a number, a time that is none, too long a text, invalid UTF-8 and control
// characters are errors, because the API server would refuse them later, or store something else. But of an event
// whose event_type is unknown or absent nothing is demanded.
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
	name := r.eventType(w.EventType)
	event := Event{Type: typeOf(name), Name: cut(name, maxEventName)}
	if r.err != nil {
		return Event{}, r.err
	}
	if event.Type == Unknown {
		return decodeUnknown(event, w), nil
	}
	event.AppID = r.text("app_id", w.AppID, maxID)
	event.JobID = r.text("job_id", w.JobID, maxID)
	event.RoomID = r.text("room_id", w.RoomID, maxName)
	event.StreamName = r.text("stream_name", w.StreamName, maxName)
	event.Format = strings.ToUpper(r.text("record_format", w.RecordFormat, maxFormat))
	if utf8.RuneCountInString(event.Format) > maxFormat {
		r.fail("record_format", "is longer than %d characters in upper case", maxFormat)
	}
	event.Detail = detail(w.DetailMessage)
	if event.Type == Complete {
		event.File = r.file(w)
	}
	if r.err != nil {
		return Event{}, r.err
	}
	if err := event.check(); err != nil {
		return Event{}, err
	}
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

// decodeUnknown keeps the app alone, so that another app's event can be refused whatever it is.
func decodeUnknown(event Event, w wire) Event {
	var r reader
	event.AppID = r.text("app_id", w.AppID, maxID)
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

// reader reads raw values and keeps the first error, so that Decode reads as a list of fields.
type reader struct{ err error }

func (r *reader) fail(field, format string, args ...any) {
	if r.err == nil {
		r.err = &FieldError{Field: field, Problem: fmt.Sprintf(format, args...)}
	}
}

// file reads the facts that come with RECORD_FILE_COMPLETE.
func (r *reader) file(w wire) File {
	return File{
		DownloadURL:     r.text("download_url", w.DownloadURL, maxURL),
		SizeBytes:       r.integer("file_size", w.FileSize, maxSize),
		DurationSeconds: r.integer("record_duration", w.RecordDuration, maxDuration),
		StartTime:       r.time("start_time", w.StartTime),
		EndTime:         r.time("end_time", w.EndTime),
		Width:           r.pixels("width", w.Width),
		Height:          r.pixels("height", w.Height),
		Location:        r.text("obs_location", w.OBSLocation, maxLocation),
		Bucket:          r.text("obs_bucket", w.OBSBucket, maxBucket),
		Object:          r.text("obs_object", w.OBSObject, maxObject),
	}
}

func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null" || string(raw) == `""`
}

// eventType reads event_type: any string will do, because one that is odd is merely unknown.
func (r *reader) eventType(raw json.RawMessage) string {
	var name string
	if !absent(raw) && json.Unmarshal(raw, &name) != nil {
		r.fail("event_type", "must be a string")
	}
	return name
}

// text reads a string of at most limit characters.
func (r *reader) text(field string, raw json.RawMessage, limit int) string {
	if absent(raw) {
		return ""
	}
	if raw[0] != '"' {
		r.fail(field, "must be a string")
		return ""
	}
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		r.fail(field, "is not a string of JSON")
		return ""
	}
	switch {
	case replaced(raw, text):
		r.fail(field, "is not valid Unicode")
	case utf8.RuneCountInString(text) > limit:
		r.fail(field, "is longer than %d characters", limit)
	case strings.ContainsFunc(text, unicode.IsControl):
		r.fail(field, "holds a control character, or a byte that is no UTF-8")
	default:
		return text
	}
	return ""
}

// replaced reports whether encoding/json has put U+FFFD where the text had half a surrogate pair (\ud800).
func replaced(raw []byte, text string) bool {
	const replacement = string(utf8.RuneError)
	if !strings.Contains(text, replacement) {
		return false
	}
	// What follows an escaped backslash is text, whatever it looks like.
	escapes := bytes.ReplaceAll(bytes.ToLower(raw), []byte(`\\`), nil)
	sent := bytes.Count(raw, []byte(replacement)) + bytes.Count(escapes, []byte(`\ufffd`))
	return strings.Count(text, replacement) > sent
}

// integer reads a number from 0 to limit, also when it is written as a string or as 65.0.
func (r *reader) integer(field string, raw json.RawMessage, limit int64) int64 {
	if absent(raw) {
		return 0
	}
	text := string(bytes.Trim(raw, `"`))
	if len(text) > maxNumber {
		r.fail(field, "is not a number")
		return 0
	}
	n, err := parseInteger(strings.TrimSpace(text))
	switch {
	case errors.Is(err, strconv.ErrRange) || (err == nil && n > limit):
		r.fail(field, "must be at most %d", limit)
	case err != nil:
		r.fail(field, "must be a whole number")
	case n < 0:
		r.fail(field, "must not be negative")
	default:
		return n
	}
	return 0
}

// pixels reads a width or a height.
func (r *reader) pixels(field string, raw json.RawMessage) int32 {
	return int32(r.integer(field, raw, maxPixels)) //nolint:gosec // it is at most maxPixels
}

// parseInteger reads 65, and 65.0 as long as a float64 holds it exactly.
func parseInteger(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil || (errors.Is(err, strconv.ErrRange) && !strings.HasPrefix(text, "-")) {
		return n, err
	}
	if strings.ContainsAny(text, "xX_iInN") {
		return 0, strconv.ErrSyntax
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case f < 0:
		return -1, nil // also when it is too small for a float64
	case err != nil:
		return 0, err
	case f != math.Trunc(f):
		return 0, strconv.ErrSyntax
	case f > 1<<53:
		return 0, strconv.ErrRange
	}
	return int64(f), nil
}

// time reads YYYY-MM-DDThh:mm:ssZ, and forgives a fraction of a second and another zone. The year is 1970 to 9999.
func (r *reader) time(field string, raw json.RawMessage) time.Time {
	text := r.text(field, raw, maxNumber)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.fail(field, "is not a time as 2021-04-28T08:56:57Z")
		return time.Time{}
	}
	at = at.UTC().Truncate(time.Second)
	if at.Year() < 1970 || at.Year() > 9999 {
		r.fail(field, "is not a time from 1970 to 9999")
		return time.Time{}
	}
	return at
}

// cut shortens a text to at most limit characters.
func cut(text string, limit int) string {
	for i := range text {
		if limit == 0 {
			return text[:i]
		}
		limit--
	}
	return text
}

// syntaxProblem says where JSON is wrong, without the text that is wrong.
func syntaxProblem(err error, skipped int) string {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("wrong at byte %d", syntax.Offset+int64(skipped))
	}
	return "it cannot be read"
}
