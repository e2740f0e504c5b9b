// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"testing/iotest"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mpegts"
)

// packets are all packets of a stream.
func packets(stream media.Stream) []media.Packet { return slices.Collect(stream.Packets.All()) }

// wantCounts fails unless the file has streams with these numbers of packets.
func wantCounts(t *testing.T, file media.File, counts ...int) {
	t.Helper()
	var got []int
	for _, stream := range file.Streams {
		got = append(got, stream.Packets.Count)
	}
	if !slices.Equal(got, counts) {
		t.Fatalf("streams with %v packets, want %v", got, counts)
	}
}

func wantNoDamage(t *testing.T, file media.File) {
	t.Helper()
	if len(file.Damage) > 0 {
		t.Errorf("damage %+v", file.Damage)
	}
}

func TestRead_OtherBytesAreNoTransportStream(t *testing.T) {
	for name, data := range map[string][]byte{
		"nothing":       nil,
		"text":          bytes.Repeat([]byte("GIF89a and more of it "), 100),
		"zeros":         make([]byte, 1<<20),
		"a byte short":  append([]byte{0x47}, make([]byte, 186)...),
		"one sync byte": append([]byte{0x47}, make([]byte, 5000)...),
	} {
		if _, err := mpegts.Read(bytes.NewReader(data), nil); !errors.Is(err, mpegts.ErrNotTransportStream) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRead_ErrorsOfReaderAndYieldArePassed(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(9000, -1, aud, spsFrames, pps, idr)
	failure := errors.New("failure")
	if _, err := mpegts.Read(iotest.ErrReader(failure), nil); !errors.Is(err, failure) {
		t.Errorf("reader: %v", err)
	}
	_, err := mpegts.Read(bytes.NewReader(b.data), func(media.Sample) error { return failure })
	if !errors.Is(err, failure) {
		t.Errorf("yield: %v", err)
	}
}

func TestRead_SmallReadsGiveTheSame(t *testing.T) {
	data := testStream(t)
	want, _ := read(t, data)
	got, err := mpegts.Read(iotest.HalfReader(bytes.NewReader(data)), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Streams {
		if !bytes.Equal(want.Streams[i].Packets.Encoded, got.Streams[i].Packets.Encoded) {
			t.Errorf("stream %d differs", i)
		}
	}
}

func TestRead_DescribesStreams(t *testing.T) {
	b := newBuilder()
	german := aacEntry
	german.descriptors = []byte{0x0a, 4, 'D', 'E', 'U', 0}
	b.tables(h264Entry, german, entry{pid: 300, streamType: 0x15}, entry{pid: 301, streamType: 0x86, descriptors: []byte("\x05\x04CUEI")})
	b.picture(18000, 9000, aud, spsFrames, pps, idr)
	b.picture(21600, 12600, aud, pSlice, second)
	file, samples := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 2, 0, 0)
	video, sound, data := file.Streams[0], file.Streams[1], file.Streams[2]
	if video.ID != videoPID || video.Kind != media.Video || video.Codec != media.H264 || !video.Default {
		t.Errorf("video is %+v", video)
	}
	if sound.Language != "deu" || sound.Kind != media.Audio || sound.Counters.Known {
		t.Errorf("sound is %+v", sound)
	}
	if data.Kind != media.Data || data.Codec != "timed_id3" || data.Default {
		t.Errorf("data is %+v", data)
	}
	if want := []string{"PID 301: scte_35, which comes in sections"}; !slices.Equal(file.Ignored, want) {
		t.Errorf("ignored %q, want %q", file.Ignored, want)
	}
	if params := video.Params[0]; params.Width != 160 || params.Height != 96*1 {
		t.Errorf("%dx%d pixels", params.Width, params.Height)
	}
	size := 4*4 + len(aud) + len(spsFrames) + len(pps) + len(idr)
	want := []media.Packet{
		{DTS: 9000, PTS: 18000, Size: size, Key: true, Closed: true},
		{DTS: 12600, PTS: 21600, Size: 3*4 + len(aud) + len(pSlice) + len(second)},
	}
	if got := packets(video); !slices.Equal(got, want) {
		t.Errorf("packets %+v, want %+v", got, want)
	}
	if data := samples[0][0].Data; !bytes.Equal(data[:6], []byte{0, 0, 0, 2, 0x09, 0xf0}) {
		t.Errorf("the sample begins with % x", data[:6])
	}
}

func TestRead_TableLongerThanOnePacket(t *testing.T) {
	b := newBuilder()
	long := h264Entry
	long.descriptors = append([]byte{0xc0, 250}, make([]byte, 250)...)
	b.tables(long, aacEntry)
	b.sound(9000, adts(20))
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 0, 1)
}

func TestRead_TablesMayComeAfterPackets(t *testing.T) {
	b := newBuilder()
	b.picture(9000, -1, aud, spsFrames, pps, idr)
	b.tables(h264Entry)
	b.picture(12600, -1, aud, pSlice)
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 2)
}

