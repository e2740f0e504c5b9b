// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/mp4"
)

// seeds are small files of all kinds.
func seeds(tb testing.TB) [][]byte {
	tb.Helper()
	r := newRecording(1)
	r.pictures, r.sounds, r.picture, r.sound = 8, 5, slices.Concat(unit(40)), r.sound[:70]
	out := &memory{}
	tracks := r.tracks()
	tracks[0].Edits = []media.Edit{{Duration: 9000, Start: -1}, {Start: 6000}}
	if _, err := mp4.Write(out, tracks, r.data); err != nil {
		tb.Fatal(err)
	}
	pcm := bomb(box("stts", words(0, 1, 2000, 1)), box("stsc", words(0, 1, 1, 1500, 1)), box("stsz", words(0, 4, 2000)),
		box("stco", words(0, 2, 500, 7000)))
	small := bomb(box("stts", words(0, 1, 3, 1)), box("stsc", words(0, 1, 1, 3, 1)), box("stz2", words(0, 4, 3, 0x12300000)),
		box("co64", words(0, 1, 0, 500)))
	nameless := bytes.Replace(small[:600], []byte("stsd"), []byte("free"), 1)
	return [][]byte{out.data, fragmentedFile(), pcm[:9000], small[:600], nameless}
}

// consistent checks what must hold for every file.
func consistent(t *testing.T, movie *mp4.Movie, size int64) {
	t.Helper()
	file, err := movie.Index()
	if err != nil {
		t.Fatalf("a file in memory cannot be read: %v", err)
	}
	if len(file.Damage) > media.MaxDamage {
		t.Errorf("%d pieces of evidence", len(file.Damage))
	}
	sum := int64(0)
	packets := make([][]media.Packet, len(file.Streams))
	for i, stream := range file.Streams {
		packets[i] = slices.Collect(stream.Packets.All())
		for j, p := range packets[i] {
			if p.Params >= max(1, len(stream.Params)) || p.Params < 0 {
				t.Fatalf("packet %d of stream %d has the parameters %d of %d", j, i, p.Params, len(stream.Params))
			}
			sum += int64(p.Size)
		}
	}
	// Lengths of one byte become four, and a byte that is none gets one of four.
	if sum > 5*size {
		t.Errorf("%d bytes of samples in a file of %d", sum, size)
	}
	next := make([]int, len(packets))
	err = movie.Samples(func(s media.Sample) error {
		if i := next[s.Stream]; i >= len(packets[s.Stream]) || s.Packet != packets[s.Stream][i] || len(s.Data) != s.Size {
			t.Fatalf("sample %d of stream %d is not that of the index", i, s.Stream)
		}
		next[s.Stream]++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range next {
		if next[i] != len(packets[i]) {
			t.Errorf("%d samples of stream %d, %d packets", next[i], i, len(packets[i]))
		}
	}
	for _, track := range movie.Tracks() {
		for s, err := range track.Samples() {
			if err == nil && (s.Offset < 0 || s.Offset+int64(s.Size) > size) {
				t.Fatalf("a sample is at %d to %d of %d", s.Offset, s.Offset+int64(s.Size), size)
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		movie, err := mp4.Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if !errors.Is(err, mp4.ErrNotMP4) && !errors.Is(err, mp4.ErrNoMovie) && !errors.Is(err, mp4.ErrLimit) {
				t.Fatalf("an error of no type: %v", err)
			}
			return
		}
		consistent(t, movie, int64(len(data)))
	})
}

func FuzzOpenSegment(f *testing.F) {
	head := fragmentedHead()
	f.Add(fragmentedFile()[len(head):])
	f.Add(slices.Concat(box("styp", []byte("msdh")), box("sidx", make([]byte, 40)), fragmentedFile()[len(head):]))
	init, err := mp4.Open(bytes.NewReader(head), int64(len(head)))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		movie, err := mp4.OpenSegment(init, bytes.NewReader(data), int64(len(data)))
		if err != nil {
			if !errors.Is(err, mp4.ErrNotMP4) && !errors.Is(err, mp4.ErrNoMovie) {
				t.Fatalf("an error of no type: %v", err)
			}
			return
		}
		consistent(t, movie, int64(len(data)))
	})
}
