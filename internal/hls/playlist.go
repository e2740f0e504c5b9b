// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package hls reads HLS playlists (RFC 8216). It is pure and strict: bytes in, values out.
package hls

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

// MaxBytes bounds a playlist: 24 hours of one-second segments with names of 48 bytes fit.
const MaxBytes = 4 << 20

// maxSegments bounds the segments of a playlist: more than a day of one-second segments.
const maxSegments = 100_000

// maxSegmentSeconds bounds one EXTINF; a day is longer than any segment.
const maxSegmentSeconds = 86_400

// maxKeys bounds the keys that a playlist names; a key is changed every few segments at most.
const maxKeys = maxSegments

// ErrUnsupported says that a playlist is valid, but that this package does not read what it contains.
var ErrUnsupported = errors.New("not supported")

// ErrNotPlaylist says that the bytes are no playlist at all: they do not begin with #EXTM3U.
var ErrNotPlaylist = errors.New("does not begin with #EXTM3U")

// Playlist is an HLS playlist, RFC 8216: of Variants (a master playlist) or of Segments (a media playlist).
type Playlist struct {
	// Variants are the URIs of a master playlist's streams.
	Variants []string `json:"variants,omitempty"`
	// Renditions are the URIs of playlists beside the variants: sound or subtitles of their own (EXT-X-MEDIA), and
	// playlists of key frames (EXT-X-I-FRAME-STREAM-INF).
	Renditions []string `json:"renditions,omitempty"`
	// Alternatives says that some of Renditions carry picture or sound that the variants lack (EXT-X-MEDIA with a URI).
	Alternatives bool `json:"alternatives,omitempty"`
	// Segments of a media playlist, in order.
	Segments []Segment `json:"segments,omitempty"`
	// Maps are the media initialization sections that segments refer to.
	Maps []Part `json:"maps,omitempty"`
	// Keys are the URIs of the keys that segments are encrypted with, in the order of their first use.
	Keys []string `json:"keys,omitempty"`
	// Ended says that nothing will be added (EXT-X-ENDLIST), and Kept that nothing was ever removed (EXT-X-PLAYLIST-TYPE).
	Ended bool `json:"ended,omitempty"`
	Kept  bool `json:"kept,omitempty"`
	// First is the number of the first segment (EXT-X-MEDIA-SEQUENCE). It grows by one with each segment that is removed.
	First int64 `json:"first,omitempty"`
}

