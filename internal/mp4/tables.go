// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"io"

	"sparkrtc.dev/recording-operator/internal/media"
)

// tables says where the sample tables of a track are (ISO/IEC 14496-12, 8.5 to 8.7).
type tables struct {
	count     int64 // of the samples
	fixedSize uint32
	sizes     table // entries of width bits; none with fixedSize
	times     table // stts
	offsets   table // ctts
	runs      table // stsc
	chunks    table // stco or co64
	sync      table // stss
	hasSync   bool
}

// table is an array in the file.
type table struct {
	offset, count int64
	width         int // bits of an entry
}

// media reads mdia (8.4.1).
func (p *movieParser) media(b box, t *Track) error {
	return p.each(b, t, func(b box) error {
		switch b.kind {
		case "mdhd":
			return p.mediaHeader(b, t)
		case "hdlr":
			_, _, data, err := fullBox(p.w, b, 8)
			if err != nil {
				return err
			}
			switch string(data[4:]) {
			case "vide", "auxv", "pict":
				t.Kind = media.Video
			case "soun":
				t.Kind = media.Audio
			}
		case "minf":
			return p.each(b, t, func(b box) error {
				if b.kind != "stbl" {
					return nil
				}
				return p.each(b, t, func(b box) error { return p.table(b, t) })
			})
		}
		return nil
	})
}

// mediaHeader reads mdhd (8.4.2).
func (p *movieParser) mediaHeader(b box, t *Track) error {
	timescale, rest, err := p.header(b, 2)
	if err != nil {
		return err
	}
	t.Timescale = timescale
	packed := binary.BigEndian.Uint16(rest)
	if packed < 0x400 || packed == 0x7fff { // a Macintosh code, or unspecified
		return nil
	}
	language := []byte{byte(packed>>10&31) + 0x60, byte(packed>>5&31) + 0x60, byte(packed&31) + 0x60}
	for _, letter := range language {
		if letter < 'a' || letter > 'z' {
			return nil
		}
	}
	t.language = string(language)
	return nil
}

// table notes where a sample table is.
func (p *movieParser) table(b box, t *Track) (err error) {
	tables := &t.tables
	switch b.kind {
	case "stsd":
		return p.sampleDescriptions(b, t)
	case "stts":
		tables.times, err = p.array(b, t, 64)
	case "ctts":
		tables.offsets, err = p.array(b, t, 64)
	case "stsc":
		tables.runs, err = p.array(b, t, 96)
	case "stco":
		tables.chunks, err = p.array(b, t, 32)
	case "co64":
		tables.chunks, err = p.array(b, t, 64)
	case "stss":
		tables.sync, err = p.array(b, t, 32)
		tables.hasSync = true
	case "stsz", "stz2":
		err = p.sizes(b, t)
	}
	return err
}

// array is the table of a full box that has the number of its entries in front of them.
func (p *movieParser) array(b box, t *Track, width int) (table, error) {
	_, _, data, err := fullBox(p.w, b, 4)
	if err != nil {
		return table{}, err
	}
	return p.bounded(b, t, b.body+8, int64(binary.BigEndian.Uint32(data)), width), nil
}

// bounded is a table that has at most the entries that its box has room for. One that claims more is cut.
func (p *movieParser) bounded(b box, t *Track, offset, count int64, width int) table {
	room := (b.end - offset) * 8 / int64(width)
	if count > room {
		count, t.cut = room, b.start
	}
	return table{offset: offset, count: count, width: width}
}

// sizes reads stsz or stz2 (8.7.3).
func (p *movieParser) sizes(b box, t *Track) error {
	_, _, data, err := fullBox(p.w, b, 8)
	if err != nil {
		return err
	}
	size, width := binary.BigEndian.Uint32(data), 32
	t.tables.count = int64(binary.BigEndian.Uint32(data[4:]))
	if b.kind == "stz2" {
		size, width = 0, int(data[3])
		if width != 4 && width != 8 && width != 16 {
			return io.ErrUnexpectedEOF
		}
	}
	t.tables.fixedSize = size
	if size == 0 {
		t.tables.sizes = p.bounded(b, t, b.body+12, t.tables.count, width)
	}
	return nil
}

// leaveEmptyEnd leaves out the last sample of H.264 or H.265 when it is empty: SRS writes one when the sender says that its stream ends.
func (p *movieParser) leaveEmptyEnd(t *Track) error {
	sizes := &t.tables.sizes
	if t.lengthBytes(0) == 0 || sizes.width != 32 || sizes.count < 2 || sizes.count != t.tables.count {
		return nil
	}
	last := sizes.count - 1
	data, err := p.w.at(sizes.offset+last*4, 4)
	if err == nil && binary.BigEndian.Uint32(data) == 0 {
		sizes.count, t.tables.count = last, last
	}
	return err
}
