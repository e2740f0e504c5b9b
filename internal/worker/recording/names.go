// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package recording

import (
	"net/url"
	"path"
	"strings"
)

// BaseName is the last part of a key or of a URL's path.
func BaseName(ref string) string {
	if parsed, err := url.Parse(ref); err == nil && parsed.Host != "" {
		ref = parsed.Path
	}
	return path.Base(ref)
}

// Stem is the final name of what is made of a recording, without an extension: that of its source, without what some
// store or shell would not take.
func Stem(ref string) string {
	base := BaseName(ref)
	return sanitize(strings.TrimSuffix(base, path.Ext(base)))
}

// maxStem bounds a final name, so that it fits into every file system with an extension.
const maxStem = 200

// sanitize replaces what some store or shell would not take.
func sanitize(name string) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0xfffd || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	clean = strings.Trim(clean, " .")
	if len(clean) > maxStem {
		clean = strings.ToValidUTF8(clean[:maxStem], "")
	}
	if clean == "" {
		return "recording"
	}
	return clean
}

// FileName is the name of a file of any kind, without what some store or shell would not take.
func FileName(ref string) string {
	base := BaseName(ref)
	extension := path.Ext(base)
	return sanitize(strings.TrimSuffix(base, extension)) + sanitizeExtension(extension)
}

// sanitizeExtension keeps an extension that is plain.
func sanitizeExtension(extension string) string {
	const longest = 16
	plain := len(extension) > 1 && len(extension) <= longest
	for _, r := range strings.TrimPrefix(extension, ".") {
		plain = plain && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')
	}
	if !plain {
		return ""
	}
	return extension
}
