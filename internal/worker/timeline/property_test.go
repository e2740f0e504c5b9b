// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/media"
)

// continuous draws a recording without holes, and where it is cut into segments: anywhere, between pictures that are reordered only
// when groups are open.
func continuous(t *rapid.T, open bool) (l layout, video, audio []media.Packet, borders []int64) {
	begin := rapid.Int64Range(0, 1<<40).Draw(t, "begin")
	length := rapid.Int64Range(second, 40*second).Draw(t, "length")
	least := second / 2
	streams := rapid.SampledFrom([]string{"both", "video", "audio"}).Draw(t, "streams")
	var interval int64
	if streams != "audio" {
		interval = second / rapid.SampledFrom([]int64{1, 5, 10, 15, 24, 30, 60}).Draw(t, "rate")
		least = max(least, 2*interval)
		video = pictures(begin, begin+length, interval, rapid.IntRange(1, 100).Draw(t, "gop"))
	}
	if streams != "video" {
		audio = tones(begin, begin+length)
	}
	l.running = rapid.Bool().Draw(t, "running")
	draw := func() int64 { return rapid.Int64Range(least, 6*second).Draw(t, "segment") }
	for at := begin + draw(); at <= begin+length-least; at += draw() {
		borders = append(borders, at)
	}
	if rapid.Bool().Draw(t, "reordered") {
		apart := borders
		if open {
			apart = nil
		}
		reorder(video, interval, apart)
	}
	return l, video, audio, borders
}

// reorder shows each third picture behind the two that are decoded after it, unless one of the borders is between them.
func reorder(pictures []media.Packet, interval int64, borders []int64) {
	for i := range pictures {
		pictures[i].PTS += interval
	}
	for i := 1; i+2 < len(pictures); i += 3 {
		if slices.ContainsFunc(borders, func(at int64) bool { return pictures[i].DTS < at && at <= pictures[i+2].DTS }) {
			continue
		}
		pictures[i].PTS += 2 * interval
		pictures[i+1].PTS -= interval
		pictures[i+2].PTS -= interval
	}
}

// TestBuild_ContinuousRecordingIsIntact, wherever it is cut into segments: every packet keeps its time.
func TestBuild_ContinuousRecordingIsIntact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, video, audio, borders := continuous(t, true)
		segments := l.record(video, audio, borders...)
		made := Build(Recording{Segments: segments})
		if made.State() != Intact {
			t.Fatalf("%s\n%s", made.State(), list(made))
		}
		begin := int64(1 << 62)
		for _, segment := range segments {
			first, _ := bounds(segment.File)
			begin = min(begin, first)
		}
		wantTimes(t, made, media.Video, video, begin)
		wantTimes(t, made, media.Audio, audio, begin)
		checkTracks(t, made)
	})
}

// TestBuild_MissingSegmentIsDamage in a recording whose counters run on, wherever it was cut.
func TestBuild_MissingSegmentIsDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments := plain(rapid.IntRange(6, 20).Draw(t, "count"))
		at := rapid.IntRange(1, len(segments)-2).Draw(t, "missing")
		if lost := stream(&segments[at], media.Video).Packets.Count * perPacket % 16; lost == 0 {
			t.Skip("a loss of 16 packets does not show in counters")
		}
		made := Build(Recording{Segments: drop(segments, at)})
		if made.State() != Damaged || firstOf(made, SegmentMissing).Segment != at {
			t.Fatalf("%s\n%s", made.State(), list(made))
		}
		checkTracks(t, made)
	})
}

// TestBuild_SwappedFilesAreDamage, and are put in order.
func TestBuild_SwappedFilesAreDamage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments := clone(plain(rapid.IntRange(6, 12).Draw(t, "count")))
		a := rapid.IntRange(0, len(segments)-1).Draw(t, "one")
		b := rapid.IntRange(0, len(segments)-1).Filter(func(b int) bool { return b != a }).Draw(t, "other")
		segments[a].File, segments[b].File = segments[b].File, segments[a].File
		made := Build(Recording{Segments: segments})
		if made.State() != Damaged {
			t.Fatalf("%s\n%s", made.State(), list(made))
		}
		checkTracks(t, made)
	})
}

// TestBuild_ResetsWithTagAreIntact, any number of them, by any time that is another clock's.
func TestBuild_ResetsWithTagAreIntact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		segments := plain(rapid.IntRange(4, 12).Draw(t, "count"))
		for range rapid.IntRange(1, 4).Draw(t, "resets") {
			at := rapid.IntRange(1, len(segments)-1).Draw(t, "at")
			by := rapid.Int64Range(-1<<32, 1<<32).Draw(t, "by")
			segments = reset(segments, at, by, true)
		}
		made := Build(Recording{Segments: segments})
		if made.State() != Intact || made.Length > int64(len(segments))*(2*second+second/2) {
			t.Fatalf("%s, %s\n%s", made.State(), position(made.Length), list(made))
		}
		if made.Video.Packets != int64(len(segments))*50 {
			t.Fatalf("%d pictures", made.Video.Packets)
		}
		checkTracks(t, made)
	})
}

// checkTracks checks what holds of every timeline: decoding times grow, each track has as many packets as it says, its
// entries exist, and the parts of Split have every packet once.
func checkTracks(t *rapid.T, made *Timeline) {
	t.Helper()
	if fault := faultOf(made); fault != "" {
		t.Fatal(fault)
	}
}

// identity of a packet in a recording.
type identity struct{ segment, stream, number int }

func faultOf(made *Timeline) string {
	if made.Length < 0 {
		return "the length is negative"
	}
	parts := made.Split()
	for _, track := range made.Tracks() {
		whole, fault := packetsOf(made, track)
		if fault != "" {
			return fault
		}
		var divided []identity
		for _, part := range parts {
			own := part.Track(track.Kind)
			if own == nil {
				continue
			}
			packets, fault := packetsOf(part, own)
			if fault != "" {
				return "part: " + fault
			}
			divided = append(divided, packets...)
		}
		if !slices.Equal(whole, divided) {
			return "the parts have other packets than the whole"
		}
	}
	return ""
}

func packetsOf(made *Timeline, track *Track) (all []identity, fault string) {
	last := int64(0)
	for placed := range made.Packets(track.Kind) {
		if len(all) > 0 && placed.DTS <= last {
			return nil, "decoding times do not grow"
		}
		if placed.Entry < 0 || placed.Entry >= len(track.Params) {
			return nil, "an entry does not exist"
		}
		last = placed.DTS
		piece := &made.Pieces[placed.Piece]
		all = append(all, identity{piece.Segment, piece.Slices(track.Kind)[placed.Slice].Stream, placed.Number})
	}
	if int64(len(all)) != track.Packets {
		return nil, "there are other packets than the track says"
	}
	return all, ""
}
