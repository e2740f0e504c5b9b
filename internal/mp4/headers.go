// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
)

// maxHeaders bounds the further movie headers of a file that are looked at.
const maxHeaders = 64

// judgeHeaders judges the movie headers behind the first, which is the one that players read. A recorder that goes on in the same file
// writes another one. When it says something else, what it describes is not in the result, or cannot be decoded.
func (m *Movie) judgeHeaders(first box) error {
	for i, other := range m.headers {
		repeats := false
		if i < maxHeaders {
			var err error
			if repeats, err = m.repeats(first, other); err != nil {
				return fmt.Errorf("reading the movie header at byte %d: %w", other.start, err)
			}
		}
		if !repeats && m.behind == 0 {
			m.behind = other.start
		}
		if !repeats {
			m.damage.add(media.Damage{Kind: media.SecondMovie, Stream: -1, Offset: other.start, Count: 1})
		}
	}
	return nil
}

// repeats says that a movie header has the same bytes as the first, or the same tracks and no samples of its own.
func (m *Movie) repeats(first, header box) (bool, error) {
	if header.end-header.body > maxMovieBytes {
		return false, nil
	}
	if equal, err := m.equal(first, header); equal || err != nil {
		return equal, err
	}
	other := &Movie{r: m.r, size: m.size, container: m.container, fragments: -1}
	p := movieParser{movie: other, w: newWindow(m.r, m.size, 4096)}
	switch err := p.movieBox(header); {
	case errors.Is(err, ErrNoMovie), errors.Is(err, ErrLimit):
		return false, nil
	case err != nil:
		return false, err
	}
	return slices.EqualFunc(m.tracks, other.tracks, func(x, y *Track) bool {
		return y.tables.count == 0 && x.ID == y.ID && x.Kind == y.Kind && x.Timescale == y.Timescale &&
			slices.EqualFunc(x.Params, y.Params, func(a, b media.Params) bool { return bytes.Equal(a.Entry, b.Entry) })
	}), nil
}

// equal compares the bytes of two boxes.
func (m *Movie) equal(a, b box) (bool, error) {
	size := a.end - a.body
	if size != b.end-b.body {
		return false, nil
	}
	var blocks [2][4096]byte
	for at := int64(0); at < size; at += int64(len(blocks[0])) {
		n := min(int64(len(blocks[0])), size-at)
		for i, each := range []box{a, b} {
			if _, err := m.r.ReadAt(blocks[i][:n], each.body+at); err != nil && !errors.Is(err, io.EOF) {
				return false, err
			}
		}
		if !bytes.Equal(blocks[0][:n], blocks[1][:n]) {
			return false, nil
		}
	}
	return true, nil
}
