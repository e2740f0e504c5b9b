// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"math"
	"math/bits"

	"sparkrtc.dev/recording-operator/internal/media"
)

// maxTicks bounds times, so that sums and differences of two of them do not overflow. It is 400,000 years.
const maxTicks = 1 << 60

// rescale is value*to/from, rounded to the nearest, halves away from zero, and bounded by maxTicks.
func rescale(value int64, to, from uint32) int64 {
	if from == 0 || to == from {
		return min(max(value, -maxTicks), maxTicks)
	}
	negative := value < 0
	magnitude := uint64(value) //nolint:gosec // made positive on the next line
	if negative {
		magnitude = -magnitude
	}
	high, low := bits.Mul64(magnitude, uint64(to))
	low, carry := bits.Add64(low, uint64(from/2), 0)
	high += carry
	quotient := uint64(math.MaxUint64)
	if high < uint64(from) {
		quotient, _ = bits.Div64(high, low, uint64(from))
	}
	result := int64(min(quotient, maxTicks))
	if negative {
		return -result
	}
	return result
}

// ticks is a time of a track or movie in ticks of media.Clock.
func ticks(value int64, timescale uint32) int64 { return rescale(value, media.Clock, timescale) }
