// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Formats of a recording, as callbacks name them.
const (
	formatHLS = "HLS"
	formatMP4 = "MP4"
)

// formatOf is the format of an object that may be a recording; empty: it is none.
func formatOf(key string) string {
	switch strings.ToLower(path.Ext(key)) {
	case ".m3u8":
		return formatHLS
	case ".mp4":
		return formatMP4
	default:
		return ""
	}
}

// unstorable says why a key cannot stand in a RecordingFile as it is; empty: it can. What a callback is refused for is no
// better in a bucket: people see it in their terminals.
func unstorable(key string) string {
	switch {
	case !utf8.ValidString(key):
		return "the key is not UTF-8"
	case strings.ContainsFunc(key, unicode.IsControl):
		return "the key holds a control character"
	default:
		return ""
	}
}

// defaultName is how SparkRTC names a recording unless a rule says otherwise: the stream, and when its first segment
// was finished, in UTC.
var defaultName = regexp.MustCompile(`^(.+)_(\d{4}-\d{2}-\d{2}-\d{2}-\d{2}-\d{2})$`)

// maxStreamName is the longest name that a RecordingFile takes.
const maxStreamName = 256

// nameOf is what an object's key says about the stream and the beginning, by SparkRTC's default name.
func nameOf(key string) (stream string, began time.Time) {
	base := path.Base(key)
	parts := defaultName.FindStringSubmatch(strings.TrimSuffix(base, path.Ext(base)))
	if parts == nil {
		return "", time.Time{}
	}
	began, err := time.Parse("2006-01-02-15-04-05", parts[2])
	if err != nil || utf8.RuneCountInString(parts[1]) > maxStreamName {
		return "", time.Time{}
	}
	return parts[1], began
}
