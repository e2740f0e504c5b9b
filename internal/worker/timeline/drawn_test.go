// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Recordings that were drawn at random by test/media first, each made small: the kind of each is in its name.

// turned changes one segment of a recording.
func turned(segments []Segment, at int, edit func(segment *Segment)) []Segment {
	changed := clone(segments)
	edit(&changed[at])
	seal(&changed[at])
	return changed
}

// TestBuild_PicturesShownBeforeTheSoundOfTheirSegment: B-frames come behind a pause although they are shown before it.
// Their segment stays where the playlist has it.
func TestBuild_PicturesShownBeforeTheSoundOfTheirSegment(t *testing.T) {
	sound := tones(second, 9*second)
	segments := layout{}.record(pictures(second, 3*second, pal, 50), sound, 3*second, 5*second, 7*second)
	change(&segments[3], media.Video, func([]media.Packet) []media.Packet {
		return []media.Packet{
			{DTS: 3 * second, PTS: 9 * second, Size: 1000},
			{DTS: 3*second + pal, PTS: 3*second + pal, Size: 100},
			{DTS: 3*second + 2*pal, PTS: 3*second + 2*pal, Size: 100},
		}
	})
	for i := range segments {
		segments[i].Duration = 2 * second
	}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Intact)
	wantTimes(t, made, media.Audio, sound, second)
}

// TestBuild_DrawnDamage are losses that showed only in drawn recordings.
func TestBuild_DrawnDamage(t *testing.T) {
	tests := map[string]struct {
		segments []Segment
		want     Type
	}{
		"sound begins within a packet that did not begin before": {turned(restarting(5), 2, func(s *Segment) {
			s.File.Streams[1].HeadBytes = 300
		}), SegmentTruncated},
		"the only packet of a stream is cut": {turned(restarting(5), 4, func(s *Segment) {
			change(s, media.Video, func([]media.Packet) []media.Packet { return nil })
			s.File.Streams[0].Tail = media.TailUnfinished
		}), SegmentTruncated},
		"a stream is cut that does not come back": {func() []Segment {
			segments := layout{}.record(pictures(0, 8*second, pal, 50), tones(0, 4*second), each(0, 2*second, 4)...)
			segments[1].File.Streams[1].Tail = media.TailUnfinished
			return segments
		}(), SegmentTruncated},
		"an unstuffed end is a little short": {turned(restarting(4), 3, func(s *Segment) {
			s.Duration += second / 4
			s.File.Streams[0].Tail = media.TailUnstuffed
		}), SegmentTruncated},
		"counters break at one of two borders": {turned(turned(plain(3), 1, func(s *Segment) {
			keep(s, media.Video, 0, 40)
			keep(s, media.Audio, 0, 90)
		}), 2, func(*Segment) {}), PacketsLost},
		"names jump although counters go on": {func() []Segment {
			segments := drop(plain(7), 3)
			for i := 3; i < 6; i++ {
				for k := range segments[i].File.Streams {
					before, own := segments[i-1].File.Streams[k].Counters, &segments[i].File.Streams[k].Counters
					count := own.Last - own.First
					own.First = (before.Last + 1) & 15
					own.Last = (own.First + count) & 15
				}
			}
			return segments
		}(), SegmentMissing},
		"counters break before another clock": {func() []Segment {
			segments := reset(reset(reset(plain(8), 2, 500*second, true), 4, -90*second, true), 6, 300*second, true)
			keep(&segments[5], media.Audio, 0, 90)
			return segments
		}(), PacketsLost},
		"the last file is a copy": {turned(restarting(5), 4, func(s *Segment) { *s = restarting(5)[1] }), SegmentDuplicated},
		"a file before another clock is a copy of a later one": {func() []Segment {
			segments := reset(restarting(6), 3, 700*second, true)
			segments[2].File = segments[4].File
			return segments
		}(), SegmentDuplicated},
		"the first two files are swapped before another clock": {func() []Segment {
			segments := reset(plain(4), 2, 500*second, true)
			segments[0].File, segments[1].File = segments[1].File, segments[0].File
			return segments
		}(), OutOfOrder},
		"some packets in a row are two hours ahead": {turned(plain(5), 2, func(s *Segment) {
			change(s, media.Video, func(packets []media.Packet) []media.Packet {
				for i := 20; i < 26; i++ {
					packets[i].DTS += 7200 * second
					packets[i].PTS += 7200 * second
				}
				return packets
			})
		}), TimestampOutlier},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantState(t, Build(Recording{Segments: test.segments}), Damaged, test.want)
		})
	}
}

