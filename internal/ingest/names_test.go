// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

var update = flag.Bool("update", false, "write the golden file")

// The names are API: receivers of two versions that name an object differently make two of it. So this file never
// changes; a line may be added.
func TestNames_NeverChange(t *testing.T) {
	var b strings.Builder
	for _, object := range []v1alpha1.ObjectIdentity{
		{Bucket: "abc-rtc-bucket2", Key: "Record/5fcdf5651/room01/mystream_2021-04-28-08-56-57.m3u8"},
		{Bucket: "b", Key: "o"},
		{Bucket: "b", Key: "教室/一班.mp4"},
		{Bucket: "b", Key: strings.Repeat("long-", 40) + ".m3u8"},
		{URL: "https://example.com/Record/a.m3u8"},
		{URL: "https://example.com"},
	} {
		names := FileNames("classroom", object)
		fmt.Fprintf(&b, "file\tclassroom\t%s\t%s\t%s\t%s\t%s\n", object.Bucket, object.Key, object.URL, names[0], names[1])
	}
	for _, id := range []string{"607824f5a9ee4d5b8c0c1e6c2b9b0001", "t", "任务", strings.Repeat("x", 128)} {
		names := TaskNames("classroom", id)
		fmt.Fprintf(&b, "task\tclassroom\t%s\t%s\t%s\n", id, names[0], names[1])
	}
	golden := filepath.Join("testdata", "names.tsv")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the names are\n%s\nwant\n%s", b.String(), want)
	}
}

// Every name is one that the API server takes, and that can be a label.
func TestNames_AreValid(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		object := v1alpha1.ObjectIdentity{Bucket: text.Draw(t, "bucket"), Key: text.Draw(t, "key")}
		files, tasks := FileNames(text.Draw(t, "source"), object), TaskNames("s", text.Draw(t, "task"))
		for _, name := range append(files[:], tasks[:]...) {
			if len(name) > 63 || !valid.MatchString(name) {
				t.Errorf("%q", name)
			}
		}
		if files[0] == files[1] || tasks[0] == tasks[1] {
			t.Error("both names are one")
		}
	})
}

// Every part of the identity changes the name, wherever the border between two fields lies.
func TestNames_DifferByIdentity(t *testing.T) {
	seen := map[string]bool{}
	for _, names := range [][2]string{
		FileNames("s", v1alpha1.ObjectIdentity{Bucket: "ab", Key: "c"}), FileNames("s", v1alpha1.ObjectIdentity{Bucket: "a", Key: "bc"}),
		FileNames("sa", v1alpha1.ObjectIdentity{Bucket: "b", Key: "c"}), FileNames("s", v1alpha1.ObjectIdentity{URL: "abc"}), TaskNames("s", "abc"), TaskNames("sa", "bc"),
	} {
		for _, name := range names {
			hash := name[strings.LastIndex(name, "-")+1:]
			if seen[hash] {
				t.Errorf("%s comes twice", name)
			}
			seen[hash] = true
		}
	}
}

func TestObjectOf_IsTheSameForEveryReport(t *testing.T) {
	for url, want := range map[string]string{
		"https://example.com/a/b.m3u8":               "https://example.com/a/b.m3u8",
		"HTTPS://Example.COM:8443/A/b.m3u8?sign=1#x": "https://example.com:8443/A/b.m3u8",
		"http://user:p@ss@example.com/a@b?x/y":       "http://example.com/a@b",
		"http://example.com":                         "http://example.com",
		"http://example.com?x":                       "http://example.com",
		"https://[FD00::1]:80/教室 1/%2F":              "https://[fd00::1]:80/教室 1/%2F",
	} {
		if got := ObjectOf(sparkrtc.File{DownloadURL: url}); got != (v1alpha1.ObjectIdentity{URL: want}) {
			t.Errorf("%s is %+v, want %s", url, got, want)
		}
	}
	got := ObjectOf(sparkrtc.File{Bucket: "b", Object: "o", DownloadURL: "https://example.com/o"})
	if got != (v1alpha1.ObjectIdentity{Bucket: "b", Key: "o"}) {
		t.Errorf("an object with a URL is %+v", got)
	}
}
