// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"

	"sparkrtc.dev/recording-operator/internal/media"
)

// hevcParams is [ParameterSets.Params] of HEVC. The entry is hvc1, which Apple's players ask for; the samples keep their
// parameter sets, as with avc1.
func (p *ParameterSets) hevcParams(id int) (media.Params, bool) {
	set, ok := p.find(HEVCSPSType, id)
	if !ok {
		return media.Params{}, false
	}
	sps, err := ParseHEVCSPS(set.unit)
	if err != nil {
		return media.Params{}, false
	}
	nested := byte(0)
	if sps.Nested {
		nested = 4
	}
	config := append([]byte{1}, sps.Profile[:]...)
	config = append(config,
		0xf0, 0, 0xfc, // min_spatial_segmentation_idc and parallelismType: unknown
		0xfc|octet(sps.ChromaFormat), 0xf8|octet(sps.LumaBits-8), 0xf8|octet(sps.ChromaBits-8),
		0, 0, // avgFrameRate: unknown
		octet(sps.SubLayers)<<3|nested|3,
	)
	kinds := []int{HEVCVPS, HEVCSPSType, HEVCPPSType}
	config = append(config, octet(len(kinds)))
	for _, kind := range kinds {
		units := p.units(kind)
		config = append(config, 0x80|octet(kind))
		config = binary.BigEndian.AppendUint16(config, uint16(len(units))) //nolint:gosec // at most 255
		config = appendSized(config, units)
	}
	boxes := append([][]byte{box("hvcC", config)}, sps.VUI.boxes()...)
	return media.Params{
		Codec: media.HEVC, Width: sps.Width, Height: sps.Height,
		Entry: visualEntry("hvc1", sps.Width, sps.Height, boxes...),
	}, true
}
