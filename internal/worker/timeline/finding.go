// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
)

// Type is a kind of finding. The API says what each means.
type Type = v1alpha1.FindingType

// The types of findings.
const (
	Pause             = v1alpha1.FindingPause
	Freeze            = v1alpha1.FindingFreeze
	Mute              = v1alpha1.FindingMute
	ClockStep         = v1alpha1.FindingClockStep
	LayoutChange      = v1alpha1.FindingLayoutChange
	ParameterChange   = v1alpha1.FindingParameterChange
	StreamIgnored     = v1alpha1.FindingStreamIgnored
	SegmentMissing    = v1alpha1.FindingSegmentMissing
	SegmentTruncated  = v1alpha1.FindingSegmentTruncated
	SegmentDuplicated = v1alpha1.FindingSegmentDuplicated
	SegmentForeign    = v1alpha1.FindingSegmentForeign
	OutOfOrder        = v1alpha1.FindingOutOfOrder
	PacketsLost       = v1alpha1.FindingPacketsLost
	Corrupt           = v1alpha1.FindingCorrupt
	TimestampOutlier  = v1alpha1.FindingTimestampOutlier
	DecodeErrors      = v1alpha1.FindingDecodeErrors
	UnknownTail       = v1alpha1.FindingUnknownTail
	UnknownHole       = v1alpha1.FindingUnknownHole
	UnknownStreamAway = v1alpha1.FindingUnknownStreamAway
	UnknownEncoding   = v1alpha1.FindingUnknownEncoding
	DurationMismatch  = v1alpha1.FindingDurationMismatch
	Encrypted         = v1alpha1.FindingEncrypted
)

// Severity of a finding.
type Severity int

// Severities, in ascending order.
const (
	SeverityNote Severity = iota
	SeverityUnknown
	SeverityDamage
)

// SeverityOf a type.
func SeverityOf(kind Type) Severity {
	switch {
	case kind.IsDamage():
		return SeverityDamage
	case kind.IsUndecided():
		return SeverityUnknown
	default:
		return SeverityNote
	}
}

// Finding is one thing that the index shows.
type Finding struct {
	Type Type
	// Segment is the index in the playlist; -1: the recording as a whole.
	Segment int
	// At is the time in the result, and Length how long it lasts, in ticks; Length 0: it is a moment.
	At, Length int64
	// Message says what was found and where, for a person.
	Message string
	// Decoding is the encoding of the picture that tells, when it is decoded, whether something is lost; empty: none does.
	Decoding media.Codec
	// Keyless says that nothing is lost when all pictures can be decoded, although none is a key frame.
	Keyless bool
}

// maxFindings bounds the findings of one severity; a recording that is damaged everywhere has one for each segment.
const maxFindings = 1000

// find adds a finding, and gives it; nil: there are too many. The message begins with the segment and the time.
func (b *builder) find(kind Type, segment int, at, length int64, format string, args ...any) *Finding {
	if b.found[SeverityOf(kind)] >= maxFindings {
		b.more++
		return nil
	}
	b.found[SeverityOf(kind)]++
	at = max(0, at)
	where := "at " + position(at)
	if segment >= 0 && b.segments[segment].isListed() {
		where = fmt.Sprintf("segment %d (%.80s) at %s", segment, b.segments[segment].Name, position(at))
	}
	b.findings = append(b.findings, Finding{
		Type: kind, Segment: segment, At: at, Length: length, Message: where + ": " + fmt.Sprintf(format, args...),
	})
	return &b.findings[len(b.findings)-1]
}

// waiting is a finding about a part that has no place in the result yet.
type waiting struct {
	part       *part
	kind       Type
	at, length int64
	text       string
}

// later adds a finding at a time of the part's own clock; at 0 of a part that was dropped is where it would have been.
func (b *builder) later(each *part, kind Type, at, length int64, format string, args ...any) {
	b.waiting = append(b.waiting, waiting{part: each, kind: kind, at: at, length: length, text: fmt.Sprintf(format, args...)})
}

// settle adds the findings that waited for a place.
func (b *builder) settle() {
	for _, each := range b.waiting {
		at := each.at
		if each.part.dropped != "" {
			at = each.part.early
		}
		b.find(each.kind, each.part.Segment, at+each.part.base, each.length, "%s", each.text)
	}
}

// sortFindings puts damage first, then what is unknown, then notes, each by time.
func sortFindings(findings []Finding) {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return cmp.Or(-cmp.Compare(SeverityOf(a.Type), SeverityOf(b.Type)), cmp.Compare(a.At, b.At))
	})
}

// position is a time for a person, to the millisecond.
func position(ticks int64) string {
	return Duration(ticks).Round(time.Millisecond).String()
}

// Duration of ticks.
func Duration(ticks int64) time.Duration {
	const whole = int64(time.Second) / media.Clock
	const rest = int64(time.Second) % media.Clock
	return time.Duration(ticks*whole + ticks*rest/media.Clock)
}

// Ticks of a duration.
func Ticks(duration time.Duration) int64 {
	seconds, rest := int64(duration/time.Second), int64(duration%time.Second)
	return seconds*media.Clock + (rest*media.Clock+int64(time.Second)/2)/int64(time.Second)
}
