// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// A segment of the day has 256 pictures at 25 fps and 480 AAC frames at 48 kHz, which last equally long: 10.24 s.
const (
	segmentPictures = 256
	segmentFrames   = 480
	segmentTicks    = 921_600
	daySegments     = 8438
)

// day makes a recording of 24 hours cheaply: one segment of tiny pictures, repeated with times and counters that go on.
func day(ctx context.Context, dir string) error {
	base := filepath.Join(dir, "base.ts")
	err := runFFmpeg(ctx, dir, "-f", "lavfi", "-i", "color=size=16x16:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-frames:v", fmt.Sprint(segmentPictures), "-frames:a", fmt.Sprint(segmentFrames), "-c:v", "libx264", "-preset", "ultrafast", "-g", fmt.Sprint(segmentPictures),
		"-c:a", "aac", "-b:a", "16k", "-f", "mpegts", base)
	if err != nil {
		return err
	}
	packets, err := os.ReadFile(base)
	if err != nil {
		return err
	}
	list := bytes.NewBufferString("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:11\n#EXT-X-PLAYLIST-TYPE:VOD\n")
	counters := map[uint16]byte{}
	for i := range daySegments {
		if err := restamp(packets, counters, i > 0); err != nil {
			return err
		}
		name := fmt.Sprintf("s%05d.ts", i)
		if err := os.WriteFile(filepath.Join(dir, name), packets, 0o600); err != nil {
			return err
		}
		fmt.Fprintf(list, "#EXTINF:10.24,\n%s\n", name)
	}
	list.WriteString("#EXT-X-ENDLIST\n")
	return os.WriteFile(filepath.Join(dir, playlist), list.Bytes(), 0o600)
}

const packetSize = 188

// restamp moves the times of transport packets forward by a segment, when advance is set, and lets the continuity counters
// go on (ISO/IEC 13818-1, 2.4.3).
func restamp(packets []byte, counters map[uint16]byte, advance bool) error {
	for ; len(packets) >= packetSize; packets = packets[packetSize:] {
		packet := packets[:packetSize]
		if packet[0] != 0x47 {
			return errors.New("ffmpeg wrote no transport packets")
		}
		pid := binary.BigEndian.Uint16(packet[1:]) & 0x1fff
		payload := packet[4:]
		if packet[3]&0x20 != 0 { // an adaptation field
			size := int(packet[4])
			if advance && size > 6 && packet[5]&0x10 != 0 {
				advancePCR(packet[6:])
			}
			payload = packet[5+size:]
		}
		if packet[3]&0x10 == 0 { // no payload, which leaves the counter
			continue
		}
		packet[3] = packet[3]&0xf0 | counters[pid]
		counters[pid] = (counters[pid] + 1) & 0x0f
		if advance && packet[1]&0x40 != 0 && bytes.HasPrefix(payload, []byte{0, 0, 1}) {
			advancePES(payload)
		}
	}
	return nil
}

// advancePCR moves the clock reference, whose base is the first 33 bits.
func advancePCR(field []byte) {
	value := uint64(binary.BigEndian.Uint32(field))<<1 | uint64(field[4]>>7)
	value = (value + segmentTicks) & (1<<33 - 1)
	binary.BigEndian.PutUint32(field, uint32(value>>1))
	field[4] = field[4]&0x7f | byte(value<<7)
}

// advancePES moves the times in a PES header.
func advancePES(header []byte) {
	if header[7]&0x80 != 0 {
		advanceTime(header[9:])
	}
	if header[7]&0x40 != 0 {
		advanceTime(header[14:])
	}
}

// advanceTime moves a time of 33 bits in five bytes, with marker bits between them.
func advanceTime(field []byte) {
	value := uint64(field[0]>>1&7)<<30 | uint64(binary.BigEndian.Uint16(field[1:])>>1)<<15 | uint64(binary.BigEndian.Uint16(field[3:])>>1)
	value = (value + segmentTicks) & (1<<33 - 1)
	field[0] = field[0]&0xf1 | byte(value>>30<<1)
	binary.BigEndian.PutUint16(field[1:], uint16(value>>15<<1)|1)
	binary.BigEndian.PutUint16(field[3:], uint16(value<<1)|1)
}
