// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"slices"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// Index describes the file with all its packets. It reads every byte of H.264 and H.265 samples, in the order of the
// file, checks that each is a chain of NAL units, and sees which are key frames; of other encodings it checks that no frame is empty or
// all zeros.
//
// Packets has the samples whose bytes are in the file. Those that are not are counted in Damage (SampleMissing), at the
// packet before which they should be. Stream.Packets agrees with Samples, packet by packet. SHA256 is not filled in:
// the samples are not the whole file.
func (m *Movie) Index() (media.File, error) {
	x := indexer{
		movie: m, data: newDataReader(m), damage: slices.Clone(m.damage), frames: make([]frameLength, len(m.tracks)),
		numbers: newFragmentNumbers(len(m.tracks)), beginnings: make([]beginnings, len(m.tracks)),
		pictures: make([]codec.FrameNumbers, len(m.tracks)),
	}
	x.file = media.File{
		Container: m.container, Bytes: m.size, Duration: m.duration, Streams: make([]media.Stream, len(m.tracks)),
	}
	tracks := make([]int, len(m.tracks))
	for i, t := range m.tracks {
		tracks[i] = i
		x.file.Streams[i] = media.Stream{
			ID: t.ID, Kind: t.Kind, Codec: t.codec(0), Language: t.language, Default: !t.disabled, Edits: t.edits, Matrix: t.matrix,
		}
	}
	err := m.walk(tracks, visitor{
		sample: x.sample,
		missing: func(track int, offset, count int64) {
			x.note(media.SampleMissing, track, offset, count)
		},
		damaged:  func(offset int64) { x.note(media.BoxTruncated, -1, offset, 1) },
		fragment: x.fragment,
		unknown:  func(id uint32) { m.ignoreTrack(id) },
	})
	if err != nil {
		return media.File{}, err
	}
	for i, t := range m.tracks {
		stream := &x.file.Streams[i]
		stream.Packets.Close()
		stream.Params = x.data.uses[i].params(t)
		x.frames[i].fill(stream.Params, t.Timescale)
		if m.container == media.FragmentMP4 {
			x.data.orders[i].fill(stream)
		}
	}
	if err := x.judgeUnnamed(); err != nil {
		return media.File{}, err
	}
	found := x.numbers.damage()
	for i := range x.beginnings {
		found = append(found, x.beginnings[i].damage()...)
	}
	for _, damage := range found {
		x.damage.add(damage)
	}
	x.file.Fragments = x.numbers.FragmentNumbers
	x.file.Damage, x.file.Ignored = x.damage.sorted(), slices.Clone(m.ignored)
	return x.file, nil
}

// indexer fills a media.File.
type indexer struct {
	movie  *Movie
	file   media.File
	damage evidence
	data   *dataReader
	frames []frameLength
	// beginnings of the samples of each track.
	beginnings []beginnings
	// pictures of each track, by their numbers.
	pictures []codec.FrameNumbers
	// dataEnd is where the bytes of all samples end.
	dataEnd int64
	// numbers are those of the fragments.
	numbers fragmentNumbers
}

// frameLength finds out how long the samples of a track last: nine of ten equally long. Longer ones lie before a hole, and
// the last one may be anything.
type frameLength struct {
	held, least int64
	same, all   int
}

func (f *frameLength) add(duration int64) {
	if f.held > 0 {
		f.count(f.held)
	}
	f.held = duration
}

func (f *frameLength) count(duration int64) {
	f.all++
	switch {
	case f.least == 0 || duration < f.least:
		f.least, f.same = duration, 1
	case duration == f.least:
		f.same++
	}
}

// fill sets how long the packets of Opus last, which its sample entry does not say. Its clock has 48 kHz.
func (f *frameLength) fill(params []media.Params, timescale uint32) {
	if f.all == 0 && f.held > 0 {
		f.count(f.held)
	}
	for i := range params {
		if params[i].Codec == media.Opus && f.all > 0 && f.same*10 >= f.all*9 {
			params[i].FrameSamples = int(rescale(f.least, codec.OpusRate, timescale))
		}
	}
}