func TestRead_StreamsWithoutTablesAreRecognized(t *testing.T) {
	data := testStream(t)
	want, _ := read(t, data)
	var without []byte
	for chunk := range slices.Chunk(data, 188) {
		if pid := int(chunk[1]&0x1f)<<8 | int(chunk[2]); pid == videoPID || pid == audioPID {
			without = append(without, chunk...)
		}
	}
	file, _ := read(t, without)
	if damages(file)[media.TablesMissing] != 2 {
		t.Errorf("damage %+v", file.Damage)
	}
	for i := range want.Streams {
		if file.Streams[i].Codec != want.Streams[i].Codec || !bytes.Equal(want.Streams[i].Packets.Encoded, file.Streams[i].Packets.Encoded) {
			t.Errorf("stream %d differs", i)
		}
	}
}

func TestRead_NoTablesAndNoStreamsIsDamage(t *testing.T) {
	b := newBuilder()
	for range 10 {
		b.payload(300, make([]byte, 500))
	}
	file, _ := read(t, b.data)
	wantCounts(t, file)
	if want := []media.Damage{{Kind: media.TablesMissing, Stream: -1, Count: 1}}; !slices.Equal(file.Damage, want) {
		t.Errorf("damage %+v", file.Damage)
	}
}

func TestRead_DamagedTableIsDamage(t *testing.T) {
	b := newBuilder()
	b.tables(h264Entry)
	b.picture(9000, -1, aud, spsFrames, pps, idr)
	at := len(b.data)
	b.tables(h264Entry)
	b.data[at+180] ^= 1
	b.picture(12600, -1, aud, pSlice)
	file, _ := read(t, b.data)
	wantCounts(t, file, 2)
	if len(file.Damage) != 1 || file.Damage[0].Kind != media.TablesMissing || file.Damage[0].Offset != int64(at) {
		t.Errorf("damage %+v", file.Damage)
	}
}

func TestRead_NewTableAddsStreams(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	b.sound(9000, adts(20))
	b.version = 1
	b.pmt(pmtPID, 1, entry{pid: 400, streamType: 0x1b}, aacEntry)
	b.payload(400, pes(0xe0, 9000, -1, annexB(aud, spsFrames, pps, idr)))
	b.sound(10920, adts(20))
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 2, 1)
}

func TestRead_TypeThatChangesIsAnotherStream(t *testing.T) {
	b := newBuilder()
	b.tables(entry{pid: audioPID, streamType: 0x03})
	b.sound(9000, append([]byte{0xff, 0xfb, 0x94, 0}, make([]byte, 380)...))
	b.tables(aacEntry)
	b.sound(10920, adts(20))
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 1, 1)
	if file.Streams[0].Codec != media.MP3 || file.Streams[1].Codec != media.AAC || file.Streams[1].ID != audioPID {
		t.Errorf("streams %+v", file.Streams)
	}
}

func TestRead_TakesTheFirstProgramWithPictureOrSound(t *testing.T) {
	b := newBuilder()
	b.pat([2]uint16{0, 16}, [2]uint16{1, 4000}, [2]uint16{2, 4001}, [2]uint16{3, 4002})
	b.pmt(4002, 3, entry{pid: 500, streamType: 0x1b})
	b.pmt(4000, 1, entry{pid: 501, streamType: 0x15})
	b.pmt(4001, 2, aacEntry)
	b.sound(9000, adts(20))
	b.payload(500, pes(0xe0, 9000, -1, annexB(aud, spsFrames, pps, idr)))
	file, _ := read(t, b.data)
	wantNoDamage(t, file)
	wantCounts(t, file, 1)
	if file.Streams[0].ID != audioPID || len(file.Ignored) != 2 {
		t.Errorf("stream %d, ignored %q", file.Streams[0].ID, file.Ignored)
	}
}

func TestRead_UnnamedStreamIsIgnoredAndNamed(t *testing.T) {
	b := newBuilder()
	b.tables(aacEntry)
	b.sound(9000, adts(20))
	b.payload(700, pes(0xe0, 9000, -1, annexB(aud, spsFrames, pps, idr)))
	file, _ := read(t, b.data)
	wantCounts(t, file, 1)
	if want := []string{"PID 700: no PMT names it"}; !slices.Equal(file.Ignored, want) {
		t.Errorf("ignored %q", file.Ignored)
	}
}

func TestRead_PacketsMayBe192And204Bytes(t *testing.T) {
	data := testStream(t)
	want, _ := read(t, data)
	for name, extra := range map[string]struct{ before, behind int }{"192": {4, 0}, "204": {0, 16}} {
		var other []byte
		for packet := range slices.Chunk(data, 188) {
			other = append(other, make([]byte, extra.before)...)
			other = append(append(other, packet...), bytes.Repeat([]byte{0x47}, extra.behind)...)
		}
		file, _ := read(t, other)
		wantNoDamage(t, file)
		for i := range want.Streams {
			if !bytes.Equal(want.Streams[i].Packets.Encoded, file.Streams[i].Packets.Encoded) {
				t.Errorf("%s: stream %d differs", name, i)
			}
		}
	}
}

