// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// makeFrames returns a segment with records of the given payload sizes, and where each frame begins.
func makeFrames(tb testing.TB, sizes []int, unwritten int) (data []byte, starts []int) {
	tb.Helper()
	for i, size := range sizes {
		payload := bytes.Repeat([]byte{'a' + byte(i%26)}, size)
		copy(payload, fmt.Sprint(i, ":"))
		frame, err := newFrame("media", payload)
		if err != nil {
			tb.Fatal(err)
		}
		finish(frame, uint16(i))
		starts = append(starts, len(data))
		data = append(data, frame...)
	}
	return append(data, make([]byte, unwritten)...), append(starts, len(data))
}

// payloads returns what a scan finds.
func payloads(data []byte) (found []string, lost int) {
	lost = scan(data, func(r Record) { found = append(found, r.Key+"/"+string(r.Payload)) })
	return found, lost
}

var mixedSizes = []int{0, 1, 7, 8, 9, 100, 300, 900, 2000, 17, 250, 4000, 1}

func TestScan_TruncationKeepsAllWholeRecords(t *testing.T) {
	data, starts := makeFrames(t, mixedSizes, 64)
	all, _ := payloads(data)
	if len(all) != len(mixedSizes) {
		t.Fatalf("%d records of %d", len(all), len(mixedSizes))
	}
	for length := range len(data) + 1 {
		// A record is whole when its body is there; the padding does not matter.
		whole, torn := 0, false
		for i, size := range mixedSizes {
			if end := starts[i] + headerSize + 1 + len("media") + size; end <= length {
				whole++
			} else if starts[i] < length {
				torn = true
			}
		}
		found, lost := payloads(data[:length])
		if !slices.Equal(found, all[:whole]) {
			t.Fatalf("cut at %d: %d records, want %d", length, len(found), whole)
		}
		if (lost > 0) != torn || lost > 1 {
			t.Fatalf("cut at %d: %d lost, torn %t", length, lost, torn)
		}
	}
}

// A segment whose last write did not reach the disk shows zeros instead.
func TestScan_ZeroedTailKeepsAllWholeRecords(t *testing.T) {
	data, _ := makeFrames(t, mixedSizes, 64)
	all, _ := payloads(data)
	for length := range len(data) {
		torn := bytes.Clone(data)
		clear(torn[length:])
		found, lost := payloads(torn)
		if !slices.Equal(found, all[:len(found)]) || lost > 1 {
			t.Fatalf("zeros from %d: %d records, %d lost", length, len(found), lost)
		}
		if again, _ := payloads(data[:length]); len(found) < len(again) {
			t.Fatalf("zeros from %d: %d records, of a file that ends there %d", length, len(found), len(again))
		}
	}
}

// Flipped bits cost at most the records that they are in, and each of these is counted.
func TestScan_FlippedBitsCostTheirRecord(t *testing.T) {
	data, starts := makeFrames(t, slices.Repeat(mixedSizes, 4), 512)
	all, _ := payloads(data)
	rapid.Check(t, func(t *rapid.T) {
		broken := bytes.Clone(data)
		hit := map[int]bool{}
		for range rapid.IntRange(1, 8).Draw(t, "flips") {
			at := rapid.IntRange(0, starts[len(all)]-512-1).Draw(t, "at")
			broken[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			frame, _ := slices.BinarySearch(starts, at+1)
			hit[frame-1] = true
		}
		found, lost := payloads(broken)
		checkLoss(t, all, found, hit)
		if missing := len(all) - len(found); lost != missing && !hit[len(all)-1] {
			t.Fatalf("%d records are missing, %d were counted", missing, lost)
		}
	})
}

// checkLoss fails when a record is missing that was not hit, or one is found that was never written.
func checkLoss(t interface{ Fatalf(string, ...any) }, all, found []string, hit map[int]bool) {
	next := 0
	for i, want := range all {
		switch {
		case next < len(found) && found[next] == want:
			next++
		case !hit[i]:
			t.Fatalf("record %d is lost, and was not damaged", i)
		}
	}
	if next != len(found) {
		t.Fatalf("%d records were never written", len(found)-next)
	}
}

// A page of zeros in the middle is no end: what follows is found, and what was there is counted.
func TestScan_ZeroedPagesCostTheirRecords(t *testing.T) {
	const page = 4096
	data, starts := makeFrames(t, slices.Repeat([]int{800, 300, 5000, 60}, 40), page)
	all, _ := payloads(data)
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		broken, hit := bytes.Clone(data), map[int]bool{}
		for range 1 + random.IntN(3) {
			from := random.IntN(len(data)/page-2) * page
			clear(broken[from : from+page])
			for i := range all {
				if starts[i] < from+page && starts[i+1] > from {
					hit[i] = true
				}
			}
		}
		found, lost := payloads(broken)
		checkLoss(t, all, found, hit)
		if missing := len(all) - len(found); lost != missing {
			t.Fatalf("%d records are missing, %d were counted", missing, lost)
		}
	}
}

