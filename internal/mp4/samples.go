// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Samples calls yield for the samples of the streams with these indexes, or of all, with their bytes. They come in the
// order of their decoding times over all streams; in a fragmented file, fragment by fragment. NAL units have lengths of
// four bytes, whatever the file has. Samples whose bytes are not in the file are left out. An error of yield ends the
// reading and is returned.
func (m *Movie) Samples(yield func(media.Sample) error, streams ...int) error {
	if len(streams) == 0 {
		for i := range m.tracks {
			streams = append(streams, i)
		}
	}
	data := newDataReader(m)
	return m.walk(streams, visitor{
		sample: func(track int, s *Sample) error {
			t := m.tracks[track]
			bytes, err := data.blocks.bytes(s.Offset, s.Size)
			if err != nil {
				return err
			}
			length, encoding := t.lengthBytes(s.Description), t.codec(s.Description)
			sample := media.Sample{Packet: t.packet(s), Stream: track}
			judgeKey(&sample.Packet, bytes, length, encoding)
			sample.Order = data.order(t, track, s.Description, bytes)
			sample.Data = data.widened(bytes, length)
			sample.Size = len(sample.Data)
			sample.Params = data.uses[track].index(s.Description)
			return yield(sample)
		},
		missing: func(int, int64, int64) {}, damaged: func(int64) {}, unknown: func(uint32) {},
	})
}

// dataReader reads the bytes of samples in the form that media.Sample has.
type dataReader struct {
	blocks *blockReader
	wide   []byte
	uses   []uses // by track
	orders []orderReader
}

func newDataReader(m *Movie) *dataReader {
	return &dataReader{
		blocks: newBlockReader(m.r, m.size, len(m.tracks)), uses: make([]uses, len(m.tracks)), orders: make([]orderReader, len(m.tracks)),
	}
}

// order of a picture of a fragmented file.
func (d *dataReader) order(t *Track, track, description int, sample []byte) media.Order {
	if t.movie.container != media.FragmentMP4 {
		return media.Order{}
	}
	order, _ := d.orders[track].picture(t, description, sample)
	return order
}

// widened is the sample with lengths of four bytes before its NAL units; length is what they have now, 0: no NAL units.
func (d *dataReader) widened(sample []byte, length int) []byte {
	if length == 0 || length == 4 {
		return sample
	}
	d.wide = widenLengths(d.wide[:0], sample, length)
	return d.wide
}

// lengthBytes is the number of bytes of the lengths of NAL units in samples of a description; 0: no NAL units.
func (t *Track) lengthBytes(description int) int {
	return t.format(description).nalLength
}

func (t *Track) format(description int) format {
	if description >= len(t.formats) {
		return format{}
	}
	return t.formats[description]
}

// codec is the encoding of samples of a description; empty when the track does not describe its samples.
func (t *Track) codec(description int) media.Codec {
	if description >= len(t.Params) {
		return ""
	}
	return t.Params[description].Codec
}

// uses are the sample descriptions of a track in the order of their first use.
type uses struct {
	order  []int
	places map[int]int
}

// index is the place of a description in that order.
func (u *uses) index(description int) int {
	if n := len(u.order); n > 0 && u.order[n-1] == description {
		return n - 1
	}
	place, known := u.places[description]
	if !known {
		if u.places == nil {
			u.places = map[int]int{}
		}
		place = len(u.order)
		u.places[description] = place
		u.order = append(u.order, description)
	}
	return place
}

// params are the descriptions that are used; those of a track without samples are all that it has.
func (u *uses) params(t *Track) []media.Params {
	if len(u.order) == 0 {
		return slices.Clone(t.Params)
	}
	var params []media.Params
	for _, description := range u.order {
		if description < len(t.Params) {
			params = append(params, t.Params[description])
		}
	}
	return params
}
