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
	"fmt"
	"math"
	"strconv"
)

// Span is when a packet is shown, in microseconds of the file's clock.
type Span struct {
	Start, End int64
}

// maxPackets bounds what is held in memory: a day of 60 frames and 47 AAC packets a second is 9.3 million.
const maxPackets = 40_000_000

// PacketReader collects the answer to PacketArgs, line by line, of two streams.
type PacketReader struct {
	// Video and Audio are the streams to collect; nil: none.
	Video, Audio *Stream

	packets Packets
	err     error
}

// Packets are the times of a file's packets, in the order of the file.
type Packets struct {
	Video, Audio []Span
}

// Line reads one line. Packets of other streams, and packets without any time, are passed over; the latter are still
// counted as part of the packet before them.
func (r *PacketReader) Line(line []byte) {
	fields := bytes.Split(bytes.TrimSpace(line), []byte{','})
	if len(fields) < 4 || r.err != nil {
		return
	}
	index, err := strconv.Atoi(string(fields[0]))
	if err != nil {
		return
	}
	track := r.track(index)
	if track == nil {
		return
	}
	start, ok := micros(fields[1])
	if !ok {
		if start, ok = micros(fields[2]); !ok {
			if len(*track) == 0 {
				return
			}
			start = (*track)[len(*track)-1].End
		}
	}
	duration, _ := micros(fields[3])
	if len(r.packets.Video)+len(r.packets.Audio) >= maxPackets {
		r.err = fmt.Errorf("%w: more than %d packets", ErrUnsupported, maxPackets)
		return
	}
	*track = append(*track, Span{Start: start, End: start + max(0, duration)})
}

// Packets is what was read.
func (r *PacketReader) Packets() (Packets, error) { return r.packets, r.err }

func (r *PacketReader) track(index int) *[]Span {
	switch {
	case r.Video != nil && r.Video.Index == index:
		return &r.packets.Video
	case r.Audio != nil && r.Audio.Index == index:
		return &r.packets.Audio
	}
	return nil
}

// micros reads seconds; "N/A" is not ok. ffprobe prints microseconds as its smallest digit.
func micros(seconds []byte) (int64, bool) {
	value, err := strconv.ParseFloat(string(seconds), 64)
	if err != nil || math.IsNaN(value) || math.Abs(value) > 1e9 {
		return 0, false
	}
	return int64(math.Round(value * 1e6)), true
}
