// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"strconv"

	"sparkrtc.dev/recording-operator/internal/media"
)

// leastRemoved is the least number of the first segment that says something: many recorders count from 1. Numbers from mostRemoved on are
// times.
const (
	leastRemoved = 2
	mostRemoved  = 100_000_000
)

// doubtBeginning doubts that the playlist has the lines of the beginning, unless all of what the callback reported is there.
func (b *builder) doubtBeginning() {
	if len(b.pieces) == 0 || b.recording.Reported > 0 && b.recording.Reported <= b.length+ReportSlack(b.recording.Reported) {
		return
	}
	switch number := b.recording.Number; {
	case number >= leastRemoved && number < mostRemoved && !b.namesBegin():
		b.find(UnknownHole, 0, 0, 0, "the playlist numbers it %d, and may have named others before it; whether the beginning is lost cannot be decided", number)
	case b.countsOn() && !b.isDamagedAt(0):
		b.find(UnknownHole, 0, 0, 0, "the %s go on there from others before it; whether the beginning is lost cannot be decided", b.counted(b.pieces[0]))
	}
}

// countsOn says that the numbers with which the recording begins are not those of a beginning: a recorder counts the packets of each stream
// and of the tables from one number on, and movie fragments from 0, 1 or 2.
func (b *builder) countsOn() bool {
	first := b.pieces[0]
	if first.Segment != 0 || !first.first {
		return false
	}
	file := b.segments[0].File
	if len(b.segments) > 1 && b.segments[1].File != nil && compareFragments(file.Fragments, b.segments[1].File.Fragments) == countersGoOn {
		return file.Fragments.First > leastRemoved && file.Fragments.First < mostRemoved
	}
	picture, hasPicture := b.firstCounter(first, media.Video)
	sound, hasSound := b.firstCounter(first, media.Audio)
	tables := file.TableCounters
	return b.running[media.Video] && b.running[media.Audio] && hasPicture && hasSound && tables.Known &&
		picture != sound && picture != tables.First && sound != tables.First
}

// namesBegin says that the numbers in the segments' names begin with the first one: those of the playlist are other ones.
func (b *builder) namesBegin() bool {
	_, number, _ := lastNumber(b.segments[0].Name)
	value, err := strconv.ParseInt(number, 10, 64)
	return err == nil && value < leastRemoved
}

// doubtRanges doubts that the playlist has all its lines where a file that it names by ranges holds more media than these.
func (b *builder) doubtRanges() {
	for _, each := range b.parts {
		own := b.segments[each.Segment]
		if own.Before > 0 && each.first {
			b.doubtRange(each, each.early, own.Before, "before")
		}
		if own.Behind > 0 && each.last {
			b.doubtRange(each, each.late, own.Behind, "behind")
		}
	}
}

// doubtRange adds the finding.
func (b *builder) doubtRange(each *part, at, bytes int64, where string) {
	b.find(UnknownHole, each.Segment, at+each.base, 0,
		"its file has %d bytes of media %s it that no line of the playlist names; whether a line is lost cannot be decided", bytes, where)
}
