// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// judgeKey sets Key and Closed of a sample's packet, unless its bytes are no chain of NAL units, with lengths of this many bytes, that
// fills it. What the container says does not decide: a file without a table of key frames (stss) says that all samples are, and some
// muxers say that none is, or of VP8 that all others are. It decides where a sample has no NAL units, and is not VP8.
func judgeKey(packet *media.Packet, sample []byte, length int, encoding media.Codec) (fills bool) {
	switch {
	case encoding == media.VP8:
		packet.Key = len(sample) > 0 && sample[0]&1 == 0 // RFC 6386, 9.1
		return true
	case length == 0:
		return true
	}
	if !unitsFill(sample, length, encoding) {
		return false
	}
	var found keySigns
	for unit := range units(sample, length) {
		if encoding == media.HEVC {
			found.hevc(unit)
		} else {
			found.h264(unit)
		}
	}
	said := packet.Key && (found.recovery || found.intra || !found.slice)
	packet.Key, packet.Closed = found.random || found.recovery && found.intra || said, found.closed
	return true
}

// keySigns are what the NAL units of a picture show.
type keySigns struct {
	// random says that it is a picture at which decoding can begin, by the type of a slice.
	random bool
	// closed is that of media.Packet.
	closed bool
	// slice says that there is any other slice, and intra that one needs no other picture.
	slice, intra bool
	// recovery says that a message calls it a recovery point.
	recovery bool
}

func (s *keySigns) h264(unit []byte) {
	switch codec.H264Type(unit) {
	case codec.H264IDR:
		s.random, s.closed = true, true
	case codec.H264Slice, codec.H264SliceA:
		header, ok := codec.ParseH264Slice(unit)
		s.slice, s.intra = true, s.intra || ok && header.Intra
	case codec.H264SEI:
		s.recovery = s.recovery || codec.H264RecoveryPoint(unit)
	}
}

func (s *keySigns) hevc(unit []byte) {
	kind := codec.HEVCType(unit)
	s.closed = s.closed || codec.HEVCClosed(kind)
	switch {
	case kind >= codec.HEVCFirstIRAP && kind <= codec.HEVCLastIRAP:
		s.random = true
	case kind >= 0 && kind <= codec.HEVCLastTrailing:
		s.slice = true
	}
}