// TestBuild_DrawnDoubt are recordings that a loss and a pause would make alike.
func TestBuild_DrawnDoubt(t *testing.T) {
	tests := map[string][]Segment{
		"an exact playlist says that the first segment was longer": func() []Segment {
			segments := reset(layout{}.record(pictures(0, 12*second, pal, 50), tones(0, 12*second), each(0, 2*second, 6)...), 3, 500*second, true)
			segments[3].Duration += second
			return segments
		}(),
		"only the first segment of a clock begins without a key frame": turned(restarting(5), 0, func(s *Segment) {
			change(s, media.Video, func(packets []media.Packet) []media.Packet { packets[0].Key = false; return packets })
		}),
		"the only hole in the sound ends with a segment": func() []Segment {
			video := append(pictures(0, 2*second, pal, 50), pictures(6*second, 8*second, pal, 50)...)
			sound := without(tones(0, 8*second), 3*second, 4*second)
			segments := layout{}.record(video, sound, 2*second, 4*second, 6*second)
			for i := range segments {
				segments[i].Duration = 2 * second
			}
			return segments
		}(),
		"two files are equal, and both begin a clock": func() []Segment {
			segments := reset(reset(reset(restarting(4), 1, 500*second, true), 2, -90*second, true), 3, 300*second, true)
			segments[3].File = segments[1].File
			return segments
		}(),
	}
	for name, segments := range tests {
		t.Run(name, func(t *testing.T) { wantState(t, Build(Recording{Segments: segments}), Unknown) })
	}
}

// TestBuild_DrawnGood have lost nothing.
func TestBuild_DrawnGood(t *testing.T) {
	slow := func(from int64) []media.Packet {
		at := []int64{0, 24, 66, 99, 133, 150, 200, 230, 280, 330} // hundredths of a second
		var packets []media.Packet
		for i, hundredth := range at {
			time := from + hundredth*second/100
			packets = append(packets, media.Packet{DTS: time, PTS: time, Size: 1000, Key: i == 0})
		}
		return packets
	}
	tests := map[string][]Segment{
		"uneven pictures, a group longer than segments": layout{running: true}.record(
			append(pictures(0, 8*second, pal, 25), slow(8*second)...), tones(0, 12*second), each(0, second, 12)...),
		"counters begin with 0 in segments of as many packets": func() []Segment {
			segments := restarting(6)
			for i := range segments {
				segments[i].File.Streams[1].Counters = media.Counters{Known: true, First: 0, Last: 15}
			}
			segments[0].File.Streams[1].Counters.Last = 4
			return segments
		}(),
		"sound without a container whose clock wraps": layout{container: media.PackedAudio}.record(
			nil, tones(wrap-3*second, wrap+3*second), wrap-second, wrap+second),
	}
	for i := range tests["sound without a container whose clock wraps"] {
		segment := &tests["sound without a container whose clock wraps"][i]
		if segment.File.Streams[0].Packets.Begin >= wrap {
			change(segment, media.Audio, func(packets []media.Packet) []media.Packet { return later(packets, 0, -wrap) })
		}
	}
	for name, segments := range tests {
		t.Run(name, func(t *testing.T) {
			made := Build(Recording{Segments: segments})
			wantState(t, made, Intact)
			if len(made.Findings) > 0 {
				t.Errorf("there are findings:\n%s", list(made))
			}
		})
	}
}

// TestBuild_LostBeginningCountsOnce: what is lost of the last segment of a clock is lost at its beginning, and not again
// at its end.
func TestBuild_LostBeginningCountsOnce(t *testing.T) {
	segments := reset(plain(6), 3, 500*second, true)
	keep(&segments[2], media.Video, 20, 50)
	keep(&segments[2], media.Audio, 38, stream(&segments[2], media.Audio).Packets.Count)
	change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet { packets[0].Key = false; return packets })
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentTruncated)
	if begin := made.Pieces[3].Offset + stream(&segments[3], media.Video).Packets.Begin; distance(begin, 6*second) > second/10 {
		t.Errorf("the next clock begins at %s", position(begin))
	}
}
