// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// times are the decode and display times of packets.
func times(packets []media.Packet) [][2]int64 {
	var out [][2]int64
	for _, packet := range packets {
		out = append(out, [2]int64{packet.DTS, packet.PTS})
	}
	return out
}

func wantTimes(t *testing.T, stream media.Stream, want ...[2]int64) {
	t.Helper()
	if got := times(packets(stream)); !slices.Equal(got, want) {
		t.Errorf("%s: times %v, want %v", stream.Codec, got, want)
	}
}

func TestRead_SeveralPicturesInOnePESPacketAreSpread(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(16000, 9000, aud, spsFrames, pps, idr, aud, pSlice, pSlice, second) // the third has no delimiter
	b.picture(26800, 19800, aud, pSlice)
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantTimes(t, file.Streams[0], [2]int64{9000, 16000}, [2]int64{12600, 19600}, [2]int64{16200, 23200}, [2]int64{19800, 26800})
}

func TestRead_PictureMaySpanPESPackets(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	whole := annexB(aud, spsFrames, pps, idr, second)
	b.payload(videoPID, pes(0xe0, 9000, -1, whole[:60]))
	b.payload(videoPID, pes(0xe0, -1, -1, whole[60:]))
	b.picture(12600, -1, aud, pSlice)
	b.picture(-1, -1, second)
	b.picture(16200, -1, pSlice)
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantTimes(t, file.Streams[0], [2]int64{9000, 9000}, [2]int64{12600, 12600}, [2]int64{16200, 16200})
	size := 5*4 + len(aud) + len(spsFrames) + len(pps) + len(idr) + len(second)
	if got := file.Streams[0].Packets.First.Size; got != size {
		t.Errorf("%d bytes, want %d", got, size)
	}
}

// TestRead_PictureMayEndInTheNextPESPacket, as those of Apple's segmenter do: the few bytes of its end are nothing that a
// picture begins with.
func TestRead_PictureMayEndInTheNextPESPacket(t *testing.T) {
	for code := 3; code <= 4; code++ {
		for tail := range 12 {
			b := newBuilder()
			b.tables(h264Entry)
			var left []byte
			var want [][2]int64
			const count = 12
			for n := range int64(count) {
				units := [][]byte{aud, pSlice}
				if n%6 == 0 {
					units = [][]byte{aud, spsFrames, pps, idr}
				}
				at := 9000 + 3600*n
				want = append(want, [2]int64{at, at})
				picture := annexB(units...)[4-code:]
				end := len(picture) - tail
				if n == count-1 {
					end = len(picture)
				}
				b.payload(videoPID, pes(0xe0, at, -1, slices.Concat(left, picture[:end])))
				left = picture[end:]
			}
			file, _ := read(t, b.data)
			wantNoDamage(t, file)
			wantTimes(t, file.Streams[0], want...)
			if last := packets(file.Streams[0])[1]; last.Size != 2*4+len(aud)+len(pSlice) {
				t.Errorf("%d bytes in the next packet: the picture has %d bytes", tail, last.Size)
			}
		}
	}
}

// TestRead_DelimiterBehindTheLastPicture is what SRS writes when the sender says that its stream ends. When the PES packet does not say
// its length, a picture may be lost, whether its only transport packet is stuffed or not.
func TestRead_DelimiterBehindTheLastPicture(t *testing.T) {
	for declared, want := range map[bool]media.Tail{true: media.TailWhole, false: media.TailUnfinished} {
		b := newBuilder()
		b.tables(h264Entry)
		b.picture(9000, -1, aud, spsFrames, pps, idr)
		b.picture(12600, -1, aud, pSlice)
		last := pes(0xe0, 16200, -1, annexB(aud))
		if declared {
			binary.BigEndian.PutUint16(last[4:], uint16(len(last)-6))
		}
		b.payload(videoPID, last)
		file, _ := read(t, b.data)
		wantNoDamage(t, file)
		wantTimes(t, file.Streams[0], [2]int64{9000, 9000}, [2]int64{12600, 12600})
		if tail := file.Streams[0].Tail; tail != want {
			t.Errorf("declared %v: the tail is %d, want %d", declared, tail, want)
		}
	}
}

