// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mpegts_test

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sparkrtc.dev/recording-operator/internal/codec"
	"sparkrtc.dev/recording-operator/internal/media"
)

const (
	testPicture = "testsrc=duration=2:size=176x144:rate=25"
	testSound   = "sine=duration=2"
)

// TestRead_AgreesWithFFprobe compares packets, times and key frames with ffprobe's of the transport stream, and the
// samples with those of ffmpeg's copy in an MP4.
func TestRead_AgreesWithFFprobe(t *testing.T) {
	h264 := []string{"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"}
	tests := map[string]struct {
		args   []string
		codecs []media.Codec
		// times says how far the times of sound may be from ffprobe's, which adds up durations within a PES packet.
		times int64
		// noCopy: ffmpeg cannot put it into an MP4, or has another opinion of its packets.
		noCopy bool
		// noSamples: ffmpeg takes the program_config_element out of the first frame.
		noSamples bool
	}{
		"baseline, AAC 44.1 kHz": {args: append(h264, "-bf", "0", "-c:a", "aac"), codecs: []media.Codec{media.H264, media.AAC}, times: 8},
		"three B-frames, 48 kHz stereo": {
			args: append(h264, "-bf", "3", "-c:a", "aac", "-ar", "48000", "-ac", "2"), codecs: []media.Codec{media.H264, media.AAC},
		},
		"open GOP": {
			args: append(h264, "-bf", "3", "-g", "20", "-x264-params", "open-gop=1", "-c:a", "aac", "-ar", "48000"), codecs: []media.Codec{media.H264, media.AAC},
		},
		"several slices, 5.1": {
			args: append(h264, "-x264-params", "slices=4", "-c:a", "aac", "-ac", "6", "-ar", "48000"), codecs: []media.Codec{media.H264, media.AAC},
		},
		"interlaced": {
			args: append(h264, "-flags", "+ilme+ildct", "-bf", "2", "-c:a", "aac", "-ar", "48000"), codecs: []media.Codec{media.H264, media.AAC},
		},
		"10 bit 4:2:2": {
			args: []string{"-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv422p10le", "-an"}, codecs: []media.Codec{media.H264},
		},
		"33-bit wrap": {
			args: append(h264, "-bf", "3", "-c:a", "aac", "-ar", "48000", "-output_ts_offset", "95442"), codecs: []media.Codec{media.H264, media.AAC},
		},
		"constant bit rate with filler": {
			args: append(h264, "-b:v", "1M", "-maxrate", "1M", "-bufsize", "1M", "-x264-params", "nal-hrd=cbr", "-c:a", "aac", "-ar", "48000"), codecs: []media.Codec{media.H264, media.AAC},
		},
		"HEVC, MP3": {
			args:   []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:keyint=20", "-pix_fmt", "yuv420p", "-c:a", "libmp3lame", "-ar", "48000"},
			codecs: []media.Codec{media.HEVC, media.MP3},
		},
		"HEVC 10 bit, MP3 of MPEG-2": {
			args:   []string{"-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error:bframes=3", "-pix_fmt", "yuv420p10le", "-c:a", "libmp3lame", "-ar", "24000"},
			codecs: []media.Codec{media.HEVC, media.MP3},
		},
		"MPEG-2, AC-3": {
			args: []string{"-c:v", "mpeg2video", "-bf", "2", "-g", "12", "-c:a", "ac3", "-ar", "44100"}, codecs: []media.Codec{media.MPEG2, media.AC3}, times: 8,
		},
		"MPEG-2 interlaced, MP2": {
			args: []string{"-c:v", "mpeg2video", "-flags", "+ilme+ildct", "-c:a", "mp2", "-ar", "48000"}, codecs: []media.Codec{media.MPEG2, media.MP3},
		},
		"MPEG-1, E-AC-3": {
			args: []string{"-c:v", "mpeg1video", "-c:a", "eac3", "-ar", "48000"}, codecs: []media.Codec{media.MPEG2, media.EAC3}, noCopy: true,
		},
		"MPEG-4, AAC": {
			args: []string{"-c:v", "mpeg4", "-bf", "2", "-c:a", "aac", "-ar", "48000"}, codecs: []media.Codec{"mpeg4", media.AAC}, noCopy: true,
		},
		"Opus": {args: append(h264, "-c:a", "libopus"), codecs: []media.Codec{media.H264, media.Opus}, times: 9000},
		"LATM": {
			args: append(h264, "-c:a", "aac", "-ar", "48000", "-mpegts_flags", "latm"), codecs: []media.Codec{media.H264, "aac_latm"}, noCopy: true,
		},
		"pixels that are not square, colors": {
			args:   append(h264, "-vf", "setsar=64/45", "-color_primaries", "bt709", "-color_trc", "bt709", "-colorspace", "bt709", "-c:a", "eac3", "-ar", "48000"),
			codecs: []media.Codec{media.H264, media.EAC3},
		},
		"MPEG-2 wide, Opus stereo": {
			args:   []string{"-c:v", "mpeg2video", "-aspect", "16:9", "-c:a", "libopus", "-ac", "2"},
			codecs: []media.Codec{media.MPEG2, media.Opus}, times: 9000,
		},
		"AAC with a program config element": {
			args: []string{"-vn", "-af", "aformat=channel_layouts=quad", "-c:a", "aac", "-ar", "48000"}, codecs: []media.Codec{media.AAC}, noSamples: true,
		},
		"AAC 96 kHz": {
			args: []string{"-vn", "-c:a", "aac", "-ar", "96000"}, codecs: []media.Codec{media.AAC}, times: 8,
		},
		"sound alone": {args: []string{"-vn", "-c:a", "aac", "-ar", "48000"}, codecs: []media.Codec{media.AAC}},
		"packets of 192 bytes": {
			args: append(h264, "-c:a", "ac3", "-ar", "48000", "-mpegts_m2ts_mode", "1"), codecs: []media.Codec{media.H264, media.AC3},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"-f", "lavfi", "-i", testPicture, "-f", "lavfi", "-i", testSound}, test.args...)
			path := makeMedia(t, append(args, "t.ts")...)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			file, samples := read(t, data)
			if len(file.Damage) > 0 || len(file.Ignored) > 0 {
				t.Errorf("damage %+v, ignored %q", file.Damage, file.Ignored)
			}
			var codecs []media.Codec
			for _, stream := range file.Streams {
				codecs = append(codecs, stream.Codec)
				if stream.HeadBytes != 0 || stream.Tail == media.TailUnfinished || len(stream.Params) != 1 {
					t.Errorf("%s: %d head bytes, tail %d, %d params", stream.Codec, stream.HeadBytes, stream.Tail, len(stream.Params))
				}
			}
			if !slices.Equal(codecs, test.codecs) {
				t.Fatalf("codecs %v, want %v", codecs, test.codecs)
			}
			compareTimes(t, file, probe(t, path), test.times)
			if test.noCopy {
				return
			}
			copied := filepath.Join(t.TempDir(), "copy.mp4")
			makeMedia(t, "-i", path, "-c", "copy", "-map", "0", "-strict", "-2", copied)
			if !test.noSamples {
				compareSamples(t, file, samples, probe(t, copied))
			}
			compareEntries(t, file, copied)
		})
	}
}

