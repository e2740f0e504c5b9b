// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// DefaultPath is the folder of a step's results when its output says none; the API server fills in the same default.
const DefaultPath = "{room}/{stream}/{start}-{file}/{step}/"

// maxPathValue bounds what one placeholder may add, in bytes, so that a key stays within the 1024 bytes of S3.
const maxPathValue = 128

// expandPath replaces the placeholders of an output's path. The values come from callbacks and may be hostile: each
// stays one part of the path, whatever is in it.
func expandPath(template string, file *v1alpha1.RecordingFile, facts recording.Facts, step string) string {
	if template == "" {
		template = DefaultPath
	}
	start, date := "unknown", "unknown"
	if facts.StartTime != nil {
		utc := facts.StartTime.UTC()
		start, date = utc.Format("20060102T150405Z"), utc.Format("2006-01-02")
	}
	expanded := strings.NewReplacer(
		"{namespace}", pathValue(file.Namespace),
		"{source}", pathValue(facts.Source),
		"{app}", pathValue(facts.App),
		"{task}", pathValue(facts.Task()),
		"{room}", pathValue(facts.Room),
		"{stream}", pathValue(facts.Stream),
		"{format}", pathValue(facts.Format),
		"{file}", pathValue(file.Name),
		"{step}", step,
		"{start}", start,
		"{date}", date,
	).Replace(template)
	clean := strings.TrimPrefix(path.Clean("/"+expanded), "/")
	if clean == "" {
		return ""
	}
	return clean + "/"
}

// pathValue makes one part of a path of any string: separators, control and formatting characters and what shells and
// object stores trip over become underscores; letters of every script stay.
func pathValue(value string) string {
	cleaned := strings.Map(func(r rune) rune {
		switch {
		case r == utf8.RuneError, r == '/', r == '\\', r == '{', r == '}', !unicode.IsGraphic(r), unicode.IsSpace(r):
			return '_'
		case strings.ContainsRune(`"'*?<>|:;&$!#%^~`+"`", r):
			return '_'
		default:
			return r
		}
	}, value)
	if len(cleaned) > maxPathValue {
		cut := maxPathValue
		for !utf8.RuneStart(cleaned[cut]) {
			cut--
		}
		cleaned = cleaned[:cut]
	}
	// "." and ".." would move; a leading dot hides; a trailing dot is lost on some file systems.
	cleaned = strings.Trim(cleaned, ".")
	if cleaned == "" {
		return "unknown"
	}
	return cleaned
}
