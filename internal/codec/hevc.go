// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"fmt"
)

// Types of HEVC NAL units (ISO/IEC 23008-2, table 7-1). Slices are 0 to HEVCLastTrailing, and those
// from HEVCFirstIRAP to HEVCLastIRAP, which are of pictures that decoding can begin at.
const (
	hevcFirstRADL    = 6
	hevcLastRADL     = 7
	HEVCLastTrailing = 9
	HEVCFirstIRAP    = 16
	hevcBLAWithRADL  = 17 // behind it come BLA_N_LP and both types of IDR pictures
	hevcFirstIDR     = 19
	hevcLastIDR      = 20
	HEVCLastIRAP     = 21
	HEVCVPS          = 32
	HEVCSPSType      = 33
	HEVCPPSType      = 34
	HEVCAUD          = 35
	HEVCPrefixSEI    = 39
)

// HEVCType is the type of a NAL unit; -1 for one without a header.
func HEVCType(unit []byte) int {
	if len(unit) < 2 {
		return -1
	}
	return int(unit[0] >> 1 & 0x3f)
}

// HEVCClosed says that NAL units of a type are slices of pictures that need none before their group: of RADL pictures, and of those at
// which decoding can begin and which no RASL pictures follow (ISO/IEC 23008-2, 7.4.2.2).
func HEVCClosed(kind int) bool {
	return kind >= hevcFirstRADL && kind <= hevcLastRADL || kind >= hevcBLAWithRADL && kind <= hevcLastIDR
}

// HEVCSPS is a sequence parameter set (ISO/IEC 23008-2, 7.3.2.2.1), as far as it is needed.
type HEVCSPS struct {
	// ID, 0 to 15, and VPS, the id of the video parameter set.
	ID, VPS int
	// Profile is profile_tier_level() without its sub-layers, as an hvcC repeats it: 12 bytes.
	Profile [12]byte
	// SubLayers is the number of temporal sub-layers; Nested is sps_temporal_id_nesting_flag.
	SubLayers int
	Nested    bool
	// ChromaFormat is chroma_format_idc: 1 is 4:2:0. LumaBits and ChromaBits are the bits of a sample.
	ChromaFormat, LumaBits, ChromaBits int
	// Width and Height in pixels, within the conformance window.
	Width, Height int
	// VUI is what the usability information says.
	VUI VUI

	separatePlanes bool
	// orderBits of slice_pic_order_cnt_lsb.
	orderBits int
}

// ParseHEVCSPS parses a sequence parameter set, a NAL unit with its header.
func ParseHEVCSPS(unit []byte) (HEVCSPS, error) {
	if HEVCType(unit) != HEVCSPSType || len(unit) < 15 || len(unit) > ParameterSetBytes {
		return HEVCSPS{}, fmt.Errorf("HEVC SPS of %d bytes: %w", len(unit), ErrInvalid)
	}
	payload := unescaped(unit[2:])
	b := &bitReader{data: payload}
	sps := HEVCSPS{VPS: int(b.read(4)), SubLayers: int(b.read(3)) + 1, Nested: b.flag()}
	copy(sps.Profile[:], payload[1:])
	b.skip(8 * len(sps.Profile))
	skipSubLayers(b, sps.SubLayers-1)
	sps.ID = int(b.unsigned())
	sps.size(b)
	sps.LumaBits, sps.ChromaBits = int(b.unsigned()&0xff)+8, int(b.unsigned()&0xff)+8
	sps.orderBits = int(b.unsigned()) + 4
	if b.overrun || sps.ID > 15 || sps.orderBits > 16 || sps.Width <= 0 || sps.Height <= 0 || sps.LumaBits > 16 || sps.ChromaBits > 16 {
		return HEVCSPS{}, fmt.Errorf("HEVC SPS: %w", ErrInvalid)
	}
	if sps.skipTools(b) && b.flag() {
		sps.VUI = parseVUI(b, hevcTicks)
		if b.overrun {
			sps.VUI = VUI{}
		}
	}
	return sps, nil
}

// skipSubLayers passes over the sub-layers of profile_tier_level() (7.3.3).
func skipSubLayers(b *bitReader, count int) {
	if count == 0 {
		return
	}
	present := b.read(16)
	for layer := range count {
		if present>>(15-2*layer)&1 == 1 {
			b.skip(88)
		}
		if present>>(14-2*layer)&1 == 1 {
			b.skip(8)
		}
	}
}

func (s *HEVCSPS) size(b *bitReader) {
	s.ChromaFormat = int(b.unsigned() & 3)
	unitX, unitY := int64(1), int64(1)
	if s.ChromaFormat == 3 {
		s.separatePlanes = b.flag()
	}
	if s.ChromaFormat == 1 || s.ChromaFormat == 2 {
		unitX = 2
	}
	if s.ChromaFormat == 1 {
		unitY = 2
	}
	width, height := int64(b.unsigned()), int64(b.unsigned())
	if b.flag() {
		width -= unitX * (int64(b.unsigned()) + int64(b.unsigned()))
		height -= unitY * (int64(b.unsigned()) + int64(b.unsigned()))
	}
	if width > maxDimension || height > maxDimension {
		width, height = 0, 0
	}
	s.Width, s.Height = int(width), int(height)
}