func (x *indexer) sample(track int, s *Sample) error {
	t := x.movie.tracks[track]
	packet := t.packet(s)
	length, encoding := t.lengthBytes(s.Description), t.codec(s.Description)
	switch {
	case length > 0:
		data, err := x.data.blocks.bytes(s.Offset, s.Size)
		if err != nil {
			return err
		}
		packet.Size = len(x.data.widened(data, length))
		frame := x.order(&packet, track, s.Description, data)
		damaged := !judgeKey(&packet, data, length, encoding)
		if !damaged {
			within, atEnd := findZeros(data, length, encoding)
			if damaged, err = x.isHole(s, within, atEnd); err != nil {
				return err
			}
		}
		if damaged {
			x.note(media.NALInvalid, track, s.Offset, 1)
		} else {
			x.beginnings[track].add(beginsPicture(data, length, encoding), x.damaged(media.SliceMissing, track, s.Offset))
			if found, lost := x.pictures[track].Add(frame, x.damaged(media.PictureMissing, track, s.Offset)); lost {
				x.damage.add(found)
			}
		}
	case neverZero[encoding]:
		data, err := x.data.blocks.bytes(s.Offset, s.Size)
		if err != nil {
			return err
		}
		judgeKey(&packet, data, length, encoding)
		damage := x.damaged(media.FrameLost, track, s.Offset)
		lost, begins := isZero(data), beginsFrame(data, encoding, t.format(s.Description))
		if length := pictureZeros[encoding]; length > 0 && !lost {
			within, atEnd := findPictureZeros(data, length)
			if lost, err = x.isHole(s, within, atEnd); err != nil {
				return err
			}
		}
		if lost {
			x.damage.add(damage)
		} else {
			x.beginnings[track].add(begins, damage)
		}
	}
	packet.Params = x.data.uses[track].index(s.Description)
	x.frames[track].add(s.Duration)
	x.dataEnd = max(x.dataEnd, s.Offset+int64(s.Size))
	x.numbers.sample(track, x.file.Streams[track].Packets.Count, &packet, s.Offset)
	x.file.Streams[track].Packets.Append(packet)
	return nil
}

// order sets the order of a picture in a file in fragments, and gives the other number that a picture of H.264 has.
func (x *indexer) order(packet *media.Packet, track, description int, sample []byte) codec.FrameNumber {
	t := x.movie.tracks[track]
	fragmented := x.movie.container == media.FragmentMP4
	if !fragmented && t.codec(description) != media.H264 {
		return codec.FrameNumber{}
	}
	order, frame := x.data.orders[track].picture(t, description, sample)
	if fragmented {
		packet.Order = order
	}
	return frame
}

// fragment takes what the next movie fragment says of itself.
func (x *indexer) fragment(head fragmentHead) {
	x.file.Joint = x.file.Joint || head.joint
	x.numbers.fragment(head)
}

// isHole says that a sample holds zeros that no encoder writes. Zeros at its end are a hole when they go on behind it.
func (x *indexer) isHole(s *Sample, within, atEnd bool) (bool, error) {
	end := s.Offset + int64(s.Size)
	if !atEnd || end+zeroRun > x.movie.size {
		return within, nil
	}
	behind, err := x.data.blocks.bytes(end, zeroRun)
	return err == nil && isZero(behind), err
}

// neverZero are the encodings in which no frame is empty or all zeros: such a frame is a hole in the file.
var neverZero = map[media.Codec]bool{
	media.AAC: true, media.MP2: true, media.MP3: true, media.Opus: true, media.AC3: true, media.EAC3: true,
	media.VP8: true, media.VP9: true, media.AV1: true, media.MJPEG: true, media.MPEG2: true, media.MPEG4: true,
}

func isZero(data []byte) bool {
	for _, b := range data {
		if b != 0 {
			return false
		}
	}
	return true
}

// damaged is the evidence that the next sample of a track is damaged.
func (x *indexer) damaged(kind media.DamageKind, track int, offset int64) media.Damage {
	return media.Damage{Kind: kind, Stream: track, Packet: x.file.Streams[track].Packets.Count, Offset: offset, Count: 1}
}

func (x *indexer) note(kind media.DamageKind, track int, offset, count int64) {
	d := media.Damage{Kind: kind, Stream: track, Offset: offset, Count: int(count)}
	if track >= 0 {
		d.Packet = x.file.Streams[track].Packets.Count
	}
	x.damage.add(d)
}