func TestRead_PictureWithoutTimeFollowsTheLastOne(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(9000, -1, aud, spsFrames, pps, idr)
	b.picture(-1, -1, aud, pSlice)
	b.picture(-1, -1, aud, pSlice)
	b.picture(19800, -1, aud, pSlice)
	file, _ := read(t, b.data)
	wantTimes(t, file.Streams[0], [2]int64{9000, 9000}, [2]int64{12600, 12600}, [2]int64{16200, 16200}, [2]int64{19800, 19800})
}

func TestRead_FieldsOfAFrameAreOneSample(t *testing.T) {
	field := func(header byte, kind, number, bottom string) []byte {
		return slice(header, "1", kind, number, "1", bottom)
	}
	top, bottom := field(0x65, intra, "0000", "0"), field(0x41, predicted, "0000", "1")
	nextTop, nextBottom := field(0x41, predicted, "0001", "0"), field(0x41, predicted, "0001", "1")
	t.Run("in one PES packet", func(t *testing.T) {
		b := newBuilder()
		b.tables(h264Entry)
		b.picture(9000, -1, aud, spsFields, pps, top, aud, bottom)
		b.picture(12600, -1, aud, nextTop, nextBottom)
		file, _ := read(t, b.data)
		wantNoDamage(t, file)
		wantTimes(t, file.Streams[0], [2]int64{9000, 9000}, [2]int64{12600, 12600})
		if first := file.Streams[0].Packets.First; !first.Key || first.Size != 6*4+2*len(aud)+len(spsFields)+len(pps)+len(top)+len(bottom) {
			t.Errorf("first packet %+v", first)
		}
	})
	t.Run("in two PES packets", func(t *testing.T) {
		b := newBuilder()
		b.tables(h264Entry)
		b.picture(9000, -1, aud, spsFields, pps, top)
		b.picture(10800, -1, aud, bottom)
		b.picture(12600, -1, aud, nextTop)
		b.picture(14400, -1, aud, nextBottom)
		file, _ := read(t, b.data)
		wantNoDamage(t, file)
		wantTimes(t, file.Streams[0], [2]int64{9000, 9000}, [2]int64{12600, 12600})
	})
	t.Run("one is missing", func(t *testing.T) {
		b := newBuilder()
		b.tables(h264Entry)
		b.picture(9000, -1, aud, spsFields, pps, top)
		b.picture(12600, -1, aud, nextTop)
		b.picture(14400, -1, aud, nextBottom)
		file, _ := read(t, b.data)
		wantTimes(t, file.Streams[0], [2]int64{9000, 9000}, [2]int64{12600, 12600})
	})
}

func TestRead_RecoveryPointIsKeyOnlyWithIntraPicture(t *testing.T) {
	recovery := []byte{0x06, 5, 1, 0xee, 6, 1, 0xc4, 0x80}
	intraSlice := slice(0x41, "1", intra, "0001")
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(9000, -1, aud, spsFrames, pps, idr)
	b.picture(12600, -1, aud, recovery, intraSlice)
	b.picture(16200, -1, aud, recovery, pSlice)
	b.picture(19800, -1, aud, intraSlice)
	file, _ := read(t, b.data)
	var keys []bool
	for _, packet := range packets(file.Streams[0]) {
		keys = append(keys, packet.Key)
	}
	if want := []bool{true, true, false, false}; !slices.Equal(keys, want) {
		t.Errorf("key pictures %v, want %v", keys, want)
	}
}

func TestRead_TimesGoOnBeyond33Bits(t *testing.T) {
	const wrap = 1 << 33
	b := newBuilder()
	b.tables(h264Entry, aacEntry)
	b.picture(3600-1800, wrap-1800, aud, spsFrames, pps, idr)
	b.picture(9000, 1800, aud, pSlice)
	b.sound(1800, adts(20))
	file, _ := read(t, b.data)
	wantTimes(t, file.Streams[0], [2]int64{wrap - 1800, wrap + 1800}, [2]int64{wrap + 1800, wrap + 9000})
	wantTimes(t, file.Streams[1], [2]int64{wrap + 1800, wrap + 1800})
}

