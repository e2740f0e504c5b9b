// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

// smoothTime is the identifier of the box that files of Smooth Streaming have behind the runs, in place of tfdt (MS-SSTR, 2.2.4.4).
var smoothTime = [4]uint32{0x6d1d9b05, 0x42d544e6, 0x80e2141d, 0xaff757b2}

// smoothClock decides what such a time is. It is that of a fragment's first sample: when it is decoded, or when it is shown, as the
// ffmpeg program writes it (mov_write_tfxd_tag in libavformat/movenc.c). The one that follows the fragment before is right.
type smoothClock struct {
	// waits says that the first sample of a fragment with such a time comes next.
	waits bool
	// end is where the fragment before ends, if there is one.
	end    int64
	exists bool
	// shown says that the times are when samples are shown: it was seen in one fragment.
	shown bool
}

// begin starts a fragment: the one before ends at a time, and this one may have such a time.
func (c *smoothClock) begin(end int64, smooth bool) { c.waits, c.end = smooth, end }

// first takes the time of a fragment, and by how much its first sample is shown later than it is decoded, and gives when that sample is
// decoded.
func (c *smoothClock) first(time, shift, duration int64) int64 {
	c.waits = false
	if c.exists && !isNear(time, c.end, duration) && isNear(time-shift, c.end, duration) {
		c.shown = true
	}
	c.exists = true
	if c.shown {
		return time - shift
	}
	return time
}
