// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package packedaudio reads sound without a container as HLS has it (RFC 8216, 3.4): frames of AAC, MPEG audio or AC-3,
// one after the other, behind ID3 tags.
package packedaudio

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// ErrNotSound says that the bytes are no frames of sound.
var ErrNotSound = errors.New("not packed audio")

const (
	// bufferBytes is what is looked at together. Half of it holds the largest frame: 64 parts of E-AC-3 of 4 KiB each.
	bufferBytes = 1 << 20
	// maxHead bounds what may lie in front of the first frame: the rest of one that began in the segment before.
	maxHead = 8 << 10
	// maxParams bounds the changes of what a decoder has to know.
	maxParams = 64
)

// Read indexes frames of sound up to the end of r. Each frame is handed to yield, with its bytes as an MP4 sample; with a
// nil yield the file is only described. File.Bytes and File.SHA256 are the caller's to fill.
//
// The time of the first frame is that of the ID3 tag in front of it (File.Start), or 0; those of the others follow by the
// numbers of their samples, also after lost frames (FrameLost), since nothing says how many there were. A frame that
// the end cuts is left out, and Stream.Tail says so.
//
// Zeros in front of the first tag or frame are skipped (Padding).
//
// An error is that of r or of yield, or ErrNotSound: no frames begin behind the tags. Text that follows a tag is none,
// whatever follows the text.
func Read(r io.Reader, yield func(media.Sample) error) (media.File, error) {
	p := parser{r: r, yield: yield, buffer: make([]byte, bufferBytes)}
	p.file.Container = media.PackedAudio
	if err := p.run(); err != nil {
		return media.File{}, err
	}
	p.stream.Packets.Close()
	p.file.Streams = []media.Stream{p.stream}
	return p.file, nil
}

// format is a way to cut sound into frames.
type format struct {
	parse    func([]byte) (codec.SoundFrame, bool)
	describe func([]byte) media.Params
	header   int // bytes that parse needs
	// sync is the byte that each frame begins with.
	sync byte
}

var formats = []format{
	{parse: codec.ParseADTS, describe: codec.ADTSParams, header: codec.ADTSHeader, sync: 0xff},
	{parse: codec.ParseMPEGAudio, describe: codec.MPEGAudioParams, header: codec.MPEGAudioHeader, sync: 0xff},
	{parse: codec.ParseAC3, describe: codec.AC3Params, header: codec.AC3Header, sync: 0x0b},
	{parse: codec.ParseEAC3, describe: codec.EAC3Params, header: codec.AC3Header, sync: 0x0b},
}

// parser is the state of one Read.
type parser struct {
	r     io.Reader
	yield func(media.Sample) error
	file  media.File

	buffer  []byte
	data    []byte // the part of buffer that is not yet used
	offset  int64  // of data in the file
	padding int64  // zeros in front of the sound
	ended   bool   // nothing follows data

	stream  media.Stream
	format  format
	frame   codec.SoundFrame // the last one
	params  int              // index of the present parameters
	base    int64            // time of the first frame with the present parameters
	samples int64            // since base
}

// need reads on until data has n bytes, or the source ends.
func (p *parser) need(n int) error {
	if p.ended || len(p.data) >= n {
		return nil
	}
	left := copy(p.buffer, p.data)
	read, err := io.ReadFull(p.r, p.buffer[left:])
	p.data = p.buffer[:left+read]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		p.ended = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading sound: %w", err)
	}
	return nil
}

// skip passes over n bytes, or what there is of them.
func (p *parser) skip(n int64) error {
	for n > 0 {
		if err := p.need(1); err != nil {
			return err
		}
		if len(p.data) == 0 {
			return nil
		}
		step := min(n, int64(len(p.data)))
		p.data = p.data[step:]
		p.offset += step
		n -= step
	}
	return nil
}

