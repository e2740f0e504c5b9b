// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "fmt"

// Types of H.264 NAL units (ISO/IEC 14496-10, table 7-1).
const (
	H264Slice    = 1
	H264SliceA   = 2
	H264IDR      = 5
	H264SEI      = 6
	H264SPSType  = 7
	H264PPSType  = 8
	H264AUD      = 9
	h264Prefix   = 14
	h264Reserved = 18
)

// H264Type is the type of a NAL unit; 0 for an empty one.
func H264Type(unit []byte) int {
	if len(unit) == 0 {
		return 0
	}
	return int(unit[0] & 0x1f)
}

// H264SPS is a sequence parameter set (ISO/IEC 14496-10, 7.3.2.1.1), as far as it is needed.
type H264SPS struct {
	// ID, 0 to 31.
	ID int
	// Profile, Constraints and Level are the three bytes that an avcC repeats.
	Profile, Constraints, Level byte
	// ChromaFormat is chroma_format_idc: 1 is 4:2:0. LumaBits and ChromaBits are the bits of a sample.
	ChromaFormat, LumaBits, ChromaBits int
	// Width and Height in pixels, cropped.
	Width, Height int
	// FrameMBsOnly says that there are no fields.
	FrameMBsOnly bool
	// MayJump says that numbers of pictures may be left out (gaps_in_frame_num_value_allowed_flag).
	MayJump bool
	// VUI is what the usability information says.
	VUI VUI

	separatePlanes bool
	// orderBits of pic_order_cnt_lsb; 0: slices have none.
	frameNumBits, orderBits int
}

// VUI is the video usability information of an SPS, as far as an MP4 repeats it.
type VUI struct {
	// AspectWidth and AspectHeight are the shape of a pixel; 0: not said.
	AspectWidth, AspectHeight int
	// HasColor says that Primaries, Transfer, Matrix and FullRange are given (ISO/IEC 23091-2).
	HasColor                    bool
	Primaries, Transfer, Matrix int
	FullRange                   bool
	// FrameTicks is how many ticks of 90 kHz a frame lasts; 0: not said.
	FrameTicks int64
}

// ParseH264SPS parses a sequence parameter set, a NAL unit with its header byte.
func ParseH264SPS(unit []byte) (H264SPS, error) {
	if H264Type(unit) != H264SPSType || len(unit) < 4 || len(unit) > ParameterSetBytes {
		return H264SPS{}, fmt.Errorf("H.264 SPS of %d bytes: %w", len(unit), ErrInvalid)
	}
	b := &bitReader{data: unescaped(unit[1:])}
	sps := H264SPS{ChromaFormat: 1, LumaBits: 8, ChromaBits: 8}
	sps.Profile, sps.Constraints, sps.Level = b.octet(), b.octet(), b.octet()
	sps.ID = int(b.unsigned())
	if highProfile(sps.Profile) {
		sps.chroma(b)
	}
	sps.frameNumBits = int(b.unsigned()) + 4
	sps.orderBits = pictureOrderBits(b)
	b.unsigned() // max_num_ref_frames
	sps.MayJump = b.flag()
	sps.size(b)
	if b.flag() {
		sps.VUI = parseVUI(b, h264Ticks)
	}
	if b.overrun || sps.ID > 31 || sps.frameNumBits > 16 || sps.orderBits > 16 || sps.Width <= 0 || sps.Height <= 0 ||
		sps.LumaBits > 14 || sps.ChromaBits > 14 {
		return H264SPS{}, fmt.Errorf("H.264 SPS: %w", ErrInvalid)
	}
	return sps, nil
}

// highProfile says that an SPS of the profile names its chroma format.
func highProfile(profile byte) bool {
	switch profile {
	case 100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135:
		return true
	default:
		return false
	}
}

func (s *H264SPS) chroma(b *bitReader) {
	s.ChromaFormat = int(b.unsigned() & 3)
	if s.ChromaFormat == 3 {
		s.separatePlanes = b.flag()
	}
	s.LumaBits = int(b.unsigned()&0xff) + 8
	s.ChromaBits = int(b.unsigned()&0xff) + 8
	b.skip(1) // qpprime_y_zero_transform_bypass_flag
	if !b.flag() {
		return
	}
	lists := 8
	if s.ChromaFormat == 3 {
		lists = 12
	}
	for list := range lists {
		if b.flag() {
			skipScalingList(b, list)
		}
	}
}

func skipScalingList(b *bitReader, list int) {
	size := 16
	if list >= 6 {
		size = 64
	}
	last, next := int64(8), int64(8)
	for range size {
		if next != 0 {
			next = (last + b.signed() + 256) & 0xff
		}
		if next != 0 {
			last = next
		}
	}
}

