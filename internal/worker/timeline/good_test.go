// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
)

// jitter moves each packet a little, and keeps the order.
func jitter(packets []media.Packet, by int64) []media.Packet {
	moved := slices.Clone(packets)
	for i := range moved {
		moved[i].DTS += int64(i*7919%7-3) * by / 3
		moved[i].PTS = moved[i].DTS
	}
	return moved
}

// TestBuild_OtherSoundOfAnUnknownEncoding: the recording has sound that can be read.
func TestBuild_OtherSoundOfAnUnknownEncoding(t *testing.T) {
	segments := plain(3)
	segments[1].File.Unreadable = []media.Kind{media.Audio}
	wantState(t, Build(Recording{Segments: segments}), Intact)
}

// TestBuild_GoodRecordings are recordings without any loss: none may be refused.
func TestBuild_GoodRecordings(t *testing.T) {
	running, restarting := layout{running: true}, layout{}
	ten := int64(10) * second
	video, audio := pictures(0, ten, pal, 50), tones(0, ten)
	borders := each(0, 2*second, 5)
	slow := pictures(0, 60*second, 6*second, 1)
	tests := map[string]struct {
		segments []Segment
		note     Type
	}{
		"plain":                                   {segments: plain(5)},
		"counters restart":                        {segments: restarting.record(video, audio, borders...)},
		"one segment":                             {segments: running.record(video, audio)},
		"video alone":                             {segments: running.record(video, nil, borders...)},
		"sound alone":                             {segments: running.record(nil, audio, borders...)},
		"a pause of both, names go on":            {segments: layout{own: true}.record(later(video, 4*second, 30*second), later(audio, 4*second, 30*second), 2*second, 34*second, 36*second, 38*second), note: Pause},
		"a pause of both, counters":               {segments: running.record(later(video, 4*second, 6*second), later(audio, 4*second, 6*second), 2*second, 10*second, 12*second, 14*second), note: Pause},
		"a pause within a segment":                {segments: running.record(later(video, 5*second, 20*second), later(audio, 5*second, 20*second), 2*second, 4*second, 26*second, 28*second), note: Pause},
		"muted within segments":                   {segments: running.record(video, without(audio, 3*second, 3*second+second/2), borders...), note: Mute},
		"muted for a long time":                   {segments: running.record(video, without(audio, 3*second, 9*second), borders...), note: Mute},
		"a still screen":                          {segments: running.record(without(video, 3*second, 9*second), audio, borders...), note: Freeze},
		"sound begins late":                       {segments: running.record(video, without(audio, 0, 5*second), borders...)},
		"video begins late":                       {segments: running.record(without(video, 0, 4*second), audio, borders...)},
		"video begins within a segment":           {segments: running.record(pictures(second, ten, pal, 50), audio, borders...)},
		"one frame in six seconds":                {segments: restarting.record(slow, nil, each(0, 12*second, 5)...)},
		"one frame in six seconds, one a segment": {segments: restarting.record(slow, nil, each(0, 6*second, 10)...)},
		"slides and sound":                        {segments: running.record(slow, tones(0, 60*second), each(0, 12*second, 5)...)},
		"jitter":                                  {segments: running.record(jitter(video, 15*90), jitter(audio, 8*90), borders...)},
		"jitter, counters restart":                {segments: restarting.record(jitter(video, 15*90), jitter(audio, 8*90), borders...)},
		"one picture":                             {segments: running.record(video[:1], nil)},
		"whole seconds":                           {segments: layout{running: true, precision: second}.record(video, audio, 2*second+second/5, 4*second+2*second/5, 6*second+second/2, 8*second)},
		"whole seconds rounded up":                {segments: layout{precision: second, up: true}.record(pictures(0, 8*second+second/10, pal, 50), tones(0, 8*second+second/10), 2*second, 4*second, 6*second)},
		"names are times, with a pause":           {segments: named(layout{own: true}.record(later(video, 4*second, 10*second), later(audio, 4*second, 10*second), 2*second, 14*second, 16*second, 18*second), "seg-%d.ts", 1_700_000_000, 1_700_000_002, 1_700_000_014, 1_700_000_016, 1_700_000_018), note: ""},
		"fragmented MP4":                          {segments: layout{container: media.FragmentMP4}.record(video, audio, borders...)},
		"packed audio":                            {segments: layout{container: media.PackedAudio}.record(nil, audio, borders...)},
		"reset with tag":                          {segments: reset(plain(6), 3, -7*second, true)},
		"names are seconds, with a pause":         {segments: named(layout{own: true}.record(later(pictures(0, 5*second, pal, 25), 2*second, 10*second), later(tones(0, 5*second), 2*second, 10*second), second, 12*second, 13*second, 14*second), "seg-%d.ts", 1_700_000_000, 1_700_000_001, 1_700_000_012, 1_700_000_013, 1_700_000_014)},
		"reset with tag forward":                  {segments: reset(plain(6), 3, 1000*second, true)},
		"reset without tag":                       {segments: reset(plain(6), 3, -7*second, false), note: ClockStep},
		"reset to nearly the same clock":          {segments: reset(plain(6), 3, -second/2, true)},
		"wrap of 33 bits":                         {segments: reset(plain(6), 3, -wrap, false)},
		"cut elsewhere than at key frames":        {segments: running.record(video, audio, 2*second, 4*second, 6*second, 8*second+10*pal)},
		"cut elsewhere than at key frames, counters restart": {segments: restarting.record(video, audio, 2*second, 4*second, 6*second, 8*second+10*pal)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			made := Build(Recording{Segments: test.segments})
			switch {
			case test.note != "":
				wantState(t, made, Intact, test.note)
			case strings.HasPrefix(name, "names are"):
				// Neither names nor counters decide it.
				wantState(t, made, Unknown, UnknownHole)
			default:
				wantState(t, made, Intact)
			}
		})
	}
}

