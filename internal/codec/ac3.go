// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package codec

import "sparkrtc.dev/recording-operator/internal/media"

// ac3BitRates are in kbit/s, by frmsizecod / 2 (ETSI TS 102 366, table 4.13).
var ac3BitRates = [19]int{32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640}

var (
	ac3Rates    = [3]int{48000, 44100, 32000}
	ac3Channels = [8]int{2, 1, 2, 3, 3, 4, 4, 5}
)

// AC3Header is how many bytes [ParseAC3] and [ParseEAC3] need.
const AC3Header = 8

// ac3Samples is the number of samples in a frame of AC-3, and in a sample of E-AC-3 in an MP4: six blocks.
const ac3Samples = 6 * ac3Block

const ac3Block = 256

// ac3Info is a syncframe's header, of AC-3 (ETSI TS 102 366, 4.3) or E-AC-3 (E.1.2).
type ac3Info struct {
	size, samples, rate          int
	rateCode, bsid, bsmod, acmod uint32
	lfe, bitRateCode             uint32
	dependent                    bool
}

func (i *ac3Info) channels() int { return ac3Channels[i.acmod] + int(i.lfe) }

func (i *ac3Info) frame() SoundFrame {
	config := uint64(i.rate)<<32 | uint64(i.bsid<<16|i.bsmod<<8|i.acmod<<4|i.lfe) //nolint:gosec // a rate in Hz
	return SoundFrame{Size: i.size, Samples: i.samples, Rate: i.rate, Config: config}
}

func isAC3Sync(data []byte) bool { return len(data) >= AC3Header && data[0] == 0x0b && data[1] == 0x77 }

// lastAC3 is the highest bsid of AC-3; above it is E-AC-3.
const lastAC3 = 10

func parseAC3(data []byte) (info ac3Info, ok bool) {
	if !isAC3Sync(data) {
		return info, false
	}
	b := &bitReader{data: data[4:AC3Header]}
	info.rateCode = b.read(2)
	code := b.read(6)
	info.bsid, info.bsmod, info.acmod = b.read(5), b.read(3), b.read(3)
	if info.rateCode == 3 || int(code) >= 2*len(ac3BitRates) || info.bsid > lastAC3 {
		return info, false
	}
	if info.acmod&1 != 0 && info.acmod != 1 {
		b.skip(2) // cmixlev
	}
	if info.acmod&4 != 0 {
		b.skip(2) // surmixlev
	}
	if info.acmod == 2 {
		b.skip(2) // dsurmod
	}
	info.lfe, info.bitRateCode = b.read(1), code/2
	rate := ac3Rates[info.rateCode]
	info.size = 2 * (ac3BitRates[code/2] * 1000 * ac3Samples / rate / 16)
	if rate == 44100 {
		info.size += 2 * int(code&1)
	}
	info.samples, info.rate = ac3Samples, rate>>max(0, int(info.bsid)-8)
	return info, true
}

// ParseAC3 parses the header of a frame of AC-3.
func ParseAC3(data []byte) (SoundFrame, bool) {
	info, ok := parseAC3(data)
	return info.frame(), ok
}

// AC3Params is what a decoder has to know to decode the given frame: ac-3 with dac3 (ETSI TS 102 366, F.3).
func AC3Params(data []byte) media.Params {
	info, ok := parseAC3(data)
	if !ok {
		return media.Params{Codec: media.AC3}
	}
	config := bitWriter{}
	config.write(info.rateCode, 2)
	config.write(info.bsid, 5)
	config.write(info.bsmod, 3)
	config.write(info.acmod, 3)
	config.write(info.lfe, 1)
	config.write(info.bitRateCode, 5)
	config.write(0, 5)
	return media.Params{
		Codec: media.AC3, SampleRate: info.rate, Channels: info.channels(), FrameSamples: ac3Samples,
		Entry: audioEntry("ac-3", info.rate, info.channels(), box("dac3", config.data)),
	}
}

func parseEAC3Frame(data []byte) (info ac3Info, ok bool) {
	if !isAC3Sync(data) {
		return info, false
	}
	const dependent = 1
	b := &bitReader{data: data[2:AC3Header]}
	kind, substream := b.read(2), b.read(3)
	info.size = 2 * (int(b.read(11)) + 1)
	info.rateCode = b.read(2)
	blocks := 6
	if info.rateCode == 3 {
		half := b.read(2)
		if half == 3 {
			return info, false
		}
		info.rate = ac3Rates[half] / 2
	} else {
		info.rate, blocks = ac3Rates[info.rateCode], [4]int{1, 2, 3, 6}[b.read(2)]
	}
	info.acmod, info.lfe, info.bsid = b.read(3), b.read(1), b.read(5)
	info.samples = ac3Block * blocks
	info.dependent = kind == dependent || substream != 0
	return info, kind != 3 && info.bsid > lastAC3 && info.bsid <= 16 && info.size >= AC3Header
}

// ParseEAC3 parses the header of a sample of E-AC-3: frames of six blocks together, with the substreams that belong to
// them. While data ends before the six blocks do, Size is beyond it.
func ParseEAC3(data []byte) (SoundFrame, bool) {
	first, ok := parseEAC3Frame(data)
	if !ok || first.dependent {
		return SoundFrame{}, false
	}
	const mostFrames = 64
	frame := first.frame()
	for range mostFrames {
		if frame.Size >= len(data) {
			break
		}
		next, ok := parseEAC3Frame(data[frame.Size:])
		switch {
		case !ok || !next.dependent && (frame.Samples >= ac3Samples || next.samples != first.samples):
			return frame, frame.Samples >= ac3Samples
		case next.dependent:
			frame.Config |= 1 << 63
		default:
			frame.Samples += next.samples
		}
		frame.Size += next.size
	}
	if frame.Samples < ac3Samples {
		frame.Size = len(data) + 1
	}
	return frame, true
}

// EAC3Params is what a decoder has to know to decode the given sample: ec-3 with dec3 (ETSI TS 102 366, F.5). The sample
// entry is empty when there are substreams, whose places in the room it would have to say.
func EAC3Params(data []byte) media.Params {
	frame, ok := ParseEAC3(data)
	info, _ := parseEAC3Frame(data)
	params := media.Params{Codec: media.EAC3, SampleRate: info.rate, Channels: info.channels(), FrameSamples: ac3Samples}
	if !ok || frame.Config>>63 != 0 {
		return params
	}
	config := bitWriter{}
	config.write(uint32(info.size*8*info.rate/info.samples/1000), 13) //nolint:gosec // kbit/s
	config.write(0, 3)                                                // num_ind_sub
	config.write(info.rateCode, 2)
	config.write(info.bsid, 5)
	config.write(0, 2) // reserved, asvc
	config.write(info.bsmod, 3)
	config.write(info.acmod, 3)
	config.write(info.lfe, 1)
	config.write(0, 3+4+1) // reserved, num_dep_sub, reserved
	params.Entry = audioEntry("ec-3", info.rate, info.channels(), box("dec3", config.data))
	return params
}
