// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"math"
	"slices"
)

// fragment is one moof and mdat with the samples of each track in [from, to) of its index; base is added to the
// decoding times; nil: the fragment does not say them.
func fragment(sequence int, all []*track, from, to []int, base []int64) ([]byte, []place) {
	var media []byte
	var places []place
	build := func(offset uint32) []byte {
		media, places = nil, nil
		parts := [][]byte{fullBox("mfhd", 0, 0, u32(uint32(sequence+1)))}
		for k, tr := range all {
			if from[k] == to[k] {
				continue
			}
			var run []byte
			start := uint32(len(media))
			for i := from[k]; i < to[k]; i++ {
				data := tr.units[i].sample().data
				flags := uint32(0x1010000)
				if tr.units[i].sample().key {
					flags = 0x2000000
				}
				run = append(run, u32(uint32(tr.lengths[i]), uint32(len(data)), flags, uint32(tr.offsets[i]))...)
				places = append(places, place{unit: tr.units[i], from: len(media), to: len(media) + len(data)})
				media = append(media, data...)
			}
			tfhd := fullBox("tfhd", 0, 0x20000, u32(uint32(tr.id)))
			var tfdt []byte
			if base != nil {
				tfdt = fullBox("tfdt", 1, 0, u64(uint64(tr.dts[from[k]]+base[k])))
			}
			trun := fullBox("trun", 1, 0xf01, u32(uint32(to[k]-from[k]), offset+start), run)
			parts = append(parts, box("traf", tfhd, tfdt, trun))
		}
		return box("moof", parts...)
	}
	moof := build(0)
	moof = build(uint32(len(moof) + 8))
	for i := range places {
		places[i].from += len(moof) + 8
		places[i].to += len(moof) + 8
	}
	return slices.Concat(moof, box("mdat", media)), places
}

func fragmented(ftyp []byte, all []*track, t *take, style mp4Style, begin float64) ([]byte, []place) {
	out := slices.Concat(ftyp, movie(all, style, begin, 0))
	var places []place
	from, base := make([]int, len(all)), make([]int64, len(all))
	for sequence, cut := range append(t.cutEvery(style.fragments)[1:], math.Inf(1)) {
		to := make([]int, len(all))
		for k, tr := range all {
			to[k] = from[k]
			for to[k] < len(tr.units) && tr.units[to[k]].decode < cut-1e-6 {
				to[k]++
			}
		}
		if style.clockless && sequence > 0 {
			base = nil
		}
		data, found := fragment(sequence, all, from, to, base)
		for _, p := range found {
			places = append(places, place{unit: p.unit, from: p.from + len(out), to: p.to + len(out)})
		}
		out, from = append(out, data...), to
	}
	return out, places
}

// initSegment is an EXT-X-MAP's file for a take.
func initSegment(t *take) []byte {
	all := tracks(t, nil)
	return slices.Concat(box("ftyp", []byte("iso6"), u32(512), []byte("iso6mp41")), movie(all, mp4Style{fragments: 1}, 0, 0))
}

// mediaSegment is a part as a segment of fragmented MP4, with the take's clock.
func mediaSegment(p *part, sequence int) ([]byte, []place) {
	all := tracks(p.take, p.units)
	from, to, base := make([]int, len(all)), make([]int, len(all)), make([]int64, len(all))
	for k, tr := range all {
		to[k] = len(tr.units)
		if to[k] > 0 {
			base[k] = tr.ticks(p.take.stamp + tr.units[0].decode)
		}
	}
	data, places := fragment(sequence, all, from, to, base)
	styp := box("styp", []byte("msdh"), u32(0), []byte("msdhmsix"))
	for i := range places {
		places[i].from += len(styp)
		places[i].to += len(styp)
	}
	return slices.Concat(styp, data), places
}

// packedSegment is packed audio: an ID3 tag with the time of the first packet, then ADTS frames (RFC 8216, 3.4).
func packedSegment(p *part) ([]byte, []place) {
	owner := "com.apple.streaming.transportStreamTimestamp\x00"
	priv := append([]byte(owner), u64(uint64(ticks(p.take.stamp+p.units[0].time))&(1<<33-1))...)
	frame := slices.Concat([]byte("PRIV"), u32(uint32(len(priv))), u16(0), priv)
	size := len(frame)
	out := slices.Concat([]byte("ID3"), []byte{4, 0, 0, 0, 0, byte(size >> 7), byte(size & 127)}, frame)
	var places []place
	for _, u := range p.units {
		data := u.source.tsPayload(u.sample(), p.take.style)
		places = append(places, place{unit: u, from: len(out), to: len(out) + len(data)})
		out = append(out, data...)
	}
	return out, places
}
