// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// maxHeld bounds the frames behind a loss that wait for a time.
const maxHeld = 4096

// heldFrame is a frame of sound at an offset in stream.data.
type heldFrame struct {
	at    int
	frame codec.SoundFrame
}

// isCut says that the rest of a frame from at to end is lost.
func (c *soundCutter) isCut(s *stream, at, end int) bool {
	return s.missing > 0 && at < s.lossAt && end > s.lossAt
}

// hold keeps a frame behind a loss until the next PES packet tells when it is heard.
func (c *soundCutter) hold(at int, frame codec.SoundFrame) {
	if len(c.behind) == maxHeld {
		c.behind, c.lost = c.behind[:0], true
		return
	}
	c.behind = append(c.behind, heldFrame{at: at, frame: frame})
}

// settle emits the frames behind a loss, if it is known when they are heard. The counter tells only sixteenths of what is
// lost, and the header of a PES packet may be among it: with it a pause is lost, too. So either the sound goes on up to
// the next PES packet without one, or the length of the PES packet proves that nothing else is lost.
func (c *soundCutter) settle(s *stream, next mark) error {
	behind := c.behind
	c.behind = c.behind[:0]
	if c.lost || len(behind) == 0 || !c.timed {
		c.lost = c.lost || c.timed
		return nil
	}
	samples, bytes := int64(0), 0
	for _, held := range behind {
		samples, bytes = samples+int64(held.frame.Samples), bytes+held.frame.Size
	}
	// As many samples are lost as the bytes would hold that the counter tells, at the rate of what is left.
	lost := int64(s.missing) * samples / int64(bytes)
	frame := int64(c.frame.Samples)
	gap := (next.pts - c.time()) * int64(c.frame.Rate) / media.Clock
	switch whole := s.received+s.missing == s.declared; {
	case next.timed && gap >= samples-frame/2 && gap <= samples+lost+2*frame:
		c.samples += gap - samples
	case whole:
		c.samples += (lost + frame/2) / frame * frame
	default:
		c.lost = true
		return nil
	}
	for _, held := range behind {
		if err := c.pass(s, held.at, held.frame); err != nil {
			return err
		}
	}
	return nil
}
