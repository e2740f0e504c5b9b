// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import "sparkrtc.dev/recording-operator/internal/media"

// wrongTimes are the numbers of the packets whose times cannot be, and of those that are known to be wrong.
func (v *view) wrongTimes(known []int) numbers {
	found := numbers{}
	found.note(known...)
	for _, each := range v.stream.Strays {
		for number := max(v.from, each.From); number < min(v.to, each.To); number++ {
			found.note(number)
		}
	}
	v.shownLate(found)
	if v.stream.Kind == media.Video {
		v.shownBehind(found)
	}
	if v.stream.Kind == media.Video && v.transport {
		v.shownBefore(found)
		v.offGrid(found)
	}
	if v.stream.Kind == media.Audio && v.transport {
		v.offLine(found)
	}
	v.strays(found)
	if v.length > 0 {
		v.overlong(found)
	}
	return found
}

// numbers of packets.
type numbers map[int]bool

func (n numbers) note(all ...int) {
	for _, number := range all {
		n[number] = true
	}
}

// strays finds a few packets in a row whose times are far from those before them and from those behind them, which follow
// one another: no clock leaps there and back.
func (v *view) strays(found numbers) {
	var line, last media.Packet     // line is the last packet with a right time
	var interval, leapt, pace int64 // pace is the step between the last packets that leapt
	var waiting []int               // packets that leapt
	bounds := boundsOf(v.stream.Kind)
	began := false
	for number, packet := range v.all() {
		if !began {
			line, began = packet, true
			continue
		}
		step, leap := packet.DTS-line.DTS, packet.DTS-last.DTS
		switch {
		case len(waiting) == 0 && (step < -bounds.back || step-line.Duration > bounds.ahead):
			leapt = step
		case len(waiting) == 0:
			line, interval = packet, step
			continue
		case distance(leap, pace)*8 > pace && bounds.returns(leapt > 0, leap) && v.isOnLine(waiting, step, leap, interval):
			found.note(waiting...)
			line, waiting = packet, waiting[:0]
			continue
		case len(waiting) >= v.mostStrays(leapt):
			line, waiting = packet, waiting[:0] // a pause, or another clock
			continue
		}
		if pace = 0; len(waiting) > 0 {
			pace = leap
		}
		waiting, last = append(waiting, number), packet
	}
}

// mostStrays is how many packets stray in a row that have leapt so far: pictures that leap forward by little pause, most often.
func (v *view) mostStrays(leapt int64) int {
	if v.stream.Kind == media.Video && leapt > 0 && leapt < minStray {
		return fewStrays + 1
	}
	return maxStrays
}

// isOnLine says that a packet is a step behind the last one that is right, as far as the strays between them let expect, when it has
// leapt back from these. Where packets are lost as well, it is somewhere behind that one.
func (v *view) isOnLine(strays []int, step, leap, interval int64) bool {
	missed := int64(len(strays)+1) * interval
	return distance(step, missed) <= v.tolerance(strays, missed) || len(strays) <= fewStrays && step > 0 && step < distance(leap, 0)/2
}

// tolerance is by how much the time of the packet behind strays may differ from where it is expected. Nothing is lost between two
// segments as it is between packets: there, two sounds may have been recorded at one time instead.
func (v *view) tolerance(strays []int, missed int64) int64 {
	if strays[0] <= v.from || strays[len(strays)-1] >= v.to-1 {
		return missed / 4
	}
	return maxReturn + missed/2
}

// leapBounds is how far the clock of strays leaps at least.
type leapBounds struct{ ahead, back int64 }

func boundsOf(kind media.Kind) leapBounds {
	if kind == media.Audio {
		return leapBounds{ahead: minStraySound, back: minStraySound / 2}
	}
	return leapBounds{ahead: maxReturn, back: minStep}
}

// returns says that a clock that leapt forward or back leaps the other way.
func (b leapBounds) returns(forward bool, leap int64) bool {
	if forward {
		return leap < -b.back
	}
	return leap > b.ahead
}