func (p *parser) run() error {
	if err := p.skipTags(); err != nil {
		return err
	}
	p.base = p.file.Start
	if err := p.findFirst(); err != nil {
		return err
	}
	for {
		if err := p.need(bufferBytes / 2); err != nil {
			return err
		}
		if len(p.data) == 0 {
			return nil
		}
		done, err := p.next()
		if done || err != nil {
			return err
		}
	}
}

// findFirst finds the first frame and what it is. It must be followed by another one, or be the last.
func (p *parser) findFirst() error {
	if err := p.need(bufferBytes / 2); err != nil {
		return err
	}
	for at := range min(len(p.data), maxHead) {
		for _, f := range formats {
			frame, ok := f.parse(p.data[at:])
			if !ok || !follows(f, p.data[at:], frame) {
				continue
			}
			if isText(p.data[:at]) {
				return fmt.Errorf("text in front of the frames: %w", ErrNotSound)
			}
			p.format = f
			p.stream.HeadBytes = at
			p.notePadding()
			p.stream.Kind, p.stream.Default = media.Audio, true
			return p.skip(int64(at))
		}
	}
	return ErrNotSound
}

// notePadding says what zeros in front of the sound are. Padding ends where a frame or a tag begins; zeros that end within a
// frame are in the place of others.
func (p *parser) notePadding() {
	if p.padding == 0 {
		return
	}
	kind := media.Padding
	if p.stream.HeadBytes > 0 {
		kind = media.FrameLost
	}
	p.file.Damage = append(p.file.Damage, media.Damage{Kind: kind, Count: 1})
}

// Sniff says that sound begins with data: with a tag, or with a frame that another one follows.
func Sniff(data []byte) bool {
	return tagSize(data) > 0 || slices.ContainsFunc(formats, func(f format) bool {
		frame, ok := f.parse(data)
		return ok && follows(f, data, frame)
	})
}

// follows says whether another frame of the same kind follows one, or the end.
func follows(f format, data []byte, frame codec.SoundFrame) bool {
	if rest := len(data) - frame.Size; rest < f.header {
		return rest >= 0
	}
	next, ok := f.parse(data[frame.Size:])
	return ok && next.Config == frame.Config || tagSize(data[frame.Size:]) > 0
}

// isText says whether bytes are text, and more of it than can be by chance.
func isText(data []byte) bool {
	const chance = 6
	if len(data) <= chance || !utf8.Valid(data) {
		return false
	}
	for _, b := range data {
		if b < ' ' && b != '\t' && b != '\r' && b != '\n' {
			return false
		}
	}
	return true
}

// next takes the frame that data begins with. Where there is none, it goes to the next one.
func (p *parser) next() (done bool, err error) {
	frame, ok := p.format.parse(p.data)
	if !ok {
		return p.resume()
	}
	if frame.Size > len(p.data) { // frames are smaller than half the buffer, so that this is the end
		p.stream.Tail = media.TailUnfinished
		return true, nil
	}
	if p.stream.Packets.Count == 0 && isInformation(p.data[:frame.Size]) {
		p.file.Ignored = append(p.file.Ignored, "the first frame, which describes an MP3 file")
	} else if err := p.emit(frame); err != nil {
		return true, err
	}
	return false, p.skip(int64(frame.Size))
}

// isInformation says whether a frame holds no sound, but the tables of an MP3 file, as encoders write them behind the side
// information of a silent first frame.
func isInformation(frame []byte) bool {
	head := frame[:min(len(frame), 4+32+4)]
	return frame[0] == 0xff && (bytes.Contains(head, []byte("Xing")) || bytes.Contains(head, []byte("Info")) ||
		bytes.Contains(head, []byte("VBRI")))
}

