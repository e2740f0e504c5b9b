// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package packedaudio_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/packedaudio"
)

func FuzzPackedAudio(f *testing.F) {
	// Frames with headers alone: two of ADTS (48 kHz, mono), of layer III, of AC-3 and of E-AC-3.
	adtsFrame := []byte{0xff, 0xf1, 0x4c, 0x40, 0x01, 0x7f, 0xfc, 1, 2, 3, 4}
	mp3Frame := append([]byte{0xff, 0xfb, 0x14, 0xc4}, make([]byte, 92)...)
	ac3Frame := append([]byte{0x0b, 0x77, 0, 0, 0x00, 0x40, 0x43, 0}, make([]byte, 120)...)
	eac3Frame := append([]byte{0x0b, 0x77, 0, 0x1f, 0x34, 0x86, 0xff, 0}, make([]byte, 56)...)
	for _, frame := range [][]byte{adtsFrame, mp3Frame, ac3Frame, eac3Frame} {
		f.Add(slices.Concat(tag(4, 90_000), frame, frame, frame))
		f.Add(slices.Concat([]byte{0}, frame, frame, frame[:5]))
	}
	f.Add(slices.Concat(tag(3, 90_000), []byte("#EXTM3U\n"), adtsFrame, adtsFrame))
	f.Fuzz(func(t *testing.T, data []byte) {
		var packets []media.Packet
		file, err := packedaudio.Read(bytes.NewReader(data), func(s media.Sample) error {
			if len(s.Data) != s.Size || !bytes.Contains(data, s.Data) {
				t.Fatalf("a sample of %d bytes has %d", s.Size, len(s.Data))
			}
			packets = append(packets, s.Packet)
			return nil
		})
		if err != nil {
			if !errors.Is(err, packedaudio.ErrNotSound) {
				t.Fatalf("an error of no type: %v", err)
			}
			return
		}
		stream := file.Streams[0]
		if !slices.Equal(packets, slices.Collect(stream.Packets.All())) {
			t.Fatal("the samples are not those of the index")
		}
		if stream.Packets.Bytes+int64(stream.HeadBytes) > int64(len(data)) || len(file.Damage) > media.MaxDamage {
			t.Fatalf("%d bytes of packets and %d pieces of evidence in %d bytes", stream.Packets.Bytes, len(file.Damage), len(data))
		}
		end := file.Start
		for i, p := range packets {
			if p.PTS < end || p.Params >= len(stream.Params) {
				t.Fatalf("packet %d is %+v, the one before ends at %d", i, p, end)
			}
			end = p.PTS + p.Duration
		}
	})
}