// A header whose checksum is right, with a length that is not: nothing is read beyond the segment.
func TestScan_ForgedLengthIsBounded(t *testing.T) {
	for _, length := range []uint32{0, 1, 1 << 20, 1<<32 - 1} {
		data, _ := makeFrames(t, []int{100, 100}, 0)
		binary.LittleEndian.PutUint32(data[4:], length)
		finish(data[:headerSize], 0)
		found, lost := payloads(data)
		if len(found) != 1 || lost != 1 {
			t.Errorf("length %d: %d records, %d lost", length, len(found), lost)
		}
	}
}

// A record that holds what looks like a frame is one record, damaged or not.
func TestScan_FrameWithinTextIsImpossible(t *testing.T) {
	frame, err := newFrame("media", []byte("inner"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal([]byte(string([]rune(string(frame[:2])))), frame[:2]) {
		t.Error("the magic is UTF-8: a text could hold a frame")
	}
}

func TestNewFrame_RefusesWhatIsTooLarge(t *testing.T) {
	if _, err := newFrame("a", make([]byte, MaxPayload)); err != nil {
		t.Error(err)
	}
	if _, err := newFrame("a", make([]byte, MaxPayload+1)); err == nil {
		t.Error("too long a payload")
	}
	if _, err := newFrame(string(make([]byte, MaxKey+1)), nil); err == nil {
		t.Error("too long a key")
	}
}

// badBlocks cannot be read at some places.
type badBlocks struct {
	data []byte
	bad  map[int]bool
}

func (b badBlocks) ReadAt(p []byte, at int64) (int, error) {
	for block := int(at) / blockBytes; block*blockBytes < int(at)+len(p); block++ {
		if b.bad[block] {
			return 0, io.ErrClosedPipe
		}
	}
	return bytes.NewReader(b.data).ReadAt(p, at)
}

func TestReadBlocks_UnreadableBlockCostsItsRecords(t *testing.T) {
	data, starts := makeFrames(t, slices.Repeat([]int{900}, 40), 0)
	all, _ := payloads(data)
	for block := range len(data)/blockBytes + 1 {
		read, whole := readBlocks(badBlocks{data, map[int]bool{block: true}}, make([]byte, len(data)+blockBytes))
		if whole {
			t.Fatal("whole")
		}
		hit := map[int]bool{}
		for i := range all {
			hit[i] = starts[i] < (block+1)*blockBytes && starts[i+1] > block*blockBytes
		}
		found, _ := payloads(read)
		checkLoss(t, all, found, hit)
	}
}

// Whatever a file holds: no panic, no record that is larger than it, and a scan that ends.
func FuzzScan(f *testing.F) {
	data, _ := makeFrames(f, mixedSizes, 32)
	f.Add(data)
	f.Add([]byte{})
	f.Add(bytes.Repeat([]byte{0xf5, 0xfa}, 100))
	f.Fuzz(func(t *testing.T, data []byte) {
		size := int64(0)
		lost := scan(data, func(r Record) {
			if len(r.Key)+len(r.Payload) > len(data) {
				t.Fatal("a record is larger than its file")
			}
			size += r.Size
		})
		if size > int64(len(data))+frameAlign {
			t.Fatalf("records of %d bytes in a file of %d", size, len(data))
		}
		if lost < 0 || lost > len(data)/headerSize+1 {
			t.Fatalf("%d lost in %d bytes", lost, len(data))
		}
	})
}
