// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// loas is an AudioSyncStream element whose contents are written as bits.
func loas(bits ...string) []byte {
	text := strings.ReplaceAll(strings.Join(bits, ""), " ", "")
	text += strings.Repeat("0", -len(text)&7)
	body := make([]byte, len(text)/8)
	for i, bit := range text {
		body[i/8] |= byte(bit-'0') << (7 - i%8)
	}
	return append([]byte{0x56, 0xe0 | byte(len(body)>>8), byte(len(body))}, body...)
}

const (
	// A StreamMuxConfig behind useSameStreamMux: one program with one layer, AAC-LC of 48 kHz with two channels.
	muxBegin  = "0 0 1 000000 0000 000"
	muxAAC    = "00010 0011 0010 0 0 0"
	muxEnd    = "000 11111111 0 0" // frameLengthType, latmBufferFullness, no other data, no CRC
	muxOthers = "000 11111111 1 0 00000101 1 10101010"
)

func bitsOf(data []byte) string {
	var out strings.Builder
	for _, b := range data {
		fmt.Fprintf(&out, "%08b", b)
	}
	return out.String()
}

// length is a PayloadLengthInfo.
func length(size int) string {
	return bitsOf(append(bytes.Repeat([]byte{255}, size/255), byte(size%255)))
}

func TestLATM_PayloadIsTheFrame(t *testing.T) {
	for _, size := range []int{1, 254, 255, 300} {
		frame := bytes.Repeat([]byte{0x21, 0x5a, 0xff}, 100)[:size]
		for name, element := range map[string][]byte{
			"with a configuration": loas(muxBegin, muxAAC, muxEnd, length(size), bitsOf(frame)),
			"with other data":      loas(muxBegin, muxAAC, muxOthers, length(size), bitsOf(frame)),
			"with that before":     loas("1", length(size), bitsOf(frame)),
		} {
			latm := &codec.LATM{}
			if !latm.Prepare(loas(muxBegin, muxAAC, muxEnd, length(1), "11111111")) {
				t.Fatal("the configuration is not understood")
			}
			found, ok := latm.Parse(element)
			if !ok || found.Size != len(element) || found.Samples != 1024 || found.Rate != 48000 {
				t.Errorf("%s: %+v, %v", name, found, ok)
			}
			if payload, ok := latm.Payload(element); !ok || !bytes.Equal(payload, frame) {
				t.Errorf("%s: %d bytes, want %d, %v", name, len(payload), size, ok)
			}
			if !codec.IsLATM(element) {
				t.Errorf("%s: it is not recognized", name)
			}
			params := latm.Params(nil)
			if _, config, ok := codec.ParseESDS(params.Entry); params.Codec != media.AAC || params.Channels != 2 || !ok || !bytes.Equal(config, []byte{0x11, 0x90}) {
				t.Errorf("%s: %+v, configuration %x", name, params, config)
			}
		}
	}
}

// TestLATM_ConfigurationIsReadAhead: a file may begin between two of them.
func TestLATM_ConfigurationIsReadAhead(t *testing.T) {
	without, with := loas("1", length(9), bitsOf(make([]byte, 9))), loas(muxBegin, muxAAC, muxEnd, length(1), "11111111")
	latm := &codec.LATM{}
	if latm.Prepare(bytes.Repeat(without, 3)) {
		t.Error("there is none")
	}
	if params := latm.Params(nil); len(params.Entry) > 0 {
		t.Errorf("%+v", params)
	}
	if latm.Prepare(append(bytes.Clone(without), with[:7]...)) {
		t.Error("it is not whole")
	}
	if !latm.Prepare(append(bytes.Clone(without), with...)) {
		t.Error("it is not found")
	}
}

func TestLATM_RefusesWhatIsNotUnderstood(t *testing.T) {
	frame := length(1) + "11111111"
	for name, element := range map[string][]byte{
		"version 1":           loas("0 1 0 1 000000 0000 000", muxAAC, muxEnd, frame),
		"two frames":          loas("0 0 1 000001 0000 000", muxAAC, muxEnd, frame),
		"two programs":        loas("0 0 1 000000 0001 000", muxAAC, muxEnd, frame),
		"channels in a table": loas(muxBegin, "00010 0011 0000 0 0 0", muxEnd, frame),
		"fixed frame length":  loas(muxBegin, muxAAC, "001 000000001 0 0", frame),
	} {
		latm := &codec.LATM{}
		if latm.Prepare(element) {
			t.Errorf("%s: it is understood", name)
		}
		if _, ok := latm.Payload(element); ok {
			t.Errorf("%s: it has a payload", name)
		}
	}
	for name, element := range map[string][]byte{
		"a payload beyond the end": loas("1", length(10), bitsOf(make([]byte, 9))),
		"no payload":               loas("1", length(0)),
		"nothing":                  loas(),
		"a header alone":           {0x56, 0xe0},
	} {
		if payload, ok := new(codec.LATM).Payload(element); ok {
			t.Errorf("%s: %x", name, payload)
		}
		if codec.IsLATM(element) {
			t.Errorf("%s: it is recognized", name)
		}
	}
}
