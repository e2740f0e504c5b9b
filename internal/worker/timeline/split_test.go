// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/media"
)

// slower are the parameters of sound at another rate.
var slower = media.Params{Codec: media.AAC, Entry: []byte("16 kHz"), SampleRate: 16_000, Channels: 1, FrameSamples: 1024}

// changed is a recording whose sound changes before a segment.
func changed(segments []Segment, at int) []Segment {
	for i := at; i < len(segments); i++ {
		stream(&segments[i], media.Audio).Params = []media.Params{slower}
	}
	return segments
}

func TestTimeline_ChangesOfSound(t *testing.T) {
	made := Build(Recording{Segments: changed(plain(6), 3)})
	wantState(t, made, Intact, ParameterChange)
	changes := made.Changes()
	if len(changes) != 1 || changes[0].Kind != media.Audio || distance(changes[0].At, 6*second) > aac ||
		changes[0].From != "aac 48000 Hz, 2 channel(s)" || changes[0].To != "aac 16000 Hz, 1 channel(s)" {
		t.Errorf("%+v", changes)
	}
	// One track holds pictures of other sizes, and sound of another encoder with the same parameters.
	segments := plain(6)
	segments[3].File.Streams[0].Params = []media.Params{{Codec: media.H264, Entry: []byte("small"), Width: 320, Height: 180}}
	segments[4].File.Streams[1].Params = []media.Params{{Codec: media.AAC, Entry: []byte("other"), SampleRate: 48_000, Channels: 2, FrameSamples: 1024}}
	if changes := Build(Recording{Segments: segments}).Changes(); len(changes) != 0 {
		t.Errorf("%+v", changes)
	}
	segments[3].File.Streams[0].Params = []media.Params{{Codec: media.HEVC, Entry: []byte("hvc1"), Width: 640, Height: 360}}
	if changes := Build(Recording{Segments: segments}).Changes(); len(changes) != 2 || changes[0].Kind != media.Video {
		t.Errorf("%+v", changes)
	}
}

func TestTimeline_SplitAtAChangeOfSound(t *testing.T) {
	made := Build(Recording{Segments: changed(plain(6), 3)})
	parts := made.Split()
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	for i, part := range parts {
		if distance(part.Length, 6*second) > second/10 || len(part.Audio.Params) != 1 || part.Video.Packets != 150 {
			t.Errorf("part %d lasts %s and has %d pictures", i, position(part.Length), part.Video.Packets)
		}
		if first := min(times(part, media.Video)[0], times(part, media.Audio)[0]); first != 0 {
			t.Errorf("part %d begins at %d", i, first)
		}
		if !slices.IsSorted(times(part, media.Audio)) || !slices.IsSorted(times(part, media.Video)) {
			t.Errorf("part %d is out of order", i)
		}
	}
	if len(parts[0].Findings) != len(made.Findings) || len(parts[1].Findings) != 0 {
		t.Error("the first part has not the findings of the whole")
	}
}

// TestBuild_StartOfTheOnlyMP4: it begins where it is put, whatever its edit list.
func TestBuild_StartOfTheOnlyMP4(t *testing.T) {
	only := layout{container: media.MP4}.record(pictures(2*pal, 2*second, pal, 25), nil)
	stream(&only[0], media.Video).Edits = []media.Edit{{Start: 2 * pal, Duration: 2*second - 2*pal}}
	made := Build(Recording{Segments: only, Starts: []int64{7 * second}})
	if at := times(made, media.Video)[0]; at != 7*second || len(made.Video.Edits) > 0 {
		t.Errorf("it begins at %s, with edits %v", position(at), made.Video.Edits)
	}
}

// TestTimeline_SplitKeepsPiecesInOrder although pictures begin in a later piece than sound.
func TestTimeline_SplitKeepsPiecesInOrder(t *testing.T) {
	// The only key frames are at 0 and 8 s: after the change at 4 s, pictures begin again at 8 s.
	video, audio := pictures(0, 12*second, pal, 200), tones(0, 12*second)
	segments := changed(layout{running: true}.record(video, audio, each(0, 2*second, 6)...), 2)
	parts := Build(Recording{Segments: segments}).Split()
	if len(parts) != 2 {
		t.Fatalf("%d parts", len(parts))
	}
	sound, picture := times(parts[1], media.Audio), times(parts[1], media.Video)
	if !slices.IsSorted(sound) || sound[0] != 0 || distance(picture[0], 4*second) > aac {
		t.Errorf("sound begins at %d, pictures at %d", sound[0], picture[0])
	}
	if last := sound[len(sound)-1]; distance(last, 8*second) > 2*aac {
		t.Errorf("sound ends at %d", last)
	}
}

