// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// telephony are the encodings of G.711 by stream_type, as cameras write them: that of A-law is in GB/T 28181, annex C. Both
// types are those of subtitles on discs, so that the packets must say that they are sound.
var telephony = map[byte]media.Codec{0x90: codec.ALaw, 0x91: codec.MuLaw}

// telephoneCutter takes the payload of each PES packet for one packet of G.711, which has a byte for each sample of sound.
type telephoneCutter struct {
	params media.Params
	// base is the time that a PES packet said last, and samples are those since then.
	base, samples int64
	timed         bool
}

func (c *telephoneCutter) begins([]byte) bool { return true }

func (c *telephoneCutter) interrupt() {}

// cut takes what lies before a loss: nobody knows when the rest is heard.
func (c *telephoneCutter) cut(s *stream, _ mark, _ ending) (int, error) {
	size := len(s.data)
	if s.missing > 0 {
		size = min(size, s.lossAt)
	}
	if m := s.mark(0); m.timed {
		c.base, c.samples, c.timed = m.pts, 0, true
	}
	switch {
	case !c.timed:
		s.description().HeadBytes += len(s.data)
		return len(s.data), nil
	case size == 0:
		return len(s.data), nil
	}
	if s.params < 0 {
		s.useParams(c.params)
	}
	at := c.base + samplesTicks(c.samples, c.params.SampleRate)
	c.samples += int64(size)
	end := c.base + samplesTicks(c.samples, c.params.SampleRate)
	return len(s.data), s.emit(media.Packet{DTS: at, PTS: at, Duration: end - at, Size: size, Key: true}, s.data[:size])
}
