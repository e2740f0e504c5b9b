// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// Longest names, in bytes: of a path's part on Linux, and of an S3 key.
const (
	maxPartBytes = 255
	maxKeyBytes  = 1024
)

// checkObjectKey says why a key cannot be used. It takes every key that S3 allows but for control characters, which the
// API refuses and a status cannot show, and the parts . and .., which HTTP clients and servers resolve.
func checkObjectKey(key string) error {
	switch {
	case strings.TrimSpace(key) == "":
		return errors.New("the name is empty")
	case len(key) > maxKeyBytes:
		return fmt.Errorf("the name has %d bytes, S3 allows %d", len(key), maxKeyBytes)
	case !utf8.ValidString(key):
		return errors.New("the name is not UTF-8")
	case strings.ContainsFunc(key, isControl):
		return fmt.Errorf("the name %.80q has a control character", key)
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "." || part == ".." {
			return fmt.Errorf("the name %.80q has the part %q", key, part)
		}
	}
	return nil
}

// checkName says why a relative path with slashes cannot be used as a name below a folder: it must be a key, and
// clean, so that it means one thing only.
func checkName(name string) error {
	if err := checkObjectKey(name); err != nil {
		return err
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" {
			return fmt.Errorf("the name %.80q is not a clean relative path", name)
		}
	}
	return nil
}

// checkVolumePath says why a path cannot be used on a volume: it must be clean, since a volume would take a//b for
// a/b, and none of its parts longer than a file system allows.
func checkVolumePath(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPartBytes {
			return fmt.Errorf("the part %.40q... of the name has %d bytes, a volume allows %d", part, len(part), maxPartBytes)
		}
	}
	return nil
}

// isControl says that a character is one of C0, DEL or C1.
func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }

// checkFolder checks a destination's path: clean, relative, and, unless empty, ending in a slash.
func checkFolder(folder string) error {
	if folder == "" {
		return nil
	}
	trimmed, found := strings.CutSuffix(folder, "/")
	if !found {
		return fmt.Errorf("%q does not end in a slash", folder)
	}
	return checkName(trimmed)
}

// resolveKey is the key that a playlist's relative URI means: percent-decoded as a web server would, and below the
// playlist's folder, whose own name is taken as it is.
func resolveKey(base, uri string) (string, error) {
	if strings.ContainsFunc(uri, isControl) {
		return "", fmt.Errorf("the URI %.80q has a control character", withoutQuery(uri))
	}
	parsed, err := url.Parse(uri)
	if err != nil && uri != "" && (uri[0] < 'A' || uri[0] > 'z') {
		// A colon makes a scheme of what is before it, but no scheme begins with a digit: 12:30.ts is a name.
		parsed, err = url.Parse("./" + uri)
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("the URI %.80q cannot be read", withoutQuery(uri))
	case parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || parsed.Opaque != "":
		return "", fmt.Errorf("the URI %.80q is not relative", withoutQuery(uri))
	}
	if err := checkDecoded(parsed); err != nil {
		return "", err
	}
	// A server finds an object by the path alone: a query, such as a token, and a fragment do not name another one.
	key := folderOf(base) + withoutDots(parsed.Path)
	if err := checkObjectKey(key); err != nil {
		return "", err
	}
	return key, nil
}

// withoutDots leaves out the parts "." of a relative path, as RFC 3986, 5.2.4, does.
func withoutDots(path string) string {
	for rest, found := path, true; found; path = rest {
		rest, found = strings.CutPrefix(rest, "./")
	}
	return strings.ReplaceAll(path, "/./", "/")
}

// folderOf is what comes before the last part of a key, with its slash.
func folderOf(key string) string { return key[:strings.LastIndexByte(key, '/')+1] }

// checkURIText refuses what no URI holds and what servers read in different ways.
func checkURIText(uri string) error {
	for _, r := range uri {
		if r < 0x20 || r == 0x7f || r == '\\' {
			return fmt.Errorf("the URI %.80q has a control character or a backslash", withoutQuery(uri))
		}
	}
	return nil
}

// checkDecoded checks the decoded path of a relative reference: no part may be .. or hide a slash (%2F).
func checkDecoded(parsed *url.URL) error {
	if strings.Contains(strings.ToLower(parsed.EscapedPath()), "%2f") {
		return fmt.Errorf("the URI %.80q hides a slash", parsed.EscapedPath())
	}
	return checkName(withoutDots(parsed.Path))
}

// relativeKey is key as seen from base's folder.
func relativeKey(base, key string) (string, error) {
	folder := folderOf(base)
	name, found := strings.CutPrefix(key, folder)
	if !found {
		return "", fmt.Errorf("%.80q does not lie under %.80q", key, folder)
	}
	return name, checkName(name)
}

// withoutQuery cuts a URI before its query, which may hold a signature.
func withoutQuery(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return uri
}
