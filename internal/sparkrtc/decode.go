// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
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

func absent(raw json.RawMessage) bool {
	return len(raw) == 0 || string(raw) == "null" || string(raw) == `""`
}

// readEventType takes any string, because one that is odd is merely unknown.
func readEventType(raw json.RawMessage) (string, error) {
	var name string
	if json.Unmarshal(raw, &name) != nil {
		return "", errors.New("must be a string")
	}
	return name, nil
}

// readText takes a string of at most limit characters.
func readText(limit int) func(json.RawMessage) (string, error) {
	return func(raw json.RawMessage) (string, error) {
		if raw[0] != '"' {
			return "", errors.New("must be a string")
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", errors.New("is not a JSON string")
		}
		switch {
		case replaced(raw, text):
			return "", errors.New("is not valid Unicode")
		case utf8.RuneCountInString(text) > limit:
			return "", fmt.Errorf("is longer than %d characters", limit)
		case strings.ContainsFunc(text, unicode.IsControl):
			return "", errors.New("must not contain control characters or invalid UTF-8")
		}
		return text, nil
	}
}

// readID is readText, and takes the digits of an integer too.
func readID(limit int) func(json.RawMessage) (string, error) {
	text := readText(limit)
	return func(raw json.RawMessage) (string, error) {
		if digits := strings.TrimPrefix(string(raw), "-"); digits != "" && strings.Trim(digits, "0123456789") == "" {
			raw = json.RawMessage(strconv.Quote(string(raw)))
		}
		return text(raw)
	}
}

// readFormat takes a format in any case.
func readFormat(raw json.RawMessage) (string, error) {
	text, err := readText(maxFormat)(raw)
	if err != nil {
		return "", err
	}
	// Some characters become longer in upper case.
	if text = strings.ToUpper(text); utf8.RuneCountInString(text) > maxFormat {
		return "", fmt.Errorf("is longer than %d characters in upper case", maxFormat)
	}
	return text, nil
}

// readURL takes a URL of http or https.
func readURL(raw json.RawMessage) (string, error) {
	text, err := readText(maxURL)(raw)
	if err != nil {
		return "", err
	}
	if _, err := parseURL(text); err != nil {
		return "", err
	}
	return text, nil
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

// readInteger takes a whole number from 0 to limit, also when it is written as a string or as 65.0.
func readInteger(limit int64) func(json.RawMessage) (int64, error) {
	return func(raw json.RawMessage) (int64, error) {
		text, err := numberText(raw)
		if err != nil {
			return 0, err
		}
		return inRange(text, limit)
	}
}

// readSeconds takes a duration. A fraction of a second is dropped.
func readSeconds(raw json.RawMessage) (int64, error) {
	text, err := numberText(raw)
	if err != nil {
		return 0, err
	}
	whole, fraction, found := strings.Cut(text, ".")
	if found && whole != "" && whole[0] != '-' && fraction != "" && strings.Trim(fraction, "0123456789") == "" {
		text = whole
	}
	return inRange(text, maxDuration)
}

func readPixels(raw json.RawMessage) (int32, error) {
	n, err := readInteger(maxPixels)(raw)
	return int32(n), err //nolint:gosec // at most maxPixels
}

// numberText is a number as it is written, without the quotes that it may stand in.
func numberText(raw json.RawMessage) (string, error) {
	text := strings.TrimSpace(strings.Trim(string(raw), `"`))
	if len(text) > maxNumber {
		return "", errors.New("is not a number")
	}
	return text, nil
}

func inRange(text string, limit int64) (int64, error) {
	n, err := parseInteger(text)
	switch {
	case errors.Is(err, strconv.ErrRange) || (err == nil && n > limit):
		return 0, fmt.Errorf("must be at most %d", limit)
	case err != nil:
		return 0, errors.New("must be a whole number")
	case n < 0:
		return 0, errors.New("must not be negative")
	}
	return n, nil
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

// readTime takes every time that RFC 3339 allows: with a fraction, which is dropped, in any zone, with a leap second, and
// with a blank or a small t and z. The year is 1970 to 9999.
func readTime(raw json.RawMessage) (time.Time, error) {
	text, err := readText(maxNumber)(raw)
	if err != nil {
		return time.Time{}, err
	}
	text = strings.ToUpper(text)
	const day, second = len("2006-01-02"), len("2006-01-02T15:04:05")
	if len(text) > day && text[day] == ' ' {
		text = text[:day] + "T" + text[day+1:]
	}
	leap := time.Duration(0)
	if len(text) > second && text[second-2:second] == "60" {
		text, leap = text[:second-2]+"59"+text[second:], time.Second
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, errors.New("is not a time such as 2021-04-28T08:56:57Z")
	}
	at = at.UTC().Truncate(time.Second).Add(leap)
	if at.Year() < 1970 || at.Year() > 9999 {
		return time.Time{}, errors.New("is not a time from 1970 to 9999")
	}
	return at, nil
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
