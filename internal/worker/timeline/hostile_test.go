// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"fmt"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_HostileRecordingsTakeBoundedTime: work that grows with the square of the segments would take minutes here.
func TestBuild_HostileRecordingsTakeBoundedTime(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	// A recording has at most so many segments (hls.Parse).
	const count, limit, half = 20_000, 2 * time.Minute, second / 2
	// short is a file of two pictures in a second that begin at a time.
	short := func(at int64) *media.File {
		file := &media.File{Container: media.MPEGTS, Streams: []media.Stream{emptyStream(media.Video)}}
		for i := range int64(2) {
			file.Streams[0].Packets.Append(media.Packet{DTS: at + i*half, PTS: at + i*half, Size: 1, Key: true})
		}
		file.Streams[0].Packets.Close()
		segment := Segment{File: file}
		seal(&segment)
		return file
	}
	one := short(0)
	many := func(at func(i int) int64, edit func(segment *Segment, i int)) []Segment {
		segments := make([]Segment, count)
		for i := range segments {
			segments[i] = Segment{Name: fmt.Sprintf("seg%d.ts", i), Duration: second}
			if at != nil {
				segments[i].File = short(at(i))
			}
			edit(&segments[i], i)
		}
		return segments
	}
	steady := func(i int) int64 { return int64(i) * second }
	tests := map[string]func() []Segment{
		"all are lost":          func() []Segment { return many(nil, func(*Segment, int) {}) },
		"all are the same file": func() []Segment { return many(nil, func(s *Segment, _ int) { s.File = one }) },
		"each has a clock":      func() []Segment { return many(nil, func(s *Segment, _ int) { s.File, s.Discontinuity = one, true }) },
		"each is shorter than said": func() []Segment {
			return many(func(int) int64 { return 0 }, func(s *Segment, i int) { s.Discontinuity, s.Duration = true, second*int64(1+i%2) })
		},
		"each clock goes back": func() []Segment { return many(func(i int) int64 { return -steady(i) }, func(*Segment, int) {}) },
		"holes, filled later": func() []Segment {
			return many(func(i int) int64 { return int64(i%(count/2))*2*second + int64(i/(count/2))*second }, func(*Segment, int) {})
		},
		"every second one is lost": func() []Segment {
			return many(steady, func(s *Segment, i int) {
				if i%2 == 0 {
					s.File = nil
				}
			})
		},
		"each has other parameters": func() []Segment {
			return many(steady, func(s *Segment, i int) {
				s.File.Streams[0].Params = []media.Params{{Codec: media.H264, Entry: fmt.Append(nil, "entry ", i%5000)}}
			})
		},
		"each has many streams": func() []Segment {
			return many(steady, func(s *Segment, i int) {
				for id := range uint32(4) {
					stream := s.File.Streams[0]
					stream.ID = uint32(i)*4 + id
					s.File.Streams = append(s.File.Streams, stream)
				}
			})
		},
		"each is evidence": func() []Segment {
			return many(steady, func(s *Segment, _ int) {
				for range media.MaxDamage {
					s.File.Damage = append(s.File.Damage, media.Damage{Kind: media.CounterBreak, Packet: 1, Count: 1})
				}
			})
		},
		"one goes back at each packet": func() []Segment {
			segment := Segment{File: short(0)}
			for i := range int64(1_000_000) {
				segment.File.Streams[0].Packets.Append(media.Packet{DTS: -i * second, PTS: -i * second, Size: 1})
			}
			segment.File.Streams[0].Packets.Close()
			return []Segment{segment, {File: short(0)}}
		},
	}
	for name, segments := range tests {
		t.Run(name, func(t *testing.T) {
			recording := Recording{Segments: segments()}
			began := time.Now()
			made := Build(recording)
			made.Split()
			if took := time.Since(began); took > limit {
				t.Errorf("%s took %s", name, took)
			} else {
				t.Log(took, made.State(), len(made.Findings), made.More)
			}
		})
	}
}
