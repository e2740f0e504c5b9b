// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"os"
	"slices"
	"strings"
)

// digest names a coded picture or packet of sound by its bytes.
type digest [sha256.Size]byte

// identify reads an MP4 whose packets were copied, without decoding it: each packet is known by its bytes, and the
// tables say when it is shown. It costs a hundredth of decoding, so that thousands of recordings can be drawn.
func identify(path string, sources []*source) (result, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return result{}, err
	}
	tracks, err := readTracks(file)
	if err != nil {
		return result{}, err
	}
	mvhd := child(file, "moov", "mvhd")
	res := result{duration: float64(binary.BigEndian.Uint32(mvhd[16:])) / float64(binary.BigEndian.Uint32(mvhd[12:]))}
	if mvhd[0] == 1 {
		res.duration = float64(binary.BigEndian.Uint64(mvhd[24:])) / float64(binary.BigEndian.Uint32(mvhd[20:]))
	}
	for _, track := range tracks {
		switch track.handler {
		case "vide":
			res.codecs = append(res.codecs, "video", "")
			res.width, res.height = track.size()
			res.identifyPictures(track, sources)
		case "soun":
			res.codecs = append(res.codecs, "audio", "")
			res.identifySound(track, sources)
		}
	}
	return res, nil
}

// size of the pictures that the first sample entry says.
func (t *mp4Track) size() (width, height int) {
	entry := t.entries[0]
	return int(binary.BigEndian.Uint16(entry[32:])), int(binary.BigEndian.Uint16(entry[34:]))
}

// shown gives the time at which each sample is shown, in seconds, by the edit list; false: it is not shown.
func (t *mp4Track) shown(media int64) (at float64, ok bool) {
	if len(t.edits) == 0 {
		return float64(media) / float64(t.timescale), true
	}
	for _, e := range t.edits {
		if e.start < 0 {
			at += e.seconds
			continue
		}
		own := float64(media-e.start) / float64(t.timescale)
		if media >= e.start && (e.seconds == 0 || own < e.seconds+0.002) {
			return at + own, true
		}
		at += e.seconds
	}
	return 0, false
}

func (res *result) identifyPictures(track mp4Track, sources []*source) {
	dts := int64(0)
	var sets [][]byte
	entry := -1
	for _, sample := range track.samples {
		if sample.entry != entry {
			entry, sets = sample.entry, parameterSets(track.entries[sample.entry])
		}
		codec := string(track.entries[entry][4:8])
		coded, inBand := splitPicture(codec, sample.data)
		if len(inBand) > 0 {
			sets = inBand
		}
		p := picture{number: pictureGarbled, known: true}
		if s, i, found := find(sources, true, coded); found && holdsAll(sets, s) {
			p.number = s.number + s.display[i]
		}
		if at, ok := track.shown(dts + sample.offset); ok {
			p.at = at
			res.pictures = append(res.pictures, p)
		}
		dts += sample.ticks
	}
	slices.SortStableFunc(res.pictures, func(a, b picture) int { return compare(a.at, b.at) })
}

// holdsAll says that a decoder has the parameter sets that a source's pictures need.
func holdsAll(sets [][]byte, s *source) bool {
	for _, want := range parameterSets(s.entry) {
		if kind := want[0] >> 1 & 63; s.codec == "hevc" && (kind < 32 || kind > 34) {
			continue // a message, not a parameter set
		}
		if !slices.ContainsFunc(sets, func(have []byte) bool { return bytes.Equal(have, want) }) {
			return false
		}
	}
	return true
}

func (res *result) identifySound(track mp4Track, sources []*source) {
	const step = 0.01
	dts := int64(0)
	for _, sample := range track.samples {
		at, shown := track.shown(dts)
		length := float64(sample.ticks) / float64(track.timescale)
		if !shown && dts+sample.ticks > 0 {
			at, shown = track.shown(dts + sample.ticks - 1)
			at -= length
		}
		dts += sample.ticks
		if !shown {
			continue
		}
		s, i, found := find(sources, false, sample.data)
		if found {
			length = min(length, s.packetSeconds()) // the last one before a hole may be said to fill it
		}
		if n := len(res.covered); n > 0 && math.Abs(res.covered[n-1].to-at) <= maxHole {
			res.covered[n-1].to = at + length
		} else {
			res.covered = append(res.covered, span{from: at, to: at + length})
		}
		for k := math.Ceil(max(at, 0) / step); k*step < at+length; k++ {
			h := heard{at: k * step}
			if found {
				h.clean, h.level = true, chirpLevel
				h.position = s.position + float64(i)*s.packetSeconds() + k*step - at
			} else if !isSilent(sample.data) {
				h.level = chirpLevel
			}
			res.sound = append(res.sound, h)
		}
	}
}

// isSilent says that a packet is one of those that a worker puts into holes: next to nothing, or zeros behind a header.
func isSilent(data []byte) bool {
	return len(data) <= 8 || len(bytes.Trim(data[min(len(data), 40):], "\x00")) == 0
}

// find gives the source and the number of a packet with these bytes.
func find(sources []*source, video bool, data []byte) (*source, int, bool) {
	key := digest(sha256.Sum256(data))
	for _, s := range sources {
		if s.video != video {
			continue
		}
		if i, known := s.byBytes()[key]; known {
			return s, i, true
		}
	}
	return nil, 0, false
}

// byBytes numbers the source's packets by their bytes.
func (s *source) byBytes() map[digest]int {
	s.once.Do(func() {
		s.known = map[digest]int{}
		for i, sample := range s.samples {
			coded := sample.data
			if s.video {
				coded, _ = splitPicture(string(s.entry[4:8]), sample.data)
			}
			s.known[sha256.Sum256(coded)] = i
		}
	})
	return s.known
}

// splitPicture gives the slices of a picture, and the parameter sets that lie before them. Of other codecs than H.264 and
// H.265, a picture is its bytes.
func splitPicture(entry string, data []byte) (coded []byte, sets [][]byte) {
	if !strings.HasPrefix(entry, "avc") && !strings.HasPrefix(entry, "h") {
		return data, nil
	}
	for len(data) > 4 {
		size := int(binary.BigEndian.Uint32(data))
		if size < 2 || size > len(data)-4 {
			return append(coded, data...), sets // no NAL unit
		}
		nal := data[4 : 4+size]
		data = data[4+size:]
		slice, set := nal[0]&31 >= 1 && nal[0]&31 <= 5, nal[0]&31 == 7 || nal[0]&31 == 8
		if entry[0] == 'h' {
			kind := nal[0] >> 1 & 63
			slice, set = kind < 32, kind >= 32 && kind <= 34
		}
		switch {
		case slice:
			coded = append(coded, nal...)
		case set:
			sets = append(sets, nal)
		}
	}
	return coded, sets
}

// sourcesOf are those that a recording is made from.
func (r *recording) sourcesOf() []*source {
	var found []*source
	for _, u := range r.units {
		if !slices.Contains(found, u.source) {
			found = append(found, u.source)
		}
	}
	return found
}
