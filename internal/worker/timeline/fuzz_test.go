// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"fmt"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
)

// script makes a recording of bytes. What it has no bytes for is zero.
type script []byte

func (s *script) next() byte {
	if len(*s) == 0 {
		return 0
	}
	value := (*s)[0]
	*s = (*s)[1:]
	return value
}

// number is a small number, or one of any size up to those that the readers let through.
func (s *script) number() int64 {
	value := s.next()
	switch {
	case value < 200:
		return int64(int8(value)) * 900
	case value < 240:
		return int64(value-200) * 5 * second
	case value < 250:
		return int64(int8(s.next())) << (s.next() % 53)
	default:
		return [...]int64{1 << 60, -1 << 60, wrap, -wrap, maxPause, -maxPause}[value-250]
	}
}

func (s *script) stream() media.Stream {
	made := emptyStream([]media.Kind{media.Video, media.Audio, media.Data}[s.next()%3])
	flags := s.next()
	made.Default = flags&1 == 0
	made.ID += uint32(flags >> 6)
	made.Tail = media.Tail(flags >> 1 & 3 % 3)
	made.Counters = media.Counters{Known: flags&8 != 0, First: s.next() & 15, Last: s.next() & 15}
	made.HeadBytes = int(flags >> 4 & 1)
	if flags&32 != 0 {
		made.Params = append(made.Params, media.Params{Codec: "other", Entry: []byte{s.next()}}, media.Params{})
		made.Edits = []media.Edit{{Duration: s.number(), Start: -1}, {Start: s.number()}}
	}
	at := s.number()
	order := media.Order{Sequence: 1}
	if flags&6 == 6 {
		made.OrderBits = 4
	}
	for range s.next() % 32 {
		step := s.next()
		at += int64(step&15) * 1800
		if step&16 != 0 {
			at += s.number()
		}
		packet := media.Packet{DTS: at, PTS: at, Size: int(step), Key: step&32 != 0, Params: int(step >> 7)}
		if step&64 != 0 {
			packet.PTS += s.number()
			packet.Duration = max(0, s.number())
		}
		if made.OrderBits > 0 {
			order.Number += int(int8(step))
			order.Sequence += int(step >> 7 & step & 1)
			packet.Opens, packet.Order, made.LastReference = step&3 == 3, order, order
		}
		made.Packets.Append(packet)
		at = min(max(at, -1<<60), 1<<60)
	}
	made.Packets.Close()
	return made
}

func (s *script) segment() Segment {
	flags := s.next()
	segment := Segment{
		Name: fmt.Sprintf("seg%d.ts", s.next()), Duration: max(0, s.number()) % (86_400 * second), Discontinuity: flags&1 != 0,
		Precision: int64(flags&2) * second / 2,
	}
	if flags&4 != 0 {
		segment.Began = time.Unix(s.number(), 0)
	}
	if flags&8 != 0 {
		return segment
	}
	segment.File = &media.File{
		Container: []media.Container{media.MPEGTS, media.FragmentMP4, media.PackedAudio, media.MP4}[flags>>4&3], HasStart: flags&64 != 0,
	}
	for range s.next() % 4 {
		segment.File.Streams = append(segment.File.Streams, s.stream())
	}
	if flags&128 != 0 {
		segment.File.Damage = append(segment.File.Damage, media.Damage{
			Kind: media.CounterBreak, Stream: int(s.next())%(len(segment.File.Streams)+1) - 1, Packet: int(s.next()), Count: 1,
		})
	}
	seal(&segment)
	return segment
}

// FuzzBuild: no recording stops Build, and what it makes holds together.
func FuzzBuild(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x01\x10\x02\x00\x00\x00\x00\x00\x08\x21\x02\x02\x02\x01\x00\x00\x00\x00\x04\x21\x21\x21\x21"))
	f.Add([]byte("recordings of every kind, cut anywhere, whose clocks go back and forth as they like, with any damage"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s := script(data)
		recording := Recording{Reported: max(0, s.number()) % (1 << 40)}
		for len(s) > 0 && len(recording.Segments) < 64 {
			recording.Segments = append(recording.Segments, s.segment())
			if count := len(recording.Segments); count > 1 && s.next()%8 == 7 {
				recording.Segments = append(recording.Segments, recording.Segments[count-2])
			}
		}
		made := Build(recording)
		if fault := faultOf(made); fault != "" {
			t.Error(fault)
		}
		lost := false
		for _, segment := range recording.Segments {
			lost = lost || segment.File == nil || len(segment.File.Damage) > 0 && len(segment.File.Streams) == 0
		}
		if lost && made.State() != Damaged {
			t.Error("a lost segment is no damage")
		}
		for _, finding := range made.Findings {
			if finding.At < 0 || finding.Segment < -1 || finding.Segment >= len(recording.Segments) || finding.Message == "" {
				t.Errorf("%+v", finding)
			}
		}
	})
}
