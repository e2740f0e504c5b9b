// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// Whatever the headers, nothing but the signature lets a callback in, and nothing panics.
func FuzzHeaders(f *testing.F) {
	content := fixture(f, "start-hls.json")
	good := signed(f, path, content).Header
	f.Add(good.Get(sparkrtc.HeaderRand), good.Get(sparkrtc.HeaderTimestamp), good.Get(sparkrtc.HeaderSignature), path)
	f.Add("", "", "", "/callbacks/%2F/x")
	f.Add("1\x00", "2\n", strings.Repeat("F", 64), "/callbacks//x")
	h := newFixture(f, nil)
	f.Fuzz(func(t *testing.T, random, timestamp, signature, url string) {
		r := signed(t, path, content)
		r.URL.Path = url
		sparkrtc.Proof{Rand: random, Timestamp: timestamp, Signature: signature}.SetHeader(r.Header)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		signed, err := sparkrtc.Sign(mustKey(t, secret), random, timestamp, content)
		if err != nil {
			t.Fatal(err)
		}
		// Slashes at the end, between or missing in front change nothing.
		parts := func(path string) []string { return strings.FieldsFunc(path, func(c rune) bool { return c == '/' }) }
		want := slices.Equal(parts(url), parts(path)) && random != "" && timestamp != "" && strings.EqualFold(signature, signed.Signature)
		if len(random) > 256 || len(timestamp) > 256 || strings.Contains(random+timestamp, ",") {
			want = false
		}
		if (w.Code == http.StatusOK) != want {
			t.Errorf("answered %d", w.Code)
		}
	})
}

// Whatever is sent, the answer is one of the table's; and what gets past the signature has each header once.
func FuzzRequest(f *testing.F) {
	content := fixture(f, "start-hls.json")
	for _, change := range []func(string) string{
		func(h string) string { return h },
		strings.ToLower,
		func(h string) string { return h + "x-rtc-rand: 1\r\n" },
		func(h string) string { return strings.Replace(h, "X-Rtc-Rand: ", "X-Rtc-Rand: 1, ", 1) },
		func(h string) string { return h + "Transfer-Encoding: chunked\r\nTrailer: X-Rtc-Signature\r\n" },
		func(h string) string { return h + "X-Forwarded-For: ::1, x\r\nExpect: 100-continue\r\n" },
	} {
		header, _, _ := strings.Cut(strings.SplitN(raw(f, change), "\r\n", 2)[1], "\r\n\r\n")
		f.Add(header, content)
	}
	h := newFixture(f, func(c *Config) { c.Ingester, c.Observer, c.TrustedProxies = nothing{}, nothing{}, testProxies })
	answers := []int{200, 400, 401, 403, 404, 405, 408, 413, 429, 503}
	f.Fuzz(func(t *testing.T, header string, content []byte) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("POST " + path + " HTTP/1.1\r\n" + header + "\r\n\r\n" + string(content))))
		if err != nil {
			return
		}
		r.RemoteAddr = "10.0.0.1:1"
		w := h.post(r)
		if !slices.Contains(answers, w.Code) || !json.Valid(w.Body.Bytes()) {
			t.Errorf("answered %d: %s", w.Code, w.Body)
		}
		if w.Code != http.StatusOK {
			return
		}
		for _, name := range []string{sparkrtc.HeaderRand, sparkrtc.HeaderTimestamp, sparkrtc.HeaderSignature} {
			if values := r.Header.Values(name); len(values) != 1 || strings.Contains(values[0], ",") {
				t.Errorf("%s is let in as %q", name, values)
			}
		}
	})
}

// A path names one source or none, whatever a request line makes of it.
func FuzzPath(f *testing.F) {
	for _, target := range []string{path, "/", "*", "/callbacks//x", "/callbacks/x/", "/callbacks/a/b/c", "/callbacks/%2e%2e/x", "/callbacks/a%2fb/c",
		"/callbacks/media/classroom?x=/", "//callbacks/media/classroom", "/callbacks/../callbacks/media/classroom", "http://x/callbacks/media/classroom",
		"/callbacks/media/class%00room", "/callbacks/media/%E2%80%AE"} {
		f.Add(target)
	}
	h := newFixture(f, nil)
	f.Fuzz(func(t *testing.T, target string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("POST " + target + " HTTP/1.1\r\nHost: x\r\n\r\n")))
		if err != nil {
			return
		}
		name, exact, ok := sourceOf(r)
		collapsed := strings.TrimSuffix(regexp.MustCompile("/+").ReplaceAllString(r.URL.EscapedPath(), "/"), "/")
		if ok && exact && ("/callbacks/"+name.Namespace+"/"+name.Name != collapsed || strings.ContainsAny(name.Namespace+name.Name, "/%") || name.Namespace == "" || name.Name == "") {
			t.Errorf("%q is read as %q", r.URL.Path, name)
		}
		want := http.StatusNotFound
		if ok && exact {
			want = http.StatusUnauthorized
		}
		r.RemoteAddr = "192.0.2.1:1"
		if w := h.post(r); w.Code != want {
			t.Errorf("%q is answered with %d, want %d", r.URL.Path, w.Code, want)
		}
	})
}
