// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"maps"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// tenFrames is a stream of ten PES packets of sound, each of five transport packets. It begins with two of tables.
func tenFrames() []byte {
	b := newBuilder()
	b.tables(aacEntry)
	for i := range int64(10) {
		b.sound(9000+1920*i, adts(800))
	}
	return b.data
}

// packetAt is the offset of a packet.
func packetAt(n int) int { return n * 188 }

func TestRead_Damage(t *testing.T) {
	tests := map[string]struct {
		damage func([]byte) []byte
		want   map[media.DamageKind]int
		count  int
	}{
		"none":                               {func(d []byte) []byte { return d }, map[media.DamageKind]int{}, 10},
		"a packet sent twice":                {func(d []byte) []byte { return slices.Insert(d, packetAt(13), d[packetAt(12):packetAt(13)]...) }, map[media.DamageKind]int{}, 10},
		"a packet lost within PES":           {func(d []byte) []byte { return slices.Delete(d, packetAt(9), packetAt(10)) }, map[media.DamageKind]int{media.CounterBreak: 1, media.PacketUnfinished: 1}, 9},
		"the beginning of a PES packet lost": {func(d []byte) []byte { return slices.Delete(d, packetAt(12), packetAt(13)) }, map[media.DamageKind]int{media.CounterBreak: 1, media.FrameLost: 1}, 9},
		"bytes inserted":                     {func(d []byte) []byte { return slices.Insert(d, packetAt(7), 1, 2, 3) }, map[media.DamageKind]int{media.SyncLost: 1}, 10},
		"bytes dropped": {func(d []byte) []byte { return slices.Delete(d, packetAt(7)+100, packetAt(7)+110) },
			map[media.DamageKind]int{media.SyncLost: 1}, 10},
		"bytes that follow":        {func(d []byte) []byte { return append(d, 0x46, 1, 2) }, map[media.DamageKind]int{media.SyncLost: 1}, 10},
		"a packet that is cut":     {func(d []byte) []byte { return append(d, 0x47, 1, 2) }, map[media.DamageKind]int{media.PacketCut: 1}, 10},
		"bytes in front":           {func(d []byte) []byte { return slices.Insert(d, 0, 1, 2, 3) }, map[media.DamageKind]int{media.SyncLost: 1}, 10},
		"an error indicator":       {func(d []byte) []byte { d[packetAt(9)+1] |= 0x80; return d }, map[media.DamageKind]int{media.TransportError: 1}, 10},
		"a scrambled packet":       {func(d []byte) []byte { d[packetAt(9)+3] |= 0x80; return d }, map[media.DamageKind]int{media.TransportError: 1, media.PacketUnfinished: 1}, 9},
		"an ADTS header destroyed": {func(d []byte) []byte { d[packetAt(12)+4+14] = 0; return d }, map[media.DamageKind]int{media.FrameLost: 1}, 9},
		"a PES header destroyed":   {func(d []byte) []byte { d[packetAt(12)+6] = 7; return d }, map[media.DamageKind]int{media.FrameLost: 1}, 9},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			file, _ := read(t, test.damage(tenFrames()))
			if got := damages(file); !maps.Equal(got, test.want) {
				t.Errorf("damage %v, want %v", got, test.want)
			}
			if got := file.Streams[0].Packets.Count; got != test.count {
				t.Errorf("%d packets, want %d", got, test.count)
			}
			for _, damage := range file.Damage {
				if damage.Stream >= len(file.Streams) || damage.Packet > test.count || damage.Count < 1 {
					t.Errorf("damage %+v", damage)
				}
			}
		})
	}
}

func TestRead_EqualCounterIsRepetitionOnlyWithEqualBytes(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	long := slices.Concat(idr, make([]byte, 184*20))
	for i := range long[len(idr):] {
		long[len(idr)+i] = byte(i/184) + 4
	}
	b.picture(9000, -1, aud, spsFrames, pps, long)
	whole, _ := read(t, b.data)
	lost, _ := read(t, slices.Delete(slices.Clone(b.data), packetAt(5), packetAt(20)))
	wantCounts(t, lost, 1)
	if got := damages(lost); got[media.CounterBreak] != 1 || len(got) != 1 {
		t.Errorf("damage %v", got)
	}
	if missing := whole.Streams[0].Packets.Bytes - lost.Streams[0].Packets.Bytes; missing != 15*184 {
		t.Errorf("%d bytes missing", missing)
	}
}

func TestRead_AnnouncedDiscontinuityIsNoDamage(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	b.sound(9000, adts(100))
	b.counters[audioPID] = 9
	at := len(b.data)
	b.sound(10920, adts(100))
	b.data[at+5] |= 0x80 // discontinuity_indicator
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 2)
	if got, want := file.Streams[0].Counters, (media.Counters{Known: true, First: 0, Last: 9}); got != want {
		t.Errorf("counters %+v, want %+v", got, want)
	}
}

