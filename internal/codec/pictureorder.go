// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "sparkrtc.dev/recording-operator/internal/media"

// PictureOrder reads from the slices of H.264 and HEVC in which order pictures are shown, whatever a container says. The zero value
// cannot be used: see NewPictureOrder.
type PictureOrder struct {
	sets ParameterSets
	// h264 and hevc are what the slices with a PPS are read by, by its id.
	h264 map[int]H264SPS
	hevc map[int]hevcOrder
}

// NewPictureOrder is for pictures of this encoding.
func NewPictureOrder(encoding media.Codec) *PictureOrder {
	return &PictureOrder{sets: ParameterSets{Codec: encoding}, h264: map[int]H264SPS{}, hevc: map[int]hevcOrder{}}
}

// OrderNumber is the number of a picture in the order of showing (pic_order_cnt_lsb; ISO/IEC 14496-10, 7.4.3; ISO/IEC 23008-2, 7.4.7.1).
type OrderNumber struct {
	// Number has Bits bits; those above are not written. 0 bits: it is not said.
	Number, Bits int
	// Restarts says that numbers of the pictures before and behind cannot be compared (IDR).
	Restarts bool
	// Reference says that the numbers of pictures that are decoded later are near to this one (prevPicOrderCntMsb, prevTid0Pic).
	Reference bool
	// Frame is the other number that pictures of H.264 have.
	Frame FrameNumber
}

// Near is the number whose lowest bits are written that is nearest to another one.
func (n OrderNumber) Near(other int) int {
	half := 1 << (n.Bits - 1)
	return other + (n.Number-other+half)&(2*half-1) - half
}

// Add takes the next NAL unit. The beginning of a slice is enough. Add gives the number of the picture that a slice belongs to. false: the
// unit is no slice, or how to read it is not known.
func (o *PictureOrder) Add(unit []byte) (number OrderNumber, ok bool) {
	if changed, err := o.sets.Add(unit); changed || err != nil {
		clear(o.h264)
		clear(o.hevc)
		return number, false
	}
	if o.sets.Codec == media.HEVC {
		return o.addHEVC(unit)
	}
	kind := H264Type(unit)
	if kind != H264Slice && kind != H264SliceA && kind != H264IDR {
		return number, false
	}
	header, ok := ParseH264Slice(unit)
	if !ok {
		return number, false
	}
	sps, known := o.h264[header.PPS]
	if !known {
		sps, _ = o.sets.H264SPS(o.sets.SPS(header.PPS))
		o.h264[header.PPS] = sps
	}
	if sps.frameNumBits == 0 {
		return number, false
	}
	number = OrderNumber{Bits: sps.orderBits, Restarts: header.Restarts, Reference: header.Reference}
	number.Number, ok = sps.order(&header)
	number.Frame = sps.FrameNumber(&header)
	return number, ok
}

// order reads pic_order_cnt_lsb of a slice of this SPS; 0 where its pictures have none.
func (s *H264SPS) order(h *H264SliceHeader) (number int, ok bool) {
	b := s.field(h)
	if h.Restarts {
		b.unsigned() // idr_pic_id
	}
	number = int(b.read(s.orderBits))
	return number, !b.overrun
}

// hevcOrder is what the beginning of slices is read by.
type hevcOrder struct {
	// orderBits of the number; 0: not known. extraBits lie before the type of the slice.
	orderBits, extraBits      int
	separatePlanes, hasOutput bool
}

// hevcOrder of the slices with a PPS.
func (p *ParameterSets) hevcOrder(pps int) (order hevcOrder) {
	set, ok := p.find(HEVCPPSType, pps)
	if !ok {
		return order
	}
	parent, ok := p.find(HEVCSPSType, set.parent)
	if !ok {
		return order
	}
	sps, err := ParseHEVCSPS(parent.unit)
	if err != nil {
		return order
	}
	var space [16]byte
	b := bitReader{data: unescape(space[:0], set.unit[2:])}
	b.unsigned() // ids
	b.unsigned()
	b.skip(1) // dependent_slice_segments_enabled_flag
	order = hevcOrder{orderBits: sps.orderBits, separatePlanes: sps.separatePlanes, hasOutput: b.flag()}
	order.extraBits = int(b.read(3))
	return order
}

func (o *PictureOrder) addHEVC(unit []byte) (number OrderNumber, ok bool) {
	kind := HEVCType(unit)
	if !isHEVCSlice(kind) || unit[0]&1 != 0 || unit[1]>>3 != 0 { // bits of the layer
		return number, false
	}
	var space [24]byte
	b := bitReader{data: unescape(space[:0], unit[2:])}
	first, pps := beginHEVCSlice(&b, kind)
	if !first || b.overrun {
		return number, false
	}
	rules, known := o.hevc[pps]
	if !known {
		rules = o.sets.hevcOrder(pps)
		o.hevc[pps] = rules
	}
	number = OrderNumber{Bits: rules.orderBits, Restarts: kind == hevcFirstIDR || kind == hevcLastIDR}
	// Of the base sub-layer, none that no other refers to, and none that is decoded in front of its place.
	number.Reference = unit[1]&7 == 1 && (kind >= HEVCFirstIRAP || kind < hevcFirstRADL && kind&1 == 1)
	if rules.orderBits == 0 || number.Restarts {
		return number, rules.orderBits > 0
	}
	number.Number = rules.number(&b)
	return number, !b.overrun
}

// isHEVCSlice says that NAL units of a type are slices.
func isHEVCSlice(kind int) bool {
	return kind >= 0 && kind <= HEVCLastTrailing || kind >= HEVCFirstIRAP && kind <= HEVCLastIRAP
}

// number reads slice_pic_order_cnt_lsb of the first slice of a picture, behind the id of its PPS.
func (r *hevcOrder) number(b *bitReader) int {
	b.skip(r.extraBits)
	b.unsigned() // slice_type
	if r.hasOutput {
		b.skip(1)
	}
	if r.separatePlanes {
		b.skip(2)
	}
	return int(b.read(r.orderBits))
}
