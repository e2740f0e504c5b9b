// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// drop leaves out one segment and keeps the names of the others.
func drop(segments []Segment, at int) []Segment { return slices.Delete(clone(segments), at, at+1) }

// restarting has the counters of each segment begin at 0, and EXTINF of what a segment holds.
func restarting(count int) []Segment {
	end := int64(count) * 2 * second
	return layout{own: true}.record(pictures(0, end, pal, 50), tones(0, end), each(0, 2*second, count)...)
}

// TestBuild_DamagedRecordings have lost something that the bytes show.
func TestBuild_DamagedRecordings(t *testing.T) {
	// at makes a recording whose fourth segment is changed.
	at := func(edit func(segment *Segment)) []Segment {
		segments := plain(7)
		edit(&segments[3])
		return segments
	}
	evidence := func(kind media.DamageKind) []Segment {
		return at(func(s *Segment) { s.File.Damage = []media.Damage{{Kind: kind, Stream: 0, Packet: 25, Count: 1}} })
	}
	foreign := func() []Segment {
		segments := plain(7)
		for _, kind := range kinds {
			change(&segments[3], kind, func(packets []media.Packet) []media.Packet { return later(packets, 0, -1000*second) })
		}
		return segments
	}
	tests := map[string]struct {
		segments []Segment
		want     Type
		segment  int
		at       int64
	}{
		"a line is missing, counters":      {drop(plain(7), 3), SegmentMissing, 3, 6 * second},
		"a line is missing, names":         {drop(restarting(7), 3), SegmentMissing, 3, 6 * second},
		"a file is missing":                {at(func(s *Segment) { s.File = nil }), SegmentMissing, 3, 6 * second},
		"a file is a copy of its neighbor": {at(func(s *Segment) { *s = plain(7)[2] }), SegmentDuplicated, 3, 6 * second},
		"a file is a copy of a far one":    {at(func(s *Segment) { *s = plain(7)[0] }), SegmentDuplicated, 3, 6 * second},
		"a file at a tag is a copy of a far one": {at(func(s *Segment) {
			*s = plain(7)[0]
			s.Discontinuity, s.Duration = true, 4*second
		}), SegmentDuplicated, 3, 6 * second},
		"the first file is a copy of a later one": {func() []Segment {
			segments := plain(7)
			segments[0].File = segments[4].File
			return segments
		}(), SegmentDuplicated, 0, 0},
		"another recording's file": {foreign(), SegmentForeign, 3, 6 * second},
		"two files are swapped": {func() []Segment {
			segments := plain(7)
			segments[3].File, segments[4].File = segments[4].File, segments[3].File
			return segments
		}(), OutOfOrder, 4, 6 * second},
		"the end is cut, counters": {at(func(s *Segment) { keep(s, media.Video, 0, 20); keep(s, media.Audio, 0, 40) }), SegmentTruncated, 3, 6*second + 20*pal},
		"the end is cut, unstuffed": {func() []Segment {
			segments := restarting(7)
			segments[3].Duration = 2 * second
			keep(&segments[3], media.Video, 0, 20)
			keep(&segments[3], media.Audio, 0, 40)
			segments[3].File.Streams[0].Tail = media.TailUnstuffed
			return segments
		}(), SegmentTruncated, 3, 6*second + 20*pal},
		"the end is cut within a packet": {func() []Segment {
			segments := restarting(7)
			segments[3].File.Streams[1].Tail = media.TailUnfinished
			return segments
		}(), SegmentTruncated, 3, 8 * second},
		"the beginning is cut, counters restart": {func() []Segment {
			segments := restarting(7)
			for _, kind := range kinds {
				keep(&segments[3], kind, 10, stream(&segments[3], kind).Packets.Count)
			}
			return segments
		}(), SegmentTruncated, 3, 6*second + 10*aac},
		"most of the beginning is cut": {func() []Segment {
			segments := restarting(7)
			for _, kind := range kinds {
				keep(&segments[3], kind, map[media.Kind]int{media.Video: 35, media.Audio: 65}[kind], stream(&segments[3], kind).Packets.Count)
			}
			return segments
		}(), SegmentTruncated, 3, 6 * second},
		"the first key frame is lost": {func() []Segment {
			segments := restarting(7)
			keep(&segments[3], media.Video, 1, 50)
			return segments
		}(), SegmentTruncated, 3, 6 * second},
		"it begins within a packet": {func() []Segment {
			segments := restarting(7)
			keep(&segments[3], media.Video, 1, 50)
			segments[3].File.Streams[0].HeadBytes = 100
			return segments
		}(), SegmentTruncated, 3, 6 * second},
		"pictures lost at a border": {at(func(s *Segment) { keep(s, media.Video, 0, 47) }), PacketsLost, 4, 6*second + 47*pal},
		"a stream is lost for a segment": {at(func(s *Segment) {
			s.File.Streams[1].Packets, s.File.Streams[1].Counters = media.Packets{}, media.Counters{}
		}), PacketsLost, 3, 6 * second},
		"the last segment is cut within a packet": {func() []Segment {
			segments := plain(7)
			segments[6].File.Streams[0].Tail = media.TailUnfinished
			return segments
		}(), SegmentTruncated, 6, 14 * second},
		"the last segment is cut, unstuffed": {func() []Segment {
			segments := plain(7)
			keep(&segments[6], media.Video, 0, 20)
			keep(&segments[6], media.Audio, 0, 40)
			segments[6].File.Streams[0].Tail = media.TailUnstuffed
			return segments
		}(), SegmentTruncated, 6, 12*second + 40*aac},
		"the last segment is short, sound ends with it": {func() []Segment {
			segments := plain(7)
			segments[6].Duration = 3 * second
			return segments
		}(), SegmentTruncated, 6, 14 * second},
		"the segment before a reset is cut": {func() []Segment {
			segments := reset(plain(7), 4, -1000*second, true)
			keep(&segments[3], media.Video, 0, 20)
			keep(&segments[3], media.Audio, 0, 40)
			segments[3].File.Streams[0].Tail = media.TailUnstuffed
			return segments
		}(), SegmentTruncated, 3, 6*second + 40*aac},
		"the segment before a reset is cut between packets": {func() []Segment {
			segments := reset(plain(7), 4, -1000*second, true)
			keep(&segments[3], media.Video, 0, 20)
			keep(&segments[3], media.Audio, 0, 40)
			return segments
		}(), SegmentTruncated, 3, 6*second + 40*aac},
		"a picture of another time": {at(func(s *Segment) {
			change(s, media.Video, func(packets []media.Packet) []media.Packet {
				packets[20].DTS += 7200 * second
				packets[20].PTS += 7200 * second
				return packets
			})
		}), TimestampOutlier, 3, 6 * second},
		"shown long after it is decoded": {at(func(s *Segment) {
			change(s, media.Video, func(packets []media.Packet) []media.Packet { packets[20].PTS += 11 * second; return packets })
		}), TimestampOutlier, 3, 6 * second},
		"shown behind more pictures than a decoder keeps": {at(func(s *Segment) {
			change(s, media.Video, func(packets []media.Packet) []media.Packet { packets[10].PTS += 35 * pal; return packets })
		}), TimestampOutlier, 3, 6 * second},
		"picture goes back alone": {at(func(s *Segment) {
			change(s, media.Video, func(packets []media.Packet) []media.Packet { return later(packets, 8*second, -second) })
		}), TimestampOutlier, 3, 6 * second},
		"picture goes back alone at a border": {func() []Segment {
			segments := plain(7)
			for i := 3; i < len(segments); i++ {
				change(&segments[i], media.Video, func(packets []media.Packet) []media.Packet { return later(packets, 0, -second) })
			}
			return segments
		}(), TimestampOutlier, 3, 5 * second},
		"counter breaks":      {evidence(media.CounterBreak), PacketsLost, 3, 7 * second},
		"bytes between":       {evidence(media.SyncLost), Corrupt, 3, 7 * second},
		"marked as damaged":   {evidence(media.TransportError), Corrupt, 3, 7 * second},
		"unfinished":          {evidence(media.PacketUnfinished), PacketsLost, 3, 7 * second},
		"frames of sound":     {evidence(media.FrameLost), PacketsLost, 3, 7 * second},
		"zeros in front":      {evidence(media.Padding), Corrupt, 3, 7 * second},
		"no picture":          {evidence(media.NALInvalid), Corrupt, 3, 7 * second},
		"box beyond the end":  {evidence(media.BoxTruncated), SegmentTruncated, 3, 7 * second},
		"packet that is cut":  {evidence(media.PacketCut), SegmentTruncated, 3, 7 * second},
		"sample beyond":       {evidence(media.SampleMissing), SegmentTruncated, 3, 7 * second},
		"tables":              {evidence(media.TablesMissing), Corrupt, 3, 7 * second},
		"nothing can be read": {at(func(s *Segment) { s.File = &media.File{Damage: []media.Damage{{Kind: media.SyncLost, Stream: -1}}} }), Corrupt, 3, 6 * second},
		"no streams":          {at(func(s *Segment) { s.File = &media.File{} }), Corrupt, 3, 6 * second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			made := Build(Recording{Segments: test.segments})
			wantState(t, made, Damaged, test.want)
			found := firstOf(made, test.want)
			if found.Segment != test.segment || distance(found.At, test.at) > second/4 {
				t.Errorf("in segment %d at %s, want %d at %s\n%s", found.Segment, position(found.At), test.segment, position(test.at), list(made))
			}
			if !strings.Contains(found.Message, test.segments[test.segment].Name) {
				t.Errorf("the message does not name the segment: %s", found.Message)
			}
			if SeverityOf(made.Findings[0].Type) != SeverityDamage {
				t.Error("damage does not come first")
			}
		})
	}
}

