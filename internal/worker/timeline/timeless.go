// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import "sparkrtc.dev/recording-operator/internal/media"

// judgeTimeless looks at segments of sound that has no times (RFC 8216, 3.4, asks for them): what of it is doubled or out of order, no
// clock tells, but the names of the segments and their bytes may. What is lost, doubtJoins doubts.
func (b *builder) judgeTimeless() {
	first := map[[32]byte]int{}
	for i := range b.segments {
		file := b.segments[i].File
		if !isTimeless(file) || len(b.partsOf[i]) == 0 {
			continue
		}
		each := b.partsOf[i][0]
		if twin, known := first[file.SHA256]; known && file.SHA256 != [32]byte{} && isVaried(&file.Streams[0]) {
			b.find(UnknownHole, i, each.early+each.base, 0,
				"its file is a copy of segment %d, and its sound has no times; whether something is lost cannot be decided", twin)
		} else {
			first[file.SHA256] = i
		}
		if i == 0 || !isTimeless(b.segments[i-1].File) || b.segments[i].Discontinuity {
			continue
		}
		if step, known := nameStep(b.segments[i-1].Name, b.segments[i].Name); known && step < b.usualStep() {
			b.find(UnknownHole, i, each.early+each.base, 0,
				"the number in its name does not follow that of the segment before, and its sound has no times; whether something is lost cannot be decided")
		}
	}
}

// isTimeless says that a file is sound without any time.
func isTimeless(file *media.File) bool {
	return file != nil && file.Container == media.PackedAudio && !file.HasStart && len(file.Streams) > 0
}

// isVaried says that the packets of a stream differ in size: silence is alike wherever it is.
func isVaried(stream *media.Stream) bool {
	sizes := map[int]bool{}
	for packet := range stream.Packets.All() {
		if sizes[packet.Size] = true; len(sizes) >= minSizes {
			return true
		}
	}
	return false
}
