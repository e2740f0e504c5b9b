/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

// Package media knows HLS playlists and the command lines and answers of ffmpeg and ffprobe. All of it but Tools is
// pure: values in, values out.
package media

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// MaxPlaylistBytes bounds a playlist: 24 hours of one-second segments with names of 48 bytes fit.
const MaxPlaylistBytes = 4 << 20

// maxSegments bounds the segments of a playlist: more than a day of one-second segments.
const maxSegments = 100_000

// maxSegmentSeconds bounds one EXTINF; a day is longer than any segment.
const maxSegmentSeconds = 86_400

// ErrUnsupported says that a playlist is valid, but that what it asks for is not done here.
var ErrUnsupported = errors.New("not supported")

// ErrSegmentAbsent says that the playlist itself marks a segment as lost (EXT-X-GAP).
var ErrSegmentAbsent = errors.New("the playlist marks a segment as lost (#EXT-X-GAP)")

// Playlist is an HLS playlist, RFC 8216: of Variants (a master playlist) or of Segments (a media playlist).
type Playlist struct {
	// Variants are the URIs of a master playlist's streams.
	Variants []string `json:"variants,omitempty"`
	// Segments of a media playlist, in order.
	Segments []Segment `json:"segments,omitempty"`
	// Maps are the media initialisation sections that segments refer to.
	Maps []Part `json:"maps,omitempty"`
	// Ended says that nothing will be added (EXT-X-ENDLIST).
	Ended bool `json:"ended,omitempty"`
	// Rounding is the precision of the segments' durations in seconds: 1 for whole seconds, 0.001 for "2.002".
	Rounding float64 `json:"rounding,omitempty"`
}

// Segment is one piece of the recording.
type Segment struct {
	Part
	// Seconds is the duration that EXTINF tells.
	Seconds float64 `json:"seconds"`
	// Discontinuity says that timestamps or codecs may change before this segment.
	Discontinuity bool `json:"discontinuity,omitempty"`
	// Map is the index in Playlist.Maps of the initialisation section, -1 for none.
	Map int `json:"map"`
	// Began is when its first picture or sound was recorded (EXT-X-PROGRAM-DATE-TIME); zero: not said, or not readable.
	Began time.Time `json:"-"`
}

// Part is a file, or a range of one.
type Part struct {
	// URI as the playlist names it, relative or absolute.
	URI string `json:"uri"`
	// File is the local name that it was stored under; the caller sets it.
	File string `json:"file,omitempty"`
	// Length and Offset, in bytes, of the range within the file; Length 0: the whole file.
	Length int64 `json:"length,omitempty"`
	Offset int64 `json:"offset,omitempty"`
}

// Seconds is the duration that the whole playlist tells.
func (p Playlist) Seconds() float64 {
	var total float64
	for _, segment := range p.Segments {
		total += segment.Seconds
	}
	return total
}

