// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// inGroups are pictures of two seconds that begin with a key frame. Behind it are twelve groups of four; the first of a group is decoded
// before the three that are shown before it.
func inGroups(from, to int64) []media.Packet {
	var packets []media.Packet
	for ; from < to; from += 50 * pal {
		for i := range int64(50) {
			packet := media.Packet{DTS: from + i*pal, PTS: from + (i+1)*pal, Size: 1000, Key: i == 0}
			switch {
			case i == 0 || i == 49:
			case i%4 == 1:
				packet.PTS += 3 * pal
			default:
				packet.PTS -= pal
			}
			packets = append(packets, packet)
		}
	}
	return packets
}

// TestBuild_TimesOfFewPackets: the times of a few packets are wrong, by flipped bits for example, wherever in a segment these are. All
// others keep their times.
func TestBuild_TimesOfFewPackets(t *testing.T) {
	moved := func(kind media.Kind, from, to int, by int64) func([]Segment) {
		return func(segments []Segment) {
			change(&segments[2], kind, func(packets []media.Packet) []media.Packet {
				if from < 0 {
					from, to = from+len(packets), to+len(packets)
				}
				for i := from; i < to; i++ {
					packets[i].DTS += by
					packets[i].PTS += by
				}
				return packets
			})
		}
	}
	shown := func(number int, by int64) func([]Segment) {
		return func(segments []Segment) {
			change(&segments[2], media.Video, func(packets []media.Packet) []media.Packet {
				packets[number].PTS += by
				return packets
			})
		}
	}
	for name, test := range map[string]struct {
		video []media.Packet
		spoil func([]Segment)
	}{
		"the first sound, seconds late":         {nil, moved(media.Audio, 0, 12, 5*second)},
		"the first sound, seconds early":        {nil, moved(media.Audio, 0, 12, -5*second)},
		"the first sound, a little late":        {nil, moved(media.Audio, 0, 12, second/3)},
		"the last sound, a little late":         {nil, moved(media.Audio, -12, 0, second/3)},
		"sound, less than two frames late":      {nil, moved(media.Audio, 20, 32, 2*aac-90)},
		"sound of a slow codec":                 {nil, moved(media.Audio, 0, 3, second)},
		"the first picture":                     {nil, moved(media.Video, 0, 1, 5*second)},
		"the last picture":                      {nil, moved(media.Video, -1, 0, second/3)},
		"a picture":                             {nil, moved(media.Video, 7, 8, second/3)},
		"the first picture is shown late":       {inGroups(second, 9*second), shown(0, second*7/10)},
		"the last picture is shown late":        {inGroups(second, 9*second), shown(49, second*7/10)},
		"a picture is shown late":               {inGroups(second, 9*second), shown(20, second/5)},
		"a picture is shown two pictures late":  {inGroups(second, 9*second), shown(20, 2*pal+1024)},
		"a picture is shown early":              {inGroups(second, 9*second), shown(20, -second/5)},
		"a picture is shown before all others":  {inGroups(second, 9*second), shown(20, -6*second)},
		"a picture is shown behind the segment": {inGroups(second, 9*second), shown(44, 6*second)},
	} {
		t.Run(name, func(t *testing.T) {
			if test.video == nil {
				test.video = pictures(second, 9*second, pal, 50)
			}
			sound, begin := tones(second, 9*second), int64(second)
			for i := range sound {
				sound[i].Duration = aac
			}
			segments := layout{running: true}.record(test.video, sound, each(second, 2*second, 4)...)
			wantState(t, Build(Recording{Segments: clone(segments)}), Intact)
			test.spoil(segments)
			made := Build(Recording{Segments: segments})
			wantState(t, made, Damaged, TimestampOutlier)
			for kind, want := range map[media.Kind][]media.Packet{media.Video: test.video, media.Audio: sound} {
				have, right := times(made, kind), 0
				for i := range min(len(have), len(want)) {
					if distance(have[i], want[i].PTS-begin) <= pal {
						right++
					}
				}
				if len(have) != len(want) || right < len(want)-12 {
					t.Errorf("%d of %d %s packets, %d at their times\n%s", len(have), len(want), kind, right, list(made))
				}
			}
		})
	}
}

// TestBuild_TimesAtTheEndsOfTheRecording: no segment in front or behind tells that they are wrong, but the playlist does.
func TestBuild_TimesAtTheEndsOfTheRecording(t *testing.T) {
	for name, test := range map[string]struct {
		segment  int
		kind     media.Kind
		from, to int
		by       int64
	}{
		"the first sound, early":  {0, media.Audio, 0, 12, -second},
		"the first sound, late":   {0, media.Audio, 0, 12, 5 * second},
		"the first picture":       {0, media.Video, 0, 1, -second},
		"the last sound":          {3, media.Audio, -12, 0, 40 * second},
		"the last picture":        {3, media.Video, -1, 0, 10 * second},
		"the last picture, early": {3, media.Video, -1, 0, -4 * second},
	} {
		t.Run(name, func(t *testing.T) {
			segments := plain(4)
			change(&segments[test.segment], test.kind, func(packets []media.Packet) []media.Packet {
				if test.from < 0 {
					test.from, test.to = test.from+len(packets), test.to+len(packets)
				}
				for i := test.from; i < test.to; i++ {
					packets[i].DTS += test.by
					packets[i].PTS += test.by
				}
				return packets
			})
			made := Build(Recording{Segments: segments})
			wantState(t, made, Damaged, TimestampOutlier)
			if distance(made.Length, 8*second) > second/10 {
				t.Errorf("a length of %s\n%s", position(made.Length), list(made))
			}
		})
	}
}

