// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package bounded makes texts of others fit for the API and for terminals: of a bounded length, valid, and without control
// characters.
package bounded

import (
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMessage is the longest message of a condition or of a step, in bytes as JSON.
const MaxMessage = 512

// Mark ends a text that Bytes has cut.
const Mark = "..."

// Bytes cuts a text to at most so many bytes, Mark included, between two characters. There must be room for Mark.
func Bytes(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	end := limit - len(Mark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + Mark
}

// Message makes a text of others the message of a condition or of a step: on one line, without control characters, and at
// most MaxMessage long.
func Message(text string) string { return JSON(Printable(text), MaxMessage) }

// JSON cuts a text to at most so many bytes as JSON has them between its quotes, Mark included: some characters take six.
// There must be room for Mark.
func JSON(text string, limit int) string {
	if encodedLength(text) <= limit {
		return text
	}
	left := limit - len(Mark)
	for i, r := range text {
		if left -= encodedLength(string(r)); left < 0 {
			return text[:i] + Mark
		}
	}
	return text
}

func encodedLength(text string) int {
	encoded, err := json.Marshal(text)
	if err != nil {
		return len(text) // a string never fails to encode
	}
	return len(encoded) - len(`""`)
}

// Tail cuts a text to at most so many bytes at its end, Mark included, between two characters. There must be room for Mark.
func Tail(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	begin := len(text) - limit + len(Mark)
	for begin < len(text) && !utf8.RuneStart(text[begin]) {
		begin++
	}
	return Mark + text[begin:]
}

// Characters cuts a text to at most so many characters, as the API server counts them. It leaves no mark.
func Characters(text string, limit int) string {
	for i := range text {
		if limit == 0 {
			return text[:i]
		}
		limit--
	}
	return text
}

// Printable replaces each control character, on which terminals act, by a blank, and what is no UTF-8 by U+FFFD.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}
