// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"log/slog"
	"strings"
	"testing"
)

func TestResolveKey(t *testing.T) {
	tests := map[string]struct {
		uri  string
		want string
	}{
		"beside":              {"seg 1.ts", "a/b/seg 1.ts"},
		"below":               {"c/seg.ts", "a/b/c/seg.ts"},
		"percent-decoded":     {"seg%201.ts", "a/b/seg 1.ts"},
		"plus stays":          {"a+b.ts", "a/b/a+b.ts"},
		"scheme":              {"file:///etc/passwd", ""},
		"web":                 {"http://host/seg.ts", ""},
		"no scheme, but host": {"//host/seg.ts", ""},
		"absolute":            {"/a/b/seg.ts", ""},
		"parent":              {"../seg.ts", ""},
		"hidden parent":       {"c/../../seg.ts", ""},
		"encoded parent":      {"%2e%2e/seg.ts", ""},
		"encoded slash":       {"c%2fseg.ts", ""},
		"encoded backslash":   {"c%5cseg.ts", `a/b/c\seg.ts`},
		"encoded newline":     {"c%0aseg.ts", ""},
		"encoded zero":        {"c%00.ts", ""},
		"backslash":           {`c\seg.ts`, `a/b/c\seg.ts`},
		"control character":   {"c\tseg.ts", ""},
		"broken percent":      {"100%.ts", ""},
		"not UTF-8":           {"%ff.ts", ""},
		"query":               {"seg.ts?x=/../y", "a/b/seg.ts"},
		"empty query":         {"seg.ts?", "a/b/seg.ts"},
		"fragment":            {"seg.ts#t", "a/b/seg.ts"},
		"encoded query":       {"seg.ts%3fx", "a/b/seg.ts?x"},
		"dot":                 {"./seg.ts", "a/b/seg.ts"},
		"dots":                {"././c/./seg.ts", "a/b/c/seg.ts"},
		"dot before parent":   {"./../seg.ts", ""},
		"encoded dot":         {"%2e/seg.ts", "a/b/seg.ts"},
		"dot alone":           {".", ""},
		"colon":               {"./12:30.ts", "a/b/12:30.ts"},
		"digits and colon":    {"12:30.ts", "a/b/12:30.ts"},
		"empty":               {"", ""},
		"folder":              {"c/", ""},
		"longer than a file":  {strings.Repeat("a", 300), "a/b/" + strings.Repeat("a", 300)},
		"too long":            {strings.Repeat("a", 1021), ""},
		"encoded C1":          {"c%c2%9b.ts", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := resolveKey("a/b/index.m3u8", test.uri)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// Whatever a playlist names, it lies below the playlist's folder.
func FuzzResolveKey(f *testing.F) {
	for _, uri := range []string{"seg.ts", "c/seg.ts", "../x", "%2e%2e/x", "http://h/x", "//h/x", `\x`, "a%2fb"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		key, err := resolveKey("a/b/index.m3u8", uri)
		if err != nil {
			return
		}
		if !strings.HasPrefix(key, "a/b/") || checkObjectKey(key) != nil {
			t.Errorf("%q means %q", uri, key)
		}
	})
}

func TestDownloadResolve(t *testing.T) {
	d, err := newDownload([]string{"media.example", "cdn.example:8443", "[::1]"}, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	const base = "https://media.example/a/index.m3u8?token=secret"
	tests := map[string]struct {
		uri  string
		want string
	}{
		"relative":             {"seg.ts", "https://media.example/a/seg.ts"},
		"its own query":        {"seg.ts?part=1", "https://media.example/a/seg.ts?part=1"},
		"allowed host":         {"https://cdn.example:8443/x.ts", "https://cdn.example:8443/x.ts"},
		"upper case":           {"https://MEDIA.example/x.ts", "https://MEDIA.example/x.ts"},
		"default port":         {"https://media.example:443/x.ts", "https://media.example:443/x.ts"},
		"other port":           {"https://media.example:8443/x.ts", ""},
		"port that is missing": {"https://cdn.example/x.ts", ""},
		"other host":           {"https://evil.example/x.ts", ""},
		"no scheme":            {"//evil.example/x.ts", ""},
		"user name":            {"https://media.example@evil.example/x.ts", ""},
		"credentials":          {"https://u:p@media.example/x.ts", ""},
		"file":                 {"file:///etc/passwd", ""},
		"parent":               {"../seg.ts", ""},
		"backslash":            {`https:\\media.example\x.ts`, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := d.Resolve(base, test.uri)
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("%q, %v, want %q", got, err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error holds the query: %v", err)
			}
		})
	}
	if got := d.Describe("https://u:p@media.example/a/x.ts?token=secret"); got != "https://media.example/a/x.ts" {
		t.Errorf("described as %q", got)
	}
}