// TestBuild_SoundBehindAPauseAtTheEnd: the playlist knows of it.
func TestBuild_SoundBehindAPauseAtTheEnd(t *testing.T) {
	sound := append(tones(second, 8*second), tones(8*second+second*3/4, 9*second)...)
	segments := layout{running: true}.record(pictures(second, 9*second, pal, 50), sound, each(second, 2*second, 4)...)
	wantState(t, Build(Recording{Segments: segments}), Intact, Mute)
}

// TestBuild_StraysOfTheContainer: the index says that times contradict the clock of the container.
func TestBuild_StraysOfTheContainer(t *testing.T) {
	segments := plain(1)
	change(&segments[0], media.Audio, func(packets []media.Packet) []media.Packet {
		for i := range 6 {
			packets[i].DTS += 3 * second
			packets[i].PTS += 3 * second
		}
		return packets
	})
	stream(&segments[0], media.Audio).Strays = []media.PacketRange{{From: 0, To: 6}}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, TimestampOutlier)
	if distance(made.Length, 2*second) > second/10 {
		t.Errorf("a length of %d\n%s", made.Length, list(made))
	}
}

// TestBuild_FewPicturesTwice: the copy of a segment with few pictures follows it at once, or after the beginning that is lost; no time is
// wrong.
func TestBuild_FewPicturesTwice(t *testing.T) {
	segments := layout{running: true}.record(pictures(second, 9*second, second/3, 3), tones(second, 9*second), each(second, second, 8)...)
	segments = slices.Insert(segments, 1, segments[0])
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, SegmentDuplicated)
	if slices.ContainsFunc(made.Findings, func(f Finding) bool { return f.Type == TimestampOutlier }) {
		t.Error(list(made))
	}
}

// TestBuild_GridOfFewPictures: a picture between others is none that strays where none is missing elsewhere, or where pictures do not
// follow one another evenly.
func TestBuild_GridOfFewPictures(t *testing.T) {
	for name, spoil := range map[string]func(packets []media.Packet) []media.Packet{
		"one more picture": func(packets []media.Packet) []media.Packet {
			extra := packets[20]
			extra.DTS, extra.PTS = extra.DTS+pal/3, extra.PTS+pal/3
			return slices.Insert(packets, 21, extra)
		},
		"one picture less": func(packets []media.Packet) []media.Packet { return slices.Delete(packets, 20, 21) },
		"uneven pictures": func(packets []media.Packet) []media.Packet {
			for i := range packets {
				jitter := int64(i*i%7) * 90
				packets[i].DTS, packets[i].PTS = packets[i].DTS+jitter, packets[i].PTS+jitter
			}
			return packets
		},
	} {
		t.Run(name, func(t *testing.T) {
			segments := plain(3)
			change(&segments[1], media.Video, spoil)
			wantState(t, Build(Recording{Segments: segments}), Intact)
		})
	}
}

// TestBuild_SingleStreamOfAnotherTime: the first packets of one stream of a segment have a time far from all others, so
// that they move nothing else.
func TestBuild_SingleStreamOfAnotherTime(t *testing.T) {
	segments := plain(5)
	change(&segments[3], media.Audio, func(packets []media.Packet) []media.Packet {
		for i := range 3 {
			packets[i].DTS -= 2000 * second
			packets[i].PTS -= 2000 * second
		}
		return packets
	})
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, TimestampOutlier)
	if distance(made.Length, 10*second) > second/10 {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_StrayBesideALoss: a picture has a wrong time, and those behind it are lost.
func TestBuild_StrayBesideALoss(t *testing.T) {
	segments := plain(5)
	change(&segments[3], media.Video, func(packets []media.Packet) []media.Packet {
		packets[10].DTS += 28 * second
		packets[10].PTS += 28 * second
		return append(packets[:11], packets[30:]...)
	})
	made := Build(Recording{Segments: segments})
	wantState(t, made, Damaged, TimestampOutlier)
	if distance(made.Length, 10*second) > second/10 {
		t.Errorf("a length of %s\n%s", position(made.Length), list(made))
	}
}

// TestBuild_SlowPicturesBehindACopy: the file before is a copy of a later one, and its clock lies over that of the slow pictures that
// follow. These keep their pace, so that none of them leaps back.
func TestBuild_SlowPicturesBehindACopy(t *testing.T) {
	const slow = 43 * second / 100
	video := slices.Concat(pictures(0, 2*second, pal, 50), pictures(2*second, 2*second+8*slow, slow, 8), pictures(2*second+8*slow, 10*second, pal, 50))
	segments := layout{}.record(video, nil, 2*second, 6*second, 8*second)
	segments[0].File = layout{}.record(pictures(21*second/10, 47*second/10, second/10, 13), nil)[0].File
	for _, found := range Build(Recording{Segments: segments}).Findings {
		if found.Type == TimestampOutlier {
			t.Error(found.Message)
		}
	}
}
