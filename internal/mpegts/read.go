// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package mpegts indexes MPEG transport streams (ISO/IEC 13818-1): a file of them, or one segment of HLS. It reads every
// byte once, takes what it can, and lists whatever the bytes show to be damaged.
package mpegts

import (
	"errors"
	"fmt"
	"io"

	"sparkrtc.dev/recording-operator/internal/media"
)

// ErrNotTransportStream is returned for bytes that are no transport stream, and for none at all.
var ErrNotTransportStream = errors.New("not an MPEG transport stream")

const (
	packetSize = 188
	syncByte   = 0x47
	// blockSize is what is read at once. The tables are looked for in the first block before packets are taken from it.
	blockSize = 1344 * packetSize
	// maxStreams bounds the streams of a file.
	maxStreams = 64
	// maxPES bounds a PES packet that is being collected, and maxBuffered all of them together.
	maxPES      = 16 << 20
	maxBuffered = 64 << 20
	// maxHeaders bounds what may lie in front of a picture.
	maxHeaders = 16 << 10
	// maxIgnored bounds File.Ignored.
	maxIgnored = 8
)

// Read indexes a transport stream up to its end. Each packet is handed to yield, in the order of the file, with its
// bytes as an MP4 sample; with a nil yield no samples are built. File.Bytes and File.SHA256 are the caller's to fill.
//
// Packets of 188 bytes are read, and those of 192 (with a timestamp in front) and 204 (with parity behind). Of several
// programs the first with picture or sound is taken. Streams that no PMT names are recognized by their content while
// there is no PMT. A stream whose type changes under its PID goes on as another stream with the same ID.
//
// An error is that of r or of yield, or [ErrNotTransportStream]. Damage is none: it is in File.Damage.
func Read(r io.Reader, yield func(media.Sample) error) (media.File, error) {
	d := &demuxer{source: r, buffers: pool.Get().(*buffers), yield: yield, tables: tables{selected: -1}} //nolint:forcetypeassert // pool's own
	defer func() { d.release(d.streams) }()
	d.file.Container = media.MPEGTS
	if err := d.run(); err != nil {
		return media.File{}, err
	}
	for i := range d.file.Streams {
		d.file.Streams[i].Packets.Close()
	}
	return d.file, nil
}

// demuxer is the state of one Read.
type demuxer struct {
	source io.Reader
	yield  func(media.Sample) error
	file   media.File

	*buffers
	// offset is that of the block in the source; ended: nothing follows it.
	offset int64
	ended  bool
	// lost says that packets are searched. Stride is their distance, and position the offset of the present one.
	lost   bool
	stride int
	// syncLosses counts how often packets were searched.
	syncLosses int
	position   int64

	// begun says that the first packet of the tables or of a stream has come.
	begun bool

	// streams are those of file.Streams, with what is needed to go on.
	streams []*stream
	tables
	damage damageList
	// buffered is the capacity of all streams' buffers.
	buffered int
	// clock is the last time of any stream; hasClock says that there is one.
	clock    int64
	hasClock bool
	// clockOfProgram is the one that the times should follow.
	clockOfProgram programClock
}

// fill moves what is left of the block to its front and reads on, until the block is full or the source ends.
func (d *demuxer) fill(used int) error {
	left := copy(d.block, d.block[used:])
	d.offset += int64(used)
	read, err := io.ReadFull(d.source, d.block[left:cap(d.block)])
	d.block = d.block[:left+read]
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		d.ended = true
		return nil
	}
	if err != nil {
		return fmt.Errorf("read transport stream: %w", err)
	}
	return nil
}

