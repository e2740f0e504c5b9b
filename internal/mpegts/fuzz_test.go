// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mpegts"
)

// FuzzRead reads arbitrary bytes, with and without samples, and checks what every index must be.
func FuzzRead(f *testing.F) {
	f.Add(tenFrames())
	b := newBuilder()
	b.tables(h264Entry, aacEntry, entry{pid: 300, streamType: 0x02}, entry{pid: 301, streamType: 0x87})
	b.picture(18000, 9000, aud, spsFields, pps, slice(0x65, "1", intra, "0000", "1", "0"))
	b.picture(-1, -1, aud, slice(0x41, "1", intra, "0000", "1", "1"), pSlice)
	b.sound(9000, adts(100), adts(90)[:50])
	b.payload(300, pes(0xe1, 9000, -1, []byte{0, 0, 1, 0xb3, 0x0a, 0, 0x5a, 0x13, 0, 0, 0, 0, 0, 0, 1, 0, 0, 8, 0, 0, 1, 1, 7}))
	b.payload(301, pes(0xbd, 9000, -1, []byte{0x0b, 0x77, 0, 0x1f, 0x34, 0x80, 0x43, 0xe0}))
	f.Add(b.data)
	f.Fuzz(func(t *testing.T, data []byte) {
		index, err := mpegts.Read(bytes.NewReader(data), nil)
		if err != nil {
			return
		}
		if len(index.Damage) > media.MaxDamage || len(index.Streams) > 64 {
			t.Fatalf("%d pieces of evidence, %d streams", len(index.Damage), len(index.Streams))
		}
		for _, damage := range index.Damage {
			if damage.Stream >= len(index.Streams) || damage.Count < 1 || damage.Offset > int64(len(data)) ||
				damage.Stream >= 0 && damage.Packet > index.Streams[damage.Stream].Packets.Count {
				t.Fatalf("damage %+v", damage)
			}
		}
		total := int64(0)
		for _, stream := range index.Streams {
			total += stream.Packets.Bytes
			for packet := range stream.Packets.All() {
				if packet.Params >= len(stream.Params) || packet.Size <= 0 {
					t.Fatalf("packet %+v", packet)
				}
			}
		}
		if total > 2*int64(len(data)) {
			t.Fatalf("packets of %d bytes in %d", total, len(data))
		}
		samples := make([]int, len(index.Streams))
		file, err := mpegts.Read(bytes.NewReader(data), func(sample media.Sample) error {
			if len(sample.Data) != sample.Size {
				t.Fatalf("%d bytes, says %d", len(sample.Data), sample.Size)
			}
			samples[sample.Stream]++
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, stream := range file.Streams {
			if !bytes.Equal(stream.Packets.Encoded, index.Streams[i].Packets.Encoded) || samples[i] != stream.Packets.Count {
				t.Fatalf("stream %d differs with samples", i)
			}
		}
	})
}
