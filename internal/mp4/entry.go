// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

// sampleDescriptions reads stsd (ISO/IEC 14496-12, 8.5.2): one Params for each entry.
func (p *movieParser) sampleDescriptions(b box, t *Track) error {
	if b.end-b.body > maxEntriesSize {
		return fmt.Errorf("sample descriptions of %d bytes: %w", b.end-b.body, ErrLimit)
	}
	_, _, data, err := fullBox(p.w, b, 4)
	if err != nil {
		return err
	}
	count := int(binary.BigEndian.Uint32(data))
	t.Params, t.formats = nil, nil
	inner := b
	inner.body += 8
	return p.each(inner, t, func(b box) error {
		if len(t.Params) == count {
			return nil
		}
		entry := make([]byte, b.end-b.start)
		if n, err := p.movie.r.ReadAt(entry, b.start); n < len(entry) {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return fmt.Errorf("sample entry %s: %w", b.kind, err)
		}
		params, format := parseEntry(entry, t.Kind)
		t.Params, t.formats = append(t.Params, params), append(t.formats, format)
		return nil
	})
}

// codecs are the encodings by sample entry. Those that esds tells apart are in objectTypes.
var codecs = map[string]media.Codec{
	"avc1": media.H264, "avc2": media.H264, "avc3": media.H264, "avc4": media.H264,
	"hvc1": media.HEVC, "hev1": media.HEVC, "dvh1": media.HEVC, "dvhe": media.HEVC,
	"vp08": media.VP8, "vp09": media.VP9, "av01": media.AV1,
	"jpeg": media.MJPEG, "mjpa": media.MJPEG, "mjpb": media.MJPEG, "s263": "h263", "mp4v": media.MPEG4,
	"mp4a": media.AAC, ".mp3": media.MP3, "Opus": media.Opus, "ac-3": media.AC3, "ec-3": media.EAC3,
	"fLaC": "flac", "alac": "alac", "samr": "amr_nb", "sawb": "amr_wb",
	"ulaw": "pcm_mulaw", "alaw": "pcm_alaw", "sowt": "pcm_s16le", "twos": "pcm_s16be",
	"tx3g": "mov_text", "wvtt": "webvtt", "stpp": "ttml", "c608": "eia_608",
}

// entryReader walks over a sample entry in memory.
type entryReader struct {
	params media.Params
	format format
}

// format is how samples are built.
type format struct {
	// nalLength is the number of bytes of a NAL unit's length; 0: no NAL units.
	nalLength int
	// sets are the parameter sets of the sample entry, which samples may have as well.
	sets [][]byte
	// blocks says that each sample is a raw_data_block of AAC.
	blocks bool
}

// parseEntry reads what a sample entry says. An entry that is malformed gives what is read until there.
func parseEntry(entry []byte, kind media.Kind) (media.Params, format) {
	if len(entry) < 16 || int(binary.BigEndian.Uint32(entry)) != len(entry) {
		return media.Params{}, format{}
	}
	name := string(entry[4:8])
	r := entryReader{params: media.Params{Codec: codecs[name], Entry: entry}}
	switch {
	case name == "encv" || name == "enca" || name == "enct" || name == "encs":
		return media.Params{Codec: media.Encrypted}, format{} // ISO/IEC 14496-12, 8.12
	case r.params.Codec == "":
		r.params.Codec = media.Codec(name)
	}
	switch kind {
	case media.Video:
		if len(entry) >= 86 {
			r.params.Width, r.params.Height = int(binary.BigEndian.Uint16(entry[32:])), int(binary.BigEndian.Uint16(entry[34:]))
			r.config(entry[86:], name)
		}
	case media.Audio:
		r.sound(entry, name)
	default:
	}
	return r.params, r.format
}

// uncompressed says that each sample of the track is a sample of sound for each channel. Frames of a codec may be as
// small and as uniform: those of silence are.
func (t *Track) uncompressed() bool {
	return t.Kind == media.Audio && len(t.Params) > 0 && !slices.ContainsFunc(t.Params, func(p media.Params) bool { return !pcm[p.Codec] })
}

// pcm are the encodings without frames: those of ISO/IEC 23003-5 and of QuickTime.
var pcm = map[media.Codec]bool{
	"pcm_mulaw": true, "pcm_alaw": true, "pcm_s16le": true, "pcm_s16be": true, "ipcm": true, "fpcm": true,
	"lpcm": true, "in24": true, "in32": true, "fl32": true, "fl64": true, rawSound: true, "NONE": true,
}

// rawSound is unsigned sound of 8 bits in QuickTime; the name ends in a blank.
const rawSound = "raw "

