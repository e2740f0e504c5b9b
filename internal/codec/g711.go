// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "sparkrtc.dev/recording-operator/internal/media"

// The encodings of ITU-T G.711: a byte for each sample of sound.
const (
	ALaw  media.Codec = "pcm_alaw"
	MuLaw media.Codec = "pcm_mulaw"
)

// G711Params is what a decoder has to know of G.711 with the rate and the channel that G.711 asks for, as a QuickTime sound
// description says it. FrameSamples is 0: packets are of any length.
func G711Params(law media.Codec) media.Params {
	const rate, channels = 8000, 1
	name := "alaw"
	if law == MuLaw {
		name = "ulaw"
	}
	return media.Params{Codec: law, SampleRate: rate, Channels: channels, Entry: audioEntry(name, rate, channels)}
}
