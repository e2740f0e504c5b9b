// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"sparkrtc.dev/recording-operator/internal/codec"
)

// h264Rules are the rules of ISO/IEC 14496-10, 7.4.1.2.3, as ffmpeg applies them.
type h264Rules struct{ sps codec.H264SPS }

func (r *h264Rules) activate(sets *codec.ParameterSets, id int) { r.sps, _ = sets.H264SPS(id) }

func (r *h264Rules) ticks() int64 { return r.sps.VUI.FrameTicks }

func (r *h264Rules) number(header *codec.H264SliceHeader) codec.FrameNumber {
	if r.sps.Width == 0 {
		return codec.FrameNumber{}
	}
	return r.sps.FrameNumber(header)
}

func (r *h264Rules) inspect(unit []byte, lastMB int) nalUnit {
	found := nalUnit{invalid: unit[0]&0x80 != 0}
	switch kind := codec.H264Type(unit); kind {
	case codec.H264Slice, codec.H264SliceA, codec.H264IDR:
		header, ok := codec.ParseH264Slice(unit)
		if !ok {
			found.invalid = true
			return found
		}
		found.slice, found.header, found.pps, found.intra = true, header, header.PPS, header.Intra
		found.random, found.closed = kind == codec.H264IDR, kind == codec.H264IDR
		found.opens, found.first = header.FirstMB <= lastMB, header.FirstMB == 0
	case codec.H264SPSType, codec.H264PPSType:
		found.opens, found.set = true, true
	case codec.H264SEI:
		found.opens, found.recovery = true, codec.H264RecoveryPoint(unit)
	case codec.H264AUD:
		found.opens, found.delimits = true, true
	}
	return found
}

// hevcRules are the rules of ISO/IEC 23008-2, 7.4.2.4.4, as ffmpeg applies them.
type hevcRules struct{ frameTicks int64 }

func (r *hevcRules) activate(sets *codec.ParameterSets, id int) { r.frameTicks = sets.HEVCTicks(id) }

func (r *hevcRules) ticks() int64 { return r.frameTicks }

func (r *hevcRules) number(*codec.H264SliceHeader) codec.FrameNumber { return codec.FrameNumber{} }

func (r *hevcRules) inspect(unit []byte, _ int) nalUnit {
	found := nalUnit{invalid: unit[0]&0x80 != 0}
	kind := codec.HEVCType(unit)
	if kind < 0 {
		found.invalid = true
		return found
	}
	if layer := unit[0]&1<<5 | unit[1]>>3; layer != 0 {
		return found
	}
	if kind > codec.HEVCLastTrailing && (kind < codec.HEVCFirstIRAP || kind > codec.HEVCLastIRAP) {
		found.set = kind >= codec.HEVCVPS && kind <= codec.HEVCPPSType
		found.opens, found.delimits = hevcOpens(kind), kind == codec.HEVCAUD
		return found
	}
	first, pps, ok := codec.HEVCSlice(unit)
	if !ok {
		found.invalid = true
		return found
	}
	found.slice, found.opens, found.first, found.pps = true, first, first, pps
	found.random, found.closed = kind >= codec.HEVCFirstIRAP, codec.HEVCClosed(kind)
	return found
}

// hevcOpens says whether a NAL unit that is no slice begins an access unit: parameter sets, delimiters, SEI messages in
// front of slices, and what is reserved for the same place.
func hevcOpens(kind int) bool {
	const endOfBitstream = 37
	return kind >= codec.HEVCVPS && kind <= endOfBitstream || kind == codec.HEVCPrefixSEI ||
		kind >= 41 && kind <= 44 || kind >= 48 && kind <= 55
}
