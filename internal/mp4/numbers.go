// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import "sparkrtc.dev/recording-operator/internal/media"

// maxStep is the greatest usual step of the numbers of movie fragments. Those of a recorder that counts grow by one; where some
// fragments were left out with their tracks, by a few.
const maxStep = 8

// fragmentNumbers follows the sequence numbers of movie fragments (ISO/IEC 14496-12, 8.8.5), and finds tracks that pause, or do not say
// when they go on, where the numbers jump: fragments between are lost.
type fragmentNumbers struct {
	media.FragmentNumbers
	// steps counts the steps from 1 to maxStep, and all every step.
	steps [maxStep + 1]int
	all   int
	// timed is that of the last fragment.
	timed  bool
	tracks []trackNumbers
	pauses []pause
}

// trackNumbers are the numbers of the fragments behind the last sample of a track.
type trackNumbers struct {
	// jumped is the greatest step since the sample.
	jumped uint32
	// packets is how many the track has. The last one ends at this time, in ticks, and its bytes begin at this offset.
	packets     int
	end, offset int64
}

// pause is where a track pauses behind a step, or may do so.
type pause struct {
	step   uint32
	damage media.Damage
}

func newFragmentNumbers(tracks int) fragmentNumbers {
	return fragmentNumbers{tracks: make([]trackNumbers, tracks)}
}

// fragment takes the next fragment.
func (n *fragmentNumbers) fragment(head fragmentHead) {
	n.timed = head.timed
	if !head.numbered {
		return
	}
	step := head.number - n.Last
	if n.Known && head.number > n.Last {
		n.all++
		if step <= maxStep {
			n.steps[step]++
		}
		for i := range n.tracks {
			n.tracks[i].jumped = max(n.tracks[i].jumped, step)
		}
	}
	n.Add(head.number)
}

// minPause is longer than what rounding leaves between two samples, in ticks.
const minPause = media.Clock / 100

// sample takes the next sample of a track: the packet of this number, with its bytes at an offset.
func (n *fragmentNumbers) sample(track, number int, packet *media.Packet, offset int64) {
	t := &n.tracks[track]
	if pauses := !n.timed || packet.DTS-t.end > minPause; pauses && t.packets > 0 {
		n.note(track, number, offset)
	}
	*t = trackNumbers{packets: number + 1, end: packet.DTS + packet.Duration, offset: offset}
}

// note notes that fragments may be lost before a packet of a track.
func (n *fragmentNumbers) note(track, number int, offset int64) {
	if step := n.tracks[track].jumped; step > 1 && len(n.pauses) < media.MaxDamage {
		n.pauses = append(n.pauses, pause{step: step, damage: media.Damage{
			Kind: media.FragmentMissing, Stream: track, Packet: number, Offset: offset, Count: 1,
		}})
	}
}

// damage is where the numbers jump by more than they usually do, and a track pauses or ends before others do.
func (n *fragmentNumbers) damage() (found []media.Damage) {
	usual := uint32(1)
	for usual <= maxStep && n.steps[usual]*2 < n.all {
		usual++
	}
	if usual > maxStep || n.all < 2 {
		return nil
	}
	last := int64(0)
	for i := range n.tracks {
		last = max(last, n.tracks[i].end)
	}
	for i := range n.tracks {
		if t := &n.tracks[i]; t.packets > 0 && last-t.end > minPause {
			n.note(i, t.packets, t.offset)
		}
	}
	for _, each := range n.pauses {
		if each.step > usual {
			found = append(found, each.damage)
		}
	}
	return found
}