// ParsePlaylist reads a playlist strictly: what it does not understand as RFC 8216 says it, it refuses, naming the
// line. Tags that are unknown to it are ignored, as the RFC demands. Errors wrap ErrUnsupported or ErrSegmentAbsent;
// all others say that the playlist is invalid.
func ParsePlaylist(data []byte) (Playlist, error) {
	if len(data) > MaxPlaylistBytes {
		return Playlist{}, fmt.Errorf("the playlist is larger than %d bytes", MaxPlaylistBytes)
	}
	if !utf8.Valid(data) {
		return Playlist{}, errors.New("the playlist is not UTF-8")
	}
	parser := parser{currentMap: -1, rangeEnds: map[string]int64{}}
	number := 0
	for line := range bytes.SplitSeq(data, []byte{'\n'}) {
		number++
		text := strings.TrimSuffix(string(line), "\r")
		if number == 1 && strings.TrimRight(text, " \t") != "#EXTM3U" {
			return Playlist{}, errors.New("line 1: the playlist does not begin with #EXTM3U")
		}
		if err := parser.line(text); err != nil {
			return Playlist{}, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return parser.finish()
}

// parser holds what tags said about the segment or variant that follows them.
type parser struct {
	playlist Playlist

	wantsVariant  bool
	hasDuration   bool
	seconds       float64
	discontinuity bool
	began         time.Time
	byteRange     string
	currentMap    int
	// rangeEnds is where the last range of each file ended: a range without offset goes on there.
	rangeEnds map[string]int64
}

func (p *parser) line(line string) error {
	for _, r := range line {
		if r != '\t' && (r < 0x20 || r == 0x7f) {
			return fmt.Errorf("control character %#x", r)
		}
	}
	line = strings.TrimRight(line, " \t")
	switch {
	case line == "":
		return nil
	case strings.HasPrefix(line, "#EXT"):
		name, value, _ := strings.Cut(line, ":")
		return p.tag(name, value)
	case strings.HasPrefix(line, "#"):
		return nil
	case p.playlist.Ended:
		return errors.New("a URI after #EXT-X-ENDLIST")
	case p.wantsVariant:
		p.wantsVariant = false
		p.playlist.Variants = append(p.playlist.Variants, line)
		return nil
	default:
		return p.segment(line)
	}
}

func (p *parser) tag(name, value string) error {
	switch name {
	case "#EXTINF":
		return p.extinf(value)
	case "#EXT-X-BYTERANGE":
		p.byteRange = value
	case "#EXT-X-DISCONTINUITY":
		p.discontinuity = true
	case "#EXT-X-PROGRAM-DATE-TIME":
		p.began = dateTime(value)
	case "#EXT-X-ENDLIST":
		p.playlist.Ended = true
	case "#EXT-X-MAP":
		return p.mapTag(value)
	case "#EXT-X-STREAM-INF":
		p.wantsVariant = true
	case "#EXT-X-KEY":
		return keyTag(value)
	case "#EXT-X-GAP":
		return ErrSegmentAbsent
	case "#EXT-X-MEDIA":
		return mediaTag(value)
	case "#EXT-X-I-FRAMES-ONLY", "#EXT-X-SKIP", "#EXT-X-DEFINE":
		return fmt.Errorf("%w: %s", ErrUnsupported, name)
	}
	return nil
}

func (p *parser) extinf(value string) error {
	duration, _, _ := strings.Cut(value, ",")
	duration = strings.TrimSpace(duration)
	seconds, err := strconv.ParseFloat(duration, 64)
	if err != nil || math.IsNaN(seconds) || seconds < 0 || seconds > maxSegmentSeconds {
		return fmt.Errorf("#EXTINF has no duration: %.40q", value)
	}
	if p.hasDuration {
		return errors.New("two #EXTINF for one segment")
	}
	p.hasDuration, p.seconds = true, seconds
	p.playlist.Rounding = max(p.playlist.Rounding, rounding(duration))
	return nil
}

// dateTime reads a time as RFC 8216 has it, or as ffmpeg writes it (+0000). One that has no time zone says nothing,
// and no media depends on it: it is no error.
func dateTime(value string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if at, err := time.Parse(layout, value); err == nil {
			return at.UTC()
		}
	}
	return time.Time{}
}

// rounding is the weight of the last digit: 1 for "2", 0.001 for "2.002".
func rounding(duration string) float64 {
	_, fraction, _ := strings.Cut(duration, ".")
	return math.Pow10(-min(len(fraction), 9))
}

func (p *parser) segment(uri string) error {
	if !p.hasDuration {
		return errors.New("a URI without #EXTINF before it")
	}
	if len(p.playlist.Segments) >= maxSegments {
		return fmt.Errorf("more than %d segments", maxSegments)
	}
	part, err := p.part(uri, p.byteRange)
	if err != nil {
		return err
	}
	p.playlist.Segments = append(p.playlist.Segments, Segment{
		Part: part, Seconds: p.seconds, Discontinuity: p.discontinuity, Map: p.currentMap, Began: p.began,
	})
	p.hasDuration, p.seconds, p.discontinuity, p.byteRange, p.began = false, 0, false, "", time.Time{}
	return nil
}

// part reads a range as RFC 8216, 4.3.2.2: length[@offset].
func (p *parser) part(uri, byteRange string) (Part, error) {
	part := Part{URI: uri}
	if byteRange == "" {
		return part, nil
	}
	length, offset, hasOffset := strings.Cut(byteRange, "@")
	var err error
	if part.Length, err = strconv.ParseInt(length, 10, 64); err != nil || part.Length <= 0 {
		return Part{}, fmt.Errorf("byte range %.40q", byteRange)
	}
	if hasOffset {
		part.Offset, err = strconv.ParseInt(offset, 10, 64)
	} else {
		end, known := p.rangeEnds[uri]
		if !known {
			err = errors.New("no range before it")
		}
		part.Offset = end
	}
	if err != nil || part.Offset < 0 || part.Offset > math.MaxInt64-part.Length {
		return Part{}, fmt.Errorf("byte range %.40q has no valid offset", byteRange)
	}
	p.rangeEnds[uri] = part.Offset + part.Length
	return part, nil
}

func (p *parser) mapTag(value string) error {
	attributes, err := parseAttributes(value)
	if err != nil {
		return fmt.Errorf("#EXT-X-MAP: %w", err)
	}
	if attributes["URI"] == "" {
		return errors.New("#EXT-X-MAP has no URI")
	}
	part, err := p.part(attributes["URI"], attributes["BYTERANGE"])
	if err != nil {
		return fmt.Errorf("#EXT-X-MAP: %w", err)
	}
	p.playlist.Maps = append(p.playlist.Maps, part)
	p.currentMap = len(p.playlist.Maps) - 1
	return nil
}

func keyTag(value string) error {
	attributes, err := parseAttributes(value)
	if err != nil {
		return fmt.Errorf("#EXT-X-KEY: %w", err)
	}
	if attributes["METHOD"] != "NONE" {
		return fmt.Errorf("%w: encrypted segments (#EXT-X-KEY)", ErrUnsupported)
	}
	return nil
}

// mediaTag refuses renditions that lie in playlists of their own: processing one variant would lose them.
func mediaTag(value string) error {
	attributes, err := parseAttributes(value)
	if err != nil {
		return fmt.Errorf("#EXT-X-MEDIA: %w", err)
	}
	if attributes["URI"] != "" {
		return fmt.Errorf("%w: renditions in playlists of their own (#EXT-X-MEDIA)", ErrUnsupported)
	}
	return nil
}

func (p *parser) finish() (Playlist, error) {
	playlist := p.playlist
	switch {
	case p.wantsVariant:
		return Playlist{}, errors.New("#EXT-X-STREAM-INF without a URI after it")
	case p.hasDuration:
		return Playlist{}, errors.New("#EXTINF without a URI after it")
	case len(playlist.Variants) > 0 && len(playlist.Segments) > 0:
		return Playlist{}, errors.New("the playlist names both variants and segments")
	case len(playlist.Variants) == 0 && len(playlist.Segments) == 0:
		return Playlist{}, errors.New("the playlist names no segment")
	}
	return playlist, nil
}
