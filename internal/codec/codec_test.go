// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

func unhex(tb testing.TB, text string) []byte {
	tb.Helper()
	data, err := hex.DecodeString(text)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// Parameter sets of 320x180 pixels that x264 and x265 wrote.
const (
	h264SPS = "6764000cacd941419f9f011000000300100000030320f1429960"
	h264PPS = "68ebe3cb22c0"
	hevcVPS = "40010c01ffff01600000030090000003000003003c959809"
	hevcSPS = "42010101600000030090000003000003003ca00a080b9f796566924caf016808000003000800000300c840"
	hevcPPS = "4401c172b46240"
)

func TestParseH264SPS_ReadsWhatX264Wrote(t *testing.T) {
	sps, err := codec.ParseH264SPS(unhex(t, h264SPS))
	if err != nil {
		t.Fatal(err)
	}
	if sps.Width != 320 || sps.Height != 180 || sps.Profile != 100 || sps.Level != 12 || !sps.FrameMBsOnly ||
		sps.ChromaFormat != 1 || sps.LumaBits != 8 || sps.VUI.FrameTicks != 3600 {
		t.Errorf("got %+v", sps)
	}
}

func TestParameterSets_AddSaysWhatChanged(t *testing.T) {
	sps, pps := unhex(t, h264SPS), unhex(t, h264PPS)
	other := slices.Clone(sps)
	other[3]++ // level
	sets := codec.ParameterSets{Codec: media.H264}
	for i, step := range []struct {
		unit    []byte
		changed bool
		sps     int
	}{
		{sps, true, -1},
		{pps, true, 0},
		{sps, false, 0},
		{pps, false, 0},
		{[]byte{9, 0xf0}, false, 0},
		{other, true, -1}, // what refers to the SPS before is not valid any more
		{pps, true, 0},
	} {
		changed, err := sets.Add(step.unit)
		if err != nil || changed != step.changed || sets.SPS(0) != step.sps {
			t.Errorf("step %d: changed %v, SPS %d, %v", i, changed, sets.SPS(0), err)
		}
	}
	if _, err := sets.Add([]byte{0x67, 1, 2, 3}); !errors.Is(err, codec.ErrInvalid) {
		t.Errorf("a broken SPS: %v", err)
	}
}

func TestParameterSets_AreBounded(t *testing.T) {
	sets := codec.ParameterSets{Codec: media.H264}
	if _, err := sets.Add(unhex(t, h264SPS)); err != nil {
		t.Fatal(err)
	}
	long := append(unhex(t, h264PPS), make([]byte, 4000)...)
	refused := 0
	for i := range 8 {
		long[1] = []byte{0x80, 0x40, 0x60, 0x20, 0x28, 0x30, 0x38, 0x10}[i] | 1
		if _, err := sets.Add(slices.Clone(long)); err != nil {
			refused++
		}
	}
	params, ok := sets.Params(0)
	if !ok || refused == 0 || len(params.Entry) > 20<<10 {
		t.Errorf("%d refused, an entry of %d bytes", refused, len(params.Entry))
	}
}

func TestAVCConfig_HasTheParameterSetsOfTheEntry(t *testing.T) {
	sets := codec.ParameterSets{Codec: media.H264}
	for _, unit := range []string{h264SPS, h264PPS} {
		if _, err := sets.Add(unhex(t, unit)); err != nil {
			t.Fatal(err)
		}
	}
	params, ok := sets.Params(0)
	if !ok || params.Width != 320 || params.Height != 180 {
		t.Fatalf("params %+v", params)
	}
	at := bytes.Index(params.Entry, []byte("avcC"))
	config, err := codec.ParseAVCConfig(params.Entry[at+4:])
	if err != nil {
		t.Fatal(err)
	}
	if config.LengthSize != 4 || len(config.SPS) != 1 || len(config.PPS) != 1 ||
		!bytes.Equal(config.SPS[0], unhex(t, h264SPS)) || !bytes.Equal(config.PPS[0], unhex(t, h264PPS)) {
		t.Errorf("config %+v", config)
	}
	for size := range at {
		if _, err := codec.ParseAVCConfig(params.Entry[at+4 : at+4+min(size, 30)]); err == nil && size < 30 {
			t.Errorf("%d bytes of an avcC are taken", size)
		}
	}
}

func TestH264RecoveryPoint_IsFoundBehindOtherMessages(t *testing.T) {
	for text, want := range map[string]bool{
		"06060184" + "80":                 true,
		"0605ff" + "01" + "00" + "060184": false, // the size goes beyond the unit
		"060502aabb060184" + "80":         true,
		"060502aabb80":                    false,
		"06":                              false,
		"":                                false,
	} {
		if got := codec.H264RecoveryPoint(unhex(t, text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestParseAudioConfig(t *testing.T) {
	tests := map[string]codec.AudioConfig{
		"1208":       {ObjectType: 2, Rate: 44100, ChannelConfig: 1, Channels: 1, OutputRate: 44100, FrameSamples: 1024},
		"1190":       {ObjectType: 2, Rate: 48000, ChannelConfig: 2, Channels: 2, OutputRate: 48000, FrameSamples: 1024},
		"11b0":       {ObjectType: 2, Rate: 48000, ChannelConfig: 6, Channels: 6, OutputRate: 48000, FrameSamples: 1024},
		"11b8":       {ObjectType: 2, Rate: 48000, ChannelConfig: 7, Channels: 8, OutputRate: 48000, FrameSamples: 1024},
		"1194":       {ObjectType: 2, Rate: 48000, ChannelConfig: 2, Channels: 2, OutputRate: 48000, FrameSamples: 960},
		"2b920800":   {ObjectType: 2, Rate: 22050, ChannelConfig: 2, Channels: 2, OutputRate: 44100, FrameSamples: 1024, SBR: true},
		"eb8a0800":   {ObjectType: 2, Rate: 22050, ChannelConfig: 1, Channels: 2, OutputRate: 44100, FrameSamples: 1024, SBR: true, PS: true},
		"17805dc010": {ObjectType: 2, Rate: 48000, ChannelConfig: 2, Channels: 2, OutputRate: 48000, FrameSamples: 1024}, // the rate in 24 bits
	}
	for text, want := range tests {
		got, err := codec.ParseAudioConfig(unhex(t, text))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "12", "17", "0000", "1690"} {
		if _, err := codec.ParseAudioConfig(unhex(t, text)); !errors.Is(err, codec.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestADTSParams_WithoutChannelsHasNoEntry(t *testing.T) {
	frame := []byte{0xff, 0xf1, 0x4c, 0, 0x03, 0x5f, 0xfc, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	params := codec.ADTSParams(frame)
	if len(params.Entry) != 0 || params.SampleRate != 48000 || params.Channels != 0 || params.FrameSamples != 1024 {
		t.Errorf("params %+v", params)
	}
}

func TestADTSParams_SeveralBlocksHaveNoEntry(t *testing.T) {
	params := codec.ADTSParams([]byte{0xff, 0xf1, 0x4c, 0x80, 0x03, 0x5f, 0xfd})
	if len(params.Entry) != 0 || params.FrameSamples != 2048 {
		t.Errorf("params %+v", params)
	}
}

func TestParseADTS_RefusesOtherBytes(t *testing.T) {
	good := []byte{0xff, 0xf1, 0x4c, 0x80, 0x03, 0x5f, 0xfc}
	frame, ok := codec.ParseADTS(good)
	if want := (codec.SoundFrame{Header: 7, Size: 26, Samples: 1024, Rate: 48000, Config: frame.Config}); !ok || frame != want {
		t.Errorf("got %+v, want %+v", frame, want)
	}
	for name, change := range map[string]func([]byte) []byte{
		"short":         func(d []byte) []byte { return d[:6] },
		"sync":          func(d []byte) []byte { d[1] = 0xe1; return d },
		"layer":         func(d []byte) []byte { d[1] |= 2; return d },
		"reserved rate": func(d []byte) []byte { d[2] |= 0x3c; return d },
		"length":        func(d []byte) []byte { d[4], d[5] = 0, 0; return d },
	} {
		if _, ok := codec.ParseADTS(change(slices.Clone(good))); ok {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestOpusSamples(t *testing.T) {
	for text, want := range map[string]int{
		"":     0,
		"f8":   960,  // 20 ms
		"e0":   120,  // 2.5 ms
		"18ff": 2880, // 60 ms
		"60":   480,
		"f9":   1920,
		"fb03": 2880,
		"fb3f": 0, // over 120 ms
		"fb":   0,
	} {
		if got := codec.OpusSamples(unhex(t, text)); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// units are the NAL units of a byte stream that are not empty.
func units(data []byte) (found [][]byte) {
	for at := 0; ; {
		start, begin, end := codec.NextNAL(data, at)
		if start < 0 {
			return found
		}
		if end > begin {
			found = append(found, data[begin:end])
		}
		at = end
	}
}

func TestNextNAL_LeavesOutZerosAtTheEnd(t *testing.T) {
	data := unhex(t, "ff"+"000001"+"0910"+"00000001"+"6742"+"0000000001"+"68"+"000001"+"000001"+"6588"+"0000")
	want := [][]byte{{0x09, 0x10}, {0x67, 0x42}, {0x68}, {0x65, 0x88}}
	got := units(data)
	if !slices.EqualFunc(got, want, bytes.Equal) {
		t.Errorf("got %x, want %x", got, want)
	}
	if sample := codec.AppendLengthPrefixed(nil, got[:2]); !bytes.Equal(sample, unhex(t, "000000020910"+"000000026742")) {
		t.Errorf("sample %x", sample)
	}
}

func TestBeginsPicture(t *testing.T) {
	for name, test := range map[string]struct {
		unit            []byte
		encoding        media.Codec
		begins, isSlice bool
	}{
		"first slice":                         {[]byte{0x41, 0x9a}, media.H264, true, true},
		"first slice of a key picture":        {[]byte{0x65, 0x88}, media.H264, true, true},
		"first slice, of data partition A":    {[]byte{0x42, 0x9a}, media.H264, true, true},
		"second slice":                        {[]byte{0x41, 0x04}, media.H264, false, true},
		"slice without a header":              {[]byte{0x41}, media.H264, false, true},
		"delimiter":                           {[]byte{0x09, 0xf0}, media.H264, false, false},
		"nothing":                             {nil, media.H264, false, false},
		"first slice, H.265":                  {[]byte{0x02, 0x01, 0xd0}, media.HEVC, true, true},
		"first slice of a key picture, H.265": {[]byte{0x26, 0x01, 0xaf}, media.HEVC, true, true},
		"second slice, H.265":                 {[]byte{0x02, 0x01, 0x50}, media.HEVC, false, true},
		"another layer, H.265":                {[]byte{0x02, 0x09, 0xd0}, media.HEVC, false, false},
		"message, H.265":                      {[]byte{0x4e, 0x01, 0x80}, media.HEVC, false, false},
		"one byte, H.265":                     {[]byte{0x02}, media.HEVC, false, false},
	} {
		if begins, isSlice := codec.BeginsPicture(test.unit, test.encoding); begins != test.begins || isSlice != test.isSlice {
			t.Errorf("%s: begins %t, is a slice %t", name, begins, isSlice)
		}
	}
}

func TestParseHEVCSPS_ReadsWhatX265Wrote(t *testing.T) {
	sps, err := codec.ParseHEVCSPS(unhex(t, hevcSPS))
	if err != nil {
		t.Fatal(err)
	}
	if sps.Width != 320 || sps.Height != 180 || sps.ChromaFormat != 1 || sps.LumaBits != 8 || sps.SubLayers != 1 ||
		!sps.Nested || sps.VUI.FrameTicks != 3600 {
		t.Errorf("got %+v", sps)
	}
}

func TestHVCConfig_HasTheParameterSetsOfTheEntry(t *testing.T) {
	sets := codec.ParameterSets{Codec: media.HEVC}
	var want [][]byte
	for _, unit := range []string{hevcVPS, hevcSPS, hevcPPS} {
		want = append(want, unhex(t, unit))
		if changed, err := sets.Add(unhex(t, unit)); err != nil || !changed {
			t.Fatalf("%s: %v, %v", unit, changed, err)
		}
	}
	params, ok := sets.Params(sets.SPS(0))
	if !ok || params.Width != 320 || params.Height != 180 {
		t.Fatalf("params %+v", params)
	}
	config, err := codec.ParseHVCConfig(params.Entry[bytes.Index(params.Entry, []byte("hvcC"))+4:])
	if err != nil || config.LengthSize != 4 || !slices.EqualFunc(config.Sets, want, bytes.Equal) {
		t.Errorf("config %+v, %v", config, err)
	}
}
