// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"errors"
	"net/url"
	"path"
	"strings"
	"time"
)

// Type is what an event says. It follows from the field event_type.
type Type int

const (
	// Unknown is any event_type that this package does not know. The service has others, and will have more.
	Unknown Type = iota
	// Start is RECORD_NEW_FILE_START: a file is being recorded. It does not say which.
	Start
	// Complete is RECORD_FILE_COMPLETE: a file is finished, and where it lies.
	Complete
	// Over is CLOUD_RECORD_SERVER_OVER, which one page of the API reference spells CLOUD_RECORD_OVER: the recording
	// task ended.
	Over
)

// String names the type for logs.
func (t Type) String() string {
	switch t {
	case Start:
		return "Start"
	case Complete:
		return "Complete"
	case Over:
		return "Over"
	case Unknown:
		return "Unknown"
	default:
		return "Unknown"
	}
}

// maxTypeName bounds what is compared; longer than any event_type with some blanks.
const maxTypeName = 64

// typeOf knows the spellings of event_type. Case and blanks do not matter: an event that is misspelled in these would be
// lost.
func typeOf(name string) Type {
	if len(name) > maxTypeName {
		return Unknown
	}
	switch strings.ToUpper(strings.Join(strings.Fields(name), "")) {
	case "RECORD_NEW_FILE_START":
		return Start
	case "RECORD_FILE_COMPLETE":
		return Complete
	case "CLOUD_RECORD_SERVER_OVER", "CLOUD_RECORD_OVER":
		return Over
	default:
		return Unknown
	}
}

// Event is one decoded callback. A field that was not sent is zero.
type Event struct {
	Type Type
	// Name is event_type as sent, cut to a length that can be logged.
	Name  string
	AppID string
	// TaskID is job_id: the recording task.
	TaskID     string
	RoomID     string
	StreamName string
	// Format is record_format in upper case; for Complete it may be derived from the ending of the object.
	Format string
	// Detail is detail_message, cut to maxDetail characters. Nothing depends on it.
	Detail string
	// File is zero for every type but Complete.
	File File
	// IgnoredFields are the fields of the body that could not be read and were dropped, sorted.
	IgnoredFields []string
	// NamesFile is set for type Unknown alone: the event says where a finished file lies, as Complete does. Its
	// event_type may be missing or misspelled.
	NamesFile bool
}

// File holds the facts of a finished file. Either Bucket and Object are both set, or DownloadURL is.
type File struct {
	DownloadURL     string
	SizeBytes       int64
	DurationSeconds int64
	// StartTime and EndTime are UTC, in whole seconds.
	StartTime time.Time
	EndTime   time.Time
	Width     int32
	Height    int32
	Location  string
	Bucket    string
	Object    string
}

// checkFile makes sure that the facts name exactly one file, and derives the format.
func (e *Event) checkFile() error {
	f := &e.File
	location := f.Object
	if f.Bucket == "" || f.Object == "" {
		if f.DownloadURL == "" {
			return &FieldError{Field: "obs_bucket, obs_object, download_url",
				Problem: "obs_bucket and obs_object, or download_url, are required with RECORD_FILE_COMPLETE"}
		}
		u, err := parseURL(f.DownloadURL)
		if err != nil {
			return &FieldError{Field: "download_url", Problem: err.Error()}
		}
		// A bucket without a key, or the reverse, names nothing: the URL names the file, and so does its path.
		f.Location, f.Bucket, f.Object = "", "", ""
		location = u.Path
	}
	if e.Format == "" {
		e.Format = FormatOf(location)
	}
	return nil
}

func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("is not an http or https URL")
	}
	return u, nil
}

// FormatOf is the record_format that the ending of a playlist or a video stands for; empty when it is neither.
func FormatOf(object string) string {
	switch strings.ToLower(path.Ext(object)) {
	case ".m3u8":
		return "HLS"
	case ".mp4":
		return "MP4"
	default:
		return ""
	}
}
