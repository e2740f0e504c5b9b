// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"sparkrtc.dev/recording-operator/internal/media"
)

// Outcome is what a run of ffmpeg says: its progress, and the lines that it wrote to its standard error.
type Outcome struct {
	// Pictures is how many it wrote, or decoded where nothing is written.
	Pictures int
	// Decoder is how many lines say that bytes could not be decoded: those of level error or worse that decoders wrote, and one for
	// each picture that was made up in part, as where a slice is missing. Good recordings have none. Muxers and filters, which
	// complain about good ones too, are not counted.
	Decoder int
	// FullDisk says that there was no space left for what ffmpeg wrote. ffmpeg 5.1 may end with exit code 0 all the same.
	FullDisk bool
	// OutOfMemory says that an allocation failed.
	OutOfMemory bool
	// Last are the last lines, at most 5: "h264: error while decoding MB 9 9". They have no control characters, no memory
	// addresses and none of the folders that ffmpeg was given. They may quote the recording's metadata: for logs alone,
	// never for a status.
	Last []string
}

// Bounds of Outcome.Last.
const (
	// maxLast lines are kept.
	maxLast = 5
	// maxLine is the length of a kept line in bytes.
	maxLine = 200
)

// logLevel has ffmpeg write each line with its level, and none left out as a repetition:
//
//	[context @ 0x55d1] [context @ 0x55d2] [level] message
//
// Contexts are missing where the program itself speaks (libavutil/log.c; 5.1 and 7.1 were compared).
const logLevel = "repeat+level+warning"

// stderr collects an Outcome.
type stderr struct {
	Outcome
	// dirs are left out of the lines.
	dirs []string
}

// progress reads one line of -progress.
func (l *stderr) progress(line []byte) {
	value, isCount := bytes.CutPrefix(bytes.TrimSpace(line), []byte("frame="))
	if count, err := strconv.Atoi(string(bytes.TrimSpace(value))); isCount && err == nil {
		l.Pictures = max(l.Pictures, count)
	}
}

// address ends the name of a context.
var address = regexp.MustCompile(` @ 0x[0-9a-f]+`)

// line reads one line.
func (l *stderr) line(line []byte) {
	context, level, message := split(string(bytes.TrimSpace(line)))
	if message == "" {
		return
	}
	if isComplaint(context, level, message) {
		l.Decoder++
	}
	failed := failures[level]
	// The texts are strerror(3)'s in the locale C, which ffmpeg prints at the end of what failed.
	l.FullDisk = l.FullDisk || failed && strings.HasSuffix(message, "No space left on device")
	l.OutOfMemory = l.OutOfMemory || failed && strings.Contains(message, "Cannot allocate memory")

	if context != "" {
		message = context + ": " + message
	}
	if len(l.Last) == maxLast {
		l.Last = append(l.Last[:0], l.Last[1:]...)
	}
	l.Last = append(l.Last, l.clean(message))
}

// split takes the brackets off a line. The innermost context is given, without its address.
func split(line string) (context, level, message string) {
	for strings.HasPrefix(line, "[") {
		inner, rest, found := strings.Cut(line[1:], "] ")
		if !found {
			inner, found = strings.CutSuffix(line[1:], "]")
			rest = ""
		}
		if !found {
			break
		}
		if at := address.FindStringIndex(inner); at != nil {
			context = inner[:at[0]]
		} else if levels[inner] {
			return context, inner, rest
		} else {
			break
		}
		line = rest
	}
	return context, "", line
}

var (
	levels   = map[string]bool{"panic": true, "fatal": true, "error": true, "warning": true, "info": true}
	failures = map[string]bool{"panic": true, "fatal": true, "error": true}
)

// isComplaint says that a line is one of those that Outcome.Decoder counts. A decoder that makes up a part of a picture says so for
// people alone (info); the program, which sees the frame's flag, warns: as dec:h264 in 7.1, and with the file's name in 5.1.
func isComplaint(context, level, message string) bool {
	if failures[level] {
		return decoders[context]
	}
	isProgram := context == "" || strings.HasPrefix(context, "dec:")
	return isProgram && level == "warning" && corruptFrame.MatchString(message)
}

var corruptFrame = regexp.MustCompile(`(^|: )corrupt decoded frame( in stream \d+)?$`)

// decoders are the contexts of the decoders in hack/ffmpeg/components.sh, and of those that Debian's ffmpeg uses in their
// place. Encoders and demuxers of the same names count too; they report errors for damage as well.
var decoders = func() map[string]bool {
	names := map[string]bool{}
	for name := range strings.FieldsSeq(`h264 hevc vp8 vp9 av1 libaom-av1 libdav1d mpeg2video mpeg4 h263 mjpeg png webp
		aac aac_latm opus libopus mp3 mp3float mp2 mp2float ac3 eac3
		pcm_s16le pcm_s16be pcm_s24le pcm_s24be pcm_s32le pcm_f32le pcm_u8 pcm_alaw pcm_mulaw pcm_bluray`) {
		names[name] = true
	}
	return names
}()

// ShowsCuts says that the decoder of an encoding complains about a picture whose last bytes are missing.
func ShowsCuts(codec media.Codec) bool { return codec == media.H264 || codec == media.MPEG2 }

// Decodes says that the worker's ffmpeg is known to decode an encoding.
func Decodes(codec media.Codec) bool { return decoders[string(codec)] }

// clean makes a line fit for a log.
func (l *stderr) clean(line string) string {
	for _, dir := range l.dirs {
		line = strings.ReplaceAll(line, filepath.Clean(dir)+"/", "")
	}
	line = address.ReplaceAllString(line, "")
	line = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, line)
	if len(line) > maxLine {
		line = strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return line
}
