// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// cameraOff is a recording whose segments from one number to another do not name pictures.
func cameraOff(from, to int) []Segment {
	five := int64(10) * second
	video := without(pictures(0, five, pal, 50), int64(from)*2*second, int64(to)*2*second)
	segments := layout{running: true}.record(video, tones(0, five), each(0, 2*second, 5)...)
	for i := from; i < to; i++ {
		segments[i].File.Streams = segments[i].File.Streams[1:]
	}
	return segments
}

// TestBuild_Dark are the stretches without a stream of pictures, behind the first picture.
func TestBuild_Dark(t *testing.T) {
	for name, test := range map[string]struct {
		segments []Segment
		want     []Stretch
	}{
		"camera off in the middle":    {cameraOff(2, 4), []Stretch{{4 * second, 8 * second}}},
		"camera off at the end":       {cameraOff(3, 5), []Stretch{{6 * second, 10 * second}}},
		"camera off at the beginning": {cameraOff(0, 2), nil},
		"the picture stands still": {func() []Segment {
			segments := layout{running: true}.record(without(pictures(0, 10*second, pal, 50), 4*second, 8*second), tones(0, 10*second), each(0, 2*second, 5)...)
			return segments
		}(), nil},
		"no picture at all":              {layout{running: true}.record(nil, tones(0, 8*second), each(0, 2*second, 4)...), nil},
		"nothing can mark it":            {headlessThenDark(), nil},
		"an ordinary recording has none": {plain(5), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := Build(Recording{Segments: test.segments}).Dark
			if len(got) != len(test.want) {
				t.Fatalf("%v, want %v", got, test.want)
			}
			for i, want := range test.want {
				if distance(got[i].From, want.From) > second/8 || distance(got[i].To, want.To) > second/8 {
					t.Errorf("%v, want %v", got[i], want)
				}
			}
		})
	}
}

// headlessThenDark begins within a group, and then the camera is off.
func headlessThenDark() []Segment {
	segments := cameraOff(3, 5)
	change(&segments[0], media.Video, func(packets []media.Packet) []media.Packet {
		packets[0].Key = false
		return packets
	})
	return segments
}

// TestBuild_Undecodable: pictures before the first key frame of a recording, and of a clock that the playlist announces.
func TestBuild_Undecodable(t *testing.T) {
	withoutKey := func(at int, tag bool) []Segment {
		segments := plain(6)
		for i := at; i < len(segments); i++ {
			for _, kind := range kinds {
				change(&segments[i], kind, func(packets []media.Packet) []media.Packet {
					if i == at && kind == media.Video {
						packets = packets[3:] // of a group of 50
					}
					if at > 0 {
						packets = later(packets, 0, 1000*second)
					}
					return packets
				})
			}
		}
		segments[at].Discontinuity = tag && at > 0
		return segments
	}
	for name, test := range map[string]struct {
		segments []Segment
		want     int
	}{
		"a recording that begins within a group":  {withoutKey(0, false), 1},
		"a clock that begins within a group":      {withoutKey(3, true), 1},
		"a clock that steps without a tag":        {withoutKey(3, false), 0},
		"every group begins with its key frame":   {plain(6), 0},
		"a recording without a single key frame":  {withoutKeys(plain(4), 0, 4), 0},
		"pictures shown before the first key one": {leading(), 1},
	} {
		t.Run(name, func(t *testing.T) {
			made := Build(Recording{Segments: test.segments})
			if len(made.Undecodable) != test.want {
				t.Fatalf("%v, %v", made.Undecodable, made.Findings)
			}
			if test.want == 0 {
				return
			}
			if made.State() == Intact {
				t.Error("it is said to be intact")
			}
			can := false
			for placed := range made.Packets(media.Video) {
				if stretch := made.Undecodable[0]; placed.PTS >= stretch.From && !can {
					can = placed.Key || made.CanDecode(placed.PTS)
					if can && !placed.Key {
						t.Errorf("the picture at %d can be decoded before a key frame", placed.PTS)
					}
				}
			}
		})
	}
}

// leading begins with the key frame of an open group: two pictures behind it are shown before it.
func leading() []Segment {
	segments := plain(4)
	change(&segments[0], media.Video, func(packets []media.Packet) []media.Packet {
		packets[0].PTS += 2 * pal
		packets[1].PTS -= pal
		packets[2].PTS -= pal
		return packets
	})
	return segments
}

// TestBuild_OverlappingSound: where two sounds were recorded at one time, the first is kept, and what follows is at its
// time.
func TestBuild_OverlappingSound(t *testing.T) {
	shifted := func(by int64, size int) []Segment {
		segments := plain(5)
		change(&segments[2], media.Audio, func(packets []media.Packet) []media.Packet {
			var front []media.Packet
			for at := packets[0].DTS - by; at < packets[0].DTS-by/2; at += packets[1].DTS - packets[0].DTS {
				front = append(front, media.Packet{DTS: at, PTS: at, Size: size, Key: true, Duration: packets[0].Duration})
			}
			return append(front, packets...)
		})
		return segments
	}
	plainSound := 0
	for range Build(Recording{Segments: plain(5)}).Packets(media.Audio) {
		plainSound++
	}
	for name, test := range map[string]struct {
		by   int64
		size int
	}{
		"a third of a second of other sound": {second / 3, 77},
		"a tenth of a second of other sound": {second / 10, 77},
	} {
		t.Run(name, func(t *testing.T) {
			made := Build(Recording{Segments: shifted(test.by, test.size)})
			wantState(t, made, Intact, StreamIgnored)
			count, last := 0, int64(-1)
			for placed := range made.Packets(media.Audio) {
				if late := max(placed.PTS, last+1) - placed.PTS; late > maxBehind {
					t.Fatalf("a packet is %d late", late)
				}
				last = max(placed.PTS, last+1)
				count++
			}
			if distance(int64(count), int64(plainSound)) > 2 || made.Audio.Packets != int64(count) {
				t.Errorf("%d packets, %d are said, want %d", count, made.Audio.Packets, plainSound)
			}
		})
	}
}

// TestBuild_JitterIsNoOverlap: sound that is stamped a little early or late stays whole.
func TestBuild_JitterIsNoOverlap(t *testing.T) {
	segments := plain(5)
	count := int64(0)
	for i := range segments {
		change(&segments[i], media.Audio, func(packets []media.Packet) []media.Packet {
			for k := range packets {
				moved := int64(k*7%5-2) * second / 120
				packets[k].PTS, packets[k].DTS = packets[k].PTS+moved, packets[k].DTS+moved
				count++
			}
			return packets
		})
	}
	made := Build(Recording{Segments: segments})
	if made.Audio.Packets != count {
		t.Errorf("%d of %d packets: %v", made.Audio.Packets, count, made.Findings)
	}
}
