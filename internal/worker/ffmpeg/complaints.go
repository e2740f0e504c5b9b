// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"regexp"
	"strings"
)

// Complaints are the lines that ffmpeg wrote to its standard error.
type Complaints struct {
	// Decoder is how many errors decoders reported: bytes that they could not decode. Muxers and filters complain about
	// good recordings too, and are not counted.
	Decoder int
	// Last are the last lines, cleaned for a log.
	Last []string
	// FullDisk says that there was no space left for what ffmpeg wrote.
	FullDisk bool
}

// maxLast bounds the lines that are kept.
const maxLast = 5

// -loglevel repeat+level gives a line the form "[h264 @ 0x5581e6e0] [error] text".
var (
	component = regexp.MustCompile(`^\[([^\]@]*?) @ 0x[0-9a-f]+\] `)
	address   = regexp.MustCompile(`\b0x[0-9a-f]{6,}\b`)
	folder    = regexp.MustCompile(`(/[^/\s':]+)+/`)
)

// decoders are the components whose errors mean that a recording's bytes are not whole.
var decoders = map[string]bool{
	"h264": true, "hevc": true, "vp8": true, "vp9": true, "av1": true, "libdav1d": true, "mpeg2video": true, "mpeg4": true, "mjpeg": true,
	"aac": true, "aac_latm": true, "mp3": true, "mp3float": true, "mp2": true, "mp2float": true, "opus": true, "libopus": true, "ac3": true, "eac3": true,
	"vist#0:0/h264": true,
}

// line takes one line.
func (c *Complaints) line(line []byte) {
	text := string(line)
	found := component.FindStringSubmatch(text)
	if found != nil {
		text = found[1] + ": " + text[len(found[0]):]
	}
	failed := strings.Contains(text, "[error]") || strings.Contains(text, "[fatal]")
	if found != nil && failed && decoders[found[1]] {
		c.Decoder++
	}
	// The words of strerror(ENOSPC) are the only sign of a full disk that ffmpeg gives.
	c.FullDisk = c.FullDisk || failed && strings.Contains(text, "No space left on device")
	c.Last = append(c.Last, clean(text))
	if len(c.Last) > maxLast {
		c.Last = c.Last[len(c.Last)-maxLast:]
	}
}

// clean leaves out what no person needs: addresses, folders of ours, and control characters.
func clean(text string) string {
	text = folder.ReplaceAllString(address.ReplaceAllString(text, ""), "")
	text = strings.Map(func(r rune) rune {
		if r < 0x20 || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, text)
	const most = 300
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	return text
}