func TestRead_ForbiddenBitIsDamage(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(9000, -1, aud, spsFrames, pps, idr)
	broken := slices.Clone(second)
	broken[0] |= 0x80
	b.picture(12600, -1, aud, pSlice, broken)
	b.picture(16200, -1, aud, pSlice)
	file, _ := read(t, b.data)
	wantCounts(t, file, 3)
	if len(file.Damage) != 1 || file.Damage[0].Kind != media.NALInvalid || file.Damage[0].Packet != 1 {
		t.Errorf("damage %+v", file.Damage)
	}
}

// TestRead_PictureMissing: the transport stream is whole, and the numbers of the pictures jump.
func TestRead_PictureMissing(t *testing.T) {
	wantNoDamage(t, firstOf(read(t, testStream(t))))
	file := firstOf(read(t, testStream(t, "-bsf:v", `noise=drop=eq(n\,7)+eq(n\,30)`)))
	if len(file.Damage) != 2 {
		t.Fatalf("damage %+v", file.Damage)
	}
	for i, want := range []int{7, 29} { // the second of those behind which one is missing already
		if d := file.Damage[i]; d.Kind != media.PictureMissing || d.Packet != want || file.Streams[d.Stream].Kind != media.Video {
			t.Errorf("%+v, want packet %d", d, want)
		}
	}
}

// TestRead_FirstSliceMissing: the transport stream is whole, and a picture is not. One that begins with its first slice may have any
// number of others.
func TestRead_FirstSliceMissing(t *testing.T) {
	first, second := []byte{0x41, 0x9a, 0x55}, []byte{0x41, 0x04, 0x55}
	firstHEVC, secondHEVC := []byte{0x02, 0x01, 0xd0, 0x55}, []byte{0x02, 0x01, 0x50, 0x55}
	for name, test := range map[string]struct {
		entry         entry
		delimiter     []byte
		first, second []byte
	}{
		"H.264": {h264Entry, []byte{0x09, 0xf0}, first, second},
		"H.265": {entry{pid: videoPID, streamType: 0x24}, []byte{0x46, 0x01, 0x50}, firstHEVC, secondHEVC},
	} {
		b := newBuilder()
		b.tables(test.entry)
		b.picture(9000, -1, test.delimiter, test.first, test.second)
		b.picture(12600, -1, test.delimiter, test.second)
		b.picture(16200, -1, test.delimiter, test.first)
		file := firstOf(read(t, b.data))
		if len(file.Damage) != 1 || file.Damage[0].Kind != media.SliceMissing || file.Damage[0].Packet != 1 || file.Streams[0].Packets.Count != 3 {
			t.Errorf("%s: damage %+v, %d pictures", name, file.Damage, file.Streams[0].Packets.Count)
		}
	}
}

// TestRead_NothingLeftOfAPictureIsNoPartOfTheNext: zeros stand behind the first byte of the only slice.
func TestRead_NothingLeftOfAPictureIsNoPartOfTheNext(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(9000, -1, aud, spsFrames, pps, idr)
	b.picture(12600, -1, aud, slices.Concat(pSlice[:1], make([]byte, 50), pSlice))
	b.picture(16200, -1, aud, pSlice)
	file, samples := read(t, b.data)
	wantCounts(t, file, 2)
	if damages(file)[media.NALInvalid] == 0 {
		t.Errorf("damage %+v", file.Damage)
	}
	if last := samples[0][1]; last.PTS != 16200 || last.Size != 4+len(aud)+4+len(pSlice) {
		t.Errorf("the last picture is at %d and has %d bytes", last.PTS, last.Size)
	}
}

func TestRead_TailSaysHowTheLastPacketEnds(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry, aacEntry)
	b.sound(9000, adts(800))
	b.picture(9000, -1, aud, spsFrames, pps, slices.Concat(idr, make([]byte, 500)))
	for name, test := range map[string]struct {
		data         []byte
		video, sound media.Tail
		counts       []int
	}{
		"whole":            {b.data, media.TailWhole, media.TailWhole, []int{1, 1}},
		"picture is cut":   {b.data[:len(b.data)-188], media.TailUnstuffed, media.TailWhole, []int{1, 1}},
		"sound is cut":     {b.data[:packetAt(6)], media.TailWhole, media.TailUnfinished, []int{0, 0}},
		"only the tables":  {b.data[:packetAt(2)], media.TailWhole, media.TailWhole, []int{0, 0}},
		"frame is cut":     {cutFrame(), media.TailWhole, media.TailUnfinished, []int{0, 1}},
		"header of PES is": {cutHeader(), media.TailWhole, media.TailUnfinished, []int{0, 0}},
	} {
		file, _ := read(t, test.data)
		wantNoDamage(t, file)
		wantCounts(t, file, test.counts...)
		if file.Streams[0].Tail != test.video || file.Streams[1].Tail != test.sound {
			t.Errorf("%s: tails %d, %d", name, file.Streams[0].Tail, file.Streams[1].Tail)
		}
	}
}