func (d *demuxer) run() error {
	if err := d.fill(0); err != nil {
		return err
	}
	start, stride, ok := findPackets(d.block)
	if !ok {
		return ErrNotTransportStream
	}
	d.stride = stride
	if prefix := stride - packetSize; start > 0 && (stride == 204 || start != prefix) {
		d.damage.add(&d.file, media.SyncLost, -1, 0, 0)
	}
	d.findTables(d.block[start:])
	at := start
	for {
		var err error
		if at, err = d.packets(at); err != nil {
			return err
		}
		if d.ended {
			break
		}
		if err := d.fill(at); err != nil {
			return err
		}
		at = 0
	}
	if rest := len(d.block) - at; rest > 0 && !d.lost && !d.isParity(rest) {
		kind := media.SyncLost
		if d.block[at] == syncByte {
			kind = media.PacketCut
		}
		d.damage.add(&d.file, kind, -1, 0, d.offset+int64(at))
	}
	return d.finish()
}

// isParity says that what follows the last packet is what belongs between packets.
func (d *demuxer) isParity(rest int) bool { return rest <= d.stride-packetSize }

// packets handles the packets of the block from at on, and gives where it stopped: less than a packet is left then, with
// what belongs between packets, or less than it takes to tell where packets go on.
func (d *demuxer) packets(at int) (int, error) {
	for at+packetSize <= len(d.block) && (d.ended || at+d.stride <= len(d.block)) {
		if d.lost || d.block[at] != syncByte {
			if !d.lost {
				d.damage.add(&d.file, media.SyncLost, -1, 0, d.offset+int64(at))
				d.syncLosses++
				at = max(0, at-packetSize+1) // the last packet was shorter than it should be, if bytes are lost
			}
			at, d.lost = d.resync(at)
			if d.lost {
				break
			}
		}
		end := at + d.sizeOf(at)
		if err := d.packet(d.block[at:end:end], d.offset+int64(at)); err != nil {
			return at, err
		}
		at += d.stride
	}
	return min(at, len(d.block)), nil
}

// minPacket is a header, and an adaptation field with its length and flags.
const minPacket = 6

// sizeOf is how much of a packet is there: where bytes of it are lost, the next one begins within what is read in its place. That
// matters where the next one begins what follows in the stream; else it keeps what is behind the loss in step. At the end of a
// block, nothing tells it.
func (d *demuxer) sizeOf(at int) int {
	if next := at + d.stride; next >= len(d.block) || d.block[next] == syncByte {
		return packetSize
	}
	for size := minPacket; size < packetSize; size++ {
		if d.block[at+size] == syncByte && follow(d.block[at+size:], d.stride, packetsInRow) {
			const begins = 0x40 // payload_unit_start_indicator
			head, next := d.block[at:], d.block[at+size:]
			if next[1]&begins != 0 && next[1]&0x1f == head[1]&0x1f && next[2] == head[2] {
				return size
			}
			break
		}
	}
	return packetSize
}

// packetsInRow is how many packets follow one another where they are found again.
const packetsInRow = 3

// resync finds where packets go on at or after at: where some follow one another, or as many as the file has room for.
// While the block has too few bytes to tell, packets stay lost.
func (d *demuxer) resync(at int) (next int, lost bool) {
	for next = at; next < len(d.block); next++ {
		if d.block[next] != syncByte {
			continue
		}
		if next+(packetsInRow-1)*d.stride >= len(d.block) && !d.ended {
			return next, true
		}
		if follow(d.block[next:], d.stride, packetsInRow) {
			return next, false
		}
	}
	return len(d.block), true
}

// follow says whether data begins with count packets, or with as many as it has room for, at least one.
func follow(data []byte, stride, count int) bool {
	if len(data) < packetSize {
		return false
	}
	for i := 0; i < count && i*stride < len(data); i++ {
		if data[i*stride] != syncByte {
			return false
		}
	}
	return true
}

// findPackets finds the first packet and the distance of packets.
func findPackets(data []byte) (start, stride int, ok bool) {
	if len(data) == packetSize && data[0] == syncByte {
		return 0, packetSize, true
	}
	const searched, packets = 64 << 10, 5
	for start = range min(len(data), searched) {
		if data[start] != syncByte {
			continue
		}
		for _, stride = range [...]int{packetSize, 192, 204} {
			if len(data)-start >= stride+packetSize && follow(data[start:], stride, packets) {
				return start, stride, true
			}
		}
	}
	return 0, 0, false
}
