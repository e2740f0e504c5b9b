// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// orderReader finds out from the bytes of a track's pictures in which order they are shown.
type orderReader struct {
	// description is that of the pictures that order is for.
	description int
	order       *codec.PictureOrder
	// bits of the numbers; -1: they differ.
	bits int
	// last is the order of the last picture, and reference that of the last one that numbers are near to.
	last, reference media.Order
}

// picture takes the next picture.
func (r *orderReader) picture(t *Track, description int, sample []byte) (media.Order, codec.FrameNumber) {
	length, encoding := t.lengthBytes(description), t.codec(description)
	if length == 0 || !saysOrder(encoding) {
		return media.Order{}, codec.FrameNumber{}
	}
	if r.order == nil || r.description != description {
		r.description, r.order = description, codec.NewPictureOrder(encoding)
		for _, set := range t.format(description).sets {
			r.order.Add(set)
		}
	}
	for unit := range units(sample, length) {
		if number, ok := r.order.Add(unit); ok {
			return r.follow(number), number.Frame
		}
	}
	return media.Order{}, codec.FrameNumber{}
}

// follow is the order of the next picture.
func (r *orderReader) follow(number codec.OrderNumber) media.Order {
	if number.Bits == 0 {
		return media.Order{}
	}
	if r.bits == 0 {
		r.bits = number.Bits
	} else if r.bits != number.Bits {
		r.bits = -1
	}
	switch {
	case number.Restarts:
		r.last = media.Order{Sequence: max(1, r.last.Sequence) + 1, Number: number.Number}
	case r.last.Sequence == 0:
		r.last = media.Order{Sequence: 1, Number: number.Number}
	default:
		r.last.Number = number.Near(r.reference.Number)
	}
	if number.Reference || r.reference.Sequence != r.last.Sequence {
		r.reference = r.last
	}
	return r.last
}

// saysOrder says that pictures of an encoding say in which order they are shown, in a way that is read.
func saysOrder(encoding media.Codec) bool { return encoding == media.H264 || encoding == media.HEVC }

// fill sets what is known of the whole stream.
func (r *orderReader) fill(stream *media.Stream) {
	stream.OrderBits, stream.LastReference = max(0, r.bits), r.reference
}
