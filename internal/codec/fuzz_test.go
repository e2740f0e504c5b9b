// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"bytes"
	"testing"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// FuzzParameterSets adds arbitrary NAL units to parameter sets, and builds and parses their sample entry.
func FuzzParameterSets(f *testing.F) {
	f.Add(bytes.Join([][]byte{unhex(f, h264SPS), unhex(f, h264PPS)}, []byte{0, 0, 1}), false)
	f.Add(bytes.Join([][]byte{unhex(f, hevcVPS), unhex(f, hevcSPS), unhex(f, hevcPPS)}, []byte{0, 0, 1}), true)
	f.Fuzz(func(t *testing.T, data []byte, hevc bool) {
		sets := codec.ParameterSets{Codec: media.H264}
		name := []byte("avcC")
		if hevc {
			sets.Codec, name = media.HEVC, []byte("hvcC")
		}
		order := codec.NewPictureOrder(sets.Codec)
		for _, unit := range units(append([]byte{0, 0, 1}, data...)) {
			if number, ok := order.Add(unit); ok && number.Bits > 0 {
				last := 1<<number.Bits - 1
				if near := number.Near(len(data)); number.Number&^last != 0 || near&last != number.Number || max(near-len(data), len(data)-near) > last/2+1 {
					t.Fatalf("%+v is %d near %d", number, near, len(data))
				}
			}
			if _, err := sets.Add(unit); err != nil {
				continue
			}
			if changed, err := sets.Add(unit); changed || err != nil {
				t.Fatalf("the same unit again: changed %v, %v", changed, err)
			}
			codec.H264RecoveryPoint(unit)
			if header, ok := codec.ParseH264Slice(unit); ok {
				sps, _ := sets.H264SPS(0)
				sps.FrameNumber(&header)
			}
			codec.HEVCSlice(unit)
		}
		for id := range 32 {
			params, ok := sets.Params(id)
			if !ok {
				continue
			}
			if params.Width <= 0 || params.Height <= 0 || params.Width > 65535 || params.Height > 65535 {
				t.Fatalf("%dx%d pixels", params.Width, params.Height)
			}
			config := params.Entry[bytes.Index(params.Entry, name)+4:]
			var err error
			if hevc {
				_, err = codec.ParseHVCConfig(config)
			} else {
				_, err = codec.ParseAVCConfig(config)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzConfigs parses arbitrary configurations.
func FuzzConfigs(f *testing.F) {
	f.Add(unhex(f, "1208"))
	f.Add(unhex(f, "000001b30b0090134e2023800000"))
	f.Add(unhex(f, "000001b001000001b58913000001000000012000c48d8800cd0584048463"))
	f.Add([]byte("\x00\x00\x00\x30mp4a"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = codec.ParseAVCConfig(data)
		_, _ = codec.ParseHVCConfig(data)
		_, _ = codec.ParseAudioConfig(data)
		_, _, _ = codec.ParseESDS(data)
		_, _, _ = codec.MPEG2Params(data)
		_, _ = codec.MPEG4Params(data)
		codec.MPEG2Structure(data)
		codec.MPEG2Intra(data)
		codec.MPEG4Intra(data)
		for _, name := range []media.Codec{media.AAC, media.MP3, media.Opus} {
			codec.Silence(media.Params{Codec: name, Entry: data, SampleRate: 48000, Channels: len(data) % 9, FrameSamples: 960})
		}
	})
}

// FuzzSoundFrames parses arbitrary frames of sound. A frame has bytes behind its header, so that a reader gets on.
func FuzzSoundFrames(f *testing.F) {
	f.Add([]byte{0xff, 0xf1, 0x4c, 0x80, 0x03, 0x5f, 0xfc})
	f.Add([]byte{0xff, 0xfb, 0x94, 0})
	f.Add([]byte{0x0b, 0x77, 0, 0, 0x14, 0x40, 0x43, 0xe0})
	f.Add([]byte{0x0b, 0x77, 0, 0x1f, 0x34, 0x80, 0x43, 0xe0})
	f.Add([]byte{0x7f, 0xe0, 2, 0xf8, 0xff})
	f.Add([]byte{0x56, 0xe0, 4, 0x20, 0, 0x11, 0x90})
	f.Fuzz(func(t *testing.T, data []byte) {
		latm := codec.LATM{}
		for name, parse := range map[string]func([]byte) (codec.SoundFrame, bool){
			"ADTS": codec.ParseADTS, "MPEG": codec.ParseMPEGAudio, "AC-3": codec.ParseAC3, "E-AC-3": codec.ParseEAC3,
			"Opus": codec.ParseOpusUnit, "LATM": latm.Parse,
		} {
			frame, ok := parse(data)
			if ok && (frame.Size <= frame.Header || frame.Header < 0 || frame.Samples < 0 || frame.Rate < 0) {
				t.Fatalf("%s: %+v", name, frame)
			}
		}
		codec.ADTSParams(data)
		codec.MPEGAudioParams(data)
		codec.AC3Params(data)
		codec.EAC3Params(data)
		codec.OpusParams(len(data), codec.OpusSamples(data))
	})
}
