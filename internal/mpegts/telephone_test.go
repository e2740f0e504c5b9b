// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestRead_TelephoneSound: cameras write G.711 by stream types that are those of subtitles on discs, so that the packets tell.
func TestRead_TelephoneSound(t *testing.T) {
	subtitles := []byte("\x05\x04HDMV")
	for name, test := range map[string]struct {
		streamType, streamID byte
		program              []byte
		kind                 media.Kind
		codec                media.Codec
	}{
		"A-law":             {0x90, 0xc0, nil, media.Audio, "pcm_alaw"},
		"mu-law":            {0x91, 0xc0, nil, media.Audio, "pcm_mulaw"},
		"private data":      {0x90, 0xbd, nil, media.Data, "stream type 0x90"},
		"subtitles":         {0x90, 0xbd, subtitles, media.Data, "stream type 0x90"},
		"on a disc, untold": {0x90, 0xc0, subtitles, media.Data, "stream type 0x90"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			b.pat([2]uint16{1, pmtPID})
			body := append([]byte{0xe1, 0, 0xf0, byte(len(test.program))}, test.program...)
			b.section(pmtPID, 2, 1, append(body, test.streamType, 0xe1, 1, 0xf0, 0))
			for i, pts := range []int64{9000, 12600, -1, 90000} { // the third has no time, and follows the second
				b.payload(audioPID, pes(test.streamID, pts, -1, bytes.Repeat([]byte{byte(0x50 + i)}, 320)))
			}
			file, samples := read(t, b.data)
			wantNoDamage(t, file)
			stream := file.Streams[0]
			if stream.Kind != test.kind || stream.Codec != test.codec {
				t.Fatalf("%s %s", stream.Kind, stream.Codec)
			}
			if test.kind != media.Audio {
				return
			}
			wantTimes(t, stream, [2]int64{9000, 9000}, [2]int64{12600, 12600}, [2]int64{16200, 16200}, [2]int64{90000, 90000})
			if params := stream.Params[0]; params.SampleRate != 8000 || params.Channels != 1 || len(params.Entry) == 0 {
				t.Errorf("%+v", params)
			}
			if last := stream.Packets.Last; last.Size != 320 || last.Duration != 3600 {
				t.Errorf("%+v", last)
			}
			if len(samples[0]) != 4 || samples[0][2].Data[0] != 0x52 {
				t.Errorf("%d samples", len(samples[0]))
			}
		})
	}
}

// TestRead_TelephoneSoundBehindALoss is left out: nobody knows when it is heard.
func TestRead_TelephoneSoundBehindALoss(t *testing.T) {
	b := newBuilder()
	b.tables(entry{pid: audioPID, streamType: 0x90})
	b.payload(audioPID, pes(0xc0, 9000, -1, bytes.Repeat([]byte{0x50}, 800)))
	from := len(b.data) - 3*188
	b.payload(audioPID, pes(0xc0, 18000, -1, bytes.Repeat([]byte{0x51}, 320)))
	file, _ := read(t, slices.Delete(b.data, from, from+188))
	if len(file.Damage) == 0 {
		t.Error("no damage")
	}
	if first := file.Streams[0].Packets.First; first.Size >= 800-184 {
		t.Errorf("%d bytes", first.Size)
	}
	if last := file.Streams[0].Packets.Last; last.PTS != 18000 || last.Size != 320 {
		t.Errorf("%+v", last)
	}
}

// TestRead_AACIsWhatItsPacketsTell: some muxers name the one packing of AAC and write the other.
func TestRead_AACIsWhatItsPacketsTell(t *testing.T) {
	latm := append([]byte{0x56, 0xe0, 52, 0x80 | 50>>1, 50 << 7 & 0xff}, make([]byte, 50)...) // useSameStreamMux, 50 bytes
	const adtsType, latmType = 0x0f, 0x11
	for name, test := range map[string]struct {
		streamType byte
		frame      []byte
		codec      media.Codec
	}{
		"ADTS":               {adtsType, adts(50), media.AAC},
		"ADTS named as LATM": {latmType, adts(50), media.AAC},
		"LATM":               {latmType, latm, "aac_latm"},
		"LATM named as ADTS": {adtsType, latm, "aac_latm"},
		"what begins so":     {adtsType, append([]byte{0x56, 0xe0, 60}, make([]byte, 60)...), media.AAC},
	} {
		b := newBuilder()
		b.tables(entry{pid: audioPID, streamType: test.streamType})
		for i := range int64(3) {
			b.sound(9000+1920*i, test.frame)
		}
		if file, _ := read(t, b.data); len(file.Streams) != 1 || file.Streams[0].Codec != test.codec {
			t.Errorf("%s: %+v", name, file.Streams)
		}
	}
}
