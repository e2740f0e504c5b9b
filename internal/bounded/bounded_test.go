// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package bounded_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/bounded"
)

func TestBytes_CutsBetweenCharacters(t *testing.T) {
	for _, test := range []struct {
		text  string
		limit int
		want  string
	}{{"abc", 3, "abc"}, {"abcdef", 5, "ab..."}, {"教教教", 9, "教教教"}, {"教教教教", 9, "教教..."}, {"a教教教", 9, "a教..."}, {"", 3, ""}} {
		if got := bounded.Bytes(test.text, test.limit); got != test.want {
			t.Errorf("%q to %d: %q, want %q", test.text, test.limit, got, test.want)
		}
	}
}

func TestTexts_AreBounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := bounded.Printable(string(rapid.SliceOf(rapid.Byte()).Draw(rt, "text")))
		limit := rapid.IntRange(3, 40).Draw(rt, "limit")
		if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			rt.Errorf("%q is not printable", text)
		}
		if cut := bounded.Bytes(text, limit); len(cut) > limit || !utf8.ValidString(cut) || len(text) <= limit && cut != text {
			rt.Errorf("%q cut to %d bytes: %q", text, limit, cut)
		}
		hostile := strings.Map(func(r rune) rune { return []rune(`<"\&é`)[r%5] }, text)
		for _, text := range []string{text, hostile} {
			cut := bounded.JSON(text, limit)
			encoded, err := json.Marshal(cut)
			if err != nil || len(encoded) > limit+2 || !utf8.ValidString(cut) || bounded.JSON(cut, limit) != cut {
				rt.Errorf("%q cut to %d bytes of JSON: %s, %v", text, limit, encoded, err)
			}
			if whole, err := json.Marshal(text); err != nil || len(whole) <= limit+2 && cut != text {
				rt.Errorf("%q fits into %d bytes and is cut to %q", text, limit, cut)
			}
		}
		if cut := bounded.Characters(text, limit); utf8.RuneCountInString(cut) != min(limit, utf8.RuneCountInString(text)) || !strings.HasPrefix(text, cut) {
			rt.Errorf("%q cut to %d characters: %q", text, limit, cut)
		}
	})
}