func compareTimes(t *testing.T, file media.File, want [][]probed, tolerance int64) {
	t.Helper()
	const wrap = 1 << 33
	shift := file.Streams[0].Packets.First.DTS - want[0][0].dts
	if shift%wrap != 0 {
		t.Errorf("the first packet is at %d, want %d", file.Streams[0].Packets.First.DTS, want[0][0].dts)
	}
	for i, stream := range file.Streams {
		if stream.Packets.Count != len(want[i]) {
			t.Errorf("%s: %d packets, want %d", stream.Codec, stream.Packets.Count, len(want[i]))
			continue
		}
		at := 0
		for packet := range stream.Packets.All() {
			probed := want[i][at]
			allowed := int64(0)
			if stream.Kind == media.Audio {
				allowed = tolerance
			}
			if away := packet.PTS - probed.pts - shift; max(away, -away) > allowed {
				t.Fatalf("%s: packet %d: pts %d, want %d", stream.Codec, at, packet.PTS, probed.pts+shift)
			}
			if away := packet.DTS - probed.dts - shift; max(away, -away) > allowed {
				t.Fatalf("%s: packet %d: dts %d, want %d", stream.Codec, at, packet.DTS, probed.dts+shift)
			}
			if packet.Key != probed.key {
				t.Fatalf("%s: packet %d: key %v, want %v", stream.Codec, at, packet.Key, probed.key)
			}
			at++
		}
	}
}

