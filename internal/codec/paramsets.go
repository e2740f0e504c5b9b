// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// ParameterSets are the parameter sets of an H.264 or HEVC stream that apply at a place in it, by their ids. The zero
// value with Codec is empty.
type ParameterSets struct {
	// Codec is media.H264 or media.HEVC.
	Codec media.Codec

	sets  []parameterSet
	bytes int
}

type parameterSet struct {
	kind, id int
	// parent is the id of the set that this one refers to; -1: none.
	parent int
	unit   []byte
}

// maxSetBytes bounds the parameter sets of a stream together, which every sample entry repeats.
const maxSetBytes = 16 << 10

// Add takes a NAL unit that is a parameter set, and says whether it differs from what applied before. A new SPS takes
// the place of the one with its id, and ends the validity of the PPS that refer to it. Other NAL units change nothing.
func (p *ParameterSets) Add(unit []byte) (changed bool, err error) {
	for i := range p.sets {
		if bytes.Equal(p.sets[i].unit, unit) {
			return false, nil
		}
	}
	set, known, err := p.identify(unit)
	if err != nil || !known {
		return false, err
	}
	p.remove(func(other parameterSet) bool {
		return other.kind == set.kind && other.id == set.id || p.isSPS(set.kind) && p.isPPS(other.kind) && other.parent == set.id
	})
	if p.bytes+len(unit) > maxSetBytes || p.count(set.kind) >= p.maxCount(set.kind) {
		return true, fmt.Errorf("too many parameter sets: %w", ErrInvalid)
	}
	set.unit = bytes.Clone(unit)
	at, _ := slices.BinarySearchFunc(p.sets, set, func(a, b parameterSet) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id))
	})
	p.sets = slices.Insert(p.sets, at, set)
	p.bytes += len(unit)
	return true, nil
}

func (p *ParameterSets) remove(superseded func(parameterSet) bool) {
	p.sets = slices.DeleteFunc(p.sets, superseded)
	p.bytes = 0
	for _, set := range p.sets {
		p.bytes += len(set.unit)
	}
}

// identify gives the kind and the ids of a parameter set; known is false when the unit is none.
func (p *ParameterSets) identify(unit []byte) (set parameterSet, known bool, err error) {
	set.parent = -1
	if p.Codec == media.HEVC {
		set.kind = HEVCType(unit)
		set.id, set.parent, err = hevcIDs(unit)
		return set, set.kind == HEVCVPS || set.kind == HEVCSPSType || set.kind == HEVCPPSType, err
	}
	set.kind = H264Type(unit)
	switch set.kind {
	case H264SPSType:
		var sps H264SPS
		sps, err = ParseH264SPS(unit)
		set.id = sps.ID
	case H264PPSType:
		set.id, set.parent, err = ParseH264PPS(unit)
	default:
		return set, false, nil
	}
	return set, true, err
}

func (p *ParameterSets) isSPS(kind int) bool {
	return p.Codec == media.H264 && kind == H264SPSType || p.Codec == media.HEVC && kind == HEVCSPSType
}

func (p *ParameterSets) isPPS(kind int) bool {
	return p.Codec == media.H264 && kind == H264PPSType || p.Codec == media.HEVC && kind == HEVCPPSType
}

// maxCount is how many sets of a kind a configuration record can hold.
func (p *ParameterSets) maxCount(kind int) int {
	if p.isPPS(kind) {
		return 255
	}
	return 31
}

func (p *ParameterSets) count(kind int) int { return len(p.units(kind)) }

// units are all sets of a kind in the order of their ids.
func (p *ParameterSets) units(kind int) [][]byte {
	var units [][]byte
	for _, set := range p.sets {
		if set.kind == kind {
			units = append(units, set.unit)
		}
	}
	return units
}

// find gives the set of a kind with an id.
func (p *ParameterSets) find(kind, id int) (parameterSet, bool) {
	for _, set := range p.sets {
		if set.kind == kind && set.id == id {
			return set, true
		}
	}
	return parameterSet{}, false
}

// SPS is the id of the SPS that slices with the given PPS are decoded with; -1 when one of the two is not there.
func (p *ParameterSets) SPS(pps int) int {
	spsKind, ppsKind := H264SPSType, H264PPSType
	if p.Codec == media.HEVC {
		spsKind, ppsKind = HEVCSPSType, HEVCPPSType
	}
	set, ok := p.find(ppsKind, pps)
	if !ok {
		return -1
	}
	if _, ok := p.find(spsKind, set.parent); !ok {
		return -1
	}
	return set.parent
}

// H264SPS is the SPS with an id; ok is false when there is none.
func (p *ParameterSets) H264SPS(id int) (sps H264SPS, ok bool) {
	set, ok := p.find(H264SPSType, id)
	if !ok {
		return H264SPS{}, false
	}
	sps, err := ParseH264SPS(set.unit)
	return sps, err == nil
}

// Params is what a decoder has to know to decode pictures that use the SPS with the given id. Its sample entry, avc1 or
// hvc1, has all sets. Ok is false when there is no such SPS.
func (p *ParameterSets) Params(sps int) (params media.Params, ok bool) {
	if p.Codec == media.HEVC {
		return p.hevcParams(sps)
	}
	active, ok := p.H264SPS(sps)
	if !ok {
		return media.Params{}, false
	}
	return h264Params(active, p.units(H264SPSType), p.units(H264PPSType)), true
}

// HEVCTicks is how many ticks of 90 kHz a picture lasts that uses the SPS with the given id; 0: not said.
func (p *ParameterSets) HEVCTicks(id int) int64 {
	set, ok := p.find(HEVCSPSType, id)
	if !ok {
		return 0
	}
	sps, err := ParseHEVCSPS(set.unit)
	if err != nil {
		return 0
	}
	return sps.VUI.FrameTicks
}
