// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// The longest texts of the API, in characters.
const (
	maxID            = 128
	maxText          = 256
	maxFormat        = 32
	maxLocation      = 1024
	maxURL           = 4096
	maxTimestamp     = 32
	maxPixels        = 65536
	maxIgnoredFields = 16
	maxIgnoredField  = 64
)

// report is what a COMPLETE or a scan of the bucket says of an object. Reports are joined: the join is associative,
// commutative and idempotent, so that order and repetition cannot matter. It is one only of normalized values: what the
// API server would store differently must not be compared before it is as the API server stores it.
type report struct {
	taskIDs    []string
	reported   *v1alpha1.ReportedRecording
	discovered *v1alpha1.DiscoveredRecording
}

// reportOf is the normalized report of a COMPLETE.
func reportOf(event sparkrtc.Event) report {
	file := event.File
	r := report{reported: &v1alpha1.ReportedRecording{
		RecordingIdentity: identityOf(event),
		RecordingFacts: normalized(v1alpha1.RecordingFacts{
			EndTime: timeOrNil(file.EndTime), StartTime: timeOrNil(file.StartTime),
			SizeBytes: file.SizeBytes, DurationSeconds: file.DurationSeconds, Width: file.Width, Height: file.Height,
		}),
		DownloadURL: text(file.DownloadURL, maxURL), Location: text(file.Location, maxLocation),
	}}
	for _, field := range event.IgnoredFields {
		if field != "" && len(field) <= maxIgnoredField && strings.Trim(field, "abcdefghijklmnopqrstuvwxyz_") == "" {
			r.reported.IgnoredFields = append(r.reported.IgnoredFields, field)
		}
	}
	slices.Sort(r.reported.IgnoredFields)
	r.reported.IgnoredFields = slices.Compact(r.reported.IgnoredFields)
	r.reported.IgnoredFields = r.reported.IgnoredFields[:min(len(r.reported.IgnoredFields), maxIgnoredFields)]
	if id := text(event.TaskID, maxID); id != "" {
		r.taskIDs = []string{id}
	}
	return r
}

// identityOf is the normalized identity of what an event speaks of.
func identityOf(event sparkrtc.Event) v1alpha1.RecordingIdentity {
	return v1alpha1.RecordingIdentity{App: text(event.AppID, maxID), Room: text(event.RoomID, maxText),
		Stream: text(event.StreamName, maxText), Format: text(event.Format, maxFormat)}
}

// foundOf is the normalized report of an object that discovery read.
func foundOf(found Found) report {
	modified := found.LastModified.UTC().Truncate(time.Second)
	if modified.Unix() < 0 || modified.Year() > 9999 {
		modified = time.Unix(0, 0).UTC() // no object is that old, but the field is required
	}
	return report{discovered: &v1alpha1.DiscoveredRecording{
		LastModified:   metav1.Time{Time: modified},
		RecordingFacts: normalized(found.Facts),
		Stream:         text(found.Stream, maxText),
	}}
}

func normalized(facts v1alpha1.RecordingFacts) v1alpha1.RecordingFacts {
	return v1alpha1.RecordingFacts{
		EndTime: wholeSeconds(facts.EndTime), StartTime: wholeSeconds(facts.StartTime),
		SizeBytes:       min(max(facts.SizeBytes, 0), v1alpha1.MaxSizeBytes),
		DurationSeconds: min(max(facts.DurationSeconds, 0), v1alpha1.MaxDurationSeconds),
		Width:           min(max(facts.Width, 0), maxPixels), Height: min(max(facts.Height, 0), maxPixels),
	}
}

// wholeSeconds is a time as JSON keeps it. The zero time is absent.
func wholeSeconds(at *metav1.Time) *metav1.Time {
	if at == nil {
		return nil
	}
	return timeOrNil(at.Time)
}

func timeOrNil(at time.Time) *metav1.Time {
	at = at.UTC().Truncate(time.Second)
	if at.Unix() <= 0 || at.Year() > 9999 {
		return nil
	}
	return &metav1.Time{Time: at}
}

// text is what the API takes of a text: valid, without control characters, and cut to a length in characters.
func text(value string, limit int) string {
	value = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(value, ""))
	return bounded.Characters(value, limit)
}

// join joins two reports of one object.
func (r report) join(other report) report {
	return report{
		taskIDs:    joinTaskIDs(r.taskIDs, other.taskIDs),
		reported:   joinPointers(r.reported, other.reported, joinReported),
		discovered: joinPointers(r.discovered, other.discovered, joinDiscovered),
	}
}

// equal says whether two reports say the same.
func (r report) equal(other report) bool {
	return slices.Equal(r.taskIDs, other.taskIDs) &&
		apiequality.Semantic.DeepEqual(r.reported, other.reported) && apiequality.Semantic.DeepEqual(r.discovered, other.discovered)
}

// joinPointers joins what is there; nil is least.
func joinPointers[T any](a, b *T, join func(a, b T) T) *T {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	joined := join(*a, *b)
	return &joined
}

// joinTaskIDs is the union, cut to those that sort last.
func joinTaskIDs(a, b []string) []string {
	union := slices.Concat(a, b)
	slices.Sort(union)
	union = slices.Compact(union)
	return union[max(0, len(union)-v1alpha1.MaxTaskIDs):]
}

// joinReported takes each part of the identity on its own, and all facts of one report: sizes of two reports must never
// be mixed.
func joinReported(a, b v1alpha1.ReportedRecording) v1alpha1.ReportedRecording {
	joined := a
	if compareReported(a, b) < 0 {
		joined = b
	}
	joined.RecordingIdentity = joinIdentity(a.RecordingIdentity, b.RecordingIdentity)
	return joined
}

func joinIdentity(a, b v1alpha1.RecordingIdentity) v1alpha1.RecordingIdentity {
	return v1alpha1.RecordingIdentity{App: max(a.App, b.App), Room: max(a.Room, b.Room),
		Stream: max(a.Stream, b.Stream), Format: max(a.Format, b.Format)}
}

func joinDiscovered(a, b v1alpha1.DiscoveredRecording) v1alpha1.DiscoveredRecording {
	if compareDiscovered(a, b) < 0 {
		return b
	}
	return a
}

// compareReported orders what is not identity.
func compareReported(a, b v1alpha1.ReportedRecording) int {
	return cmp.Or(
		compareFacts(a.RecordingFacts, b.RecordingFacts),
		cmp.Compare(a.DownloadURL, b.DownloadURL), cmp.Compare(a.Location, b.Location),
		slices.Compare(a.IgnoredFields, b.IgnoredFields),
	)
}

func compareDiscovered(a, b v1alpha1.DiscoveredRecording) int {
	return cmp.Or(
		a.LastModified.Compare(b.LastModified.Time), compareFacts(a.RecordingFacts, b.RecordingFacts),
		cmp.Compare(a.Stream, b.Stream),
	)
}

// compareFacts orders facts by their end first: a recording that went on is the newer one.
func compareFacts(a, b v1alpha1.RecordingFacts) int {
	return cmp.Or(
		compareTimes(a.EndTime, b.EndTime),
		cmp.Compare(a.SizeBytes, b.SizeBytes), cmp.Compare(a.DurationSeconds, b.DurationSeconds),
		compareTimes(a.StartTime, b.StartTime),
		cmp.Compare(a.Width, b.Width), cmp.Compare(a.Height, b.Height),
	)
}

// compareTimes orders times; an absent one is least.
func compareTimes(a, b *metav1.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	default:
		return a.Compare(b.Time)
	}
}
