// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"encoding/binary"
	"fmt"
)

// box is an MP4 box: size, type, contents (ISO/IEC 14496-12, 4.2).
func box(kind string, contents ...[]byte) []byte {
	size := 8
	for _, c := range contents {
		size += len(c)
	}
	out := binary.BigEndian.AppendUint32(make([]byte, 0, size), uint32(size))
	out = append(out, kind...)
	for _, c := range contents {
		out = append(out, c...)
	}
	return out
}

// fullBox is a box with version and flags.
func fullBox(kind string, version byte, flags uint32, contents ...[]byte) []byte {
	head := u32(uint32(version)<<24 | flags)
	return box(kind, append([][]byte{head}, contents...)...)
}

func u16(values ...uint16) []byte {
	var out []byte
	for _, v := range values {
		out = binary.BigEndian.AppendUint16(out, v)
	}
	return out
}

func u32(values ...uint32) []byte {
	var out []byte
	for _, v := range values {
		out = binary.BigEndian.AppendUint32(out, v)
	}
	return out
}

func u64(values ...uint64) []byte {
	var out []byte
	for _, v := range values {
		out = binary.BigEndian.AppendUint64(out, v)
	}
	return out
}

// child is the contents of the first box at path, each step one level deeper; nil when there is none.
func child(data []byte, path ...string) []byte {
	for _, kind := range path {
		found := children(data, kind)
		if len(found) == 0 {
			return nil
		}
		data = found[0]
	}
	return data
}

// children are the contents of all boxes of a kind at the top level of data.
func children(data []byte, kind string) [][]byte {
	var found [][]byte
	for len(data) >= 8 {
		size, head := uint64(binary.BigEndian.Uint32(data)), uint64(8)
		if size == 1 && len(data) >= 16 {
			size, head = binary.BigEndian.Uint64(data[8:]), 16
		}
		if size < head || size > uint64(len(data)) {
			break
		}
		if string(data[4:8]) == kind {
			found = append(found, data[head:size])
		}
		data = data[size:]
	}
	return found
}

// mp4Sample is a sample of a track as its tables place it.
type mp4Sample struct {
	data   []byte
	offset int64 // composition offset, ticks
	ticks  int64 // duration, ticks
	key    bool
}

// mp4Track is the first track of an MP4 that ffmpeg wrote from one encoder.
type mp4Track struct {
	entry     []byte // the sample entry, a whole box
	timescale int64
	start     int64 // media time that the edit list begins at
	samples   []mp4Sample
}

// readTrack reads the one track of an MP4. Only what ffmpeg writes for one encoder's output has to be understood.
func readTrack(file []byte) (mp4Track, error) {
	trak := child(file, "moov", "trak")
	stbl := child(trak, "mdia", "minf", "stbl")
	if stbl == nil {
		return mp4Track{}, fmt.Errorf("no track in %d bytes", len(file))
	}
	track := mp4Track{timescale: int64(binary.BigEndian.Uint32(child(trak, "mdia", "mdhd")[12:]))}
	stsd := child(stbl, "stsd")
	track.entry = stsd[8 : 8+binary.BigEndian.Uint32(stsd[8:])]
	if elst := child(trak, "edts", "elst"); elst != nil {
		for i := range int(binary.BigEndian.Uint32(elst[4:])) {
			if start := int32(binary.BigEndian.Uint32(elst[8+12*i+4:])); start >= 0 {
				track.start = int64(start)
			}
		}
	}
	sizes := readSizes(child(stbl, "stsz"))
	places := readPlaces(child(stbl, "stsc"), child(stbl, "stco"), sizes)
	for i, size := range sizes {
		track.samples = append(track.samples, mp4Sample{data: file[places[i] : places[i]+int64(size)], key: true})
	}
	readRuns(child(stbl, "stts"), func(i int, value uint32) { track.samples[i].ticks = int64(value) })
	readRuns(child(stbl, "ctts"), func(i int, value uint32) { track.samples[i].offset = int64(int32(value)) })
	if stss := child(stbl, "stss"); stss != nil {
		for i := range track.samples {
			track.samples[i].key = false
		}
		for at := 8; at < len(stss); at += 4 {
			track.samples[binary.BigEndian.Uint32(stss[at:])-1].key = true
		}
	}
	return track, nil
}

func readSizes(stsz []byte) []uint32 {
	fixed, count := binary.BigEndian.Uint32(stsz[4:]), binary.BigEndian.Uint32(stsz[8:])
	sizes := make([]uint32, count)
	for i := range sizes {
		sizes[i] = fixed
		if fixed == 0 {
			sizes[i] = binary.BigEndian.Uint32(stsz[12+4*i:])
		}
	}
	return sizes
}

func readPlaces(stsc, stco []byte, sizes []uint32) []int64 {
	var perChunk []uint32
	for i := range int(binary.BigEndian.Uint32(stsc[4:])) {
		first, count := binary.BigEndian.Uint32(stsc[8+12*i:]), binary.BigEndian.Uint32(stsc[12+12*i:])
		for uint32(len(perChunk)) < first-1 {
			perChunk = append(perChunk, perChunk[len(perChunk)-1])
		}
		perChunk = append(perChunk, count)
	}
	var places []int64
	for chunk := range int(binary.BigEndian.Uint32(stco[4:])) {
		at := int64(binary.BigEndian.Uint32(stco[8+4*chunk:]))
		for range perChunk[min(chunk, len(perChunk)-1)] {
			if len(places) == len(sizes) {
				break
			}
			places = append(places, at)
			at += int64(sizes[len(places)-1])
		}
	}
	return places
}

// readRuns reads a table of (count, value).
func readRuns(table []byte, set func(i int, value uint32)) {
	if table == nil {
		return
	}
	i := 0
	for entry := range int(binary.BigEndian.Uint32(table[4:])) {
		count, value := binary.BigEndian.Uint32(table[8+8*entry:]), binary.BigEndian.Uint32(table[12+8*entry:])
		for range count {
			set(i, value)
			i++
		}
	}
}
