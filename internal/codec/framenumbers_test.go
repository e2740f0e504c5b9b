// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec_test

import (
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// TestFrameNumbers_JumpsThatAreLosses: a number that is left out once is a lost picture. Everything else that may make numbers jump is none.
func TestFrameNumbers_JumpsThatAreLosses(t *testing.T) {
	reference := func(numbers ...int) (all []codec.FrameNumber) {
		for _, n := range numbers {
			all = append(all, codec.FrameNumber{Number: n, Bits: 4, Reference: true})
		}
		return all
	}
	change := func(all []codec.FrameNumber, i int, change func(p *codec.FrameNumber)) []codec.FrameNumber {
		change(&all[i])
		return all
	}
	for name, test := range map[string]struct {
		pictures []codec.FrameNumber
		want     []int // before these, by their index
	}{
		"none":                       {reference(1, 2, 3), nil},
		"one":                        {reference(1, 2, 4, 5), []int{2}},
		"two":                        {reference(0, 1, 3, 4, 5, 9, 10), []int{2, 5}},
		"where numbers begin again":  {reference(13, 14, 3, 4), []int{2}},
		"that before a new round":    {reference(14, 0, 1), []int{1}},
		"round":                      {reference(14, 15, 0, 1), nil},
		"at the very end":            {reference(1, 2, 4), nil},
		"two fields":                 {reference(1, 1, 2, 2, 4, 4), []int{4}},
		"a layer that is left out":   {reference(2, 4, 6, 8, 10), nil},
		"a layer, for a while":       {reference(1, 2, 4, 6, 8, 9, 10), nil},
		"restarted within a picture": {reference(5, 6, 1, 2, 3), nil},
		"pictures nobody refers to":  {change(reference(1, 2, 3, 3), 2, func(p *codec.FrameNumber) { p.Reference = false }), nil},
		"a loss before one of those": {change(reference(1, 3, 3, 4), 1, func(p *codec.FrameNumber) { p.Reference = false }), []int{2}},
		"a new beginning":            {change(reference(5, 0, 1, 3, 4), 1, func(p *codec.FrameNumber) { p.Intra, p.Restarts = true, true }), []int{3}},
		"an intra picture":           {change(reference(1, 2, 7, 8), 2, func(p *codec.FrameNumber) { p.Intra = true }), nil},
		"leading pictures left out":  {change(reference(1, 7, 9, 10), 1, func(p *codec.FrameNumber) { p.Intra = true }), nil},
		"allowed":                    {change(reference(1, 2, 4, 5), 2, func(p *codec.FrameNumber) { p.MayJump = true }), nil},
		"not known":                  {change(reference(1, 2, 3, 4), 2, func(p *codec.FrameNumber) { *p = codec.FrameNumber{} }), nil},
	} {
		var numbers codec.FrameNumbers
		var found []int
		for i, picture := range test.pictures {
			if damage, lost := numbers.Add(picture, media.Damage{Packet: i}); lost {
				found = append(found, damage.Packet)
			}
		}
		if !slices.Equal(found, test.want) {
			t.Errorf("%s: lost before %v, want %v", name, found, test.want)
		}
	}
}
