// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"bytes"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// startCodeCutter cuts MPEG-1, MPEG-2 and MPEG-4 part 2 video, which has start codes and no NAL units, into pictures.
type startCodeCutter struct {
	rules startCodeRules
	// config are the headers that apply, from which the Params were made, and ticks is how long they say a picture lasts.
	config   []byte
	ticks    int64
	pictures []codedPicture
}

// startCodeRules are those by which encodings differ.
type startCodeRules interface {
	// role says what a start code begins.
	role(code byte) startCodeRole
	// intra says whether the picture header is of an I picture.
	intra(header []byte) bool
	// structure is 1 and 2 for an extension that tells that the picture is a top or bottom field.
	structure(header []byte) int
	// params is made from the headers between the first one and what follows the last.
	params(config []byte) (media.Params, int64, bool)
}

type startCodeRole uint8

const (
	// continues what is there.
	continues startCodeRole = iota
	// configures: a header for all pictures that follow.
	configures
	// opens a picture, before its header.
	opens
	// pictures begin with this.
	pictureHeader
)

// codedPicture is a picture with the headers in front of it.
type codedPicture struct {
	offset, end int
	// header is the offset of the picture header; -1: there is none yet.
	header int
	// config is the offset of the headers for all pictures, and configEnd where they end; -1: there are none.
	config, configEnd int
	key               bool
	// field is 1 or 2 when this is a field whose other half did not come yet, and paired that it came.
	field  int
	paired bool
}

func (c *startCodeCutter) begins(payload []byte) bool {
	if len(payload) < enoughToTell {
		return false
	}
	// A zero before the start code may be the last byte of the picture before.
	return codec.NextStartCode(payload, 0) == 0 && c.rules.role(payload[3]) != continues
}

func (c *startCodeCutter) interrupt() {}

func (c *startCodeCutter) cut(s *stream, next mark, end ending) (int, error) {
	c.scan(s)
	count, done := len(c.pictures), len(s.data)
	if count > 0 {
		last := &c.pictures[count-1]
		waits := end == goesOn || end == complete && last.field != 0 && !last.paired // for more of it, or the second field
		if last.header < 0 || waits {
			count--
			done = s.hold(last.offset, last.header >= 0)
		}
	}
	err := s.spread(count, len(c.pictures), c.ticks, next, func(i int) int { return c.pictures[i].offset },
		func(i int, dts, pts int64) error { return c.emit(s, &c.pictures[i], dts, pts) })
	return done, err
}

// scan finds the pictures in the data of a stream.
func (c *startCodeCutter) scan(s *stream) {
	c.pictures = c.pictures[:0]
	first := codec.NextStartCode(s.data, 0)
	s.checkBeginning(first)
	for at := first; at >= 0 && at+3 < len(s.data) && len(c.pictures) < maxUnits; {
		next := codec.NextStartCode(s.data, at+4)
		end := next
		if next < 0 {
			end = len(s.data)
		}
		c.add(at, s.data[at:end])
		at = next
	}
	if count := len(c.pictures); count > 0 {
		c.pictures[count-1].end = len(s.data)
	}
}

// add adds what a start code begins to the picture that it belongs to.
func (c *startCodeCutter) add(at int, data []byte) {
	role := c.rules.role(data[3])
	var now *codedPicture
	if count := len(c.pictures); count > 0 {
		now = &c.pictures[count-1]
	}
	if now == nil || role != continues && now.header >= 0 {
		if now != nil {
			now.end = at
		}
		c.pictures = append(c.pictures, codedPicture{offset: at, header: -1, config: -1})
		now = &c.pictures[len(c.pictures)-1]
	}
	switch {
	case role == configures && now.config < 0:
		now.config = at
	case role == opens || role == pictureHeader:
		if now.config >= 0 && now.configEnd == 0 {
			now.configEnd = at
		}
	}
	if role == pictureHeader {
		now.header, now.key = at, c.rules.intra(data)
	}
	if structure := c.rules.structure(data); structure == 1 || structure == 2 {
		c.joinFields(now, structure)
	}
}

// joinFields makes one picture of the two fields of a frame, the second of them being now.
func (c *startCodeCutter) joinFields(now *codedPicture, structure int) {
	now.field = structure
	if len(c.pictures) < 2 {
		return
	}
	first := &c.pictures[len(c.pictures)-2]
	if first.field != 0 && !first.paired && first.field != structure && now.config < 0 {
		first.paired = true
		c.pictures = c.pictures[:len(c.pictures)-1]
	}
}

func (c *startCodeCutter) emit(s *stream, now *codedPicture, dts, pts int64) error {
	if now.config >= 0 && now.configEnd > now.config {
		c.configure(s, s.data[now.config:now.configEnd])
	}
	data := s.data[now.offset:now.end]
	return s.emit(media.Packet{DTS: dts, PTS: pts, Size: len(data), Key: now.key}, data)
}

// configure makes headers those that apply.
func (c *startCodeCutter) configure(s *stream, config []byte) {
	if bytes.Equal(config, c.config) {
		return
	}
	params, ticks, ok := c.rules.params(config)
	if !ok {
		s.invalid()
		return
	}
	c.config, c.ticks = append(c.config[:0], config...), ticks
	s.useParams(params)
}

// mpeg2Rules are those of MPEG-1 and MPEG-2.
type mpeg2Rules struct{}

func (mpeg2Rules) role(code byte) startCodeRole {
	switch code {
	case codec.MPEG2Sequence:
		return configures
	case codec.MPEG2Group:
		return opens
	case codec.MPEG2Picture:
		return pictureHeader
	default:
		return continues
	}
}

func (mpeg2Rules) intra(header []byte) bool { return codec.MPEG2Intra(header) }

func (mpeg2Rules) structure(header []byte) int {
	if header[3] != codec.MPEG2Extension {
		return 0
	}
	return codec.MPEG2Structure(header)
}

func (mpeg2Rules) params(config []byte) (media.Params, int64, bool) { return codec.MPEG2Params(config) }

// mpeg4Rules are those of MPEG-4 part 2.
type mpeg4Rules struct{}

func (mpeg4Rules) role(code byte) startCodeRole {
	switch {
	case code <= codec.MPEG4LastLayer || code == codec.MPEG4Sequence || code == codec.MPEG4Object:
		return configures
	case code == codec.MPEG4Group:
		return opens
	case code == codec.MPEG4Plane:
		return pictureHeader
	default:
		return continues
	}
}

func (mpeg4Rules) intra(header []byte) bool { return codec.MPEG4Intra(header) }

func (mpeg4Rules) structure([]byte) int { return 0 }

func (mpeg4Rules) params(config []byte) (media.Params, int64, bool) {
	params, ok := codec.MPEG4Params(config)
	return params, 0, ok
}