// compareSamples compares the bytes of the samples with those in ffmpeg's MP4.
func compareSamples(t *testing.T, file media.File, samples [][]media.Sample, want [][]probed) {
	t.Helper()
	for i, stream := range file.Streams {
		if stream.Packets.Count != len(want[i]) {
			t.Errorf("%s: %d packets, want %d in the copy", stream.Codec, stream.Packets.Count, len(want[i]))
			continue
		}
		for at, sample := range samples[i] {
			data := sample.Data
			if stream.Codec == media.HEVC && len(data)+1 == want[i][at].size {
				// ffmpeg 5 counts the first zero of the next picture's start code to the last NAL unit of a picture of HEVC.
				data = append(data, 0)
				last := lastUnit(data)
				binary.BigEndian.PutUint32(data[last:], binary.BigEndian.Uint32(data[last:])+1)
			}
			if hash := fmt.Sprintf("MD5:%x", md5.Sum(data)); hash != want[i][at].hash {
				t.Fatalf("%s: packet %d of %d bytes has the digest %s, want %s of %d bytes", stream.Codec, at, len(data),
					hash, want[i][at].hash, want[i][at].size)
			}
		}
	}
}

// lastUnit is the offset of the last NAL unit in a sample that has one byte too much.
func lastUnit(data []byte) int {
	at := 0
	for {
		next := at + 4 + int(binary.BigEndian.Uint32(data[at:]))
		if next >= len(data)-1 {
			return at
		}
		at = next
	}
}

// compareEntries compares what the sample entries tell a decoder with those that ffmpeg wrote.
func compareEntries(t *testing.T, file media.File, copied string) {
	t.Helper()
	mp4, err := os.ReadFile(copied)
	if err != nil {
		t.Fatal(err)
	}
	for _, stream := range file.Streams {
		ours := stream.Params[0].Entry
		theirs := boxNamed(mp4, string(ours[4:8]))
		if string(ours[4:8]) == "hvc1" {
			theirs = boxNamed(mp4, "hev1")
		}
		if len(theirs) < 44 {
			t.Errorf("%s: the copy has no %s", stream.Codec, ours[4:8])
			continue
		}
		fields := [2]int{32, 36} // width and height, or the rate; ffmpeg says two channels always
		if ours, theirs := ours[fields[0]:fields[1]], theirs[fields[0]:fields[1]]; !bytes.Equal(ours, theirs) {
			t.Errorf("%s: the entry has % x, want % x", stream.Codec, ours, theirs)
		}
		for _, name := range []string{"avcC", "dac3", "dec3", "dOps", "pasp", "colr"} {
			if box := boxNamed(ours, name); box != nil && !bytes.Equal(box, boxNamed(theirs, name)) {
				t.Errorf("%s: % x, want % x", stream.Codec, box, boxNamed(theirs, name))
			}
		}
		if box := boxNamed(ours, "hvcC"); box != nil {
			compareHVC(t, box[8:], boxNamed(theirs, "hvcC")[8:])
		}
		ourType, ourConfig, ok := codec.ParseESDS(ours)
		theirType, theirConfig, have := codec.ParseESDS(theirs)
		if ok != have || ourType != theirType || !bytes.HasPrefix(theirConfig, ourConfig) {
			t.Errorf("%s: esds 0x%x % x, want 0x%x % x", stream.Codec, ourType, ourConfig, theirType, theirConfig)
		}
	}
}

// boxNamed finds a box by its name, wherever it is.
func boxNamed(data []byte, name string) []byte {
	for from := 0; ; {
		at := bytes.Index(data[from:], []byte(name))
		if at < 0 {
			return nil
		}
		if at += from - 4; at >= 0 {
			if size := int(binary.BigEndian.Uint32(data[at:])); size >= 8 && size <= len(data)-at && size < 1<<16 {
				return data[at : at+size]
			}
		}
		from = at + 5
	}
}

func compareHVC(t *testing.T, ours, theirs []byte) {
	t.Helper()
	our, err := codec.ParseHVCConfig(ours)
	if err != nil {
		t.Fatal(err)
	}
	their, err := codec.ParseHVCConfig(theirs)
	if err != nil {
		t.Fatal(err)
	}
	// min_spatial_segmentation_idc and what follows it up to the chroma format is not known without the whole VUI.
	if !bytes.Equal(ours[:13], theirs[:13]) || !bytes.Equal(ours[16:22], theirs[16:22]) {
		t.Errorf("hvcC begins with % x, want % x", ours[:22], theirs[:22])
	}
	for i, unit := range our.Sets {
		if i >= len(their.Sets) || !bytes.Equal(unit, their.Sets[i]) {
			t.Errorf("hvcC has the unit % x in place %d, want %x", unit, i, their.Sets)
		}
	}
}
