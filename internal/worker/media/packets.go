/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package media

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
)

// Span is when a packet is shown, in microseconds of the file's clock.
type Span struct {
	Start, End int64
	// Reset says that the clock was set back before this packet of its stream.
	Reset bool
}

// clockJump is how far a stream's decoding times go back when its clock was reset (#EXT-X-DISCONTINUITY). They never
// go back otherwise, but for the flaws of some muxers. Display times do, with B-frames.
const clockJump = 1_000_000

// maxPackets bounds what is held in memory: a day of 60 frames and 47 AAC packets a second is 9.3 million.
const maxPackets = 40_000_000

// PacketReader collects the answer to PacketArgs, line by line, of two streams.
type PacketReader struct {
	// Video and Audio are the streams to collect; nil: none.
	Video, Audio *Stream

	packets Packets
	onVideo clock
	onAudio clock
	err     error
}

// clock is how far a stream has come.
type clock struct {
	started bool
	// decoded is the last decoding time, end the end of the last packet.
	decoded, end int64
}

// Packets are the times of a file's packets, in the order of the file.
type Packets struct {
	// All are those of video and sound together.
	All   []Span
	video []bool
}

// Video are the packets of the picture.
func (p Packets) Video() []Span { return p.of(true) }

// Audio are the packets of the sound.
func (p Packets) Audio() []Span { return p.of(false) }

// Main is the track that gaps are judged by: the video, or the sound of a recording without video.
func (p Packets) Main() []Span {
	if video := p.Video(); len(video) > 0 {
		return video
	}
	return p.All
}

func (p Packets) of(video bool) []Span {
	var spans []Span
	for i, span := range p.All {
		if p.video[i] == video {
			spans = append(spans, span)
		}
	}
	return spans
}

// Line reads one line. Packets of other streams are passed over; a packet without a time follows the one before it.
func (r *PacketReader) Line(line []byte) {
	fields := bytes.Split(bytes.TrimSpace(line), []byte{','})
	if len(fields) < 4 || r.err != nil {
		return
	}
	index, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		return
	}
	video := r.Video != nil && r.Video.Index == index
	at := &r.onAudio
	if video {
		at = &r.onVideo
	} else if r.Audio == nil || r.Audio.Index != index {
		return
	}
	if len(r.packets.All) >= maxPackets {
		r.err = fmt.Errorf("%w: more than %d packets", ErrUnsupported, maxPackets)
		return
	}
	r.packets.All = append(r.packets.All, at.next(fields[1], fields[2], fields[3]))
	r.packets.video = append(r.packets.video, video)
}

// next takes a packet's display time, decoding time and duration, any of which may be unknown.
func (c *clock) next(display, decoding, length []byte) Span {
	start, displayed := micros(display)
	decoded, ok := micros(decoding)
	switch {
	case !displayed && ok:
		start = decoded
	case !displayed:
		start = c.end
	}
	if !ok {
		decoded = start
	}
	reset := c.started && decoded < c.decoded-clockJump
	duration, _ := micros(length)
	*c = clock{started: true, decoded: decoded, end: start + max(0, duration)}
	return Span{Start: start, End: c.end, Reset: reset}
}

// Steady says that no stream's clock was reset.
func (p Packets) Steady() bool {
	for _, span := range p.All {
		if span.Reset {
			return false
		}
	}
	return true
}

// Duration is how long picture and sound last together; when a clock was reset, how long the longer of the two lasts,
// since their clocks need not be reset at once.
func (p Packets) Duration() time.Duration {
	if p.Steady() {
		return lasts(p.All)
	}
	return max(lasts(p.Video()), lasts(p.Audio()))
}

// Begin is the earliest start, in microseconds.
func (p Packets) Begin() int64 {
	if len(p.All) == 0 {
		return 0
	}
	return slices.MinFunc(p.All, func(a, b Span) int { return cmp.Compare(a.Start, b.Start) }).Start
}

// Packets is what was read.
func (r *PacketReader) Packets() (Packets, error) { return r.packets, r.err }

// micros reads seconds; "N/A" is not ok. ffprobe prints microseconds as its smallest digit.
func micros(seconds []byte) (int64, bool) {
	value, err := strconv.ParseFloat(string(seconds), 64)
	if err != nil || math.IsNaN(value) || math.Abs(value) > 1e9 {
		return 0, false
	}
	return int64(math.Round(value * 1e6)), true
}
