// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"bytes"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// soundCutter cuts sound into its frames, which tell their length at their beginning.
type soundCutter struct {
	// parse parses the header of a frame, which begins with the byte sync and for which minimum bytes are needed; describe
	// says what a decoder has to know.
	parse    func([]byte) (codec.SoundFrame, bool)
	describe func([]byte) media.Params
	// unpack gives what an MP4 sample holds of a frame; nil: what lies behind its header. false: the frame is broken.
	unpack func(frame []byte) ([]byte, bool)
	// prepare reads ahead for what frames need to be described; nil: nothing. false: more of the stream is needed.
	prepare func(data []byte) bool
	sync    byte
	minimum int

	// frame is the last one; inStep says that another one must follow it at once.
	frame  codec.SoundFrame
	begun  bool
	inStep bool
	// base is the time that PES packets say, and samples are those since then.
	base    int64
	samples int64
	timed   bool
	// behind are frames behind a loss, whose time is not known yet; lost says that nobody knows it, up to the next PES packet.
	behind []heldFrame
	lost   bool
}

func (c *soundCutter) begins([]byte) bool { return true }

func (c *soundCutter) interrupt() { c.inStep = false }

func (c *soundCutter) cut(s *stream, next mark, end ending) (int, error) {
	const enough = 64 << 10
	if c.prepare != nil && !c.prepare(s.data) && end != endOfFile && len(s.data) < enough {
		return 0, nil
	}
	done, err := c.frames(s)
	if err == nil && s.missing > 0 {
		err = c.settle(s, next)
	}
	return done, err
}

// frames emits the frames in the data of a stream, and holds those behind a loss.
func (c *soundCutter) frames(s *stream) (int, error) {
	at := 0
	for len(s.data)-at >= c.minimum {
		if s.missing > 0 && at == s.lossAt && s.lossTold {
			c.inStep = false
		}
		frame, ok := c.parse(s.data[at:])
		ok = ok && !c.overruns(s, at, at+frame.Size)
		if !ok || !c.inStep && !c.plausible(s.data[at:], frame) {
			if c.inStep {
				s.invalid()
				c.inStep = false
			}
			next := c.search(s.data, at+1)
			if !c.begun {
				s.description().HeadBytes += next - at
			}
			at = next
			continue
		}
		if c.isCut(s, at, at+frame.Size) {
			at, c.inStep = s.lossAt, false
			continue
		}
		if at+frame.Size > len(s.data) {
			break
		}
		if err := c.emit(s, at, frame); err != nil {
			return 0, err
		}
		at += frame.Size
	}
	return at, nil
}

// search gives where the next frame may begin, at or after at.
func (c *soundCutter) search(data []byte, at int) int {
	if found := bytes.IndexByte(data[at:], c.sync); found >= 0 {
		return at + found
	}
	return len(data)
}

// overruns says whether a frame from at to end goes on beyond the beginning of a PES packet that begins with a frame:
// then its length is not true. All but the last PES packet were looked at before.
func (c *soundCutter) overruns(s *stream, at, end int) bool {
	if s.firstMark == len(s.marks) || !c.begun {
		return false
	}
	begin := s.marks[len(s.marks)-1].offset
	if begin <= at || begin >= end || begin >= len(s.data) {
		return false
	}
	frame, ok := c.parse(s.data[begin:])
	return ok && frame.Config == c.frame.Config
}

// plausible says whether a frame that follows nothing known is one: another one follows it, or it ends where the data
// ends, or it looks as the last one did.
func (c *soundCutter) plausible(data []byte, frame codec.SoundFrame) bool {
	if c.begun && frame.Config == c.frame.Config && frame.Size >= len(data) || frame.Size == len(data) {
		return true
	}
	if len(data)-frame.Size < c.minimum {
		return !c.begun || frame.Config == c.frame.Config
	}
	next, ok := c.parse(data[frame.Size:])
	return ok && next.Config == frame.Config
}

func (c *soundCutter) emit(s *stream, at int, frame codec.SoundFrame) error {
	if m := s.mark(at); m.timed {
		c.base, c.samples, c.timed, c.lost = m.pts, 0, true, false
	}
	if !c.begun || frame.Config != c.frame.Config {
		if c.begun {
			c.base, c.samples = c.time(), 0
		}
		s.useParams(c.describe(s.data[at:]))
	}
	c.frame, c.begun, c.inStep = frame, true, true
	if c.lost {
		return nil // its time is not known
	}
	if !c.timed {
		s.description().HeadBytes += frame.Size
		return nil
	}
	if s.missing > 0 && at >= s.lossAt {
		c.hold(at, frame)
		return nil
	}
	return c.pass(s, at, frame)
}

// pass gives a frame the time that follows the one before.
func (c *soundCutter) pass(s *stream, at int, frame codec.SoundFrame) error {
	packet := media.Packet{PTS: c.time(), Key: true}
	packet.DTS = packet.PTS
	packet.Duration = samplesTicks(int64(frame.Samples), frame.Rate)
	c.samples += int64(frame.Samples)
	data := s.data[at+frame.Header : at+frame.Size]
	if c.unpack != nil {
		unpacked, ok := c.unpack(s.data[at : at+frame.Size])
		if !ok {
			s.invalid()
			return nil
		}
		data = unpacked
	}
	packet.Size = len(data)
	return s.emit(packet, data)
}

// time is that of the next frame: counted in samples from what the PES packet says, so that nothing adds up.
func (c *soundCutter) time() int64 { return c.base + samplesTicks(c.samples, c.frame.Rate) }

// samplesTicks is how long samples last, to the nearest tick.
func samplesTicks(samples int64, rate int) int64 {
	if rate <= 0 {
		return 0
	}
	return (samples*media.Clock + int64(rate)/2) / int64(rate)
}
