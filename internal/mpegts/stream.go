// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts

import (
	"bytes"

	"sparkrtc.dev/recording-operator/internal/media"
)

// stream collects the PES packets of a stream and cuts them into packets.
type stream struct {
	d      *demuxer
	index  int
	mapped mappedStream
	cutter cutter

	// data is the elementary stream that is not yet cut; held is how much of it cut has left. The marks are the times that
	// apply from an offset in it on; those before firstMark are used.
	data      []byte
	held      int
	marks     []mark
	firstMark int
	// state, header and the rest are of the PES packet that is being collected.
	state              pesState
	header             []byte
	declared, received int
	stuffed            bool
	unfinished         bool
	// begun is the offset of its first transport packet in the file.
	begun int64
	// missing is how many bytes of payload are lost of it at least, the first of them at lossAt in data; 0: none.
	missing, lossAt int
	// syncLosses is demuxer.syncLosses when the PES packet began.
	syncLosses int
	// lossTold says that there is evidence of it that its frames do not follow one another.
	lossTold bool
	// dts is that of the last mark; hasDTS says that there was one.
	dts    int64
	hasDTS bool
	// odd says that its muxer writes headers so: it does not mark times, for example.
	odd bool
	// params is the index of the Params that apply.
	params int
	// step is the distance of the last two packets.
	step int64
	// stretches say how far the times are ahead of the clock of the program. That many references to it have come.
	stretches  []stretch
	references int
}

type pesState uint8

const (
	// beforePES: no PES packet has begun.
	beforePES pesState = iota
	inHeader
	inPayload
	// skipping: what comes belongs to no PES packet that can be read.
	skipping
)

// cutter cuts an elementary stream into packets.
type cutter interface {
	// begins says whether a packet begins with the first bytes of a PES packet's payload, so that the one before is
	// complete.
	begins(payload []byte) bool
	// cut emits the packets in s.data, and gives how many of its bytes are done with. The rest comes again with more
	// behind it. Next is the time of the PES packet that follows, if it has one.
	cut(s *stream, next mark, end ending) (done int, err error)
	// interrupt says that what was left of s.data is given up.
	interrupt()
}

// ending says how the data of a stream ends that is to be cut.
type ending uint8

const (
	// goesOn: the last packet may have more bytes.
	goesOn ending = iota
	// complete: it has not.
	complete
	// endOfFile: nothing follows at all.
	endOfFile
)

func newStream(d *demuxer, mapped mappedStream) *stream {
	s := &stream{d: d, index: len(d.streams), mapped: mapped, params: -1, data: d.streamBuffer()}
	d.buffered += cap(s.data)
	s.cutter = newCutter(mapped)
	d.streams = append(d.streams, s)
	d.file.Streams = append(d.file.Streams, media.Stream{
		ID: uint32(mapped.pid), Kind: mapped.kind, Codec: mapped.codec, Language: mapped.language,
		Default: mapped.kind != media.Data,
	})
	return s
}

// description is the stream in the file's index.
func (s *stream) description() *media.Stream { return &s.d.file.Streams[s.index] }

// damage adds evidence at the packet that is being collected.
func (s *stream) damage(kind media.DamageKind, offset int64) {
	s.d.damage.add(&s.d.file, kind, s.index, s.description().Packets.Count, offset)
}

// invalid adds evidence that the bytes of the stream are not what its encoding asks for.
func (s *stream) invalid() {
	kind := media.NALInvalid
	if s.mapped.kind != media.Video {
		kind = media.FrameLost
	}
	s.damage(kind, s.begun)
}

// take takes the payload of a transport packet.
func (s *stream) take(p *transportPacket) error {
	s.d.position = p.offset
	if p.start {
		if s.mapped.untold {
			s.look(p.payload)
		}
		s.endPES()
		s.state, s.header = inHeader, s.header[:0]
	}
	if p.missing > 0 && !p.start {
		s.lose(p.missing)
	}
	s.stuffed = p.stuffed
	switch s.state {
	case beforePES:
		s.description().HeadBytes += len(p.payload)
	case inHeader:
		return s.takeHeader(p.payload)
	case inPayload:
		s.append(p.payload)
	case skipping:
	}
	return nil
}

// lose notes that transport packets are lost within a PES packet, or with the beginning of another one.
func (s *stream) lose(packets int) {
	if s.state == inHeader {
		s.breakHeader() // what follows is no part of it
	}
	if s.state != inPayload {
		return
	}
	if s.missing == 0 {
		s.lossAt, s.lossTold = len(s.data), false
	}
	s.missing += packets * (packetSize - 4)
}

// takeHeader collects the header of a PES packet, which most often is whole in the first transport packet.
func (s *stream) takeHeader(payload []byte) error {
	s.header = append(s.header, payload...)
	size, ok := pesHeaderSize(s.header)
	if !ok {
		s.breakHeader()
		return nil
	}
	if size == 0 || size > len(s.header) {
		return nil
	}
	header, _, _ := parsePES(s.header)
	if header.odd && s.hasDTS && !s.odd {
		s.breakHeader()
		return nil
	}
	s.odd = s.odd || header.odd
	const padding = 0xbe
	if header.streamID == padding {
		s.state = skipping
		return nil
	}
	return s.beginPES(header, s.header[size:])
}