func TestRead_SoundMaySpanPESPackets(t *testing.T) {
	frames := bytes.Join([][]byte{adts(100), adts(120), adts(140), adts(160)}, nil)
	b := newBuilder()
	b.tables(aacEntry)
	b.sound(9000, frames[:107+50])  // one and a half
	b.sound(12840, frames[107+50:]) // the time is that of the third
	file, samples := read(t, b.data)
	wantNoDamage(t, file)
	wantTimes(t, file.Streams[0], [2]int64{9000, 9000}, [2]int64{10920, 10920}, [2]int64{12840, 12840}, [2]int64{14760, 14760})
	if got := samples[0][1]; got.Size != 120 || got.Duration != 1920 || !got.Key {
		t.Errorf("sample %+v", got.Packet)
	}
}

func TestRead_SoundCountsSamplesWithinPESPacket(t *testing.T) {
	frames := make([][]byte, 100)
	for i := range frames {
		frames[i] = adtsOf(4, 2, 20) // 44.1 kHz
	}
	b := newBuilder()
	b.tables(aacEntry)
	b.sound(9000, frames...)
	file, _ := read(t, b.data)
	if got, want := file.Streams[0].Packets.Last.PTS, int64(9000+(99*1024*90000+22050)/44100); got != want {
		t.Errorf("the last frame is at %d, want %d", got, want)
	}
}

func TestRead_ChangedSoundHasOtherParams(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	b.sound(9000, adtsOf(3, 2, 20), adtsOf(3, 2, 20), adtsOf(8, 1, 20))
	b.sound(18600, adtsOf(8, 1, 20), adtsOf(3, 2, 20))
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	var used []int
	for _, packet := range packets(file.Streams[0]) {
		used = append(used, packet.Params)
	}
	if want := []int{0, 0, 1, 1, 0}; !slices.Equal(used, want) {
		t.Errorf("params %v, want %v", used, want)
	}
	if got := file.Streams[0].Params[1]; got.SampleRate != 16000 || got.Channels != 1 {
		t.Errorf("params %+v", got)
	}
}