// TestRead_PrivateDataThatIsSound: muxers that write streams of discs do not say that private data is AAC, but its packets
// do.
func TestRead_PrivateDataThatIsSound(t *testing.T) {
	for name, test := range map[string]struct {
		streamID byte
		payload  []byte
		kind     media.Kind
		codec    media.Codec
		ignored  int
		unread   []media.Kind
	}{
		"AAC":               {0xc0, adtsOf(3, 2, 50), media.Audio, media.AAC, 0, nil},
		"unknown sound":     {0xc0, bytes.Repeat([]byte{0x12}, 60), media.Data, "stream type 0x06", 1, []media.Kind{media.Audio}},
		"unknown pictures":  {0xe0, bytes.Repeat([]byte{0x12}, 60), media.Data, "stream type 0x06", 1, []media.Kind{media.Video}},
		"data that says so": {0xbd, adtsOf(3, 2, 50), media.Data, "stream type 0x06", 0, nil},
		"H.264":             {0xe0, annexB([]byte{0x09, 0xf0}, []byte{0x67, 0x42}), media.Video, media.H264, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBuilder()
			b.tables(entry{pid: audioPID, streamType: 0x06})
			for i := range int64(3) {
				if i == 2 {
					b.tables(entry{pid: audioPID, streamType: 0x06}) // the same again
				}
				b.payload(audioPID, pes(test.streamID, 9000+1920*i, -1, test.payload))
			}
			file, _ := read(t, b.data)
			stream := file.Streams[0]
			if stream.Kind != test.kind || stream.Codec != test.codec || stream.Default != (test.kind != media.Data) || len(file.Ignored) != test.ignored ||
				!slices.Equal(file.Unreadable, test.unread) {
				t.Errorf("%s %s, default %v, ignored %q, unreadable %v", stream.Kind, stream.Codec, stream.Default, file.Ignored, file.Unreadable)
			}
			if len(file.Streams) != 1 {
				t.Errorf("%d streams", len(file.Streams))
			}
			if test.codec == media.AAC && stream.Packets.Count != 3 {
				t.Errorf("%d packets", stream.Packets.Count)
			}
		})
	}
}

// TestRead_SpliceMessagesAreNoSound: their type is also that of DTS on discs. The registration of the program tells, or that they
// come in sections.
func TestRead_SpliceMessagesAreNoSound(t *testing.T) {
	const splicePID = 300
	for name, program := range map[string][]byte{"registered": []byte("\x05\x04CUEI"), "by content": nil} {
		b := newBuilder()
		b.pat([2]uint16{1, pmtPID})
		body := append([]byte{0xe1, 0, 0xf0, byte(len(program))}, program...)
		body = append(body, 0x0f, 0xe1, 1, 0xf0, 0, 0x86, 0xe1, 0x2c, 0xf0, 0)
		b.section(pmtPID, 2, 1, body)
		b.section(splicePID, 0xfc, 0, make([]byte, 11))
		b.sound(9000, adts(100))
		b.section(splicePID, 0xfc, 0, make([]byte, 11))
		file, _ := read(t, b.data)
		sound := 0
		for _, stream := range file.Streams {
			if stream.Kind == media.Audio {
				sound++
			}
		}
		damaged := slices.ContainsFunc(file.Damage, func(d media.Damage) bool { return d.Stream < 0 || file.Streams[d.Stream].Kind != media.Data })
		if sound != 1 || damaged {
			t.Errorf("%s: %d streams of sound, damage %v", name, sound, file.Damage)
		}
	}
}

func TestRead_CountersOfTheTables(t *testing.T) {
	b := newBuilder()
	b.counters[0] = 14
	for range 3 {
		b.tables(h264Entry)
		b.picture(9000, -1, aud, spsFrames, pps, idr)
	}
	file, _ := read(t, b.data)
	if want := (media.Counters{Known: true, First: 14, Last: 0}); file.TableCounters != want {
		t.Errorf("%+v, want %+v", file.TableCounters, want)
	}
}

// TestRead_TablesThatShareACounter: the counter of the PAT goes on from that of the SDT, as ireader's libmpeg has it. A jump between them is
// a loss.
func TestRead_TablesThatShareACounter(t *testing.T) {
	const sdtPID = 0x11
	write := func(lost uint8) []byte {
		b := newBuilder()
		counter := uint8(0)
		for i := range int64(4) {
			b.counters[sdtPID] = counter
			b.section(sdtPID, 0x42, 1, make([]byte, 8))
			if i == 1 {
				counter += lost
			}
			b.counters[0] = counter + 1
			b.tables(aacEntry)
			counter += 2
			b.sound(9000+1920*i, adts(100))
		}
		return b.data
	}
	file, _ := read(t, write(0))
	wantNoDamage(t, file)
	file, _ = read(t, write(1))
	if got := damages(file)[media.CounterBreak]; got != 1 {
		t.Errorf("%d breaks of counters", got)
	}
}