// TestTimeline_SplitAppliesTheEditListOfAWholeMP4: picture and sound stay together.
func TestTimeline_SplitAppliesTheEditListOfAWholeMP4(t *testing.T) {
	segments := layout{container: media.MP4}.record(pictures(0, 8*second, pal, 25), tones(0, 8*second))
	segments[0].Duration = 0
	sound := stream(&segments[0], media.Audio)
	sound.Params = append(sound.Params, slower)
	change(&segments[0], media.Audio, func(packets []media.Packet) []media.Packet {
		for i := range packets {
			if packets[i].DTS >= 4*second {
				packets[i].Params = 1
			}
		}
		return packets
	})
	stream(&segments[0], media.Audio).Edits = []media.Edit{{Duration: second, Start: -1}, {Start: 0}}
	parts := Build(Recording{Segments: segments}).Split()
	if len(parts) != 2 || parts[0].Audio.Edits != nil {
		t.Fatalf("%d parts", len(parts))
	}
	if first := times(parts[0], media.Audio)[0]; first != second {
		t.Errorf("sound begins at %d, want %d", first, second)
	}
	if first := times(parts[1], media.Audio)[0]; first > 2*aac {
		t.Errorf("sound of the second part begins at %d", first)
	}
}

// TestTimeline_SplitHasEveryPacketOnce with any changes of sound and picture.
func TestTimeline_SplitHasEveryPacketOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, video, audio, borders := continuous(t, false)
		segments := l.record(video, audio, borders...)
		for i := range segments {
			for _, kind := range kinds {
				if from := stream(&segments[i], kind); from != nil && rapid.IntRange(0, 3).Draw(t, "change") == 0 {
					from.Params = []media.Params{{Codec: media.HEVC, Entry: []byte{byte(i)}}}
					if kind == media.Audio {
						from.Params = []media.Params{slower}
					}
				}
			}
		}
		made := Build(Recording{Segments: segments})
		checkTracks(t, made)
		for _, part := range made.Split() {
			if changes := part.Changes(); len(changes) > 0 {
				t.Fatalf("a part changes: %+v", changes)
			}
		}
	})
}

func TestWindow(t *testing.T) {
	tests := map[string]struct {
		edits []media.Edit
		pts   int64
		at    int64
		shown bool
		edge  bool
	}{
		"no edits":                    {nil, 5, 5, true, false},
		"before the beginning":        {nil, -5, -5, false, false},
		"a pause before":              {[]media.Edit{{Duration: 100, Start: -1}, {Start: 0}}, 5, 105, true, false},
		"the beginning is skipped":    {[]media.Edit{{Duration: 100, Start: 50}}, 49, 0, false, false},
		"behind what is skipped":      {[]media.Edit{{Duration: 100, Start: 50}}, 50, 0, true, false},
		"the end is rounded":          {[]media.Edit{{Duration: 100, Start: 50}}, 150, 100, true, true},
		"behind the end":              {[]media.Edit{{Duration: 100, Start: 50}}, 150 + media.Clock/1000, 0, false, false},
		"the second of two":           {[]media.Edit{{Duration: 100, Start: 50}, {Duration: 100, Start: 1000}}, 1001, 101, true, false},
		"the last picture of two":     {[]media.Edit{{Duration: 100, Start: 50}, {Duration: 100, Start: 1000}}, 1100, 200, true, true},
		"between two":                 {[]media.Edit{{Duration: 100, Start: 50}, {Duration: 100, Start: 1000}}, 500, 0, false, false},
		"to the end of the fragments": {[]media.Edit{{Start: 50}}, 1 << 40, 1<<40 - 50, true, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			window := (&Track{Edits: test.edits}).Shown()
			at, shown := window.Show(test.pts)
			if shown != test.shown || shown && at != test.at {
				t.Errorf("%d, %v", at, shown)
			}
			if edge := window.IsEdge(test.pts); edge != test.edge {
				t.Errorf("at the edge: %v", edge)
			}
		})
	}
}

func TestNameStep(t *testing.T) {
	tests := map[[2]string]int64{
		{"seg1.ts", "seg2.ts"}:              1,
		{"seg009.ts", "seg010.ts"}:          1,
		{"a/seg7.ts", "a/seg3.ts"}:          -4,
		{"a1/seg-7.mp4", "a1/seg-9.mp4"}:    2,
		{"seg1.ts?sig=9", "seg2.ts?sig=1"}:  1,
		{"seg1_hd.ts", "seg3_hd.ts"}:        2,
		{"1764120000.ts", "1764120002.ts"}:  2,
		{"seg1", "seg2"}:                    1,
		{"seg1.ts", "seg99999999999999.ts"}: 99999999999998,
		{"v1.2/seg1.ts", "v1.2/seg1.ts"}:    0,
	}
	for names, want := range tests {
		if step, known := nameStep(names[0], names[1]); !known || step != want {
			t.Errorf("%q: %d, %v", names, step, known)
		}
	}
	for _, names := range [][2]string{{"a.ts", "b.ts"}, {"a1.ts", "b2.ts"}, {"a1.ts", "a2.mp4"}, {"", ""}, {"seg1.ts", "seg99999999999999999999.ts"}, {"a1/x.ts", "a2/y.ts"}} {
		if _, known := nameStep(names[0], names[1]); known {
			t.Errorf("%q has a step", names)
		}
	}
}

func TestTicks_AndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ticks := rapid.Int64Range(-1<<48, 1<<48).Draw(t, "ticks")
		if back := Ticks(Duration(ticks)); distance(back, ticks) > 1 {
			t.Fatalf("%d became %d", ticks, back)
		}
	})
	if Duration(second) != time.Second || Ticks(time.Hour) != 3600*second {
		t.Error("a second is none")
	}
}