func TestRead_ChangedParameterSetsAreOtherParams(t *testing.T) {
	encode := func(size string) []byte {
		data, err := os.ReadFile(makeMedia(t, "-f", "lavfi", "-i", "testsrc=duration=1:size="+size+":rate=25",
			"-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p", "t.ts"))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	small, large := encode("160x90"), encode("320x180")
	file, _ := read(t, slices.Concat(small, large, small))
	wantCounts(t, file, 75)
	params := file.Streams[0].Params
	if len(params) != 2 || params[0].Width != 160 || params[0].Height != 90 || params[1].Width != 320 || params[1].Height != 180 {
		t.Fatalf("params %+v", params)
	}
	for i, packet := range packets(file.Streams[0]) {
		if want := i / 25 % 2; packet.Params != want {
			t.Fatalf("packet %d has params %d", i, packet.Params)
		}
	}
}

func TestRead_EndlessChangesOfParametersAreBounded(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	for i := range int64(300) {
		changed := slices.Clone(spsFrames)
		changed[3] = byte(i) // level
		b.picture(9000+3600*i, -1, aud, changed, pps, idr)
	}
	file, _ := read(t, b.data)
	wantCounts(t, file, 300)
	if len(file.Streams[0].Params) != 64 || len(file.Ignored) != 1 {
		t.Errorf("%d params, ignored %q", len(file.Streams[0].Params), file.Ignored)
	}
}

func TestRead_OpusFramesLast20Milliseconds(t *testing.T) {
	data, err := os.ReadFile(makeMedia(t, "-f", "lavfi", "-i", "sine=duration=2", "-c:a", "libopus", "t.ts"))
	if err != nil {
		t.Fatal(err)
	}
	file, _ := read(t, data)
	wantNoDamage(t, file)
	all := packets(file.Streams[0])
	for i := range all[1:] {
		if distance := all[i+1].PTS - all[i].PTS; distance != 1800 || all[i].Duration != 1800 {
			t.Fatalf("packet %d: %d ticks to the next, lasts %d", i, distance, all[i].Duration)
		}
	}
}

// TestRead_TimeIsThatOfThePESPacketWithThePicture: a delimiter with a time begins a picture, whatever a loss has left of the
// one before it.
func TestRead_TimeIsThatOfThePESPacketWithThePicture(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(9000, -1, aud, spsFrames, pps, idr)
	b.picture(12600, -1, aud, pps)
	b.picture(16200, -1, aud, spsFrames, pps, idr)
	file, _ := read(t, b.data)
	wantTimes(t, file.Streams[0], [2]int64{9000, 9000}, [2]int64{16200, 16200})
}

// TestRead_TimeBehindAParameterSet: without delimiters, a parameter set is all that damage has left of a picture. Without damage,
// the picture begins with it.
func TestRead_TimeBehindAParameterSet(t *testing.T) {
	for _, damaged := range []bool{true, false} {
		b := newBuilder()
		b.tables(h264Entry)
		var want [][2]int64
		for n := range int64(20) {
			at := 9000 + 3600*n
			if n != 10 {
				b.picture(at, -1, spsFrames, pps, idr)
				want = append(want, [2]int64{at, at})
				continue
			}
			b.picture(at, -1, spsFrames, pps)
			if damaged {
				b.data = slices.Insert(b.data, len(b.data)-1, make([]byte, 20)...)
			}
		}
		if !damaged {
			want[10] = [2]int64{45000, 45000}
		}
		file, _ := read(t, b.data)
		wantTimes(t, file.Streams[0], want...)
	}
}

// TestRead_SoundBehindALoss is heard when the next PES packet says, or not at all: a pause may be lost with the header of
// a PES packet.
func TestRead_SoundBehindALoss(t *testing.T) {
	const aac = 1920
	steady, paused := []int64{0, 4 * aac, 8 * aac}, []int64{0, 90000, 90000 + 4*aac}
	for name, test := range map[string]struct {
		times    []int64 // of PES packets, each of four frames and four transport packets
		from, to int     // the transport packets that are lost
		want     []int64
	}{
		"it goes on":                             {steady, 1, 2, []int64{2 * aac, 3 * aac, 4 * aac}},
		"a pause follows":                        {paused, 1, 2, []int64{aac, 2 * aac, 90000}},
		"a pause may be lost":                    {paused, 2, 6, []int64{0, aac, 90000 + 4*aac}},
		"a header is lost":                       {steady, 4, 5, []int64{0, aac, 2 * aac, 3 * aac, 5 * aac}},
		"a header is lost, maybe with a pause":   {paused, 4, 5, []int64{0, aac, 2 * aac, 3 * aac, 90000 + 4*aac}},
		"so much is lost that nobody knows when": {steady, 2, 5, []int64{0, aac, 5 * aac, 6 * aac}},
	} {
		b := newBuilder()
		b.tables(aacEntry)
		for _, at := range test.times {
			b.sound(9000+at, adts(170), adts(170), adts(170), adts(170))
		}
		file, _ := read(t, slices.Delete(slices.Clone(b.data), packetAt(2+test.from), packetAt(2+test.to)))
		for i, packet := range packets(file.Streams[0])[:len(test.want)] {
			if at := packet.PTS - 9000; at != test.want[i] {
				t.Errorf("%s: packet %d is at %d, want %d", name, i, at, test.want[i])
			}
		}
		if damages(file)[media.CounterBreak] != 1 {
			t.Errorf("%s: damage %v", name, file.Damage)
		}
	}
}

// TestRead_SoundBehindABrokenHeader is heard up to the next PES packet.
func TestRead_SoundBehindABrokenHeader(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	for i := range int64(3) {
		b.sound(9000+7680*i, adts(170), adts(170), adts(170), adts(170))
	}
	b.data[packetAt(6)+4+2] = 0xff
	file, _ := read(t, b.data)
	if got := packets(file.Streams[0]); len(got) != 11 || got[4].PTS != 9000+5*1920 {
		t.Errorf("%v", times(got))
	}
	if got := damages(file); got[media.FrameLost] == 0 {
		t.Errorf("damage %v", got)
	}
}
