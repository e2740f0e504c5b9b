// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/fnv"
	"time"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// record is a delivery as it lies on disk, waiting or dead. It holds the callback as it came, and nothing that proves
// that it is genuine: neither key nor signature.
type record struct {
	Namespace string    `json:"namespace"`
	Source    string    `json:"source"`
	App       string    `json:"app,omitempty"`
	Job       string    `json:"job,omitempty"`
	Digest    string    `json:"digest"`
	Received  time.Time `json:"received"`
	Timestamp string    `json:"timestamp,omitempty"`
	EventType string    `json:"eventType,omitempty"`
	// Cause and Reason are those of a dead letter.
	Cause  Cause  `json:"cause,omitempty"`
	Reason string `json:"reason,omitempty"`

	Body []byte `json:"-"`
}

func recordOf(d ingest.Delivery) record {
	return record{
		Namespace: d.Namespace, Source: d.Source, App: d.Event.AppID, Job: d.Event.TaskID,
		Digest: d.Digest, Received: d.Received, Timestamp: d.Timestamp, EventType: d.Event.Name, Body: d.Body,
	}
}

// delivery is what was recorded. Its only error is callback.Decode's.
func (r record) delivery() (ingest.Delivery, error) {
	d := ingest.Delivery{
		Namespace: r.Namespace, Source: r.Source, Digest: r.Digest, Body: r.Body, Received: r.Received, Timestamp: r.Timestamp,
	}
	event, err := sparkrtc.Decode(r.Body)
	if err != nil {
		return d, err
	}
	if event.AppID == "" {
		event.AppID = r.App
	}
	d.Event = event
	return d, nil
}

// lane is what deliveries are kept in order by: all of one job, which an OVER ends for each of its streams. Two jobs
// that share a hash share a lane, which delays them and no more.
type lane uint64

func laneOf(namespace, source, job string) lane {
	h := fnv.New64a()
	for _, part := range []string{namespace, source, job} {
		_, _ = h.Write([]byte(part))
		_, _ = h.Write([]byte{0})
	}
	return lane(h.Sum64())
}

func (r record) lane() lane { return laneOf(r.Namespace, r.Source, r.Job) }

// A record on disk is a CRC-32C of all that follows and of its key, the length of its head, the head in JSON, the body.
const recordHead = 8

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	errRecord  = errors.New("the record's checksum is wrong")
)

func (r record) encode() ([]byte, error) {
	head, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode the record: %w", err)
	}
	content := make([]byte, recordHead, recordHead+len(head)+len(r.Body))
	binary.LittleEndian.PutUint32(content[4:], uint32(len(head))) //nolint:gosec // bounded by the door's limits
	content = append(content, head...)
	return append(content, r.Body...), nil
}

// seal puts the checksum into an encoded record; its key is known only when it is stored.
func seal(key, content []byte) {
	binary.LittleEndian.PutUint32(content, checksum(key, content))
}

func checksum(key, content []byte) uint32 {
	return crc32.Update(crc32.Checksum(key, castagnoli), castagnoli, content[4:])
}

// sumOf is the checksum of a sealed record.
func sumOf(content []byte) uint64 { return uint64(binary.LittleEndian.Uint32(content)) }

// decodeRecord reads a sealed record. The body still lies in content.
func decodeRecord(key, content []byte) (record, error) {
	if len(content) < recordHead || binary.LittleEndian.Uint32(content) != checksum(key, content) {
		return record{}, errRecord
	}
	length := uint64(binary.LittleEndian.Uint32(content[4:]))
	rest := content[recordHead:]
	if length > uint64(len(rest)) {
		return record{}, errRecord
	}
	var r record
	if err := json.Unmarshal(rest[:length], &r); err != nil {
		return record{}, fmt.Errorf("decode the record: %w", err)
	}
	r.Body = rest[length:]
	return r, nil
}

func keyOf(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

func idOf(key []byte) uint64 { return binary.BigEndian.Uint64(key) }