// skipTools passes over what lies between the bits of an order number and the usability information.
func (s *HEVCSPS) skipTools(b *bitReader) bool {
	layers := 1
	if b.flag() { // sps_sub_layer_ordering_info_present_flag
		layers = s.SubLayers
	}
	for range 3*layers + 6 { // ordering information, then the sizes of blocks
		b.unsigned()
	}
	if b.flag() { // scaling_list_enabled_flag
		if b.flag() {
			skipHEVCScalingLists(b)
		}
	}
	b.skip(2) // amp_enabled_flag, sample_adaptive_offset_enabled_flag
	if b.flag() {
		b.skip(8) // pcm_sample_bit_depth
		b.unsigned()
		b.unsigned()
		b.skip(1)
	}
	if !skipReferenceSets(b) {
		return false
	}
	if b.flag() { // long_term_ref_pics_present_flag
		for range min(b.unsigned(), 33) {
			b.skip(s.orderBits + 1)
		}
	}
	b.skip(2) // sps_temporal_mvp_enabled_flag, strong_intra_smoothing_enabled_flag
	return !b.overrun
}

// skipHEVCScalingLists passes over scaling_list_data() (7.3.4).
func skipHEVCScalingLists(b *bitReader) {
	for size := range 4 {
		step := 1
		if size == 3 {
			step = 3
		}
		for matrix := 0; matrix < 6; matrix += step {
			if !b.flag() {
				b.unsigned()
				continue
			}
			if size > 1 {
				b.signed()
			}
			for range min(64, 1<<(4+2*size)) {
				b.signed()
			}
		}
	}
}

// skipReferenceSets passes over the short-term reference picture sets (7.3.7).
func skipReferenceSets(b *bitReader) bool {
	const maxSets, maxPictures = 64, 16
	count := b.unsigned()
	if count > maxSets {
		return false
	}
	pictures := 0
	for set := range count {
		if set > 0 && b.flag() { // inter_ref_pic_set_prediction_flag
			b.skip(1)
			b.unsigned()
			kept := 0
			for range pictures + 1 {
				used := b.flag() // used_by_curr_pic_flag
				if !used {
					used = b.flag() // use_delta_flag
				}
				if used {
					kept++
				}
			}
			pictures = kept
		} else {
			negative, positive := b.unsigned(), b.unsigned()
			if negative > maxPictures || positive > maxPictures {
				return false
			}
			pictures = int(negative + positive)
			for range pictures {
				b.unsigned()
				b.skip(1)
			}
		}
		if b.overrun || pictures > maxPictures {
			return false
		}
	}
	return true
}

// hevcTicks reads what follows the chroma location, up to the timing (E.2.1).
func hevcTicks(b *bitReader) int64 {
	b.skip(3) // neutral_chroma_indication_flag, field_seq_flag, frame_field_info_present_flag
	if b.flag() {
		for range 4 {
			b.unsigned()
		}
	}
	if !b.flag() {
		return 0
	}
	return ticks(int64(b.read(32)), int64(b.read(32)))
}

// hevcIDs gives the id of a parameter set, and that of the set that it refers to; -1: none.
func hevcIDs(unit []byte) (id, parent int, err error) {
	parent = -1
	invalid := len(unit) > ParameterSetBytes
	var space [16]byte
	b := &bitReader{data: unescape(space[:0], unit[min(2, len(unit)):])}
	switch HEVCType(unit) {
	case HEVCVPS:
		id = int(b.read(4))
	case HEVCSPSType:
		var sps HEVCSPS
		sps, err = ParseHEVCSPS(unit)
		return sps.ID, sps.VPS, err
	case HEVCPPSType:
		id, parent = int(b.unsigned()), int(b.unsigned())
		invalid = invalid || id > 63 || parent > 15
	default:
		return 0, -1, nil
	}
	if invalid || b.overrun {
		return 0, -1, fmt.Errorf("HEVC parameter set: %w", ErrInvalid)
	}
	return id, parent, nil
}

// HEVCSlice parses the beginning of a slice segment (7.3.6.1): whether it begins a picture, and the id of its PPS.
func HEVCSlice(unit []byte) (first bool, pps int, ok bool) {
	if len(unit) < 3 {
		return false, 0, false
	}
	var space [8]byte
	b := bitReader{data: unescape(space[:0], unit[2:])}
	first, pps = beginHEVCSlice(&b, HEVCType(unit))
	return first, pps, !b.overrun
}

// beginHEVCSlice reads what HEVCSlice gives of a slice segment of this type.
func beginHEVCSlice(b *bitReader, kind int) (first bool, pps int) {
	first = b.flag()
	if kind >= HEVCFirstIRAP && kind <= HEVCLastIRAP {
		b.skip(1) // no_output_of_prior_pics_flag
	}
	return first, int(b.unsigned())
}

// HVCConfig is an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1): the payload of an hvcC box.
type HVCConfig struct {
	// LengthSize is how many bytes before a NAL unit say its length: 1, 2 or 4.
	LengthSize int
	// Sets are the parameter sets and other NAL units, in the order of the record; they are parts of what was parsed.
	Sets [][]byte
}

// ParseHVCConfig parses the payload of an hvcC box.
func ParseHVCConfig(data []byte) (HVCConfig, error) {
	if len(data) < 23 || data[0] != 1 || data[21]&3 == 2 {
		return HVCConfig{}, fmt.Errorf("hvcC of %d bytes: %w", len(data), ErrInvalid)
	}
	config := HVCConfig{LengthSize: int(data[21]&3) + 1}
	rest := data[23:]
	for range int(data[22]) {
		if len(rest) < 3 {
			return HVCConfig{}, fmt.Errorf("hvcC: %w", ErrInvalid)
		}
		units, after, ok := sized(rest[3:], int(binary.BigEndian.Uint16(rest[1:])))
		if !ok {
			return HVCConfig{}, fmt.Errorf("hvcC: %w", ErrInvalid)
		}
		config.Sets = append(config.Sets, units...)
		rest = after
	}
	return config, nil
}