// TestBuild_HoleIsInTheSegmentWhereItBegins, however many segments it lasts through.
func TestBuild_HoleIsInTheSegmentWhereItBegins(t *testing.T) {
	running := layout{running: true}
	borders := []int64{2 * second, 4 * second, 6 * second, 8 * second, 10 * second}
	video, audio := pictures(0, 12*second, pal, 50), tones(0, 12*second)
	for kind, segments := range map[Type][]Segment{
		Mute:   running.record(video, without(audio, 3*second, 9*second), borders...),
		Freeze: running.record(without(video, 3*second, 9*second), audio, borders...),
	} {
		made := Build(Recording{Segments: segments})
		found := slices.IndexFunc(made.Findings, func(f Finding) bool { return f.Type == kind })
		if found < 0 || made.Findings[found].Segment != 1 {
			t.Errorf("want %s in segment 1:\n%s", kind, list(made))
		}
	}
}

// named gives segments names with these numbers.
func named(segments []Segment, pattern string, numbers ...int64) []Segment {
	for i, number := range numbers {
		segments[i].Name = fmt.Sprintf(pattern, number)
	}
	return segments
}

// TestBuild_ASourceThatRepeatsItself is no row of copies: a test source sends the same bytes again after each reset.
func TestBuild_ASourceThatRepeatsItself(t *testing.T) {
	once := plain(3)
	segments := append(clone(once), clone(once)...)
	segments = append(segments, clone(once)...)
	for i := range segments {
		segments[i].Name = fmt.Sprintf("seg%d.ts", i)
	}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Intact, ClockStep)
	if made.Video.Packets != 450 {
		t.Errorf("%d pictures, want 450", made.Video.Packets)
	}
}

// TestBuild_ResetIsPlacedEndToEnd: what follows a new clock begins where the segment before it ends.
func TestBuild_ResetIsPlacedEndToEnd(t *testing.T) {
	for name, by := range map[string]int64{"back": -7 * second, "a little back": -second / 5, "forward": 50 * second, "a day": 86_400 * second} {
		t.Run(name, func(t *testing.T) {
			made := Build(Recording{Segments: reset(plain(6), 3, by, true)})
			wantState(t, made, Intact)
			for i, at := range times(made, media.Video) {
				if miss := at - int64(i)*pal; miss < 0 || miss > aac {
					t.Fatalf("picture %d is at %d", i, at)
				}
			}
			last := int64(-aac)
			for _, at := range times(made, media.Audio) {
				if distance(at, last+aac) > aac {
					t.Fatalf("sound at %d follows that at %d", at, last)
				}
				last = at
			}
		})
	}
}

