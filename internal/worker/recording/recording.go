// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package recording says what was fetched of a recording: it is the contract between fetch and the kinds of steps.
package recording

import (
	"math"
	"path/filepath"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// Recording is what fetch found: fetch writes it to source.json for process. The indexes of its segments are beside it.
type Recording struct {
	// Lists are the segments of each media playlist; a recording that is one file is one list of one segment. Only an
	// archive has more than one list.
	Lists [][]Segment `json:"lists"`
	// HLS says that Lists come from playlists.
	HLS bool `json:"hls,omitempty"`
	// Originals are the files as they were, for an archive, in the order in which they are to be published: what names
	// another file comes after it.
	Originals []Original `json:"originals,omitempty"`
	// KeysLeft says that keys which segments are encrypted with are not among Originals, and why.
	KeysLeft string `json:"keysLeft,omitempty"`
}

// Segment is one file of a recording, or one range of a file.
type Segment struct {
	// Name is its URI in the playlist, without a query.
	Name string `json:"name"`
	// Seconds is its duration as the playlist says, and Rounding the weight of the last digit; 0: there is no playlist.
	Seconds  float64 `json:"seconds,omitempty"`
	Rounding float64 `json:"rounding,omitempty"`
	// Discontinuity and Began are what the playlist says of its clock.
	Discontinuity bool      `json:"discontinuity,omitempty"`
	Began         time.Time `json:"began,omitzero"`
	// Source is where its bytes are.
	Source index.Source `json:"source"`
	// Index is the number of its index.
	Index int `json:"index"`
	// Lost says that it is named and is not there, and Gap that the playlist says so.
	Lost bool `json:"lost,omitempty"`
	Gap  bool `json:"gap,omitempty"`
	// Encrypted says that its bytes say nothing.
	Encrypted bool `json:"encrypted,omitempty"`
	// Number of the first segment is the one that the playlist counts it with, as timeline.Recording has it; 0: of others.
	Number int64 `json:"number,omitempty"`
	// Before and Behind are the bytes of media around it that no range of the playlist names, as timeline.Segment has them.
	Before int64 `json:"before,omitempty"`
	Behind int64 `json:"behind,omitempty"`
}

// Original is one file of the recording.
type Original struct {
	// Name is its final name in an archive, relative, with slashes.
	Name string `json:"name"`
	// File is its name in source/.
	File string `json:"file"`
}

// Timeline is the timeline of one list. files are the indexes of all segments, and reported is how long the recording is,
// as the callback says; 0: unknown.
func (r *Recording) Timeline(list int, files []*media.File, reported time.Duration) *timeline.Timeline {
	recording := timeline.Recording{Reported: timeline.Ticks(reported)}
	for i, segment := range r.Lists[list] {
		if i == 0 {
			recording.Number = segment.Number
		}
		each := timeline.Segment{
			Name: segment.Name, Discontinuity: segment.Discontinuity, Began: segment.Began,
			Duration: Ticks(segment.Seconds), Precision: Ticks(segment.Rounding), Before: segment.Before, Behind: segment.Behind,
		}
		switch {
		case !segment.Lost:
			each.File = files[segment.Index]
		case segment.Gap:
			each.Absence = "the playlist marks it as lost (#EXT-X-GAP)"
		case segment.Source.Length > 0:
			each.Absence = "the playlist names a range of a file that does not exist or is shorter"
		}
		recording.Segments = append(recording.Segments, each)
	}
	return timeline.Build(recording)
}

// Readable is the timeline of one list without encrypted segments: nothing can be said of them.
func (r *Recording) Readable(list int, files []*media.File, reported time.Duration) *timeline.Timeline {
	rest := Recording{HLS: r.HLS, Lists: [][]Segment{{}}}
	for _, segment := range r.Lists[list] {
		if segment.Encrypted {
			reported = 0
			continue
		}
		rest.Lists[0] = append(rest.Lists[0], segment)
	}
	return rest.Timeline(0, files, reported)
}

// Sources are the files of one list's segments, which lie in dir.
func (r *Recording) Sources(list int, dir string) []index.Source {
	sources := make([]index.Source, len(r.Lists[list]))
	for i, segment := range r.Lists[list] {
		sources[i] = Within(dir, segment.Source)
	}
	return sources
}

// Within puts a folder in front of a source's paths.
func Within(dir string, source index.Source) index.Source {
	source.Path = filepath.Join(dir, source.Path)
	if source.Init != nil {
		init := Within(dir, *source.Init)
		source.Init = &init
	}
	more := source.More
	source.More = nil
	for _, each := range more {
		source.More = append(source.More, Within(dir, each))
	}
	return source
}

// Ticks turns seconds into ticks.
func Ticks(seconds float64) int64 { return int64(math.Round(seconds * media.Clock)) }

// Container is the recording's container for a status; files are the indexes of its segments.
func (r *Recording) Container(files []*media.File) string {
	if r.HLS {
		return "hls"
	}
	if len(files) == 0 || files[0] == nil {
		return ""
	}
	if files[0].Container == media.FragmentMP4 {
		return string(media.MP4)
	}
	return string(files[0].Container)
}

// Round is a duration for a person.
func Round(length time.Duration) string { return length.Round(time.Millisecond).String() }
