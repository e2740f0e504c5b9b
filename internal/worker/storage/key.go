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

package storage

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode/utf8"
)

// Longest names: of a path's part on Linux, and of an S3 key.
const (
	maxPartBytes = 255
	maxKeyBytes  = 1024
)

// CheckKey says why a key, or any relative path with slashes, cannot be used. Keys that an S3 server would take but
// that are no clean path (a//b, a/../b) are refused, because rclone and volumes would read another file.
func CheckKey(key string) error {
	if key == "" || len(key) > maxKeyBytes {
		return fmt.Errorf("the name is empty or longer than %d bytes", maxKeyBytes)
	}
	if !utf8.ValidString(key) {
		return errors.New("the name is not UTF-8")
	}
	for _, r := range key {
		if r < 0x20 || r == 0x7f || r == '\\' || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("the name %.80q has a control character or a backslash", key)
		}
	}
	for part := range strings.SplitSeq(key, "/") {
		if part == "" || part == "." || part == ".." || len(part) > maxPartBytes {
			return fmt.Errorf("the name %.80q is not a clean relative path", key)
		}
	}
	return nil
}

// checkFolder checks a destination's path: clean, relative, and, unless empty, ending in a slash.
func checkFolder(folder string) error {
	if folder == "" {
		return nil
	}
	trimmed, found := strings.CutSuffix(folder, "/")
	if !found {
		return fmt.Errorf("%q does not end in a slash", folder)
	}
	return CheckKey(trimmed)
}

// resolveKey is the key that a playlist's relative URI means: percent-decoded as a web server would, and below the
// playlist's folder.
func resolveKey(base, uri string) (string, error) {
	if err := checkURIText(uri); err != nil {
		return "", err
	}
	parsed, err := url.Parse(uri)
	switch {
	case err != nil:
		return "", fmt.Errorf("the URI %.80q cannot be read", uri)
	case parsed.Scheme != "" || parsed.Host != "" || parsed.User != nil || parsed.Opaque != "":
		return "", fmt.Errorf("the URI %.80q is not relative", withoutQuery(uri))
	case parsed.RawQuery != "" || parsed.ForceQuery || parsed.Fragment != "" || strings.Contains(uri, "#"):
		return "", fmt.Errorf("the URI %.80q has a query or a fragment, which an object cannot have", withoutQuery(uri))
	}
	if err := checkDecoded(parsed); err != nil {
		return "", err
	}
	return path.Join(path.Dir(base), parsed.Path), nil
}

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
	return CheckKey(parsed.Path)
}

// relativeKey is key as seen from base's folder.
func relativeKey(base, key string) (string, error) {
	folder := path.Dir(base)
	if folder == "." {
		return key, nil
	}
	name, found := strings.CutPrefix(key, folder+"/")
	if !found {
		return "", fmt.Errorf("%.80q does not lie under %.80q", key, folder)
	}
	return name, nil
}

// withoutQuery cuts a URI before its query, which may hold a signature.
func withoutQuery(uri string) string {
	uri, _, _ = strings.Cut(uri, "?")
	return uri
}