// TestBuild_PaddingOfAFileIsNoDamage: zeros in front of a file that is the whole recording are padding, which players skip.
func TestBuild_PaddingOfAFileIsNoDamage(t *testing.T) {
	whole := layout{container: media.PackedAudio}.record(nil, tones(0, 4*second))
	whole[0].Duration = 0
	whole[0].File.Damage = []media.Damage{{Kind: media.Padding, Count: 1}}
	wantState(t, Build(Recording{Segments: whole}), Intact)
}

// firstOf is the first finding of a type.
func firstOf(made *Timeline, kind Type) Finding {
	if i := slices.IndexFunc(made.Findings, func(f Finding) bool { return f.Type == kind }); i >= 0 {
		return made.Findings[i]
	}
	return Finding{Segment: -1}
}

// TestBuild_UndecidedRecordings may have lost something, and the bytes cannot say.
func TestBuild_UndecidedRecordings(t *testing.T) {
	tests := map[string]struct {
		recording Recording
		want      Type
	}{
		"the last picture is early": {Recording{Segments: func() []Segment {
			segments := layout{}.record(pictures(0, 8*second, pal, 50), nil, each(0, 2*second, 4)...)
			segments[3].Duration += second
			return segments
		}()}, UnknownTail},
		"the playlist says the same of every segment": {Recording{Segments: func() []Segment {
			segments := layout{}.record(pictures(0, 7*second, pal, 50), tones(0, 7*second), each(0, 2*second, 4)...)
			segments[3].Duration = 2 * second
			return segments
		}()}, UnknownTail},
		"both stop at the end of a segment": {Recording{Segments: layout{}.record(
			without(pictures(0, 8*second, pal, 50), 5*second, 6*second), without(tones(0, 8*second), 5*second, 6*second), each(0, 2*second, 4)...)}, UnknownHole},
		"the sound stops shortly before the picture, and comes back at the border": {Recording{Segments: layout{}.record(
			without(pictures(0, 12*second, pal, 50), 4*second+second*4/5, 8*second), without(tones(0, 12*second), 4*second+second*3/5, 6*second), each(0, 2*second, 6)...)}, UnknownHole},
		"a segment without packets": {Recording{Segments: func() []Segment {
			segments := layout{}.record(pictures(0, 10*second, pal, 50), tones(0, 10*second), each(0, 2*second, 5)...)
			segments[2].File = &media.File{Streams: []media.Stream{emptyStream(media.Video)}}
			return segments
		}()}, UnknownHole},
		"no sound from border to border": {Recording{Segments: layout{}.record(
			pictures(0, 8*second, pal, 50), without(tones(0, 8*second), 2*second, 4*second), each(0, 2*second, 4)...)}, UnknownStreamAway},
		"the only sound is of an unknown encoding": {func() Recording {
			segments := layout{}.record(pictures(0, 4*second, pal, 50), nil, 2*second)
			segments[1].File.Unreadable = []media.Kind{media.Audio}
			return Recording{Segments: segments}
		}(), UnknownEncoding},
		"the callback reports more": {Recording{Segments: plain(5), Reported: 14 * second}, DurationMismatch},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			wantState(t, Build(test.recording), Unknown, test.want)
		})
	}
}

