// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Times of the recordings in these tests, in ticks.
const (
	second = int64(media.Clock)
	// pal is the interval of 25 frames a second, and aac that of AAC at 48 kHz.
	pal = second / 25
	aac = 1024 * second / 48_000
)

// perPacket is how many transport packets each packet takes. It has no factor in common with 16, so that a lost packet
// shows in the continuity counters.
const perPacket = 7

// pictures are frames from one time to another with a key frame each gop frames.
func pictures(from, to, interval int64, gop int) []media.Packet {
	var packets []media.Packet
	for at := from; at < to; at += interval {
		packets = append(packets, media.Packet{DTS: at, PTS: at, Size: 1000, Key: len(packets)%gop == 0})
	}
	return packets
}

// tones are frames of AAC from one time to another.
func tones(from, to int64) []media.Packet {
	var packets []media.Packet
	for at := from; at < to; at += aac {
		packets = append(packets, media.Packet{DTS: at, PTS: at, Size: 200, Key: true})
	}
	return packets
}

// without leaves out the packets of a stretch.
func without(packets []media.Packet, from, to int64) []media.Packet {
	return slices.DeleteFunc(slices.Clone(packets), func(p media.Packet) bool { return p.DTS >= from && p.DTS < to })
}

// later moves packets from a time on.
func later(packets []media.Packet, from, by int64) []media.Packet {
	moved := slices.Clone(packets)
	for i := range moved {
		if moved[i].DTS >= from {
			moved[i].DTS += by
			moved[i].PTS += by
		}
	}
	return moved
}

// layout is how a recorder writes what it has.
type layout struct {
	// running says that continuity counters, or the numbers of fragments, go on from segment to segment.
	running bool
	// precision of EXTINF; 0: exact. up rounds up instead of to the nearest.
	precision int64
	up        bool
	// own says that EXTINF is how much a segment holds instead of how long it is until the next one.
	own bool
	// container; empty: MPEG-TS.
	container media.Container
	// names is the pattern of the names; empty: seg%d.ts.
	names string
}

// record cuts packets into segments at these times: the first begins with the first packet.
func (l layout) record(video, audio []media.Packet, borders ...int64) []Segment {
	var segments []Segment
	next, taken := [2]uint8{}, [2]int{}
	for i := range len(borders) + 1 {
		file := &media.File{Container: l.container, Bytes: 1}
		if l.container == media.FragmentMP4 {
			file.Fragments.Add(1)
			if l.running {
				file.Fragments = media.FragmentNumbers{Known: true, First: uint32(2*i + 1), Last: uint32(2*i + 2)}
			}
		}
		if l.container == "" {
			file.Container = media.MPEGTS
			file.TableCounters.Add(0)
			if l.running {
				file.TableCounters = media.Counters{Known: true, First: uint8(i) & 15, Last: uint8(i) & 15}
			}
		}
		for k, packets := range [][]media.Packet{video, audio} {
			if len(packets) == 0 {
				continue
			}
			stream := emptyStream(kinds[k])
			for rest := packets[taken[k]:]; len(rest) > 0 && (i == len(borders) || rest[0].DTS < borders[i]); rest = rest[1:] {
				stream.Packets.Append(rest[0])
				taken[k]++
			}
			stream.Packets.Close()
			if file.Container == media.MPEGTS && stream.Packets.Count > 0 {
				if !l.running {
					next[k] = 0
				}
				count := uint8(stream.Packets.Count*perPacket%16) & 15
				stream.Counters = media.Counters{Known: true, First: next[k], Last: (next[k] + count - 1) & 15}
				next[k] = (next[k] + count) & 15
			}
			file.Streams = append(file.Streams, stream)
		}
		segments = append(segments, Segment{File: file, Precision: l.precision})
	}
	l.describe(segments)
	return segments
}

// describe sets names, durations and digests.
func (l layout) describe(segments []Segment) {
	names := l.names
	if names == "" {
		names = "seg%d.ts"
	}
	for i := range segments {
		segment := &segments[i]
		segment.Name = fmt.Sprintf(names, i)
		begin, end := bounds(segment.File)
		if i+1 < len(segments) {
			if next, _ := bounds(segments[i+1].File); next > begin && !l.own {
				end = next
			}
		}
		segment.Duration = end - begin
		if l.precision > 0 {
			add := l.precision / 2
			if l.up {
				add = l.precision - 1
			}
			segment.Duration = (segment.Duration + add) / l.precision * l.precision
		}
		seal(segment)
	}
}

// seal sets the digest.
func seal(segment *Segment) {
	hash := sha256.New()
	for _, stream := range segment.File.Streams {
		_, _ = fmt.Fprintf(hash, "%d %v %x", stream.ID, stream.Counters, stream.Packets.Encoded)
	}
	hash.Sum(segment.File.SHA256[:0])
}