// sound reads an audio sample entry (12.2.3), also those of QuickTime in versions 1 and 2.
func (r *entryReader) sound(entry []byte, name string) {
	if len(entry) < 36 {
		return
	}
	r.params.Channels = int(binary.BigEndian.Uint16(entry[24:]))
	r.params.SampleRate = int(binary.BigEndian.Uint32(entry[32:]) >> 16)
	rest := entry[36:]
	switch version := binary.BigEndian.Uint16(entry[16:]); {
	case version == 1 && len(entry) >= 52:
		rest = entry[52:]
	case version == 2 && len(entry) >= 72:
		r.params.SampleRate = int(min(max(0, math.Float64frombits(binary.BigEndian.Uint64(entry[40:]))), math.MaxInt32))
		r.params.Channels = int(min(binary.BigEndian.Uint32(entry[48:]), math.MaxUint16))
		rest = entry[72:]
	}
	switch r.params.Codec {
	case media.MP3:
		r.params.FrameSamples = mp3Samples(r.params.SampleRate)
	case media.AC3:
		r.params.FrameSamples = 1536
	default:
	}
	r.config(rest, name)
}

// mp3Samples is the number of samples in a frame of MPEG-1 and MPEG-2 layer 3.
func mp3Samples(rate int) int {
	if rate < 32000 {
		return 576
	}
	return 1152
}

// config reads the boxes behind the fixed part of a sample entry.
func (r *entryReader) config(data []byte, name string) {
	for len(data) >= 8 {
		size := int(binary.BigEndian.Uint32(data))
		if size < 8 || size > len(data) {
			return
		}
		body := data[8:size]
		switch string(data[4:8]) {
		case "avcC":
			r.avc(body, name)
		case "hvcC":
			r.hevc(body, name)
		case "esds":
			r.elementaryStream(body)
		case "dac3": // ETSI TS 102 366, F.4
			if len(body) >= 2 {
				r.ac3(body[1] >> 2)
			}
		case "dec3": // ETSI TS 102 366, F.6: of the first independent substream
			if len(body) >= 4 {
				r.ac3(body[3])
			}
		case "dOps":
			r.opus(body)
		case "wave": // QuickTime has esds in here
			r.config(body, name)
		}
		data = data[size:]
	}
}

// opus reads an OpusSpecificBox (Encapsulation of Opus in ISO Base Media File Format, 4.3.2).
func (r *entryReader) opus(config []byte) {
	repairOpus(config)
	if len(config) >= 4 {
		r.params.PreSkip = int(binary.BigEndian.Uint16(config[2:]))
	}
}

// repairOpus turns the numbers of an Opus configuration around that some muxers copy from OpusHead, where the least byte comes first
// (RFC 7845, 5.1). The rate of the original tells: decoders would leave out sound of the wrong length otherwise.
func repairOpus(config []byte) {
	const greatest = 192_000 // samples a second
	if len(config) < 11 || binary.BigEndian.Uint32(config[4:]) <= greatest || binary.LittleEndian.Uint32(config[4:]) > greatest {
		return
	}
	for _, number := range [][]byte{config[2:4], config[4:8], config[8:10]} {
		slices.Reverse(number)
	}
}

// avc reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1).
func (r *entryReader) avc(record []byte, name string) {
	if len(record) < 7 {
		return
	}
	r.lengths(record, 4)
	if config, err := codec.ParseAVCConfig(record); err == nil {
		r.setsOf(slices.Concat(config.SPS, config.PPS), name == "avc1")
	}
}

// hevc reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1).
func (r *entryReader) hevc(record []byte, name string) {
	if len(record) < 23 {
		return
	}
	r.lengths(record, 21)
	if config, err := codec.ParseHVCConfig(record); err == nil {
		r.setsOf(config.Sets, name == "hvc1")
	}
}

// lengths reads the size of NAL unit lengths, minus one, from the record's byte at offset. Samples are always given with
// lengths of four bytes, so that the entry is made to say four.
func (r *entryReader) lengths(record []byte, offset int) {
	r.format.nalLength = int(record[offset]&3) + 1
	record[offset] |= 3
}

// setsOf keeps parameter sets; those that samples do not have also in the form of a sample.
func (r *entryReader) setsOf(sets [][]byte, alone bool) {
	r.format.sets = sets
	if !alone {
		return
	}
	for _, set := range sets {
		r.params.InBand = binary.BigEndian.AppendUint32(r.params.InBand, uint32(len(set))) //nolint:gosec // 16 bits
		r.params.InBand = append(r.params.InBand, set...)
	}
}