// TestBuild_ReportedDuration is compared in one direction, with slack: a callback counts whole seconds, and perhaps no
// pauses.
func TestBuild_ReportedDuration(t *testing.T) {
	for _, reported := range []int64{0, second, 10 * second, 13 * second} {
		wantState(t, Build(Recording{Segments: plain(5), Reported: reported}), Intact)
	}
	// One in a hundred is slack for long ones.
	long := layout{running: true}.record(pictures(0, 400*second, second, 2), nil, each(0, 2*second, 200)...)
	wantState(t, Build(Recording{Segments: long, Reported: 404 * second}), Intact)
	wantState(t, Build(Recording{Segments: long, Reported: 410 * second}), Unknown, DurationMismatch)
}

// TestBuild_Notes are normal and say so.
func TestBuild_Notes(t *testing.T) {
	five := int64(10) * second
	tests := map[string]struct {
		segments []Segment
		want     Type
		at       int64
	}{
		"camera on later": {func() []Segment {
			segments := layout{running: true}.record(without(pictures(0, five, pal, 50), 0, 4*second), tones(0, five), each(0, 2*second, 5)...)
			for i := range 2 {
				segments[i].File.Streams = segments[i].File.Streams[1:]
			}
			return segments
		}(), LayoutChange, 4 * second},
		"camera off": {func() []Segment {
			segments := layout{running: true}.record(without(pictures(0, five, pal, 50), 6*second, five), tones(0, five), each(0, 2*second, 5)...)
			for i := 3; i < 5; i++ {
				segments[i].File.Streams = segments[i].File.Streams[1:]
			}
			return segments
		}(), LayoutChange, 6 * second},
		"another size": {func() []Segment {
			segments := plain(5)
			for i := 2; i < 5; i++ {
				segments[i].File.Streams[0].Params = []media.Params{{Codec: media.H264, Entry: []byte("other"), Width: 320, Height: 180}}
			}
			return segments
		}(), ParameterChange, 4 * second},
		"a second sound track": {func() []Segment {
			segments := plain(5)
			for i := range segments {
				second := segments[i].File.Streams[1]
				second.ID = 258
				segments[i].File.Streams = append(segments[i].File.Streams, second)
			}
			return segments
		}(), StreamIgnored, 0},
		"clock goes back within a segment": {func() []Segment {
			segments := plain(5)
			for i := 2; i < 5; i++ {
				for _, kind := range kinds {
					change(&segments[i], kind, func(packets []media.Packet) []media.Packet { return later(packets, 6*second, -1000*second) })
				}
			}
			return segments
		}(), ClockStep, 5 * second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			made := Build(Recording{Segments: test.segments})
			wantState(t, made, Intact, test.want)
			if found := firstOf(made, test.want); distance(found.At, test.at) > second/10 || test.want == StreamIgnored && found.Length != 0 {
				t.Errorf("at %s for %s, want %s", position(found.At), position(found.Length), position(test.at))
			}
		})
	}
}

