// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "sparkrtc.dev/recording-operator/internal/media"

// FrameNumber is frame_num of a picture of H.264 (ISO/IEC 14496-10, 7.4.3): how many pictures that others refer to lie before it.
type FrameNumber struct {
	// Number has Bits bits. 0 bits: it is not known.
	Number, Bits int
	// Reference says that other pictures may refer to this one, Intra that it refers to none, and Restarts that counting begins here (IDR).
	Reference, Intra, Restarts bool
	// MayJump says that the stream may leave out numbers.
	MayJump bool
}

// FrameNumber reads the number of a slice of this SPS.
func (s *H264SPS) FrameNumber(h *H264SliceHeader) FrameNumber {
	s.field(h)
	return FrameNumber{
		Number: h.FrameNum, Bits: s.frameNumBits, Reference: h.Reference, Intra: h.Intra, Restarts: h.Restarts, MayJump: s.MayJump,
	}
}

// FrameNumbers finds where pictures are lost that others refer to, whatever the times say. The zero value is at the beginning of a stream.
//
// Where numbers jump again and again, a sender has left out a layer, and the others can be decoded: no picture is lost.
type FrameNumbers struct {
	// last is that of the last picture that others refer to; known says that there is one to compare with.
	last  int
	known bool
	// jumped says that there is a jump before that picture, which is this damage if it is a loss, and again that there is one before the
	// picture before it, too.
	jumped, again bool
	damage        media.Damage
}

// Add takes the next picture, in the order of decoding, and what it is when pictures are lost before it. It gives that of an earlier picture
// when it turns out that some are lost before that one.
func (f *FrameNumbers) Add(p FrameNumber, damage media.Damage) (found media.Damage, lost bool) {
	if !p.Reference || p.Bits == 0 {
		return found, false
	}
	step := (p.Number - f.last) & (1<<p.Bits - 1)
	restarts := p.Restarts || p.Number <= 1 && step > 2 // a command in the picture before may restart the count, too
	follows := f.known && !restarts && !p.Intra && !p.MayJump
	// Behind a picture at which decoding may begin, those that are shown before it may have been left out.
	f.last, f.known = p.Number, !p.Intra || p.Restarts
	switch {
	case !follows:
		f.jumped, f.again = false, false
	case step <= 1:
		found, lost = f.damage, f.jumped && !f.again
		f.jumped, f.again = false, false
	default:
		f.jumped, f.again, f.damage = true, f.jumped, damage
	}
	return found, lost
}
