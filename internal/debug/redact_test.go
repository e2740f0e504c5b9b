// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// encodings are ways in which a value gets into a text.
var encodings = map[string]func(string) string{
	"plain":      func(s string) string { return s },
	"base64":     func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 raw": func(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) },
	"base64 url": func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
	"basic auth": func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:" + s)) },
	"in a manifest": func(s string) string {
		return base64.StdEncoding.EncodeToString([]byte("password: " + s + "\nuser: jane\n"))
	},
	"hex":          func(s string) string { return hex.EncodeToString([]byte(s)) },
	"query":        url.QueryEscape,
	"json":         quoted,
	"json in json": func(s string) string { return quoted(quoted(s)) },
}

func quoted(s string) string {
	text, _ := json.Marshal(s)
	return string(text[1 : len(text)-1])
}

// TestRedactor_LeavesNoValue: no value is left of any text that has it in one of the encodings.
func TestRedactor_LeavesNoValue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[ -~]{8,64}`).Filter(func(s string) bool {
			return strings.TrimSpace(s) == s && !strings.Contains(redacted, s)
		}).Draw(t, "value")
		others := rapid.SliceOfN(rapid.StringMatching(`[ -~]{4,40}`), 0, 3).Draw(t, "others")
		values := [][]byte{[]byte(value)}
		for _, other := range others {
			values = append(values, []byte(other))
		}
		r := NewRedactor(values)
		for name, encode := range encodings {
			got := r.Text("before " + encode(value) + " after")
			if strings.Contains(got, value) {
				t.Fatalf("%s: %q is left in %q", name, value, got)
			}
			// What is left of base64 must not decode to the value.
			for word := range strings.FieldsSeq(strings.ReplaceAll(got, redacted, " ")) {
				for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding} {
					if decoded, err := encoding.DecodeString(word); err == nil && strings.Contains(string(decoded), value) {
						t.Fatalf("%s: %q decodes to the value", name, got)
					}
				}
			}
		}
	})
}

func TestRedactor_FindsWhatLooksSecret(t *testing.T) {
	r := NewRedactor(nil)
	for text, want := range map[string]string{
		"get https://jane:pw@s3.example.com/a":                   "get https://[redacted]@s3.example.com/a",
		`{"url": "https://s3.example.com/a?X-Amz-Signature=ab"}`: `{"url": "https://s3.example.com/a?[redacted]"}`,
		"Authorization: Bearer abc.def":                          "Authorization: Bearer [redacted]",
		"token eyJhbGciOi.eyJpc3MiOi.c2ln":                       "token [redacted]",
		"s3://archive/a.mp4 of room 7":                           "s3://archive/a.mp4 of room 7",
	} {
		if got := r.Text(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestRedactor_RedactsKeysOnce: what stands for a key is not redacted again, though it holds a value.
func TestRedactor_RedactsKeysOnce(t *testing.T) {
	r := NewRedactor([][]byte{[]byte("redacted"), []byte("hunter2")})
	for range 100 {
		object := map[string]any{"hunter2": "a", "kind": "ConfigMap", "name": "b"}
		r.Object(object)
		if len(object) != 3 || object[redacted] != "a" {
			t.Fatal(object)
		}
	}
}
