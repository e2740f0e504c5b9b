// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import "encoding/binary"

// x264 cannot code the two fields of a frame as pictures of their own, as cameras for television do, so that this file
// does it: field pictures of H.264 (ISO/IEC 14496-10) in which every macroblock holds its samples as they are (I_PCM), or is
// copied from the field before (P_Skip).

// nalWriter writes the bits of a NAL unit.
type nalWriter struct {
	data []byte
	free int // bits of the last byte that are not yet used
}

func (w *nalWriter) bits(value uint32, count int) {
	for i := count - 1; i >= 0; i-- {
		if w.free == 0 {
			w.data, w.free = append(w.data, 0), 8
		}
		w.free--
		w.data[len(w.data)-1] |= byte(value>>i&1) << w.free
	}
}

// ue writes an unsigned number in Exp-Golomb code (9.1).
func (w *nalWriter) ue(value uint32) {
	size := 0
	for (value+1)>>size > 1 {
		size++
	}
	w.bits(0, size)
	w.bits(value+1, size+1)
}

// se writes a signed one (9.1.1).
func (w *nalWriter) se(value int32) {
	if value > 0 {
		w.ue(uint32(2*value - 1))
		return
	}
	w.ue(uint32(-2 * value))
}

// align fills a byte up with zeros.
func (w *nalWriter) align() { w.free = 0 }

// end writes the stop bit, and gives the unit with its header and its emulation prevention bytes (7.4.1).
func (w *nalWriter) end(header byte) []byte {
	w.bits(1, 1)
	out, zeros := []byte{header}, 0
	for _, b := range w.data {
		if zeros >= 2 && b <= 3 {
			out, zeros = append(out, 3), 0
		}
		out = append(out, b)
		if zeros++; b != 0 {
			zeros = 0
		}
	}
	return out
}

// fieldCoder codes frames as two field pictures each. Width is a multiple of 16, height of 32.
type fieldCoder struct {
	width, height, group int
}

const (
	headerSPS, headerPPS   = 0x67, 0x68
	headerIDR, headerSlice = 0x65, 0x61
	sliceP, sliceI         = 5, 7 // all slices of the picture are of the type
	frameBits, orderBits   = 4, 8 // of frame_num and pic_order_cnt_lsb
	mainProfile, level     = 77, 30
	macroblockPCM          = 25
)

// sps writes the sequence parameter set (7.3.2.1.1).
func (c fieldCoder) sps() []byte {
	w := &nalWriter{}
	w.bits(mainProfile, 8)
	w.bits(0, 8)
	w.bits(level, 8)
	w.ue(0)             // seq_parameter_set_id
	w.ue(frameBits - 4) // log2_max_frame_num_minus4
	w.ue(0)             // pic_order_cnt_type
	w.ue(orderBits - 4) // log2_max_pic_order_cnt_lsb_minus4
	w.ue(1)             // max_num_ref_frames
	w.bits(0, 1)        // gaps_in_frame_num_value_allowed_flag
	w.ue(uint32(c.width/16 - 1))
	w.ue(uint32(c.height/32 - 1)) // pic_height_in_map_units_minus1: pairs of macroblocks
	w.bits(0, 1)                  // frame_mbs_only_flag
	w.bits(0, 1)                  // mb_adaptive_frame_field_flag
	w.bits(1, 1)                  // direct_8x8_inference_flag
	w.bits(0, 1)                  // frame_cropping_flag
	w.bits(0, 1)                  // vui_parameters_present_flag
	return w.end(headerSPS)
}

// pps writes the picture parameter set (7.3.2.2).
func (c fieldCoder) pps() []byte {
	w := &nalWriter{}
	w.ue(0)
	w.ue(0)
	w.bits(0, 1) // entropy_coding_mode_flag: CAVLC
	w.bits(0, 1) // bottom_field_pic_order_in_frame_present_flag
	w.ue(0)      // num_slice_groups_minus1
	w.ue(0)      // num_ref_idx_l0_default_active_minus1
	w.ue(0)
	w.bits(0, 1) // weighted_pred_flag
	w.bits(0, 2)
	w.se(0)
	w.se(0)
	w.se(0)
	w.bits(1, 1) // deblocking_filter_control_present_flag
	w.bits(0, 2) // constrained_intra_pred_flag, redundant_pic_cnt_present_flag
	return w.end(headerPPS)
}

