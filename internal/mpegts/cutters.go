// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// newCutter gives what cuts the packets of a stream.
func newCutter(mapped mappedStream) cutter {
	switch mapped.codec {
	case media.H264:
		return &nalCutter{sets: codec.ParameterSets{Codec: media.H264}, rules: &h264Rules{}}
	case media.HEVC:
		return &nalCutter{sets: codec.ParameterSets{Codec: media.HEVC}, rules: &hevcRules{}}
	case media.MPEG2:
		return &startCodeCutter{rules: mpeg2Rules{}}
	case media.MPEG4:
		return &startCodeCutter{rules: mpeg4Rules{}}
	case media.AAC:
		return &soundCutter{parse: codec.ParseADTS, describe: codec.ADTSParams, sync: 0xff, minimum: codec.ADTSHeader}
	case aacLATM:
		latm := &codec.LATM{}
		return &soundCutter{
			parse: latm.Parse, describe: latm.Params, unpack: latm.Payload, prepare: latm.Prepare, sync: 0x56, minimum: codec.LATMHeader,
		}
	case media.MP3:
		return &soundCutter{
			parse: codec.ParseMPEGAudio, describe: codec.MPEGAudioParams, sync: 0xff, minimum: codec.MPEGAudioHeader,
		}
	case media.AC3:
		return &soundCutter{parse: codec.ParseAC3, describe: codec.AC3Params, sync: 0x0b, minimum: codec.AC3Header}
	case media.EAC3:
		return &soundCutter{parse: codec.ParseEAC3, describe: codec.EAC3Params, sync: 0x0b, minimum: codec.AC3Header}
	case media.Opus:
		describe := func(data []byte) media.Params {
			frame, _ := codec.ParseOpusUnit(data)
			return codec.OpusParams(mapped.opusChannels, frame.Samples)
		}
		return &soundCutter{parse: codec.ParseOpusUnit, describe: describe, sync: 0x7f, minimum: codec.OpusHeader}
	case codec.ALaw, codec.MuLaw:
		return &telephoneCutter{params: codec.G711Params(mapped.codec)}
	default:
		return wholeCutter{}
	}
}

// wholeCutter takes the payload of each PES packet for one packet.
type wholeCutter struct{}

func (wholeCutter) begins([]byte) bool { return true }

func (wholeCutter) interrupt() {}

func (wholeCutter) cut(s *stream, _ mark, _ ending) (int, error) {
	m := s.mark(0)
	if !m.timed {
		m = mark{dts: s.description().Packets.Last.DTS, pts: s.description().Packets.Last.PTS}
	}
	return len(s.data), s.emit(media.Packet{DTS: m.dts, PTS: m.pts, Size: len(s.data), Key: true}, s.data)
}