func pictureOrderBits(b *bitReader) int {
	switch b.unsigned() { // pic_order_cnt_type
	case 0:
		return int(b.unsigned()) + 4
	case 1:
		b.skip(1)
		b.signed()
		b.signed()
		for range min(b.unsigned(), 255) {
			b.signed()
		}
	}
	return 0
}

// size reads the size in macroblocks and the cropping, in units of table 6-1.
func (s *H264SPS) size(b *bitReader) {
	columns, rows := int64(b.unsigned())+1, int64(b.unsigned())+1
	s.FrameMBsOnly = b.flag()
	unitX, unitY := int64(1), int64(1)
	if !s.FrameMBsOnly {
		rows *= 2
		unitY = 2
		b.skip(1) // mb_adaptive_frame_field_flag
	}
	if s.ChromaFormat == 1 || s.ChromaFormat == 2 {
		unitX *= 2
	}
	if s.ChromaFormat == 1 {
		unitY *= 2
	}
	b.skip(1) // direct_8x8_inference_flag
	width, height := columns*16, rows*16
	if b.flag() {
		width -= unitX * (int64(b.unsigned()) + int64(b.unsigned()))
		height -= unitY * (int64(b.unsigned()) + int64(b.unsigned()))
	}
	if width > maxDimension || height > maxDimension {
		width, height = 0, 0
	}
	s.Width, s.Height = int(width), int(height)
}

// maxDimension is the largest width and height that a sample entry can say.
const maxDimension = 1<<16 - 1

// ParseH264PPS gives the id of a picture parameter set, and that of the SPS that it refers to.
func ParseH264PPS(unit []byte) (id, sps int, err error) {
	if H264Type(unit) != H264PPSType || len(unit) > ParameterSetBytes {
		return 0, 0, fmt.Errorf("H.264 PPS of %d bytes: %w", len(unit), ErrInvalid)
	}
	var space [16]byte
	b := &bitReader{data: unescape(space[:0], unit[1:])}
	id, sps = int(b.unsigned()), int(b.unsigned())
	if b.overrun || id > 255 || sps > 31 {
		return 0, 0, fmt.Errorf("H.264 PPS: %w", ErrInvalid)
	}
	return id, sps, nil
}

// H264SliceHeader is the beginning of a slice (ISO/IEC 14496-10, 7.3.3).
type H264SliceHeader struct {
	// FirstMB is the address of the first macroblock; 0 begins a picture.
	FirstMB int
	// Intra says that the slice needs no other picture.
	Intra bool
	// PPS is the id of the picture parameter set.
	PPS int
	// Reference says that other pictures may refer to this one, and Restarts that counting pictures begins with it (IDR).
	Reference, Restarts bool
	// FrameNum, Field and Bottom are read by [H264SPS.FrameNumber] alone.
	FrameNum      int
	Field, Bottom bool

	payload  [24]byte
	size     int
	position int
}

// ParseH264Slice parses the beginning of a slice, a NAL unit of the types 1, 2 or 5.
func ParseH264Slice(unit []byte) (header H264SliceHeader, ok bool) {
	if len(unit) < 2 {
		return header, false
	}
	header.size = len(unescape(header.payload[:0], unit[1:]))
	b := bitReader{data: header.payload[:header.size]}
	header.FirstMB = int(b.unsigned())
	kind := b.unsigned() % 5
	header.Intra = kind == 2 || kind == 4
	header.PPS = int(b.unsigned())
	header.Reference, header.Restarts = unit[0]&0x60 != 0, H264Type(unit) == H264IDR
	header.position = b.position
	return header, !b.overrun
}

// field reads frame_num, field_pic_flag and bottom_field_flag of a slice of this SPS, and gives what follows.
func (s *H264SPS) field(h *H264SliceHeader) bitReader {
	b := bitReader{data: h.payload[:h.size], position: h.position}
	if s.separatePlanes {
		b.skip(2)
	}
	h.FrameNum = int(b.read(s.frameNumBits))
	if !s.FrameMBsOnly {
		h.Field = b.flag()
		h.Bottom = h.Field && b.flag()
	}
	return b
}

// H264RecoveryPoint says whether an SEI NAL unit has a recovery point message (ISO/IEC 14496-10, D.1.8).
func H264RecoveryPoint(unit []byte) bool {
	const recoveryPoint = 6
	rest := unit[min(1, len(unit)):]
	for len(rest) >= 2 && rest[0] != 0x80 {
		kind, after := seiNumber(rest)
		size, after := seiNumber(after)
		if kind == recoveryPoint {
			return true
		}
		if size >= len(after) {
			return false
		}
		rest = after[size:]
	}
	return false
}

// seiNumber reads a number that is written as a sum of bytes, all of them 255 but the last.
func seiNumber(data []byte) (value int, rest []byte) {
	for len(data) > 0 {
		value += int(data[0])
		more := data[0] == 0xff
		data = data[1:]
		if !more {
			break
		}
	}
	return value, data
}