// Segment is one piece of the recording.
type Segment struct {
	Part
	// Seconds is the duration that EXTINF tells.
	Seconds float64 `json:"seconds"`
	// Rounding is its precision in seconds: 1 for whole seconds, 0.001 for "2.002".
	Rounding float64 `json:"rounding"`
	// Discontinuity says that timestamps or codecs may change before this segment.
	Discontinuity bool `json:"discontinuity,omitempty"`
	// Map is the index in Playlist.Maps of the initialization section, -1 for none.
	Map int `json:"map"`
	// Began is when its first picture or sound was recorded (EXT-X-PROGRAM-DATE-TIME); zero: not said, or not readable.
	Began time.Time `json:"began,omitzero"`
	// Encrypted says that the segment's bytes are encrypted (EXT-X-KEY).
	Encrypted bool `json:"encrypted,omitempty"`
	// Gap says that the playlist marks the segment as lost (EXT-X-GAP).
	Gap bool `json:"gap,omitempty"`
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

// Parse reads a playlist strictly: what it does not understand as RFC 8216 says it, it refuses, naming the line. It
// ignores unknown tags, as the RFC demands, and a byte-order mark, which the RFC forbids and some recorders write.
// Errors wrap ErrUnsupported or ErrNotPlaylist; all others say that the playlist is invalid.
func Parse(data []byte) (Playlist, error) {
	if len(data) > MaxBytes {
		return Playlist{}, fmt.Errorf("the playlist is larger than %d bytes", MaxBytes)
	}
	if !utf8.Valid(data) {
		return Playlist{}, errors.New("the playlist is not UTF-8")
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	parser := parser{currentMap: -1, rangeEnds: map[string]int64{}, keys: map[string]bool{}}
	number := 0
	for line := range bytes.SplitSeq(data, []byte{'\n'}) {
		number++
		text := strings.TrimSuffix(string(line), "\r")
		if number == 1 && strings.TrimRight(text, " \t") != "#EXTM3U" {
			return Playlist{}, fmt.Errorf("line 1: the playlist %w", ErrNotPlaylist)
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
	rounding      float64
	discontinuity bool
	began         time.Time
	byteRange     string
	currentMap    int
	encrypted     bool
	gap           bool
	keys          map[string]bool
	// parts says that parts of a segment were named that is not (EXT-X-PART of low-latency HLS).
	parts bool
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
	case "#EXT-X-MAP":
		return p.mapTag(value)
	case "#EXT-X-STREAM-INF":
		p.wantsVariant = true
	case "#EXT-X-KEY":
		return p.keyTag(value)
	case "#EXT-X-PART":
		p.parts = true
	case "#EXT-X-GAP":
		p.gap = true
	case "#EXT-X-MEDIA", "#EXT-X-I-FRAME-STREAM-INF":
		return p.renditionTag(name, value)
	case "#EXT-X-I-FRAMES-ONLY", "#EXT-X-SKIP", "#EXT-X-DEFINE":
		return fmt.Errorf("%w: %s", ErrUnsupported, name)
	default:
		p.wholeTag(name, value)
	}
	return nil
}

// wholeTag reads a tag about the playlist as a whole.
func (p *parser) wholeTag(name, value string) {
	switch name {
	case "#EXT-X-PLAYLIST-TYPE":
		p.playlist.Kept = value == "VOD" || value == "EVENT" // RFC 8216, 4.3.3.5 and 6.2.1
	case "#EXT-X-MEDIA-SEQUENCE":
		// No media depends on a number that cannot be read: it says nothing.
		if first, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil && first > 0 {
			p.playlist.First = first
		}
	case "#EXT-X-ENDLIST":
		p.playlist.Ended = true
	}
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
	p.hasDuration, p.seconds, p.rounding = true, seconds, rounding(duration)
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
		Part: part, Seconds: p.seconds, Rounding: p.rounding, Discontinuity: p.discontinuity, Map: p.currentMap, Began: p.began,
		Encrypted: p.encrypted, Gap: p.gap,
	})
	p.hasDuration, p.seconds, p.rounding, p.discontinuity, p.byteRange, p.began, p.gap, p.parts = false, 0, 0, false, "", time.Time{}, false, false
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

func (p *parser) keyTag(value string) error {
	attributes, err := parseAttributes(value)
	if err != nil {
		return fmt.Errorf("#EXT-X-KEY: %w", err)
	}
	p.encrypted = attributes["METHOD"] != "NONE"
	if uri := attributes["URI"]; p.encrypted && uri != "" && !p.keys[uri] && len(p.keys) < maxKeys {
		p.keys[uri] = true
		p.playlist.Keys = append(p.playlist.Keys, uri)
	}
	return nil
}

// renditionTag notes playlists that lie beside the variants.
func (p *parser) renditionTag(name, value string) error {
	attributes, err := parseAttributes(value)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if uri := attributes["URI"]; uri != "" {
		p.playlist.Renditions = append(p.playlist.Renditions, uri)
		p.playlist.Alternatives = p.playlist.Alternatives || name == "#EXT-X-MEDIA" && attributes["TYPE"] != "SUBTITLES"
	}
	return nil
}

func (p *parser) finish() (Playlist, error) {
	playlist := p.playlist
	switch {
	case p.wantsVariant:
		return Playlist{}, errors.New("#EXT-X-STREAM-INF without a URI after it")
	case p.parts && playlist.Ended:
		return Playlist{}, fmt.Errorf("%w: #EXT-X-PART of a last segment that the playlist does not name", ErrUnsupported)
	case p.hasDuration:
		return Playlist{}, errors.New("#EXTINF without a URI after it")
	case len(playlist.Variants) > 0 && len(playlist.Segments) > 0:
		return Playlist{}, errors.New("the playlist names both variants and segments")
	case len(playlist.Variants) == 0 && len(playlist.Segments) == 0:
		return Playlist{}, errors.New("the playlist names no segment")
	}
	return playlist, nil
}