// field writes a field picture of the i-th frame: the first one with its samples, the second one a copy of the first, or with
// samples of its own where alone is set.
func (c fieldCoder) field(i int, picture []byte, bottom, alone bool) []byte {
	w := &nalWriter{}
	key := i%c.group == 0
	inGroup := uint32(i % c.group)
	header, kind := byte(headerSlice), uint32(sliceI)
	if key && !bottom {
		header = headerIDR
	}
	if bottom && !alone {
		kind = sliceP
	}
	w.ue(0) // first_mb_in_slice
	w.ue(kind)
	w.ue(0)
	w.bits(inGroup&(1<<frameBits-1), frameBits)
	w.bits(1, 1) // field_pic_flag
	second := uint32(0)
	if bottom {
		second = 1
	}
	w.bits(second, 1)
	if header == headerIDR {
		w.ue(uint32(i / c.group % 2)) // idr_pic_id
	}
	w.bits((2*inGroup+second)&(1<<orderBits-1), orderBits)
	if kind == sliceP {
		w.bits(0, 2) // num_ref_idx_active_override_flag, ref_pic_list_modification_flag_l0
	}
	if header == headerIDR {
		w.bits(0, 2) // no_output_of_prior_pics_flag, long_term_reference_flag
	} else {
		w.bits(0, 1) // adaptive_ref_pic_marking_mode_flag
	}
	w.se(0) // slice_qp_delta
	w.ue(1) // disable_deblocking_filter_idc
	if kind == sliceP {
		w.ue(uint32(c.width / 16 * c.height / 32)) // mb_skip_run
		return w.end(header)
	}
	c.samples(w, picture, int(second))
	return w.end(header)
}

// samples writes the macroblocks of a field: every other line of a planar picture.
func (c fieldCoder) samples(w *nalWriter, picture []byte, parity int) {
	planes := []struct{ at, width, size int }{
		{0, c.width, 16}, {c.width * c.height, c.width / 2, 8}, {c.width * c.height * 5 / 4, c.width / 2, 8},
	}
	for y := range c.height / 32 {
		for x := range c.width / 16 {
			w.ue(macroblockPCM)
			w.align()
			for _, p := range planes {
				for line := range p.size {
					from := p.at + (2*(y*p.size+line)+parity)*p.width + x*p.size
					w.data = append(w.data, picture[from:from+p.size]...)
				}
			}
		}
	}
}

// fieldSource is a source whose pictures are coded as fields. Of each key picture, the first field needs no other one and the
// second is made from it, as encoders do it.
func fieldSource(name string, r recipe) *source {
	c := fieldCoder{width: r.width, height: r.height, group: r.group}
	sps, pps := c.sps(), c.pps()
	s := &source{name: name, video: true, codec: "h264", width: r.width, height: r.height, number: r.number, group: r.group, fields: true}
	config := append([]byte{1}, sps[1:4]...)
	config = append(append(append(config, 0xff, 0xe1), u16(uint16(len(sps)))...), sps...)
	config = append(append(append(config, 1), u16(uint16(len(pps)))...), pps...)
	visual := append(make([]byte, 6), u16(1)...)
	visual = append(append(visual, make([]byte, 16)...), u16(uint16(r.width), uint16(r.height))...)
	visual = append(append(visual, u32(0x480000, 0x480000, 0)...), u16(1)...)
	visual = append(append(visual, make([]byte, 32)...), u16(24, 0xffff)...)
	s.entry = box("avc1", visual, box("avcC", config))
	for i := range r.frames {
		picture := drawPicture(r.number+i, r.width, r.height)
		var data []byte
		for _, bottom := range []bool{false, true} {
			unit := c.field(i, picture, bottom, i%r.group > r.group/2)
			data = append(binary.BigEndian.AppendUint32(data, uint32(len(unit))), unit...)
		}
		s.samples = append(s.samples, sourceSample{data: data, key: i%r.group == 0})
		s.display = append(s.display, i)
	}
	return s
}

// fieldUnits puts each field of a picture into a PES packet of its own, which has its own time.
func (u *unit) fieldUnits(style tsStyle, track int, pts, dts int64) []tsUnit {
	const half = clock / 60
	var units []tsUnit
	for data := u.sample().data; len(data) > 0; {
		size := 4 + binary.BigEndian.Uint32(data)
		first := len(units) == 0
		payload := u.source.tsPayload(sourceSample{data: data[:size], key: first && u.sample().key}, style)
		at := int64(len(units)) * half
		units = append(units, tsUnit{
			track: track, pts: pts + at, dts: dts + at, key: first && u.sample().key, payload: payload, refs: []*unit{u}, ends: []int{len(payload)},
		})
		data = data[size:]
	}
	return units
}
