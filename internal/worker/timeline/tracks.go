// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"bytes"
	"fmt"

	"sparkrtc.dev/recording-operator/internal/media"
)

// maxParams bounds the distinct parameters of a track; a recording has a few.
const maxParams = 1000

// collectTracks gathers what decoders have to know, and where it changes.
func (b *builder) collectTracks() {
	b.tracks = map[media.Kind]*Track{}
	for _, kind := range kinds {
		var track *Track
		last := -1
		known := b.knowsParams(kind)
		for _, each := range b.pieces {
			for _, slice := range each.Slices(kind) {
				stream := &b.segments[each.Segment].File.Streams[slice.Stream]
				if track == nil {
					track = &Track{Kind: kind, Language: stream.Language, Matrix: stream.Matrix, known: known}
					if b.keepsEdits() {
						track.Edits = stream.Edits
					}
				}
				last = b.collect(track, each, slice, stream, last)
			}
		}
		if track != nil {
			if len(track.Params) == 0 {
				track.Params = append(track.Params, media.Params{Codec: b.codec(kind)})
			}
			b.tracks[kind] = track
		}
	}
}

// knowsParams says that some packets of a kind can be put into an MP4. Then those whose parameters no segment before
// them has told go with the first that are known: a decoder skips them up to the next key frame.
func (b *builder) knowsParams(kind media.Kind) bool {
	for _, each := range b.pieces {
		for _, slice := range each.Slices(kind) {
			for _, params := range b.segments[each.Segment].File.Streams[slice.Stream].Params {
				if len(params.Entry) > 0 {
					return true
				}
			}
		}
	}
	return false
}

// codec is what the container of the first piece names.
func (b *builder) codec(kind media.Kind) media.Codec {
	for _, each := range b.pieces {
		if len(each.Slices(kind)) > 0 {
			return b.streamAt(each, kind, false).Codec
		}
	}
	return ""
}

// collect reads the parameters of one slice. It gives the number of those that it ends with.
func (b *builder) collect(track *Track, each *part, slice Slice, stream *media.Stream, last int) int {
	track.Packets += int64(slice.To - slice.From)
	if len(stream.Params) == 1 {
		return b.change(track, each, &stream.Params[0], last, slice.stats.begin)
	}
	number, params := 0, -1
	for packet := range stream.Packets.All() {
		if number >= slice.To {
			break
		}
		if number >= slice.From && packet.Params != params && packet.Params < len(stream.Params) {
			params = packet.Params
			last = b.change(track, each, &stream.Params[params], last, packet.PTS+slice.Shift+each.Offset-each.base)
		}
		number++
	}
	return last
}

// change notes that packets have other parameters than those before them.
func (b *builder) change(track *Track, each *part, params *media.Params, last int, at int64) int {
	if len(params.Entry) == 0 && track.known && params.Codec != media.Encrypted {
		return last // the segment has no parameter sets of its own: those before it go on
	}
	now := -1
	for i := range track.Params {
		if sameParams(&track.Params[i], params) {
			now = i
		}
	}
	if now < 0 {
		if len(track.Params) >= maxParams {
			return last
		}
		track.Params = append(track.Params, *params)
		now = len(track.Params) - 1
		if params.Codec == media.Encrypted {
			b.find(Encrypted, each.Segment, at+each.base, 0, "the %s is encrypted from here on, so that nothing can be said of what is in it", track.Kind)
		}
	}
	if last >= 0 && now != last {
		b.find(ParameterChange, each.Segment, at+each.base, 0, "%s changes from %s to %s",
			track.Kind, describe(&track.Params[last]), describe(params))
	}
	return now
}

// sameParams says that packets of both decode alike.
func sameParams(a, b *media.Params) bool { return a.Codec == b.Codec && bytes.Equal(a.Entry, b.Entry) }

// describe names parameters for a person.
func describe(params *media.Params) string {
	if params.SampleRate > 0 {
		return fmt.Sprintf("%s %d Hz, %d channel(s)", params.Codec, params.SampleRate, params.Channels)
	}
	return fmt.Sprintf("%s %dx%d", params.Codec, params.Width, params.Height)
}

// SoundAlike says that sound of both can be in one track: decoders and players take a change of anything else.
func SoundAlike(a, b *media.Params) bool {
	return a.Codec == b.Codec && a.SampleRate == b.SampleRate && a.Channels == b.Channels && a.FrameSamples == b.FrameSamples
}

// Change is a place where the recording becomes what one track of an MP4 cannot hold.
type Change struct {
	Kind media.Kind
	// At is the time in the result.
	At int64
	// From and To describe the parameters.
	From, To string
}

// Changes are the places where a codec changes, or the parameters of the sound.
func (t *Timeline) Changes() []Change {
	var changes []Change
	for _, track := range t.Tracks() {
		if len(track.Params) < 2 {
			continue
		}
		last := -1
		for placed := range t.Packets(track.Kind) {
			if last >= 0 && placed.Entry != last && !track.holds(last, placed.Entry) {
				changes = append(changes, Change{
					Kind: track.Kind, At: placed.PTS, From: describe(&track.Params[last]), To: describe(&track.Params[placed.Entry]),
				})
			}
			last = placed.Entry
		}
	}
	return changes
}

// holds says that one track of an MP4 holds packets of both parameters.
func (t *Track) holds(a, b int) bool {
	if t.Kind == media.Audio {
		return SoundAlike(&t.Params[a], &t.Params[b])
	}
	return t.Params[a].Codec == t.Params[b].Codec
}
