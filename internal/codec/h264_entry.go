// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import (
	"encoding/binary"
	"fmt"

	"sparkrtc.dev/recording-operator/internal/media"
)

// h264Params builds what a decoder has to know from parameter sets. The SPS decides the size; it must be among sets.
func h264Params(sps H264SPS, spsUnits, ppsUnits [][]byte) media.Params {
	config := []byte{1, sps.Profile, sps.Constraints, sps.Level, 0xff, 0xe0 | octet(len(spsUnits))}
	config = appendSized(config, spsUnits)
	config = append(config, octet(len(ppsUnits)))
	config = appendSized(config, ppsUnits)
	if sps.Profile != 66 && sps.Profile != 77 && sps.Profile != 88 {
		config = append(config, 0xfc|octet(sps.ChromaFormat), 0xf8|octet(sps.LumaBits-8), 0xf8|octet(sps.ChromaBits-8), 0)
	}
	boxes := append([][]byte{box("avcC", config)}, sps.VUI.boxes()...)
	return media.Params{
		Codec: media.H264, Width: sps.Width, Height: sps.Height,
		Entry: visualEntry("avc1", sps.Width, sps.Height, boxes...),
	}
}

// appendSized appends units, each with its length in two bytes before it.
func appendSized(data []byte, units [][]byte) []byte {
	for _, unit := range units {
		data = binary.BigEndian.AppendUint16(data, uint16(len(unit))) //nolint:gosec // bound by ParameterSetBytes
		data = append(data, unit...)
	}
	return data
}

// AVCConfig is an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1): the payload of an avcC box.
type AVCConfig struct {
	// LengthSize is how many bytes before a NAL unit say its length: 1, 2 or 4.
	LengthSize int
	// SPS and PPS are NAL units; they are parts of what was parsed.
	SPS, PPS [][]byte
}

// ParseAVCConfig parses the payload of an avcC box.
func ParseAVCConfig(data []byte) (AVCConfig, error) {
	if len(data) < 6 || data[0] != 1 {
		return AVCConfig{}, fmt.Errorf("avcC of %d bytes: %w", len(data), ErrInvalid)
	}
	config := AVCConfig{LengthSize: int(data[4]&3) + 1}
	var ok bool
	rest := data[6:]
	if config.SPS, rest, ok = sized(rest, int(data[5]&0x1f)); !ok || len(rest) == 0 || config.LengthSize == 3 {
		return AVCConfig{}, fmt.Errorf("avcC: %w", ErrInvalid)
	}
	if config.PPS, _, ok = sized(rest[1:], int(rest[0])); !ok {
		return AVCConfig{}, fmt.Errorf("avcC: %w", ErrInvalid)
	}
	return config, nil
}

// sized splits units with their length in two bytes before them.
func sized(data []byte, count int) (units [][]byte, rest []byte, ok bool) {
	for range count {
		if len(data) < 2 {
			return nil, nil, false
		}
		size := int(binary.BigEndian.Uint16(data))
		if len(data)-2 < size {
			return nil, nil, false
		}
		units = append(units, data[2:2+size])
		data = data[2+size:]
	}
	return units, data, true
}
