// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package recording says what is known of a recording, from everything that a RecordingFile holds: what people set, what
// the service reported, and what discovery read from the bucket. It is pure, and the only place where these are weighed
// against each other.
package recording

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	// durationSlack and durationPart are how much longer a recording has to be to count as grown: the service measures a
	// duration in another way than a playlist does.
	durationSlack = 3
	durationPart  = 100
)

// Facts are what is known of a recording. A zero field is not known.
type Facts struct {
	// Source is the name of the RecordingSource.
	Source                    string
	App, Room, Stream, Format string
	// TaskIDs are the recording tasks that reported the object.
	TaskIDs []string
	// Object is the identity of the object.
	Object v1alpha1.ObjectIdentity
	// DownloadURL is where the service says that the object can be downloaded, with its query.
	DownloadURL string
	// RecordingFacts are those of one report, or of one look at the object.
	v1alpha1.RecordingFacts
	// IgnoredFields are the callback fields that could not be read.
	IgnoredFields []string
}

// Of weighs what a file holds. Identity is what people set, else what was reported, else what the file's tasks say, else
// what the object's key says. Times and sizes are those that were reported, unless the object was read and holds more.
func Of(spec *v1alpha1.RecordingFileSpec, tasks ...*v1alpha1.RecordingTaskSpec) Facts {
	var reported v1alpha1.ReportedRecording
	if spec.Reported != nil {
		reported = *spec.Reported
	}
	var discovered v1alpha1.DiscoveredRecording
	if spec.Discovered != nil {
		discovered = *spec.Discovered
	}
	var told v1alpha1.RecordingIdentity
	for _, task := range tasks {
		told = v1alpha1.RecordingIdentity{App: max(told.App, task.App), Room: max(told.Room, task.Room),
			Stream: max(told.Stream, task.Stream), Format: max(told.Format, task.Format)}
	}
	facts := Facts{
		Source: spec.SourceRef.Name, TaskIDs: spec.TaskIDs, Object: spec.Object,
		App:         cmp.Or(spec.App, reported.App, told.App),
		Room:        cmp.Or(spec.Room, reported.Room, told.Room),
		Stream:      cmp.Or(spec.Stream, reported.Stream, told.Stream, discovered.Stream),
		Format:      cmp.Or(spec.Format, reported.Format, told.Format, sparkrtc.FormatOf(spec.Object.Key+spec.Object.URL)),
		DownloadURL: cmp.Or(reported.DownloadURL, spec.Object.URL), IgnoredFields: reported.IgnoredFields,
	}
	facts.RecordingFacts = weigh(reported.RecordingFacts, spec.Discovered, facts.Format)
	return facts
}

// Task is the recording task that sorts last; empty: none reported the object.
func (f Facts) Task() string {
	if len(f.TaskIDs) == 0 {
		return ""
	}
	return slices.Max(f.TaskIDs)
}

// Duration is that of the recording; 0: not known.
func (f Facts) Duration() time.Duration { return time.Duration(f.DurationSeconds) * time.Second }

// Digest is a digest of what makes a recording worth processing again: its object, size, duration and end. Neither the
// URL, which may be signed for each callback, nor the location is part of it.
func (f Facts) Digest() string {
	end := int64(0)
	if f.EndTime != nil {
		end = f.EndTime.Unix()
	}
	hash := sha256.New()
	for _, part := range []any{f.Object.Bucket, f.Object.Key, f.Object.URL, f.SizeBytes, f.DurationSeconds, end} {
		text := fmt.Sprint(part)
		_, _ = fmt.Fprintf(hash, "%d:%s", len(text), text)
	}
	return hex.EncodeToString(hash.Sum(nil))[:16]
}

// Input is the digest that the recording is processed under, where the status of its file has the digest processed: that of
// the facts. A recording that was processed before anything was known of it is not processed again for its first report: what
// is not known cannot have grown. It is when the report says clearly more than secondsRead, which is how long the recording
// was that was processed; 0: not known.
func (f Facts) Input(processed string, secondsRead int64) string {
	unknown := Facts{Object: f.Object}
	if processed == unknown.Digest() && !isLonger(secondsRead, f.DurationSeconds) {
		return processed
	}
	return f.Digest()
}

// Holds says whether an object that was looked at holds more than is known of the recording. What is not known cannot
// have grown.
func Holds(known, seen v1alpha1.RecordingFacts, format string) bool {
	if format == formatMP4 {
		return known.SizeBytes > 0 && seen.SizeBytes > known.SizeBytes
	}
	return isLonger(known.DurationSeconds, seen.DurationSeconds)
}

// isLonger says whether a duration in seconds is clearly longer than one that is known.
func isLonger(known, seen int64) bool {
	return known > 0 && seen > known+max(durationSlack, known/durationPart)
}

const formatMP4 = "MP4"

// weigh chooses between what was reported and what was read from the object. Discovery reads an object that was not
// reported, or that holds more than was reported. So what it read counts, unless a later report says clearly more: a
// report that comes late must not have the recording processed again for a second's difference.
func weigh(reported v1alpha1.RecordingFacts, discovered *v1alpha1.DiscoveredRecording, format string) v1alpha1.RecordingFacts {
	if discovered == nil {
		return reported
	}
	facts, other := discovered.RecordingFacts, reported
	if Holds(facts, reported, format) || facts.DurationSeconds == 0 && reported.DurationSeconds > 0 {
		facts, other = reported, discovered.RecordingFacts
	}
	if facts.Width == 0 && facts.Height == 0 {
		facts.Width, facts.Height = other.Width, other.Height
	}
	if facts.StartTime == nil {
		facts.StartTime = other.StartTime
	}
	return facts
}

// maxShort is as much of a name as a table shows, in bytes of JSON.
const maxShort = 256

// Short is the name of a room or a stream as a summary has it, which people read: a long one is cut.
func Short(name string) string { return bounded.JSON(name, maxShort) }

// HumanSize writes a size in the largest binary unit that leaves at least one: 25.0MiB.
func HumanSize(bytes int64) string {
	size, unit := float64(bytes), 0
	units := strings.Fields("B KiB MiB GiB TiB PiB EiB")
	for size >= 1024 && unit < len(units)-1 {
		size /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%dB", bytes)
	}
	return fmt.Sprintf("%.1f%s", size, units[unit])
}