// cutFrame is a whole PES packet that ends within a frame of sound.
func cutFrame() []byte {
	b := newBuilder()
	b.tables(h264Entry, aacEntry)
	b.sound(9000, adts(100), adts(100)[:50])
	return b.data
}

// cutHeader ends within the header of a PES packet.
func cutHeader() []byte {
	b := newBuilder()
	b.tables(h264Entry, aacEntry)
	b.payload(audioPID, pes(0xc0, 9000, -1, adts(100))[:8])
	return b.data
}

func TestRead_HeadBytesLieBeforeTheFirstPacket(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	b.packet(audioPID, false, make([]byte, 100))
	b.sound(9000, adts(100)[60:], adts(100))
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 1)
	if got := file.Streams[0].HeadBytes; got != 100+47 {
		t.Errorf("%d bytes", got)
	}
}

func TestRead_EvidenceIsBounded(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry, aacEntry)
	for i := range int64(300) {
		b.counters[audioPID] += 3
		b.sound(9000+1920*i, adts(20))
		b.counters[videoPID] += 3
		b.picture(9000+3600*i, -1, aud, spsFrames, pps, idr)
	}
	file, _ := read(t, b.data)
	wantCounts(t, file, 300, 300)
	if len(file.Damage) != media.MaxDamage {
		t.Errorf("%d entries", len(file.Damage))
	}
	total := 0
	for _, damage := range file.Damage {
		total += damage.Count
	}
	if total != 2*299 {
		t.Errorf("%d pieces of evidence, want %d", total, 2*299)
	}
}

// TestRead_SoundBehindADestroyedHeader: other bytes lie where the header of a PES packet was, and look like one. The frames
// behind it keep their times; one or two are lost.
func TestRead_SoundBehindADestroyedHeader(t *testing.T) {
	const pesPackets, frames, length = 6, 5, 1920
	b := newBuilder()
	b.tables(aacEntry)
	var begins []int
	for i := range int64(pesPackets) {
		begins = append(begins, len(b.data))
		b.sound(9000+i*frames*length, adts(300), adts(300), adts(300), adts(300), adts(300))
	}
	header := begins[3] + 4
	for name, damage := range map[string]func(d []byte) []byte{
		"a time without marker bits": func(d []byte) []byte { copy(d[header+9:], []byte{0x3e, 0x97, 0x32, 0xb2, 0x3c}); return d },
		"a prefix that no time has":  func(d []byte) []byte { d[header+9] |= 0x40; return d },
		"a header that goes on behind a loss": func(d []byte) []byte {
			copy(d[header+8:], appendTime([]byte{0xd9}, 0x20, 1<<32))
			return slices.Delete(d, begins[3]+188, begins[3]+2*188)
		},
	} {
		t.Run(name, func(t *testing.T) {
			file, _ := read(t, damage(slices.Clone(b.data)))
			if damages(file)[media.FrameLost] == 0 {
				t.Errorf("damage %v", damages(file))
			}
			if count := file.Streams[0].Packets.Count; count < pesPackets*frames-2 || count >= pesPackets*frames {
				t.Errorf("%d packets of %d", count, pesPackets*frames)
			}
			for packet := range file.Streams[0].Packets.All() {
				if (packet.PTS-9000)%length != 0 || packet.PTS > 9000+pesPackets*frames*length {
					t.Errorf("a packet at %d", packet.PTS)
				}
			}
		})
	}
}

// TestRead_TimesOfAMuxerWithoutMarkers are times all the same.
func TestRead_TimesOfAMuxerWithoutMarkers(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	for i := range int64(4) {
		at := len(b.data)
		b.sound(9000+1920*i, adts(300))
		for _, marked := range []int{0, 2, 4} {
			b.data[at+4+9+marked] &^= 1
		}
	}
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 4)
}

// TestRead_BytesLostBeforeAPicture: the transport packet with which a picture ends is short, and what is read in its place are the
// first bytes of the next picture, which are not its own.
func TestRead_BytesLostBeforeAPicture(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(9000, -1, aud, spsFrames, pps, slices.Concat(idr, bytes.Repeat([]byte{9}, 500)))
	end := len(b.data)
	b.picture(12600, -1, aud, spsFrames, pps, idr)
	b.picture(16200, -1, aud, pSlice)
	for range 3 {
		b.picture(16200+3600, -1, aud, pSlice)
	}
	_, all := read(t, slices.Clone(b.data))
	whole := all[0]
	for _, count := range []int{1, 20, 100, 160} {
		file, all := read(t, slices.Delete(slices.Clone(b.data), end-count-5, end-5))
		samples := all[0]
		if got := damages(file); got[media.SyncLost] != 1 {
			t.Errorf("%d bytes: damage %v", count, got)
		}
		if len(samples) != len(whole) || !bytes.Equal(samples[1].Data, whole[1].Data) || bytes.Equal(samples[0].Data, whole[0].Data) {
			t.Errorf("%d bytes: %d pictures, the second one is\n%x, want\n%x", count, len(samples), samples[1].Data, whole[1].Data)
		}
	}
}
