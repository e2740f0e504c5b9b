// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// newCutter gives what cuts the packets of a stream.
func newCutter(mapped mappedStream) cutter {
	switch mapped.codec {
	case media.H264:
		return &nalCutter{sets: codec.ParameterSets{Codec: media.H264}, rules: &h264Rules{}}
	case media.HEVC:
		return &nalCutter{sets: codec.ParameterSets{Codec: media.HEVC}, rules: &hevcRules{}}
	case media.AAC:
		return &soundCutter{parse: codec.ParseADTS, describe: codec.ADTSParams, minimum: codec.ADTSHeader}
	default:
		return wholeCutter{}
	}
}

// wholeCutter takes the payload of each PES packet for one packet.
type wholeCutter struct{}

func (wholeCutter) begins([]byte) bool { return true }

func (wholeCutter) interrupt() {}

func (wholeCutter) cut(s *stream, _ mark, _ bool) (int, error) {
	m := s.mark(0)
	if !m.timed {
		m.dts, m.pts = s.dts, s.dts
	}
	packet := media.Packet{DTS: m.dts, PTS: m.pts, Size: len(s.data), Key: true}
	return len(s.data), s.emit(packet, s.data)
}
