// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

// fragmentedHead is the head of a fragmented file with a video track 1 (1000 Hz) and a sound track 2 (48 kHz).
func fragmentedHead() []byte {
	header := func(timescale uint32) []byte { return words(0, 0, 0, timescale, 0, 0x55c40000) }
	track := func(id, timescale uint32, handler string, entry []byte) []byte {
		empty := [][]byte{
			box("stsd", words(0, 1), entry), box("stts", words(0, 0)), box("stsc", words(0, 0)), box("stsz", words(0, 0, 0)),
			box("stco", words(0, 0)),
		}
		return box("trak", box("tkhd", words(3, 0, 0, id), make([]byte, 68)), box("mdia",
			box("mdhd", header(timescale)), box("hdlr", words(0, 0), []byte(handler), words(0, 0, 0)),
			box("minf", box("stbl", empty...))))
	}
	return slices.Concat(box("ftyp", []byte("isom"), words(0)), box("moov",
		box("mvhd", header(1000), make([]byte, 76)),
		track(1, 1000, "vide", avcEntry(0xff)), track(2, 48000, "soun", soundEntry("test")),
		box("mvex", box("mehd", words(0, 5000)), box("trex", words(0, 1, 1, 40, 0, 0x10000)), box("trex", words(0, 2, 1, 1024, 100, 0)))))
}

// fragment is a moof and its mdat. The track fragments are made with the offset of the mdat's content, counted from the
// start of the moof.
func fragment(mdat []byte, trafs func(data uint32) [][]byte) []byte {
	moof := func(data uint32) []byte {
		return box("moof", append([][]byte{box("mfhd", words(0, 1))}, trafs(data)...)...)
	}
	return slices.Concat(moof(uint32(len(moof(0))+8)), box("mdat", mdat))
}

// unit is a sample of one NAL unit.
func unit(size int) []byte {
	sample := bytes.Repeat([]byte{0x41}, size)
	binary.BigEndian.PutUint32(sample, uint32(size-4))
	return sample
}

// place is a sample as it is found in a fragmented file.
type place struct {
	dts, pts, duration int64
	size               int
	key                bool
}

func places(t *testing.T, movie *mp4.Movie, track int) []place {
	t.Helper()
	var found []place
	for s, err := range movie.Tracks()[track].Samples() {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, place{s.DTS, s.PTS, s.Duration, s.Size, s.Key})
	}
	return found
}

// fragmentedFile has what fragments can have: several track fragments and runs, bases of all kinds, times of both
// versions and none, and boxes that are passed over.
func fragmentedFile() []byte {
	file := fragmentedHead()
	// Both tracks, default-base-is-moof; the second run has no data offset and flags of its own.
	file = append(file, fragment(slices.Concat(unit(20), unit(30), unit(40), make([]byte, 200)), func(data uint32) [][]byte {
		return [][]byte{
			box("traf", box("tfhd", words(0x020000, 1)), box("tfdt", words(0, 1000)),
				box("trun", words(0x205, 2, data, 0, 20, 30)), box("trun", words(0x600, 1, 40, 0x10000))),
			box("traf", box("tfhd", words(0x020000, 2)), box("tfdt", words(1<<24, 0, 48000)), box("trun", words(1, 2, data+90))),
		}
	})...)
	file = append(file, box("free", make([]byte, 5))...)
	// The first edition of the format: the second track's data begins where the first one's ends. No times.
	file = append(file, fragment(slices.Concat(unit(20), unit(25), make([]byte, 100)), func(data uint32) [][]byte {
		return [][]byte{
			box("traf", box("tfhd", words(0x000008, 1, 50)), box("trun", words(1<<24|0xb05, 2, data, 0, 10, 20, 100, 11, 25, ^uint32(4)))),
			box("traf", box("tfhd", words(0, 2)), box("trun", words(0, 1))),
		}
	})...)
	// A base of its own; two track fragments of one track; a track that is not there.
	base := uint32(len(file))
	file = append(file, fragment(slices.Concat(unit(15), unit(16), make([]byte, 50)), func(data uint32) [][]byte {
		return [][]byte{
			box("traf", box("tfhd", words(1, 1, 0, base+data)), box("trun", words(0x201, 1, 0, 15))),
			box("traf", box("tfhd", words(1, 1, 0, base)), box("trun", words(0x201, 1, data+15, 16))),
			box("traf", box("tfhd", words(0x020000, 7)), box("trun", words(0x201, 1, data+31, 50))),
		}
	})...)
	return file
}

func TestTrackSamples_FragmentsOfAllKinds(t *testing.T) {
	movie := openBytes(t, fragmentedFile())
	want := []place{
		{1000, 1000, 40, 20, true}, {1040, 1040, 40, 30, false}, {1080, 1080, 40, 40, false},
		{1120, 1220, 10, 20, true}, {1130, 1125, 11, 25, false},
		{1141, 1141, 40, 15, false}, {1181, 1181, 40, 16, false},
	}
	if got := places(t, movie, 0); !slices.Equal(got, want) {
		t.Errorf("video: got %v, want %v", got, want)
	}
	want = []place{
		{48000, 48000, 1024, 100, true}, {49024, 49024, 1024, 100, true}, {50048, 50048, 1024, 100, true},
	}
	if got := places(t, movie, 1); !slices.Equal(got, want) {
		t.Errorf("sound: got %v, want %v", got, want)
	}
	file := index(t, movie)
	// A wrong offset would not find a NAL unit.
	if len(file.Damage) > 0 || file.Duration != 5*media.Clock || len(file.Ignored) != 1 || !file.Joint {
		t.Errorf("got %+v", file)
	}
	if first := file.Streams[0].Packets.First; first.DTS != media.Clock || first.Duration != 3600 {
		t.Errorf("the first packet is %+v", first)
	}
}

func TestIndex_CutFragmentsAreDamage(t *testing.T) {
	head := fragmentedHead()
	for name, traf := range map[string][]byte{
		"entries":     box("traf", box("tfhd", words(0x020000, 1)), box("trun", words(0x200, 9, 4))),
		"run":         box("traf", box("tfhd", words(0x020000, 1)), box("trun", words(1, 1))),
		"run's count": box("traf", box("tfhd", words(0x020000, 1)), box("trun", words(1))),
		"header":      box("traf", box("tfhd", words(0x020001, 1))),
		"time":        box("traf", box("tfhd", words(0x020000, 1)), box("tfdt", words(1<<24, 1))),
	} {
		file := index(t, openBytes(t, slices.Concat(head, box("moof", traf), box("mdat"))))
		if kinds(file)[media.BoxTruncated] == 0 {
			t.Errorf("%s: %+v", name, file.Damage)
		}
	}
}
