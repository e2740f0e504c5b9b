// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rejected

import (
	"bytes"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// urlKey is the field whose value may hold a signature.
const urlKey = `"download_url"`

// storedBody is what is kept of a body: without the query of download_url, and at most MaxRejectedBody bytes. The body
// need not be JSON.
func storedBody(body []byte) (kept []byte, truncated bool) {
	kept = withoutQuery(body)
	if len(kept) > v1alpha1.MaxRejectedBody {
		return kept[:v1alpha1.MaxRejectedBody], true
	}
	return kept, false
}

// withoutQuery removes the query of each download_url.
func withoutQuery(body []byte) []byte {
	var kept []byte
	for {
		at := indexKey(body)
		if at < 0 {
			return append(kept, body...)
		}
		value := at + len(urlKey)
		value += len(body[value:]) - len(bytes.TrimLeft(body[value:], " \t\r\n:"))
		query, end := queryOf(body[value:])
		kept = append(kept, body[:value+query]...)
		body = body[value+end:]
	}
}

// indexKey finds the key in any case, as encoding/json matches it.
func indexKey(body []byte) int {
	for at := 0; ; at++ {
		quote := bytes.IndexByte(body[at:], '"')
		if quote < 0 || at+quote+len(urlKey) > len(body) {
			return -1
		}
		at += quote
		if strings.EqualFold(string(body[at:at+len(urlKey)]), urlKey) {
			return at
		}
	}
}

// queryOf says where the query in a string of JSON begins and ends. A string that is cut off ends with the body.
func queryOf(text []byte) (begin, end int) {
	if len(text) == 0 || text[0] != '"' {
		return 0, 0
	}
	begin = -1
	for at := 1; at < len(text); at++ {
		switch {
		case text[at] == '"':
			if begin < 0 {
				begin = at
			}
			return begin, at
		case begin < 0 && (text[at] == '?' || hasEscapedMark(text[at:])):
			begin = at
		case text[at] == '\\':
			at++
		}
	}
	if begin < 0 {
		begin = len(text)
	}
	return begin, len(text)
}

// hasEscapedMark reports whether a question mark follows that is written as an escape.
func hasEscapedMark(text []byte) bool {
	const escaped = `\u003f`
	return len(text) >= len(escaped) && strings.EqualFold(string(text[:len(escaped)]), escaped)
}
