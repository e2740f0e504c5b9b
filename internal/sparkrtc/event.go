// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
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
	// job ended.
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

// typeOf knows the spellings of event_type.
func typeOf(name string) Type {
	switch name {
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
	Name       string
	AppID      string
	JobID      string
	RoomID     string
	StreamName string
	// Format is record_format in upper case; for Complete it may be derived from the ending of the object.
	Format string
	// Detail is detail_message, cut to maxDetail characters. Nothing depends on it.
	Detail string
	// File is zero for every type but Complete.
	File File
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

// check says what is missing for the event to mean anything, and derives what can be derived.
func (e *Event) check() error {
	switch e.Type {
	case Start:
		if e.JobID == "" && e.StreamName == "" {
			return &FieldError{Field: "job_id, stream_name", Problem: "one of them is required with RECORD_NEW_FILE_START"}
		}
	case Over:
		if e.JobID == "" {
			return &FieldError{Field: "job_id", Problem: "is required with " + e.Name}
		}
	case Complete:
		return e.checkFile()
	case Unknown:
	}
	return nil
}

// checkFile makes sure that the facts name exactly one file.
func (e *Event) checkFile() error {
	f := &e.File
	location := f.Object
	if f.Bucket == "" || f.Object == "" {
		if f.DownloadURL == "" {
			return &FieldError{Field: "obs_bucket, obs_object, download_url",
				Problem: "obs_bucket and obs_object, or download_url, are required with RECORD_FILE_COMPLETE"}
		}
		u, err := url.Parse(f.DownloadURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return &FieldError{Field: "download_url", Problem: "is not a URL of http or https"}
		}
		// Half a place is none: the URL names the file, and so does its path.
		f.Location, f.Bucket, f.Object = "", "", ""
		location = u.Path
	}
	if e.Format == "" {
		e.Format = formatOf(location)
	}
	return nil
}

// formatOf derives record_format from the ending of a playlist or a film.
func formatOf(object string) string {
	switch strings.ToLower(path.Ext(object)) {
	case ".m3u8":
		return "HLS"
	case ".mp4":
		return "MP4"
	default:
		return ""
	}
}
