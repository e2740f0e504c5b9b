// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package timeline decides, from the index of a recording's files alone, what belongs where in the result and what the
// recording has lost. It is pure: values in, values out. It reads no file, runs no program, and knows no clock.
//
// Segments become runs: the longest stretches with one clock. Within a run every packet keeps its time, so that a pause
// stays a pause. A run that begins a new clock is placed after the one before: with the pause that the recorded dates
// show, or end to end.
package timeline

import (
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Segment is one file of a recording, in the order of the playlist.
type Segment struct {
	// File is its index; nil when the playlist names it and it is lost.
	File *media.File
	// Absence says for a person why there is no File; empty: the file does not exist or is empty.
	Absence string
	// Name is the segment's URI in the playlist, for a person and for the numbers in it.
	Name string
	// Duration that the playlist says (EXTINF), in ticks; 0: there is no playlist.
	Duration int64
	// Precision of Duration: the weight of its last digit, in ticks.
	Precision int64
	// Discontinuity says that the playlist announces a new clock or other streams before the segment.
	Discontinuity bool
	// Began is when its first packet was recorded (EXT-X-PROGRAM-DATE-TIME); zero: not said.
	Began time.Time
	// Before and Behind are the bytes around the segment, in a file that the playlist names by ranges, which hold picture or sound and are
	// in no range. Those between two segments are Behind the first one.
	Before, Behind int64
}

// isListed says that a playlist gives the segment a duration, which is 0 where a short one is rounded to whole seconds.
func (s *Segment) isListed() bool { return s.Duration > 0 || s.Precision > 0 }

// Recording is what a timeline is made of.
type Recording struct {
	Segments []Segment
	// Number is the one that the playlist counts the first segment with (EXT-X-MEDIA-SEQUENCE), where lines may have been removed before
	// it; 0: none may.
	Number int64
	// Reported is how long the recording is as the callback says, in ticks; 0: unknown.
	Reported int64
	// Starts are the times, in ticks, at which the segments begin whose places are known already; empty: none is. What of
	// a segment lies before its start or behind the next one's is left out.
	Starts []int64
}

// State says whether a recording is whole.
type State string

// States of a recording.
const (
	// Intact: nothing shows that anything is lost.
	Intact State = "Intact"
	// Damaged: something is lost, and the findings say where.
	Damaged State = "Damaged"
	// Unknown: the bytes cannot decide it, and the findings say why.
	Unknown State = "Unknown"
)

// MaxLength is the longest result, a week in ticks: clocks of a hostile recording can leap by centuries, and its sound is
// filled up with silence.
const MaxLength = 7 * 86_400 * media.Clock

// Timeline says which packets the result has, and when.
type Timeline struct {
	// Video and Audio are the tracks of the result; nil: the recording has none.
	Video, Audio *Track
	// Pieces in the order of their time.
	Pieces []Piece
	// Findings, damage first, each in the order of time.
	Findings []Finding
	// More counts the findings that are not listed: of each severity there are at most 1000.
	More int
	// Length of the result in ticks.
	Length int64
	// Dark are the stretches without a stream of pictures, behind the first picture, and Undecodable those of pictures
	// that need others that are not there. Keyless are those of pictures with no key frame, which a decoder may show all the same. All are
	// in the order of time.
	Dark, Undecodable, Keyless []Stretch
	// Start is where a part of a split timeline begins in the whole, in ticks.
	Start int64

	segments []Segment
}

// Stretch lies between two times of the result, in ticks; To is not included.
type Stretch struct{ From, To int64 }

// Track is a kind of stream through all pieces.
type Track struct {
	Kind media.Kind
	// Params that differ, in the order of their first use.
	Params []media.Params
	// Language of the first stream.
	Language string
	// Edits of the only file, an MP4, to be kept as they are; the packets' times are then media times.
	Edits []media.Edit
	// Matrix is the transformation of the picture, for example a rotation; zero: none.
	Matrix [9]int32
	// Packets is how many there are.
	Packets int64

	// known says that Params has only what can be put into an MP4.
	known bool
}

// IsQuarterTurn says that the picture is shown turned by a quarter, so that its width is its height.
func (t *Track) IsQuarterTurn() bool {
	return t.Matrix[0] == 0 && t.Matrix[4] == 0 && t.Matrix[1] != 0
}

// Piece is a part of a segment with one clock.
type Piece struct {
	// Segment is the index in Recording.Segments.
	Segment int
	// Offset is added to the times of the file.
	Offset int64
	// Run counts clocks from 0.
	Run int
	// Video and Audio are the packets, in order.
	Video, Audio []Slice

	// base is what the run adds to the times in stats, whose wraps are resolved.
	base int64
}

// Slice is a range of the packets of one stream.
type Slice struct {
	// Stream is the index in File.Streams.
	Stream int
	// From and To are packet numbers; To is not included.
	From, To int
	// Shift is added to the times of this stream besides Piece.Offset: its edit list.
	Shift int64

	stats stats
	// moved are pictures whose time in the file is wrong, in order.
	moved movedPictures
}

// Slices of a kind.
func (p *Piece) Slices(kind media.Kind) []Slice {
	if kind == media.Video {
		return p.Video
	}
	return p.Audio
}

// Track of a kind; nil: the recording has none.
func (t *Timeline) Track(kind media.Kind) *Track {
	if kind == media.Video {
		return t.Video
	}
	return t.Audio
}

// Tracks of the result, video first.
func (t *Timeline) Tracks() []*Track {
	var tracks []*Track
	for _, track := range []*Track{t.Video, t.Audio} {
		if track != nil {
			tracks = append(tracks, track)
		}
	}
	return tracks
}

// State is what the findings say together.
func (t *Timeline) State() State {
	state := Intact
	for _, finding := range t.Findings {
		switch SeverityOf(finding.Type) {
		case SeverityDamage:
			return Damaged
		case SeverityUnknown:
			state = Unknown
		case SeverityNote:
		}
	}
	return state
}

// Interval is the usual one between the packets around a packet, in ticks: how long it lasts when nothing else says so.
func (t *Timeline) Interval(placed *Placed, kind media.Kind) int64 {
	return t.Pieces[placed.Piece].Slices(kind)[placed.Slice].stats.lastInterval
}

// Finding is a finding at a time of the result, with the segment that lies there.
func (t *Timeline) Finding(kind Type, at, length int64, text string) Finding {
	segment := -1
	for i := range t.Pieces {
		piece := &t.Pieces[i]
		for _, kind := range kinds {
			for _, slice := range piece.Slices(kind) {
				if slice.stats.begin+piece.base <= at {
					segment = piece.Segment
				}
			}
		}
	}
	b := &builder{segments: t.segments}
	b.find(kind, segment, at, length, "%s", text)
	return b.findings[0]
}

// Segment is the segment of this index.
func (t *Timeline) Segment(index int) Segment { return t.segments[index] }

// kinds are the kinds of streams that a result has.
var kinds = [...]media.Kind{media.Video, media.Audio}

// Build makes the timeline of a recording.
func Build(recording Recording) *Timeline {
	b := &builder{recording: recording, segments: recording.Segments, chosen: map[media.Kind]uint32{}, around: map[[2]int]edges{}, ignored: map[uint32]bool{}, mixed: map[int]bool{}}
	b.survey()
	b.judgeCopies()
	b.place()
	b.settle()
	b.judgeBorders()
	b.judgeJoins()
	b.doubtJoins()
	b.doubtRanges()
	b.judgeEnds()
	b.judgeHeads()
	b.doubtTwins()
	b.judgeTimeless()
	b.judgeAbsences()
	b.listEvidence()
	b.collectTracks()
	b.leaveOutOverlaps()
	b.listUndecodable()
	b.listHoles()
	b.compareHeader()
	b.compareReport()
	b.doubtBeginning()
	return b.finish()
}

// builder holds what is known so far.
type builder struct {
	recording Recording
	segments  []Segment
	// chosen is the stream ID that each kind was last read from.
	chosen map[media.Kind]uint32
	// parts in the order of the playlist, and partsOf each segment.
	parts   []*part
	partsOf [][]*part
	// around are the edges of streams in the segments around the one that is surveyed.
	around map[[2]int]edges
	// running says for each kind whether its continuity counters run on across segments.
	running map[media.Kind]bool
	// restarts counts with which numbers the continuity counters begin, and restartsOfRun the same for the last run that was asked for.
	restarts, restartsOfRun *restarts
	restartsRun             int
	// step is the usual step of the numbers in the segments' names.
	step *int64
	// same is, for each part, the first one with the same bytes, which it may be itself.
	same []int
	// pieces in the order of time, without the parts that were dropped.
	pieces []*part
	// whole counts the pieces that are whole segments, and endShort those among them that hold less than the playlist says.
	whole, endShort int
	// announced says that the playlist announces another clock before the part that is being placed; announcedTo is how
	// many segments were looked at for it.
	announced   bool
	announcedTo int
	// unplaced counts, for each segment, those before it that have no place in the result.
	unplaced []int
	// mixed are the runs that have segments out of order.
	mixed map[int]bool
	// joins are where another clock begins and counters can be compared.
	joins []join
	// heads counts what segments with pictures begin with.
	heads *heads
	// tablesFirst counts the segments that begin with their tables.
	tablesFirst *int
	// skew is by how much picture and sound may begin apart where both go on from one segment to the next.
	skew int64
	// silences counts the holes in the sound.
	silences *int
	// lengths are the durations of all segments, sorted.
	lengths []int64
	// nearest says that durations in whole seconds are rounded to the nearest one.
	nearest *bool
	// oneFragment says that every segment is one movie fragment.
	oneFragment *bool
	// exact says how exact the durations in the playlist are.
	exact *exactness
	// ignored are the streams that were said not to be in the result.
	ignored map[uint32]bool

	findings []Finding
	// found counts the findings of each severity, and more those that are not listed.
	found [SeverityDamage + 1]int
	more  int
	// waiting are findings about parts that have no place yet.
	waiting []waiting
	tracks  map[media.Kind]*Track
	length  int64
	// undecodable and keyless are Timeline.Undecodable and Timeline.Keyless.
	undecodable, keyless []Stretch
}

// finish sorts the findings and hands everything over.
func (b *builder) finish() *Timeline {
	sortFindings(b.findings)
	t := b.placed()
	t.Findings, t.More, t.Length = b.findings, b.more, b.length
	t.Dark, t.Undecodable, t.Keyless = b.listDark(), b.undecodable, b.keyless
	return t
}
