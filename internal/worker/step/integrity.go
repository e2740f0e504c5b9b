// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"math"
	"slices"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// Integrity says whether the recording is whole. The manifest has all findings; a status has room for a few.
type Integrity v1alpha1.Integrity

// maxManifestFindings bounds the findings in a manifest.
const maxManifestFindings = 1000

// NewIntegrity is that of a recording before anything was found in it.
func NewIntegrity() *Integrity {
	return &Integrity{State: v1alpha1.IntegrityIntact, Checked: v1alpha1.CheckedStructure}
}

// Add takes in what a timeline says.
func (i *Integrity) Add(t *timeline.Timeline) {
	switch t.State() {
	case timeline.Damaged:
		i.State = v1alpha1.IntegrityDamaged
	case timeline.Unknown:
		if i.State == v1alpha1.IntegrityIntact {
			i.State = v1alpha1.IntegrityUnknown
		}
	case timeline.Intact:
	}
	for _, track := range t.Tracks() {
		if track.Kind == media.Video {
			i.Packets.Video += track.Packets
		} else {
			i.Packets.Audio += track.Packets
		}
	}
	for _, finding := range t.Findings {
		i.Find(finding)
	}
	i.More += int32(min(t.More, math.MaxInt32-maxManifestFindings)) //nolint:gosec // bounded
}

// Find adds one finding.
func (i *Integrity) Find(found timeline.Finding) {
	if len(i.Findings) >= maxManifestFindings {
		i.More++
		return
	}
	finding := v1alpha1.Finding{
		Type: found.Type, Message: bounded(found.Message, v1alpha1.MaxFindingMessage),
		AtMilliseconds: timeline.Duration(found.At).Milliseconds(), LengthMilliseconds: timeline.Duration(found.Length).Milliseconds(),
	}
	if found.Segment >= 0 {
		finding.Segment = new(int32(min(found.Segment, math.MaxInt32)))
	}
	i.Findings = append(i.Findings, finding)
}

// Drop takes a finding back that turned out to be nothing.
func (i *Integrity) Drop(found timeline.Finding) {
	message := bounded(found.Message, v1alpha1.MaxFindingMessage)
	i.Findings = slices.DeleteFunc(i.Findings, func(f v1alpha1.Finding) bool { return f.Type == found.Type && f.Message == message })
	if i.State == v1alpha1.IntegrityUnknown && i.More == 0 && !slices.ContainsFunc(i.Findings, func(f v1alpha1.Finding) bool { return f.Type.IsUndecided() }) {
		i.State = v1alpha1.IntegrityIntact
	}
}

// AddEncrypted notes that nothing can be said of encrypted segments.
func (i *Integrity) AddEncrypted(fetched *recording.Recording) {
	for _, segments := range fetched.Lists {
		first := slices.IndexFunc(segments, func(s recording.Segment) bool { return s.Encrypted })
		if first < 0 {
			continue
		}
		message := "segments are encrypted, so that nothing can be said of them"
		if fetched.KeysLeft != "" {
			message += "; keys that the playlist names are not in the archive: " + fetched.KeysLeft
		}
		i.Find(timeline.Finding{Type: timeline.Encrypted, Segment: first, Message: message})
		if i.State == v1alpha1.IntegrityIntact {
			i.State = v1alpha1.IntegrityUnknown
		}
	}
}

// Survey takes in all lists of a recording that is kept as it is, and says what is in the first; nil: it cannot be read.
// files are the indexes of its segments, and reported is how long it is, as the callback says; 0: unknown.
func (i *Integrity) Survey(fetched *recording.Recording, files []*media.File, reported time.Duration) *v1alpha1.Media {
	var first *v1alpha1.Media
	for number := range fetched.Lists {
		t := fetched.Readable(number, files, reported)
		i.Add(t)
		if number == 0 && len(t.Tracks()) > 0 {
			first = Describe(t, fetched.Container(files), timeline.Duration(t.Length))
		}
	}
	i.AddEncrypted(fetched)
	return first
}

// Merge takes in what was found in another recording.
func (i *Integrity) Merge(other *Integrity) {
	if i.State == v1alpha1.IntegrityIntact || other.State == v1alpha1.IntegrityDamaged {
		i.State = other.State
	}
	i.Packets.Video += other.Packets.Video
	i.Packets.Audio += other.Packets.Audio
	room := min(maxManifestFindings-len(i.Findings), len(other.Findings))
	i.Findings = append(i.Findings, other.Findings[:room]...)
	i.More = int32(min(int64(i.More)+int64(other.More)+int64(len(other.Findings)-room), math.MaxInt32)) //nolint:gosec // bounded
}

// Status is what a status has room for: damage comes first already. That of nil is nil.
func (i *Integrity) Status() *v1alpha1.Integrity {
	if i == nil {
		return nil
	}
	short := v1alpha1.Integrity(*i)
	if extra := len(short.Findings) - v1alpha1.MaxFindings; extra > 0 {
		short.Findings = short.Findings[:v1alpha1.MaxFindings]
		short.More += int32(min(extra, math.MaxInt32))
	}
	return &short
}

// First is the first finding of a severity that decoding does not decide; nil: there is none.
func First(t *timeline.Timeline, severity timeline.Severity) *timeline.Finding {
	for i, finding := range t.Findings {
		if timeline.SeverityOf(finding.Type) == severity && finding.Decoding == "" {
			return &t.Findings[i]
		}
	}
	return nil
}

// bounded cuts a text to so many bytes, and leaves out what is no UTF-8.
func bounded(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit-len("…")] + "…"
	}
	return strings.ToValidUTF8(text, "")
}

// Describe is the description of a timeline's media for a status.
func Describe(t *timeline.Timeline, container string, length time.Duration) *v1alpha1.Media {
	found := &v1alpha1.Media{Container: container, DurationMilliseconds: length.Milliseconds()}
	if t.Video != nil && len(t.Video.Params) > 0 {
		params := t.Video.Params[0]
		found.VideoCodec, found.Width, found.Height = string(params.Codec), int32(params.Width), int32(params.Height) //nolint:gosec // pixels
	}
	if t.Audio != nil && len(t.Audio.Params) > 0 {
		found.AudioCodec = string(t.Audio.Params[0].Codec)
	}
	return found
}
