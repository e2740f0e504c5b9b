// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// bitsOfOrder is how many bits of a picture's number are written.
const bitsOfOrder = 6

// inFragments cuts pictures into segments of one movie fragment each, whose pictures say in which order they are shown.
func inFragments(video []media.Packet, borders ...int64) []Segment {
	segments := layout{container: media.FragmentMP4}.record(video, nil, borders...)
	begin := 0 // number of the last picture with which a coded sequence begins
	for i := range segments {
		last := media.Order{}
		change(&segments[i], media.Video, func(packets []media.Packet) []media.Packet {
			for j := range packets {
				number := int(packets[j].PTS / pal * 2)
				switch {
				case packets[j].Closed:
					last, begin = media.Order{Sequence: max(1, last.Sequence) + 1}, number
				case j == 0:
					last = media.Order{Sequence: 1, Number: (number - begin) & (1<<bitsOfOrder - 1)}
				default:
					last.Number += number - int(packets[j-1].PTS/pal*2)
				}
				packets[j].Opens, packets[j].Order = j == 0, last
			}
			return packets
		})
		stream := stream(&segments[i], media.Video)
		stream.OrderBits, stream.LastReference = bitsOfOrder, last
	}
	return segments
}

// asFFmpegShows shows the first picture of each segment where the ffmpeg program's muxer believes the segment before to end.
func asFFmpegShows(segments []Segment) {
	end := int64(0)
	for i := range segments {
		change(&segments[i], media.Video, func(packets []media.Packet) []media.Packet {
			if i > 0 {
				packets[0].PTS = end
			}
			for _, packet := range packets {
				end = max(end, packet.PTS+pal)
			}
			return packets
		})
	}
}

// TestBuild_FirstPictureOfAFragmentIsShownInItsOrder, wherever the fragments begin.
func TestBuild_FirstPictureOfAFragmentIsShownInItsOrder(t *testing.T) {
	var shown []int64
	for i := range 160 {
		shown = append(shown, second+int64(i)*pal)
	}
	want := reordered(shown)
	for i := range want {
		want[i].Key = i%40 == 0
		want[i].Closed = i == 0 || i == 80
	}
	for first := 1; first <= 12; first++ {
		for length := 2; length < 12; length++ {
			var borders []int64
			for i := first; i < len(want)-1; i += length {
				borders = append(borders, want[i].DTS)
			}
			segments := inFragments(want, borders...)
			asFFmpegShows(segments)
			made := Build(Recording{Segments: segments})
			wantState(t, made, Intact)
			wantTimes(t, made, media.Video, want, second)
		}
	}
}

// TestBuild_FirstPictureOfAFragmentKeepsItsTime where its order does not contradict it, or does not tell.
func TestBuild_FirstPictureOfAFragmentKeepsItsTime(t *testing.T) {
	even := make([]int64, 80)
	uneven := make([]int64, 80)
	for i := range even {
		even[i] = second + int64(i)*pal
		uneven[i] = second + int64(i)*pal + int64(i*7919%5)*pal/8
	}
	tests := map[string]struct {
		video  []media.Packet
		change func([]Segment)
	}{
		"in order":                         {reordered(even), func([]Segment) {}},
		"at no rate":                       {reordered(uneven), func([]Segment) {}},
		"numbers that mean something else": {reordered(even), func(segments []Segment) { renumber(segments, func(n int) int { return -n }) }},
		"no picture is reordered":          {pictures(second, second+80*pal, pal, 40), func(segments []Segment) { renumber(segments, func(n int) int { return n % 22 }) }},
		"the order is not known": {reordered(even), func(segments []Segment) {
			renumber(segments, func(n int) int { return n % 22 })
			for i := range segments {
				stream(&segments[i], media.Video).OrderBits = 0
			}
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			segments := inFragments(test.video, each(second, 8*pal, 9)...)
			test.change(segments)
			wantTimes(t, Build(Recording{Segments: segments}), media.Video, test.video, second)
		})
	}
}

// renumber changes the numbers of pictures.
func renumber(segments []Segment, to func(int) int) {
	for i := range segments {
		change(&segments[i], media.Video, func(packets []media.Packet) []media.Packet {
			for j := range packets {
				packets[j].Order.Number = to(packets[j].Order.Number)
			}
			return packets
		})
	}
}
