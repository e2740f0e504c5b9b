// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"math"
)

// Sample is one sample of a Track. Several samples of uniform sound are one: see Track.Samples.
type Sample struct {
	// DTS, PTS and Duration are in units of Track.Timescale. They are those of the media: edits are not applied.
	DTS, PTS, Duration int64
	// Offset and Size are the place of the bytes in the file.
	Offset int64
	Size   int
	// Key says that decoding can begin here.
	Key bool
	// Opens says that a movie fragment begins with it.
	Opens bool
	// Description is the index in Track.Params.
	Description int
}

// Sound of small samples (PCM) is read in groups, because a day of it has four billion samples.
const (
	groupedSize    = 64   // largest sample that is grouped
	groupedSamples = 1024 // in a group
)

// cursor yields the samples of a track one after the other.
type cursor interface {
	// next fills in the next sample. false: there is none.
	next(*Sample) (bool, error)
	// rest is the number of samples after the last one that next gave.
	rest() int64
}

// tableCursor reads the samples of a track from the tables of the movie box.
type tableCursor struct {
	track *Track
	tables
	left int64 // samples that are not yet given

	durationReader, offsetReader                   runReader
	sizeReader, runReader, chunkReader, syncReader tableReader

	dts, offset int64 // of the next sample
	number      int64 // of the next sample, from 1
	nextSync    int64 // number of the next key sample
	inChunk     int64 // samples left in the chunk
	chunk       int64 // number of the chunk, from 1
	perChunk    int64
	description int
	nextRun     int64 // chunk at which the next run of stsc begins
	grouped     bool
}

func newTableCursor(t *Track) *tableCursor {
	c := &tableCursor{track: t, tables: t.tables, left: t.tables.count, number: 1}
	reader := func(array table) tableReader {
		if array.count == 0 {
			return tableReader{}
		}
		return tableReader{w: newWindow(t.movie.r, t.movie.size, 4096), table: array}
	}
	c.durationReader, c.offsetReader = runReader{tableReader: reader(c.times)}, runReader{tableReader: reader(c.offsets)}
	c.sizeReader, c.runReader = reader(c.sizes), reader(c.runs)
	c.chunkReader, c.syncReader = reader(c.chunks), reader(c.sync)
	c.grouped = t.uncompressed() && c.fixedSize > 0 && c.fixedSize <= groupedSize && !c.hasSync &&
		c.offsets.count == 0
	return c
}

func (c *tableCursor) rest() int64 { return c.left }

func (c *tableCursor) next(s *Sample) (bool, error) {
	if c.left == 0 {
		return false, nil
	}
	for c.inChunk == 0 {
		if ok, err := c.nextChunk(); !ok {
			return false, err
		}
	}
	size, ok, err := c.nextSize()
	if !ok {
		return false, err
	}
	delta, same, err := c.durationReader.take(1)
	if err != nil {
		return false, err
	}
	shift, _, err := c.offsetReader.take(1)
	if err != nil {
		return false, err
	}
	key, err := c.isSync()
	if err != nil {
		return false, err
	}
	count := int64(1)
	if c.grouped {
		count = min(groupedSamples, c.inChunk, c.left, same+1)
		_, _, _ = c.durationReader.take(count - 1) // within the run, so that nothing is read
	}
	*s = Sample{
		// Offsets of version 0 are unsigned, but QuickTime and others write negative ones in it.
		DTS: c.dts, PTS: c.dts + int64(int32(shift)), //nolint:gosec // signed
		Duration: int64(delta) * count, Offset: c.offset, Size: int(size * count), Key: key, Description: c.description,
	}
	c.dts += s.Duration
	c.offset += size * count
	c.number += count
	c.left -= count
	c.inChunk -= count
	return true, nil
}

// nextChunk goes to the next chunk (ISO/IEC 14496-12, 8.7.4 and 8.7.5). false: there is none.
func (c *tableCursor) nextChunk() (bool, error) {
	offset, err := c.chunkReader.next()
	if err != nil || offset == nil {
		return false, err
	}
	if c.chunkReader.width == 64 {
		c.offset = int64(min(binary.BigEndian.Uint64(offset), math.MaxInt64/2))
	} else {
		c.offset = int64(binary.BigEndian.Uint32(offset))
	}
	c.chunk++
	for c.chunk >= c.nextRun {
		run, err := c.runReader.peek()
		if err != nil {
			return false, err
		}
		if run == nil {
			c.nextRun = math.MaxInt64
			break
		}
		first := int64(binary.BigEndian.Uint32(run))
		if first > c.chunk && c.runReader.at > 0 {
			c.nextRun = first
			break
		}
		c.perChunk = int64(binary.BigEndian.Uint32(run[4:]))
		c.description = int(binary.BigEndian.Uint32(run[8:])) - 1
		c.runReader.at++
	}
	c.inChunk = c.perChunk
	return true, nil
}

// nextSize reads the size of the next sample. false: the table is cut.
func (c *tableCursor) nextSize() (size int64, ok bool, err error) {
	if c.fixedSize > 0 {
		return int64(c.fixedSize), true, nil
	}
	if c.sizes.width == 4 {
		return c.sizeReader.nibble()
	}
	entry, err := c.sizeReader.next()
	if err != nil || entry == nil {
		return 0, false, err
	}
	for _, b := range entry {
		size = size<<8 | int64(b)
	}
	return size, true, nil
}

// isSync says whether the next sample is one of the sync samples (8.6.2). Without a table all are.
func (c *tableCursor) isSync() (bool, error) {
	if !c.hasSync {
		return true, nil
	}
	for c.nextSync < c.number {
		entry, err := c.syncReader.next()
		if err != nil {
			return false, err
		}
		if entry == nil {
			c.nextSync = math.MaxInt64
			break
		}
		c.nextSync = int64(binary.BigEndian.Uint32(entry))
	}
	return c.nextSync == c.number, nil
}
