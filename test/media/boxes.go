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
	entry  int // of the track's sample entries
}

// mp4Edit is an entry of an edit list: start is a media time, or -1.
type mp4Edit struct {
	seconds float64
	start   int64
}

// mp4Track is a track of an MP4 that is not fragmented.
type mp4Track struct {
	handler   string
	entries   [][]byte // the sample entries, whole boxes
	timescale int64
	edits     []mp4Edit
	samples   []mp4Sample
}

// start is the media time that the edit list begins at.
func (t *mp4Track) start() int64 {
	for _, e := range t.edits {
		if e.start >= 0 {
			return e.start
		}
	}
	return 0
}

// readTracks reads the tracks of an MP4. What ffmpeg and the worker write has to be understood; of anything else, the
// tables are taken at their word.
func readTracks(file []byte) (tracks []mp4Track, err error) {
	defer func() {
		if broken := recover(); broken != nil {
			err = fmt.Errorf("the tables cannot be read: %v", broken)
		}
	}()
	moov := child(file, "moov")
	if moov == nil {
		return nil, fmt.Errorf("no tables in %d bytes", len(file))
	}
	scale := float64(binary.BigEndian.Uint32(child(moov, "mvhd")[12:]))
	if child(moov, "mvhd")[0] == 1 {
		scale = float64(binary.BigEndian.Uint32(child(moov, "mvhd")[20:]))
	}
	for _, trak := range children(moov, "trak") {
		tracks = append(tracks, readTrack(file, trak, scale))
	}
	return tracks, nil
}

func readTrack(file, trak []byte, movieScale float64) mp4Track {
	stbl := child(trak, "mdia", "minf", "stbl")
	mdhd := child(trak, "mdia", "mdhd")
	track := mp4Track{handler: string(child(trak, "mdia", "hdlr")[8:12]), timescale: int64(binary.BigEndian.Uint32(mdhd[12:]))}
	if mdhd[0] == 1 {
		track.timescale = int64(binary.BigEndian.Uint32(mdhd[20:]))
	}
	stsd := child(stbl, "stsd")
	for entries := stsd[8:]; len(entries) >= 8; {
		size := binary.BigEndian.Uint32(entries)
		track.entries, entries = append(track.entries, entries[:size]), entries[size:]
	}
	track.edits = readEdits(child(trak, "edts", "elst"), movieScale)
	sizes := readSizes(child(stbl, "stsz"))
	places := readPlaces(stbl, sizes)
	for i, size := range sizes {
		track.samples = append(track.samples, mp4Sample{data: file[places[i].at : places[i].at+int64(size)], entry: places[i].entry, key: true})
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
	return track
}

func readEdits(elst []byte, scale float64) []mp4Edit {
	var edits []mp4Edit
	if elst == nil {
		return nil
	}
	for i := range int(binary.BigEndian.Uint32(elst[4:])) {
		if elst[0] == 1 {
			entry := elst[8+20*i:]
			edits = append(edits, mp4Edit{float64(binary.BigEndian.Uint64(entry)) / scale, int64(binary.BigEndian.Uint64(entry[8:]))})
			continue
		}
		entry := elst[8+12*i:]
		edits = append(edits, mp4Edit{float64(binary.BigEndian.Uint32(entry)) / scale, int64(int32(binary.BigEndian.Uint32(entry[4:])))})
	}
	return edits
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

// samplePlace is where a sample lies, and its sample entry.
type samplePlace struct {
	at    int64
	entry int
}

func readPlaces(stbl []byte, sizes []uint32) []samplePlace {
	stsc, chunks := child(stbl, "stsc"), readChunks(stbl)
	type layout struct{ count, entry uint32 }
	var perChunk []layout
	for i := range int(binary.BigEndian.Uint32(stsc[4:])) {
		first := binary.BigEndian.Uint32(stsc[8+12*i:])
		for uint32(len(perChunk)) < first-1 {
			perChunk = append(perChunk, perChunk[len(perChunk)-1])
		}
		perChunk = append(perChunk, layout{binary.BigEndian.Uint32(stsc[12+12*i:]), binary.BigEndian.Uint32(stsc[16+12*i:])})
	}
	var places []samplePlace
	for chunk, at := range chunks {
		own := perChunk[min(chunk, len(perChunk)-1)]
		for range own.count {
			if len(places) == len(sizes) {
				break
			}
			places = append(places, samplePlace{at: at, entry: int(own.entry) - 1})
			at += int64(sizes[len(places)-1])
		}
	}
	return places
}

func readChunks(stbl []byte) []int64 {
	var chunks []int64
	if stco := child(stbl, "stco"); stco != nil {
		for i := range int(binary.BigEndian.Uint32(stco[4:])) {
			chunks = append(chunks, int64(binary.BigEndian.Uint32(stco[8+4*i:])))
		}
		return chunks
	}
	co64 := child(stbl, "co64")
	for i := range int(binary.BigEndian.Uint32(co64[4:])) {
		chunks = append(chunks, int64(binary.BigEndian.Uint64(co64[8+8*i:])))
	}
	return chunks
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
