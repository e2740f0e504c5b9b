// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Bounds of what is read of one video. A recorder writes its headers first or last, so that a handful of reads do.
const (
	readChunk    = 64 << 10
	maxFilmReads = 64
)

// errMalformed says that an object is not what its name says, or is cut off.
var errMalformed = errors.New("malformed")

// errFragment says that an MP4 object is a fragment of a video (an HLS segment) and none itself.
var errFragment = errors.New("it is a fragment of a video")

// video is what the headers of an MP4 file tell.
type video struct {
	// seconds is the duration; 0: not said.
	seconds float64
	// width and height in pixels of the largest picture; 0: there is none.
	width, height int32
	// fragmented says that the media lies in fragments, here or in other objects.
	fragmented bool
}

// readVideo finds the headers of an MP4 file (ISO/IEC 14496-12) of size bytes and skips the media. Errors are those of
// read, errFragment, or wrap errMalformed.
func readVideo(size int64, read func(offset, length int64) ([]byte, error)) (video, error) {
	r := &headerReader{size: size, read: read}
	found := false
	err := r.boxes(span{0, size}, func(kind string, body span) (bool, error) {
		switch kind {
		case "moof":
			return false, errFragment
		case "moov":
			found = true
			return false, r.boxes(body, r.movie)
		default:
			return true, nil
		}
	})
	if err == nil && !found {
		err = fmt.Errorf("%w: there is no moov box", errMalformed)
	}
	if err == nil && r.timescale == 0 {
		err = fmt.Errorf("%w: the moov box does not say its time scale", errMalformed)
	}
	if err != nil {
		return video{}, err
	}
	r.video.seconds = float64(max(r.duration, r.fragments)) / float64(r.timescale)
	return r.video, nil
}

// span is a range of the file, from begin up to end.
type span struct{ begin, end int64 }

// headerReader reads a file through a window that moves forward.
type headerReader struct {
	size int64
	read func(offset, length int64) ([]byte, error)

	window []byte
	offset int64
	reads  int

	video     video
	timescale uint32
	// duration of the movie, and of its fragments, in the time scale.
	duration, fragments uint64
}

// at gives length bytes at an offset, which are only good until the next call.
func (r *headerReader) at(offset, length int64) ([]byte, error) {
	if offset < r.offset || offset+length > r.offset+int64(len(r.window)) {
		if r.reads++; r.reads > maxFilmReads {
			return nil, fmt.Errorf("%w: the headers are too far apart", errMalformed)
		}
		window, err := r.read(offset, min(readChunk, r.size-offset))
		if err != nil {
			return nil, err
		}
		r.window, r.offset = window, offset
	}
	from := offset - r.offset
	if from+length > int64(len(r.window)) {
		return nil, fmt.Errorf("%w: it is cut off", errMalformed)
	}
	return r.window[from : from+length], nil
}

// boxes visits the boxes within a span until visit says that it has seen enough. Each begins after the one before, and
// ends within the span.
func (r *headerReader) boxes(within span, visit func(kind string, body span) (goOn bool, err error)) error {
	for offset := within.begin; offset < within.end; {
		kind, body, err := r.header(span{offset, within.end})
		if err != nil {
			return err
		}
		goOn, err := visit(kind, body)
		if err != nil || !goOn {
			return err
		}
		offset = body.end
	}
	return nil
}

// header reads where a box begins what it is and where its body lies.
func (r *headerReader) header(rest span) (string, span, error) {
	if rest.end-rest.begin < 8 {
		return "", span{}, fmt.Errorf("%w: bytes that are no box", errMalformed)
	}
	head, err := r.at(rest.begin, 8)
	if err != nil {
		return "", span{}, err
	}
	left := uint64(rest.end - rest.begin) //nolint:gosec // checked above
	length, kind, header := uint64(binary.BigEndian.Uint32(head)), string(head[4:8]), int64(8)
	switch length {
	case 0: // to the end
		length = left
	case 1: // the length follows
		if left < 16 {
			return "", span{}, fmt.Errorf("%w: box %q is cut off", errMalformed, kind)
		}
		if head, err = r.at(rest.begin+8, 8); err != nil {
			return "", span{}, err
		}
		length, header = binary.BigEndian.Uint64(head), 16
	}
	if length < uint64(header) || length > left {
		return "", span{}, fmt.Errorf("%w: box %q has %d bytes where %d are left", errMalformed, kind, length, left)
	}
	return kind, span{rest.begin + header, rest.begin + int64(length)}, nil //nolint:gosec // at most the span's own length
}

// movie visits what lies in the moov box.
func (r *headerReader) movie(kind string, body span) (bool, error) {
	switch kind {
	case "mvhd":
		return true, r.movieHeader(body)
	case "trak":
		return true, r.boxes(body, func(kind string, body span) (bool, error) {
			if kind != "tkhd" {
				return true, nil
			}
			return false, r.trackHeader(body)
		})
	case "mvex":
		r.video.fragmented = true
		return true, r.boxes(body, func(kind string, body span) (bool, error) {
			if kind != "mehd" {
				return true, nil
			}
			return false, r.fragmentsHeader(body)
		})
	}
	return true, nil
}

func (r *headerReader) movieHeader(body span) error {
	fields, err := r.fields(body, "mvhd", 16, 28)
	if err != nil {
		return err
	}
	if len(fields) == 16 {
		r.timescale, r.duration = binary.BigEndian.Uint32(fields[8:]), short(fields[12:])
	} else {
		r.timescale, r.duration = binary.BigEndian.Uint32(fields[16:]), long(fields[20:])
	}
	return nil
}

func (r *headerReader) fragmentsHeader(body span) error {
	fields, err := r.fields(body, "mehd", 4, 8)
	if err != nil {
		return err
	}
	if len(fields) == 4 {
		r.fragments = short(fields)
	} else {
		r.fragments = long(fields)
	}
	return nil
}

func (r *headerReader) trackHeader(body span) error {
	fields, err := r.fields(body, "tkhd", 80, 92)
	if err != nil {
		return err
	}
	size := fields[len(fields)-8:] // both are numbers of 16.16 bits
	width, height := int32(binary.BigEndian.Uint16(size)), int32(binary.BigEndian.Uint16(size[4:]))
	if int64(width)*int64(height) > int64(r.video.width)*int64(r.video.height) {
		r.video.width, r.video.height = width, height
	}
	return nil
}

// fields are those of a full box after its version and flags: of so many bytes in version 0, and in version 1.
func (r *headerReader) fields(body span, kind string, version0, version1 int64) ([]byte, error) {
	if body.end-body.begin < 4 {
		return nil, fmt.Errorf("%w: box %q is cut off", errMalformed, kind)
	}
	head, err := r.at(body.begin, 4)
	if err != nil {
		return nil, err
	}
	length := version0
	switch head[0] {
	case 0:
	case 1:
		length = version1
	default:
		return nil, fmt.Errorf("%w: box %q is of version %d", errMalformed, kind, head[0])
	}
	if body.end-body.begin < 4+length {
		return nil, fmt.Errorf("%w: box %q is cut off", errMalformed, kind)
	}
	return r.at(body.begin+4, length)
}

// short and long read a duration; all ones say that it is not known.
func short(field []byte) uint64 {
	if value := binary.BigEndian.Uint32(field); value != math.MaxUint32 {
		return uint64(value)
	}
	return 0
}

func long(field []byte) uint64 {
	if value := binary.BigEndian.Uint64(field); value != math.MaxUint64 {
		return value
	}
	return 0
}
