// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// boxesOf are the offsets of the boxes of a kind at the top of a file.
func boxesOf(data []byte, kind string) (found []int) {
	for at := 0; at < len(data); at += int(binary.BigEndian.Uint32(data[at:])) {
		if string(data[at+4:at+8]) == kind {
			found = append(found, at)
		}
	}
	return found
}

// TestIndex_FragmentsThatAnIndexNames: whole fragments are gone from the end of a file, so that only what refers to them tells.
func TestIndex_FragmentsThatAnIndexNames(t *testing.T) {
	for name, test := range map[string]struct {
		index string
		want  media.DamageKind
	}{
		"base_moof.mp4": {"mfra", media.BoxTruncated},
		"sidx.mp4":      {"sidx", media.FragmentUnfound},
	} {
		t.Run(name, func(t *testing.T) {
			data := readFile(t, makeMedia(t, name, shapes[name]...))
			if len(boxesOf(data, test.index)) == 0 {
				t.Fatalf("no %s", test.index)
			}
			if found := kinds(index(t, openBytes(t, data))); len(found) > 0 {
				t.Errorf("the whole file: %v", found)
			}
			fragments := boxesOf(data, "moof")
			end := len(data) - trailer(data)
			if test.index != "mfra" {
				end = len(data)
			}
			cut := slices.Concat(data[:fragments[len(fragments)-1]], data[end:])
			if found := kinds(index(t, openBytes(t, cut))); found[test.want] != 1 || len(found) != 1 {
				t.Errorf("without the last fragment: %v", found)
			}
			// Written again, with boxes before the fragments: mfra is wrong as a whole, and tells nothing.
			moved := slices.Concat(data[:fragments[0]], box("free", make([]byte, 100)), data[fragments[0]:fragments[len(fragments)-1]], data[end:])
			if found := kinds(index(t, openBytes(t, moved))); test.index == "mfra" && len(found) > 0 {
				t.Errorf("with a box in front: %v", found)
			}
		})
	}
}

// TestIndex_EntryOfNoFragment: GStreamer ends an index with an entry whose offset is 0.
func TestIndex_EntryOfNoFragment(t *testing.T) {
	data := readFile(t, makeMedia(t, "base_moof.mp4", shapes["base_moof.mp4"]...))
	number := len(boxesOf(data, "moof"))
	at := bytes.Index(data[boxesOf(data, "mfra")[0]:], []byte("tfra")) + boxesOf(data, "mfra")[0]
	end := at - 4 + int(binary.BigEndian.Uint32(data[at-4:]))
	const entry = 8 + 8 + 3 // of version 1, with numbers of one byte
	if version, lengths := data[at+4], binary.BigEndian.Uint32(data[at+12:]); version != 1 || lengths != 0 || number < 3 {
		t.Fatalf("version %d, lengths %d, %d fragments", version, lengths, number)
	}
	clear(data[end-entry+8 : end-3])
	if found := kinds(index(t, openBytes(t, data))); len(found) > 0 {
		t.Errorf("damage %v", found)
	}
	binary.BigEndian.PutUint64(data[end-2*entry+8:], uint64(len(data)))
	if found := kinds(index(t, openBytes(t, data))); found[media.BoxTruncated] != 1 {
		t.Errorf("the entry before it names a fragment that is not there: %v", found)
	}
}

// TestIndex_HostileIndexOfFragments: lengths and counts that cannot be are no damage, and no panic.
func TestIndex_HostileIndexOfFragments(t *testing.T) {
	data := readFile(t, makeMedia(t, "base_moof.mp4", shapes["base_moof.mp4"]...))
	at := bytes.LastIndex(data, []byte("tfra"))
	for _, change := range []struct {
		offset int
		value  uint32
	}{{12, 0x3f}, {16, 0}, {16, 1 << 31}, {4, 0x7f000000}} {
		hostile := slices.Clone(data)
		binary.BigEndian.PutUint32(hostile[at+change.offset:], change.value)
		if found := kinds(index(t, openBytes(t, hostile))); len(found) > 0 && change.offset == 16 {
			t.Errorf("%+v: %v", change, found)
		}
	}
}