// breakHeader takes a PES packet whose header is destroyed. The sound behind it may have a time nevertheless.
func (s *stream) breakHeader() {
	s.state = skipping
	s.invalid()
	if s.mapped.kind == media.Audio && s.hasDTS {
		s.state = inPayload
		s.lose(1)
		s.lossTold = true
	}
}

// endPES looks whether the PES packet that another one follows is whole.
func (s *stream) endPES() {
	short := s.state == inHeader || s.state == inPayload && s.received < s.declared
	if short {
		s.damage(media.PacketUnfinished, s.d.position)
		s.unfinished = true
	}
}

func (s *stream) beginPES(header pesHeader, payload []byte) error {
	next := s.time(header)
	if err := s.cutBefore(next, payload); err != nil {
		return err
	}
	next.offset, next.torn = len(s.data), s.missing > 0 || s.syncLosses != s.d.syncLosses
	s.syncLosses = s.d.syncLosses
	s.addMark(next)
	s.state, s.declared, s.received, s.begun, s.missing = inPayload, header.declared, 0, s.d.position, 0
	s.append(payload)
	return nil
}

// cutBefore cuts what is collected before the payload of another PES packet is added. Pictures whose end is not known, or
// that wait for a time, are collected until it is worth looking at them all again.
func (s *stream) cutBefore(next mark, payload []byte) error {
	const worth = 1 << 20
	end := goesOn
	if s.unfinished || s.mapped.kind != media.Video || next.timed && s.cutter.begins(payload) {
		end = complete
	}
	if end == goesOn && len(s.data) < worth+2*s.held {
		return nil
	}
	if err := s.cut(next, end); err != nil {
		return err
	}
	if s.unfinished {
		s.unfinished = false
		s.discard()
	}
	return nil
}

// discard gives up what is collected.
func (s *stream) discard() {
	s.data, s.held, s.marks, s.firstMark = s.data[:0], 0, s.marks[:0], 0
	s.cutter.interrupt()
}

// append adds payload to what is to be cut. Too much of it is given up, up to the next PES packet.
func (s *stream) append(payload []byte) {
	s.received += len(payload)
	before := cap(s.data)
	if len(s.data)+len(payload) > maxPES || before-len(s.data) < len(payload) && s.d.buffered > maxBuffered {
		s.invalid()
		s.state = skipping
		s.discard()
		return
	}
	s.data = append(s.data, payload...)
	s.d.buffered += cap(s.data) - before
}

// cut lets the cutter have what is collected.
func (s *stream) cut(next mark, end ending) error {
	if len(s.data) == 0 {
		return nil
	}
	done, err := s.cutter.cut(s, next, end)
	if err != nil {
		return err
	}
	s.held = copy(s.data, s.data[done:])
	s.data = s.data[:s.held]
	left := s.marks[s.firstMark:]
	s.marks, s.firstMark = s.marks[:0], 0
	for _, m := range left {
		m.offset = max(0, m.offset-done)
		s.addMark(m)
	}
	if s.held == 0 {
		s.marks = s.marks[:0]
	}
	return nil
}

// useParams makes params those of the packets that follow.
func (s *stream) useParams(params media.Params) {
	const maxParams = 64
	known := &s.description().Params
	for i := range *known {
		other := &(*known)[i]
		if bytes.Equal(other.Entry, params.Entry) && other.Codec == params.Codec && other.Width == params.Width &&
			other.Height == params.Height && other.SampleRate == params.SampleRate && other.Channels == params.Channels &&
			other.FrameSamples == params.FrameSamples {
			s.params = i
			return
		}
	}
	if len(*known) >= maxParams {
		s.d.ignore("changes of parameters beyond the first 64")
		return
	}
	s.params = len(*known)
	*known = append(*known, params)
}

// emit adds a packet to the index, and hands it on.
func (s *stream) emit(packet media.Packet, data []byte) error {
	if s.params < 0 {
		s.useParams(media.Params{Codec: s.mapped.codec})
	}
	packet.Params = s.params
	packets := &s.description().Packets
	if distance := packet.DTS - packets.Last.DTS; packets.Count > 0 && distance > 0 {
		s.step = distance
	}
	packets.Append(packet)
	if s.d.yield == nil {
		return nil
	}
	return s.d.yield(media.Sample{Packet: packet, Stream: s.index, Data: data})
}

// finish cuts what is left at the end of the file.
func (d *demuxer) finish() error {
	d.settleFields()
	if d.selected < 0 && len(d.streams) == 0 {
		d.damage.add(&d.file, media.TablesMissing, -1, 0, 0)
	}
	for _, s := range d.streams {
		tail := media.TailWhole
		switch {
		case s.state == inHeader || s.state == inPayload && s.received < s.declared:
			tail = media.TailUnfinished
		case s.state == inPayload && s.declared < 0 && !s.stuffed:
			tail = media.TailUnstuffed
		}
		if err := s.cut(mark{}, endOfFile); err != nil {
			return err
		}
		// Behind the last picture there may be a PES packet that has all bytes it declares and no picture: SRS writes a delimiter alone
		// when the sender says that its stream ends. Stuffing proves nothing: some muxers put it behind each delimiter.
		whole := s.mapped.kind == media.Video && tail == media.TailWhole && s.declared >= 0
		if len(s.data) > 0 && !whole {
			tail = media.TailUnfinished
		}
		s.description().Tail = tail
		s.description().Strays = s.strays()
	}
	return nil
}
