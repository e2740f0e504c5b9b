// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/binary"
	"iter"
	"os"
	"path/filepath"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

// recording is a plan of a video and a sound track: ten minutes are 130 MB. Nothing in it is decodable, but the NAL units
// are chains.
type recording struct {
	pictures, sounds int64
	picture, sound   []byte
}

func newRecording(seconds int64) recording {
	r := recording{pictures: 30 * seconds, sounds: 48000 * seconds / 1024, picture: bytes.Repeat([]byte{1}, 7000), sound: make([]byte, 340)}
	binary.BigEndian.PutUint32(r.picture, 20)
	r.picture[4] = 0x06 // SEI
	binary.BigEndian.PutUint32(r.picture[24:], uint32(len(r.picture)-28))
	r.picture[28] = 0x41
	return r
}

func (r recording) tracks() []mp4.OutTrack {
	return []mp4.OutTrack{{
		Kind: media.Video, Timescale: 90000, Entries: [][]byte{avcEntry(0xff)},
		Samples: uniform(r.pictures, mp4.OutSample{Duration: 3000, Size: len(r.picture)}, 60),
	}, {
		Kind: media.Audio, Timescale: 48000, Entries: [][]byte{soundEntry("mp4a")},
		Samples: uniform(r.sounds, mp4.OutSample{Duration: 1024, Size: len(r.sound)}, 1),
	}}
}

// uniform are samples of one size, every nth of them a key. Every other size differs by nothing, so that the table of
// sizes is the short one, unless keys are rare.
func uniform(count int64, sample mp4.OutSample, key int64) iter.Seq[mp4.OutSample] {
	return func(yield func(mp4.OutSample) bool) {
		for i := range count {
			sample.DTS, sample.Key = i*sample.Duration, i%key == 0
			sample.PTS = sample.DTS + i%3*sample.Duration*min(1, key-1)
			if !yield(sample) {
				return
			}
		}
	}
}

// data emits the samples second by second.
func (r recording) data(emit func(int, []byte) error) error {
	sounds := int64(0)
	for i := range r.pictures {
		if err := emit(0, r.picture); err != nil {
			return err
		}
		for ; sounds < r.sounds && sounds*1024*30 < i*48000; sounds++ {
			if err := emit(1, r.sound); err != nil {
				return err
			}
		}
	}
	for ; sounds < r.sounds; sounds++ {
		if err := emit(1, r.sound); err != nil {
			return err
		}
	}
	return nil
}

// avcEntry is a sample entry avc1 without parameter sets; lengths is the byte with lengthSizeMinusOne.
func avcEntry(lengths byte) []byte {
	entry := make([]byte, 86)
	copy(entry[4:], "avc1")
	binary.BigEndian.PutUint16(entry[32:], 320)
	binary.BigEndian.PutUint16(entry[34:], 180)
	record := []byte{1, 66, 0, 30, lengths, 0xe0, 0}
	entry = binary.BigEndian.AppendUint32(entry, uint32(8+len(record)))
	entry = append(append(entry, "avcC"...), record...)
	binary.BigEndian.PutUint32(entry, uint32(len(entry)))
	return entry
}

func soundEntry(name string) []byte {
	entry := make([]byte, 36)
	binary.BigEndian.PutUint32(entry, 36)
	copy(entry[4:], name)
	binary.BigEndian.PutUint16(entry[24:], 2)
	binary.BigEndian.PutUint32(entry[32:], 48000<<16)
	return entry
}

func writeRecording(tb testing.TB, r recording) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "recording.mp4")
	file, err := os.Create(path)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := mp4.Write(file, r.tracks(), r.data); err != nil {
		tb.Fatal(err)
	}
	if err := file.Close(); err != nil {
		tb.Fatal(err)
	}
	return path
}

func BenchmarkIndex(b *testing.B) {
	benchmarkOpen(b, func(movie *mp4.Movie) error {
		_, err := movie.Index()
		return err
	})
}

func BenchmarkSamples(b *testing.B) {
	benchmarkOpen(b, func(movie *mp4.Movie) error {
		return movie.Samples(func(media.Sample) error { return nil })
	})
}

// benchmarkOpen opens a recording, and reads it.
func benchmarkOpen(b *testing.B, read func(*mp4.Movie) error) {
	b.Helper()
	file, size := openFile(b, writeRecording(b, newRecording(600)))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		movie, err := mp4.Open(file, size)
		if err != nil {
			b.Fatal(err)
		}
		if err := read(movie); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	r := newRecording(600)
	path := writeRecording(b, r)
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	b.ReportAllocs()
	for b.Loop() {
		if err := file.Truncate(0); err != nil {
			b.Fatal(err)
		}
		size, err := mp4.Write(file, r.tracks(), r.data)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(size)
	}
}