// TestBuild_DatesShowAPauseBeforeAReset: recorded dates say how long nothing was recorded.
func TestBuild_DatesShowAPauseBeforeAReset(t *testing.T) {
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	segments := reset(plain(6), 3, -7*second, true)
	for i := range segments {
		segments[i].Began = began.Add(time.Duration(i) * 2 * time.Second)
		if i >= 3 {
			segments[i].Began = segments[i].Began.Add(8 * time.Second)
		}
	}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Intact, Pause)
	if got := times(made, media.Video)[150]; distance(got, 14*second) > second/50 {
		t.Errorf("the picture after the pause is at %d, want %d", got, 14*second)
	}
	// A date of another century is not a pause.
	segments[3].Began = began.AddDate(900, 0, 0)
	if made := Build(Recording{Segments: segments}); made.Length > MaxLength {
		t.Errorf("a length of %s", Duration(made.Length))
	}
}

// TestBuild_SingleMP4 has no playlist that says how long it is.
func TestBuild_SingleMP4(t *testing.T) {
	tests := map[string][2][]media.Packet{
		"slides":           {pictures(0, 60*second, 7*second, 1), tones(0, 60*second)},
		"sound stops":      {pictures(0, 10*second, pal, 50), tones(0, 3*second)},
		"picture stops":    {pictures(0, 3*second, pal, 50), tones(0, 10*second)},
		"a pause of hours": {later(pictures(0, 10*second, pal, 50), 5*second, 7200*second), later(tones(0, 10*second), 5*second, 7200*second)},
		"one picture":      {pictures(0, 1, pal, 1), nil},
	}
	for name, packets := range tests {
		t.Run(name, func(t *testing.T) {
			segments := layout{container: media.MP4}.record(packets[0], packets[1])
			segments[0].Duration = 0
			made := Build(Recording{Segments: segments})
			wantState(t, made, Intact)
			wantTimes(t, made, media.Video, packets[0], 0)
			wantTimes(t, made, media.Audio, packets[1], 0)
		})
	}
}

// TestBuild_EditsOfAnOnlyMP4AreKept, and those of segments move their packets.
func TestBuild_EditsOfAnOnlyMP4AreKept(t *testing.T) {
	edits := []media.Edit{{Duration: second, Start: -1}, {Start: 2 * aac}}
	segments := layout{container: media.MP4}.record(pictures(0, 4*second, pal, 50), tones(0, 4*second))
	segments[0].Duration = 0
	stream(&segments[0], media.Audio).Edits = edits
	made := Build(Recording{Segments: segments})
	if !slices.Equal(made.Audio.Edits, edits) || made.Video.Edits != nil {
		t.Errorf("edits %v and %v", made.Audio.Edits, made.Video.Edits)
	}
	wantTimes(t, made, media.Audio, tones(0, 4*second), 0)

	fragments := layout{container: media.FragmentMP4}.record(pictures(0, 4*second, pal, 50), tones(0, 4*second), 2*second)
	for i := range fragments {
		stream(&fragments[i], media.Audio).Edits = edits
	}
	made = Build(Recording{Segments: fragments})
	if made.Audio.Edits != nil {
		t.Errorf("edits %v", made.Audio.Edits)
	}
	wantTimes(t, made, media.Audio, tones(0, 4*second), 2*aac-second)
}

// TestBuild_FindingsOfAnMP4 are at the times at which the file shows what they are about.
func TestBuild_FindingsOfAnMP4(t *testing.T) {
	damaged := func(video, audio int64, damage media.Damage) *Timeline {
		segments := layout{container: media.MP4}.record(pictures(0, video, pal, 50), tones(0, audio))
		segments[0].Duration = 0
		stream(&segments[0], media.Audio).Edits = []media.Edit{{Duration: 2 * second, Start: -1}, {Duration: 0, Start: 0}}
		segments[0].File.Damage = []media.Damage{damage}
		return Build(Recording{Segments: segments})
	}
	made := damaged(6*second, 4*second, media.Damage{Kind: media.FrameLost, Stream: 1, Packet: 40, Count: 1})
	if at := firstOf(made, PacketsLost).At; distance(at, 2*second+40*aac) > aac {
		t.Errorf("frames are lost at %s, want %s", position(at), position(2*second+40*aac))
	}
	made = damaged(6*second, second, media.Damage{Kind: media.BoxTruncated, Stream: -1, Count: 1})
	if at := firstOf(made, SegmentTruncated).At; distance(at, 3*second) > 4*aac {
		t.Errorf("the file is cut from %s on, want 3 s", position(at))
	}
	made = damaged(6*second, second, media.Damage{Kind: media.SampleMissing, Stream: 1, Packet: 43, Count: 20})
	if at := firstOf(made, SegmentTruncated).At; distance(at, 3*second) > 4*aac {
		t.Errorf("samples are missing from %s on, want 3 s", position(at))
	}
}