// bounds are the first time of a file, and the end of its last packet.
func bounds(file *media.File) (begin, end int64) {
	begin, end = 1<<62, -1<<62
	for _, stream := range file.Streams {
		if stream.Packets.Count == 0 {
			continue
		}
		interval := pal
		if stream.Kind == media.Audio {
			interval = aac
		}
		begin, end = min(begin, stream.Packets.Begin), max(end, stream.Packets.End+interval)
	}
	return begin, end
}

func emptyStream(kind media.Kind) media.Stream {
	if kind == media.Video {
		return media.Stream{ID: 256, Kind: kind, Codec: media.H264, Default: true, Params: []media.Params{
			{Codec: media.H264, Entry: []byte("avc1"), Width: 640, Height: 360},
		}}
	}
	return media.Stream{ID: 257, Kind: kind, Codec: media.AAC, Default: true, Params: []media.Params{
		{Codec: media.AAC, Entry: []byte("mp4a"), SampleRate: 48_000, Channels: 2, FrameSamples: 1024},
	}}
}

// stream is the stream of a kind in a segment.
func stream(segment *Segment, kind media.Kind) *media.Stream {
	for i := range segment.File.Streams {
		if segment.File.Streams[i].Kind == kind {
			return &segment.File.Streams[i]
		}
	}
	return nil
}

// change changes the packets of a kind.
func change(segment *Segment, kind media.Kind, edit func([]media.Packet) []media.Packet) {
	from := stream(segment, kind)
	packets := edit(slices.Collect(from.Packets.All()))
	from.Packets = media.Packets{}
	for _, packet := range packets {
		from.Packets.Append(packet)
	}
	from.Packets.Close()
	seal(segment)
}

// keep keeps the packets from one number to another, and the transport packets that they were in.
func keep(segment *Segment, kind media.Kind, from, to int) {
	counters := &stream(segment, kind).Counters
	count := stream(segment, kind).Packets.Count
	counters.First = (counters.First + uint8(from*perPacket%16)) & 15
	counters.Last = (counters.Last - uint8((count-to)*perPacket%16)) & 15
	change(segment, kind, func(packets []media.Packet) []media.Packet { return packets[from:to] })
}

// clone copies segments so that one can be changed.
func clone(segments []Segment) []Segment {
	copied := slices.Clone(segments)
	for i := range copied {
		if copied[i].File != nil {
			file := *copied[i].File
			file.Streams = slices.Clone(file.Streams)
			file.Damage = slices.Clone(file.Damage)
			copied[i].File = &file
		}
	}
	return copied
}

// plain is a recording of segments of two seconds with picture and sound and running counters.
func plain(count int) []Segment {
	end := int64(count) * 2 * second
	return layout{running: true}.record(pictures(second, second+end, pal, 50), tones(second, second+end), each(second, 2*second, count)...)
}

// each are the inner borders of segments of one length.
func each(from, length int64, count int) []int64 {
	var borders []int64
	for i := 1; i < count; i++ {
		borders = append(borders, from+int64(i)*length)
	}
	return borders
}

// reset begins a new clock before a segment.
func reset(segments []Segment, at int, by int64, tag bool) []Segment {
	moved := clone(segments)
	moved[at].Discontinuity = tag
	for i := at; i < len(moved); i++ {
		for s := range moved[i].File.Streams {
			kind := moved[i].File.Streams[s].Kind
			change(&moved[i], kind, func(packets []media.Packet) []media.Packet { return later(packets, -1<<62, by) })
		}
	}
	return moved
}

// wantState fails unless the timeline has this state and a finding of each of these types.
func wantState(t *testing.T, made *Timeline, state State, types ...Type) {
	t.Helper()
	for _, want := range types {
		if !slices.ContainsFunc(made.Findings, func(f Finding) bool { return f.Type == want }) {
			t.Errorf("no finding %s", want)
		}
	}
	if made.State() != state || t.Failed() {
		t.Errorf("%s, want %s:\n%s", made.State(), state, list(made))
	}
}

func list(made *Timeline) string {
	var text strings.Builder
	for _, finding := range made.Findings {
		_, _ = fmt.Fprintf(&text, "%s at %d for %d: %s\n", finding.Type, finding.At, finding.Length, finding.Message)
	}
	return text.String()
}

// times are the display times of a track.
func times(made *Timeline, kind media.Kind) []int64 {
	var all []int64
	for placed := range made.Packets(kind) {
		all = append(all, placed.PTS)
	}
	return all
}

// wantTimes fails unless the packets of a track are at their own times, less where the recording begins.
func wantTimes(t interface {
	Helper()
	Fatalf(format string, args ...any)
}, made *Timeline, kind media.Kind, packets []media.Packet, begin int64) {
	t.Helper()
	have := times(made, kind)
	if len(have) != len(packets) {
		t.Fatalf("%d %s packets, want %d", len(have), kind, len(packets))
	}
	for i := range packets {
		if have[i] != packets[i].PTS-begin {
			t.Fatalf("%s packet %d is at %d, want %d", kind, i, have[i], packets[i].PTS-begin)
		}
	}
}
