// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import "sparkrtc.dev/recording-operator/internal/media"

// maxStep is the greatest usual step of the numbers of movie fragments. Those of a recorder that counts grow by one; where some
// fragments were left out with their tracks, by a few.
const maxStep = 8

// fragmentNumbers follows the sequence numbers of movie fragments (ISO/IEC 14496-12, 8.8.5), and finds tracks that pause where the
// numbers jump: fragments between are lost.
type fragmentNumbers struct {
	media.FragmentNumbers
	// steps counts the steps from 1 to maxStep, and all every step.
	steps [maxStep + 1]int
	all   int
	// jumped is, for each track, the greatest step since its last sample, and ends where that one ends.
	jumped []uint32
	ends   []int64
	pauses []pause
}

// pause is where a track pauses behind a step.
type pause struct {
	step   uint32
	damage media.Damage
}

func newFragmentNumbers(tracks int) fragmentNumbers {
	return fragmentNumbers{jumped: make([]uint32, tracks), ends: make([]int64, tracks)}
}

// fragment takes the number of the next fragment.
func (n *fragmentNumbers) fragment(number uint32) {
	step := number - n.Last
	if n.Known && number > n.Last {
		n.all++
		if step <= maxStep {
			n.steps[step]++
		}
		for track := range n.jumped {
			n.jumped[track] = max(n.jumped[track], step)
		}
	}
	n.Add(number)
}

// sample takes the next sample of a track; packet is its number.
func (n *fragmentNumbers) sample(track, packet int, s *Sample, timescale uint32) {
	const least = 100 // a pause is longer than this part of a second
	if step := n.jumped[track]; step > 1 && n.ends[track] > 0 && (s.DTS-n.ends[track])*least > int64(timescale) && len(n.pauses) < media.MaxDamage {
		n.pauses = append(n.pauses, pause{step: step, damage: media.Damage{
			Kind: media.FragmentMissing, Stream: track, Packet: packet, Offset: s.Offset, Count: 1,
		}})
	}
	n.jumped[track], n.ends[track] = 0, s.DTS+s.Duration
}

// damage is where the numbers jump by more than they usually do, and a track pauses.
func (n *fragmentNumbers) damage() (found []media.Damage) {
	usual := uint32(1)
	for usual <= maxStep && n.steps[usual]*2 < n.all {
		usual++
	}
	if usual > maxStep || n.all < 2 {
		return nil
	}
	for _, each := range n.pauses {
		if each.step > usual {
			found = append(found, each.damage)
		}
	}
	return found
}
