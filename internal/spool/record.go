// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sparkrtc.dev/recording-operator/internal/ingest"
)

// recordVersion is that of the format of records. Another format needs another version.
const recordVersion = 1

// record is a delivery as it lies on disk. It holds the decoded event, whose size is bounded whatever the body was, and
// nothing that proves where it came from: neither key nor signature.
type record struct {
	Version  int             `json:"version"`
	Delivery ingest.Delivery `json:"delivery"`
	// Refusals is how often the API server refused the delivery, and Refused for how long, outages left out.
	Refusals int           `json:"refusals,omitempty"`
	Refused  time.Duration `json:"refused,omitempty"`
	// NotBefore is when it is tried again; zero is at once.
	NotBefore time.Time `json:"notBefore,omitzero"`
}

// errRecordVersion says that a record was written by another version of the operator.
var errRecordVersion = errors.New("the record has another version")

func (r record) encode() ([]byte, error) {
	r.Version = recordVersion
	r.Delivery.Body = nil
	var content bytes.Buffer
	encoder := json.NewEncoder(&content)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, fmt.Errorf("encode a callback: %w", err)
	}
	return content.Bytes(), nil
}

// decodeRecord fails with errRecordVersion when another version wrote the record: what is in it may be of other types then.
func decodeRecord(content []byte) (record, error) {
	var r record
	err := json.Unmarshal(content, &r)
	if _, malformed := errors.AsType[*json.SyntaxError](err); !malformed && r.Version != recordVersion {
		return record{}, fmt.Errorf("%w: it is %d, not %d", errRecordVersion, r.Version, recordVersion)
	}
	if err != nil {
		return record{}, fmt.Errorf("decode a callback: %w", err)
	}
	return r, nil
}

// refusalsOf reads only how often a record was refused; zero of one that cannot be read. The order of a segment needs no
// more: decoded all at once, its records would take several times the memory of the segment.
func refusalsOf(content []byte) int {
	var r struct {
		Refusals int `json:"refusals"`
	}
	_ = json.Unmarshal(content, &r) // the error comes again when it is decoded
	return r.Refusals
}