// resume goes on where frames do not follow one another: behind tags, or behind bytes that are no frame.
func (p *parser) resume() (done bool, err error) {
	if size := max(tagSize(p.data), p.otherTag()); size > 0 && size <= maxTagBytes {
		return false, p.skip(size)
	}
	if p.ended && (len(p.data) < p.format.header || isOldTag(p.data)) {
		if !isOldTag(p.data) && p.data[0] == p.format.sync { // a line feed, or zeros, are no frame that was cut
			p.stream.Tail = media.TailUnfinished
		}
		return true, nil
	}
	p.note(p.offset)
	for at := 1; at < len(p.data); at++ {
		if frame, ok := p.format.parse(p.data[at:]); ok && follows(p.format, p.data[at:], frame) {
			return false, p.skip(int64(at))
		}
	}
	if p.ended {
		return true, nil
	}
	return false, p.skip(int64(len(p.data) - p.format.header))
}

// isOldTag says whether data is a tag of ID3v1, which ends a file.
func isOldTag(data []byte) bool { return len(data) == oldTagBytes && string(data[:3]) == "TAG" }

// otherTag is the size of a tag that editors of music write behind the sound, if data begins with one and something that
// is known follows it; 0: none.
func (p *parser) otherTag() int64 {
	size := max(apeSize(p.data), lyricsSize(p.data))
	if size == 0 && len(p.data) > oldTagBytes && string(p.data[:3]) == "TAG" {
		size = oldTagBytes
	}
	if size > int64(len(p.data)) && !p.ended {
		return size // with pictures, an APE tag is larger than what is looked at together
	}
	if size == 0 || size > int64(len(p.data)) {
		return 0
	}
	rest := p.data[size:]
	if _, ok := p.format.parse(rest); ok || len(rest) == 0 || isOldTag(rest) || max(tagSize(rest), apeSize(rest), lyricsSize(rest)) > 0 {
		return size
	}
	return 0
}

// emit takes a frame.
func (p *parser) emit(frame codec.SoundFrame) error {
	if len(p.stream.Params) == 0 || frame.Config != p.frame.Config {
		p.base, p.samples = p.time(), 0
		if err := p.use(p.format.describe(p.data[:frame.Size])); err != nil {
			return err
		}
	}
	p.frame = frame
	start := p.time()
	p.samples += int64(frame.Samples)
	packet := media.Packet{
		DTS: start, PTS: start, Duration: p.time() - start, Size: frame.Size - frame.Header, Key: true,
		Params: p.params,
	}
	p.stream.Packets.Append(packet)
	if p.yield == nil {
		return nil
	}
	return p.yield(media.Sample{Packet: packet, Data: p.data[frame.Header:frame.Size]})
}

// time is that of the next frame: counted in samples, so that rounding does not add up.
func (p *parser) time() int64 {
	if p.frame.Rate <= 0 {
		return p.base
	}
	rate := int64(p.frame.Rate)
	return p.base + (p.samples*media.Clock+rate/2)/rate
}

// use makes params those of the packets that follow.
func (p *parser) use(params media.Params) error {
	p.stream.Codec = params.Codec
	p.params = slices.IndexFunc(p.stream.Params, func(known media.Params) bool {
		return known.Codec == params.Codec && known.SampleRate == params.SampleRate && known.Channels == params.Channels &&
			bytes.Equal(known.Entry, params.Entry)
	})
	if p.params < 0 {
		p.params = len(p.stream.Params)
		p.stream.Params = append(p.stream.Params, params)
	}
	if len(p.stream.Params) > maxParams {
		return fmt.Errorf("more than %d sets of parameters: %w", maxParams, ErrNotSound)
	}
	return nil
}

// note adds damage, and counts what repeats at once.
func (p *parser) note(offset int64) {
	packet := p.stream.Packets.Count
	if last := len(p.file.Damage) - 1; last >= 0 {
		if d := &p.file.Damage[last]; packet == d.Packet || last+1 == media.MaxDamage {
			d.Count++
			return
		}
	}
	p.file.Damage = append(p.file.Damage, media.Damage{Kind: media.FrameLost, Packet: packet, Offset: offset, Count: 1})
}
