// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// Outcome is what became of a delivery. Its values are few, so that it can label a metric.
type Outcome string

// The outcomes of a delivery that is stored.
const (
	// Created says that a RecordingFile or a RecordingTask was created.
	Created Outcome = "created"
	// Updated says that one was changed. (A START or OVER that repeats what is known counts as well: the API server
	// finds that out, and writes nothing.)
	Updated Outcome = "updated"
	// Duplicate says that there was nothing to write.
	Duplicate Outcome = "duplicate"
	// Saturated says that a RecordingTask has as many starts as are kept, so that this one was dropped.
	Saturated Outcome = "saturated"
	// Unnamed says that a START or OVER names no task, so that nothing could be stored.
	Unnamed Outcome = "unnamed"
	// Ignored says that the type of the event is unknown.
	Ignored Outcome = "ignored"
	// Spooled says that the delivery is synced to the spool on disk, and will be written from there.
	Spooled Outcome = "spooled"
)

// Delivery is one verified callback.
type Delivery struct {
	// Namespace and Source are those of the RecordingSource that was called.
	Namespace string
	Source    string
	// Digest is sparkrtc.Proof's Digest: the same for a callback that is sent again.
	Digest string
	// Timestamp is the X-Rtc-Timestamp header as sent; empty for an unsigned callback.
	Timestamp string
	// KeyID is the ID of the key that signed, if the operator waits to see that key used; otherwise empty. It marks the
	// object that is written for the delivery, in the same write, and is no part of what the delivery says: a spool does not
	// keep it, since the next callback bears it again.
	KeyID string `json:"-"`
	Event sparkrtc.Event
	// Body is the raw callback, and Received when it came. They are for a spool, which keeps what the API server cannot
	// take; the body must not be held after the call.
	Body     []byte
	Received time.Time
}

// startKeyLength is how many hexadecimal digits tell one START of a task from another.
const startKeyLength = 16

// startKey tells the START from others of its task. Unsigned ones are told apart by what they say.
func (d Delivery) startKey() string {
	if len(d.Digest) >= startKeyLength && d.Digest != sparkrtc.Unsigned {
		return d.Digest[:startKeyLength]
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{d.Event.AppID, d.Event.TaskID, d.Event.RoomID, d.Event.StreamName, d.Event.Format}))
	return hex.EncodeToString(sum[:])[:startKeyLength]
}

// Found is a recorded object that discovery found in the bucket of a source.
type Found struct {
	// Namespace and Source are those of the RecordingSource whose bucket was searched.
	Namespace string
	Source    string
	// Bucket and Key are where the object lies.
	Bucket, Key string
	// LastModified is when the object was written last.
	LastModified time.Time
	// Stream is what the key says of the stream; empty when it says nothing.
	Stream string
	// Facts are what the object says of the recording.
	Facts v1alpha1.RecordingFacts
}

// Result says what became of a delivery.
type Result struct {
	Outcome Outcome
	// File is the name of the RecordingFile that was written or found; empty for a START or OVER.
	File string
	// Task is the name of the RecordingTask that was written; empty for a COMPLETE.
	Task string
}
