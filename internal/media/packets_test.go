// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media_test

import (
	"bytes"
	"encoding/gob"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/media"
)

func TestPackets_AllYieldsWhatWasAppended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := rapid.Custom(func(t *rapid.T) media.Packet {
			return media.Packet{
				DTS: rapid.Int64Range(-1<<40, 1<<40).Draw(t, "dts"), PTS: rapid.Int64Range(-1<<40, 1<<40).Draw(t, "pts"),
				Duration: rapid.Int64Range(0, 1<<30).Draw(t, "duration"), Size: rapid.IntRange(0, 1<<30).Draw(t, "size"),
				Key: rapid.Bool().Draw(t, "key"), Closed: rapid.Bool().Draw(t, "closed"), Params: rapid.IntRange(0, 3).Draw(t, "params"),
				Opens: rapid.Bool().Draw(t, "opens"),
				Order: media.Order{Sequence: rapid.IntRange(0, 3).Draw(t, "sequence"), Number: rapid.IntRange(-99, 99).Draw(t, "number")},
			}
		})
		var want []media.Packet
		for range rapid.IntRange(0, 20).Draw(t, "groups") {
			packet := draw.Draw(t, "packet")
			interval := rapid.Int64Range(-10, 10_000).Draw(t, "interval")
			for range rapid.IntRange(1, 5).Draw(t, "repeated") {
				want = append(want, packet)
				packet.DTS += interval
				packet.PTS += interval
			}
		}
		var packets media.Packets
		var size int64
		for _, packet := range want {
			packets.Append(packet)
			size += int64(packet.Size)
		}
		packets.Close()

		var stored bytes.Buffer
		if err := gob.NewEncoder(&stored).Encode(packets); err != nil {
			t.Fatal(err)
		}
		var read media.Packets
		if err := gob.NewDecoder(&stored).Decode(&read); err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(read.All()); !slices.Equal(got, want) {
			t.Fatalf("got %+v, want %+v", got, want)
		}
		if read.Count != len(want) || read.Bytes != size {
			t.Fatalf("count %d, bytes %d, want %d and %d", read.Count, read.Bytes, len(want), size)
		}
		for _, packet := range want {
			if packet.PTS < read.Begin || packet.PTS+packet.Duration > read.End {
				t.Fatalf("%+v is not within %d to %d", packet, read.Begin, read.End)
			}
		}
	})
}

func TestPackets_UniformSoundTakesNoMemory(t *testing.T) {
	var packets media.Packets
	for i := range int64(1_000_000) {
		packets.Append(media.Packet{DTS: 2 * i, PTS: 2 * i, Duration: 2, Size: 4, Key: true})
	}
	packets.Close()
	if len(packets.Encoded) > 32 {
		t.Errorf("%d bytes", len(packets.Encoded))
	}
}
