// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// A recording that is downloaded from an allowed host, without a StorageLocation.
func TestURL(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a host that is not allowed was asked")
	}))
	t.Cleanup(elsewhere.Close)
	tests := map[string]struct {
		change  func(b *bench, dir string)
		reason  string
		message string
	}{
		"whole":            {},
		"segment missing":  {change: func(_ *bench, dir string) { _ = os.Remove(filepath.Join(dir, "seg1.ts")) }, reason: workerapi.ReasonSegmentMissing, message: "segment 1"},
		"playlist missing": {change: func(_ *bench, dir string) { _ = os.Remove(filepath.Join(dir, "index.m3u8")) }, reason: workerapi.ReasonNotFound, message: "/a/index.m3u8"},
		"host not allowed": {change: func(b *bench, _ string) { b.Step.Inputs[0].AllowedHosts = []string{"media.example"} }, reason: workerapi.ReasonForbidden, message: "not allowed"},
		"segment elsewhere": {change: func(_ *bench, dir string) {
			text := "#EXTM3U\n#EXTINF:2,\nseg0.ts\n#EXTINF:2,\n" + elsewhere.URL + "/seg1.ts\n#EXT-X-ENDLIST\n"
			_ = os.WriteFile(filepath.Join(dir, "index.m3u8"), []byte(text), 0o600)
		}, reason: workerapi.ReasonForbidden, message: "segment 1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, remux, "a/index.m3u8")
			dir := filepath.Join(b.source, "a")
			hlsRecording(t, dir)
			server := httptest.NewServer(http.FileServer(http.Dir(b.source)))
			t.Cleanup(server.Close)
			address, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			b.Step.Inputs[0].Storage, b.Step.Inputs[0].Artifact.Key = nil, ""
			b.Step.DeniedNetworks = []string{"192.0.2.0/24"} // the server is on this host, which is denied by default
			b.Step.Inputs[0].URL, b.Step.Inputs[0].AllowedHosts = server.URL+"/a/index.m3u8?sig=secret", []string{address.Host}
			if test.change != nil {
				test.change(b, dir)
			}
			result, container, err := b.run(t)
			if test.reason != "" {
				wantFailure(t, err, test.reason, true, test.message)
				if strings.Contains(err.Error(), "secret") {
					t.Errorf("the message holds the query: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s: %v", container, err)
			}
			if result.Outputs[0].URI != "pvc://archive/room/stream/index.mp4" {
				t.Error(result.Outputs[0].URI)
			}
		})
	}
}

// An archive of a download is published only if it is media: a URL must not bring an answer of another service into a
// bucket.
func TestURL_ArchiveOfADownloadMustBeMedia(t *testing.T) {
	media := filepath.Join(t.TempDir(), "calls")
	hlsRecording(t, media)
	const answer = `{"AccessKeyId": "ASIA", "SecretAccessKey": "secret"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".m3u8") {
			_, _ = w.Write([]byte("#EXTM3U\n#EXTINF:2,\nseg0.ts\n#EXTINF:2,\ncredentials\n#EXT-X-ENDLIST\n"))
			return
		}
		if strings.HasSuffix(r.URL.Path, ".ts") {
			http.ServeFile(w, r, filepath.Join(media, "seg0.ts"))
			return
		}
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	address, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, object := range []string{"latest/credentials.mp4", "latest/index.m3u8"} {
		t.Run(object, func(t *testing.T) {
			b := newBench(t, nil, object)
			b.Step.Inputs[0].Storage, b.Step.Inputs[0].Artifact.Key = nil, ""
			b.Step.DeniedNetworks = []string{"192.0.2.0/24"} // the server is on this host, which is denied by default
			b.Step.Inputs[0].URL, b.Step.Inputs[0].AllowedHosts = server.URL+"/"+object, []string{address.Host}
			_, _, err := b.run(t)
			wantFailure(t, err, workerapi.ReasonNotMedia, true, "media of a kind that is known")
			if left := files(t, b.destination); len(left) != 0 {
				t.Errorf("published: %v", left)
			}
		})
	}
}
