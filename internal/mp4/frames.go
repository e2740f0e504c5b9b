// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"bytes"
	"slices"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// beginnings are the samples of a track that do not begin as frames or pictures of its encoding do. Where most do not, the muxer has
// another way of cutting them.
type beginnings struct {
	found []media.Damage
	count int
	all   int
}

func (f *beginnings) add(begins bool, damage media.Damage) {
	if f.all++; begins {
		return
	}
	if f.count++; len(f.found) < media.MaxDamage {
		f.found = append(f.found, damage)
	}
}

func (f *beginnings) damage() []media.Damage {
	if f.count*2 >= f.all {
		return nil
	}
	return f.found
}

// isTag says that a sample is one of the tags that stand behind the sound in files of music.
func isTag(sample []byte) bool {
	return slices.ContainsFunc([]string{"LYRICSBEGIN", "APETAGEX", "TAG", "ID3"}, func(name string) bool {
		return bytes.HasPrefix(sample, []byte(name))
	})
}

// beginsPicture says whether the first slice in a sample, a chain of NAL units, is that of its picture. A sample without slices has
// no picture that could lack one.
func beginsPicture(sample []byte, length int, encoding media.Codec) bool {
	for unit := range units(sample, length) {
		if begins, isSlice := codec.BeginsPicture(unit, encoding); isSlice {
			return begins
		}
	}
	return true
}

// beginsFrame says whether a sample of sound begins as a frame of its encoding does, as far as that can be seen.
func beginsFrame(sample []byte, encoding media.Codec, format format) bool {
	ok := true
	switch encoding {
	case media.AAC:
		ok = !format.blocks || codec.AACBlock(sample)
	case media.MP2, media.MP3:
		_, ok = codec.ParseMPEGAudio(sample)
		ok = ok || isTag(sample) // of a file of music that was put into an MP4 as it was
	case media.AC3:
		_, ok = codec.ParseAC3(sample)
	case media.EAC3:
		_, ok = codec.ParseEAC3(sample)
	default:
	}
	return ok
}