// TestBuild_StateIsRightBeyondTheListedFindings: what is not listed counts.
func TestBuild_StateIsRightBeyondTheListedFindings(t *testing.T) {
	segments := plain(3000)
	for i := range segments[:2900] {
		segments[i].File = &media.File{Streams: []media.Stream{emptyStream(media.Video)}} // cannot be decided
	}
	segments[2950].File = nil
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentMissing, UnknownHole)
	if made.More != 1900 || len(made.Findings) < 1001 {
		t.Errorf("%d more than %d", made.More, len(made.Findings))
	}
}

// TestBuild_FirstPacketOfAnotherTime does not move the packets after it.
func TestBuild_FirstPacketOfAnotherTime(t *testing.T) {
	segments := plain(3)
	change(&segments[0], media.Video, func(packets []media.Packet) []media.Packet {
		packets[0].DTS += 7200 * second
		packets[0].PTS += 7200 * second
		return packets
	})
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, TimestampOutlier)
	last := int64(-1)
	for placed := range made.Packets(media.Video) {
		if placed.Number > 1 && placed.Piece == 0 && distance(placed.DTS, int64(placed.Number)*pal) > pal {
			t.Fatalf("picture %d is at %d", placed.Number, placed.DTS)
		}
		if placed.DTS <= last {
			t.Fatalf("%d after %d", placed.DTS, last)
		}
		last = placed.DTS
	}
	if made.Length > 7*second {
		t.Errorf("a length of %s", position(made.Length))
	}
}
