// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"fmt"
	"math"
	"path"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/hls"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/recording"
)

func at(text string) time.Time {
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return parsed
}

func TestFormatOf(t *testing.T) {
	for key, want := range map[string]string{
		"a/b.m3u8": "HLS", "b.M3U8": "HLS", "a.mp4": "MP4", "a.ts": "", "a.m4s": "", "m3u8": "", "a.mp4/b": "", "a.mp4/": "", "": "",
	} {
		if got := formatOf(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

func TestNameOf(t *testing.T) {
	tests := map[string]struct {
		stream string
		began  string
	}{
		"Record/app/live/mystream_2021-04-28-08-57-07/mystream_2021-04-28-08-57-07.m3u8": {"mystream", "2021-04-28T08:57:07Z"},
		"a_b_2021-04-28-08-57-07.mp4":      {"a_b", "2021-04-28T08:57:07Z"},
		"数学_2021-04-28-08-57-07.mp4":       {"数学", "2021-04-28T08:57:07Z"},
		"a_2021-13-28-08-57-07.mp4":        {}, // no month
		"a_2021-04-28.mp4":                 {},
		"_2021-04-28-08-57-07.mp4":         {},
		"index.m3u8":                       {},
		"a_2021-04-28-08-57-07/index.m3u8": {},
		strings.Repeat("s", maxStreamName+1) + "_2021-04-28-08-57-07.mp4": {},
	}
	for key, want := range tests {
		stream, began := nameOf(key)
		var wantBegan time.Time
		if want.began != "" {
			wantBegan = at(want.began)
		}
		if stream != want.stream || !began.Equal(wantBegan) {
			t.Errorf("%.60q: %q, %v", key, stream, began)
		}
	}
}

const named = "live/mystream_2021-04-28-08-57-07/mystream_2021-04-28-08-57-07.m3u8"

func TestFactsOf(t *testing.T) {
	tests := map[string]struct {
		key     string
		written string
		told    content
		want    v1alpha1.RecordingFacts
	}{
		"by name, counted on; the duration is rounded up": {
			named, "2021-04-28T08:59:00Z", content{duration: 64100 * time.Millisecond, sizeBytes: 9, width: 2, height: 1},
			v1alpha1.RecordingFacts{DurationSeconds: 65, StartTime: wholeSeconds(at("2021-04-28T08:57:07Z")), EndTime: wholeSeconds(at("2021-04-28T08:58:11Z")), SizeBytes: 9, Width: 2, Height: 1},
		},
		"nothing is recorded after it was written": {
			named, "2021-04-28T08:58:03Z", content{duration: 65 * time.Second},
			v1alpha1.RecordingFacts{DurationSeconds: 65, StartTime: wholeSeconds(at("2021-04-28T08:57:07Z")), EndTime: wholeSeconds(at("2021-04-28T08:58:03Z"))},
		},
		"by the playlist's own times": {
			named, "2021-04-28T08:58:03.9Z", content{duration: 65 * time.Second, began: at("2021-04-28T08:56:57.5Z"), ended: at("2021-04-28T08:58:02.5Z")},
			v1alpha1.RecordingFacts{DurationSeconds: 65, StartTime: wholeSeconds(at("2021-04-28T08:56:57Z")), EndTime: wholeSeconds(at("2021-04-28T08:58:02Z"))},
		},
		"times that cannot be": {
			"x.m3u8", "2021-04-28T08:58:03Z", content{duration: 3 * time.Second, began: at("2031-04-28T08:56:57Z"), ended: at("2031-04-28T08:58:02Z")},
			v1alpha1.RecordingFacts{DurationSeconds: 3, StartTime: wholeSeconds(at("2021-04-28T08:58:00Z")), EndTime: wholeSeconds(at("2021-04-28T08:58:03Z"))},
		},
		"a name in another time zone": {
			named, "2021-04-28T00:58:03Z", content{duration: 3 * time.Second},
			v1alpha1.RecordingFacts{DurationSeconds: 3, StartTime: wholeSeconds(at("2021-04-28T00:58:00Z")), EndTime: wholeSeconds(at("2021-04-28T00:58:03Z"))},
		},
		"an end before the beginning": {
			named, "2021-04-28T08:58:03Z", content{ended: at("2021-04-28T08:00:00Z")},
			v1alpha1.RecordingFacts{StartTime: wholeSeconds(at("2021-04-28T08:57:07Z")), EndTime: wholeSeconds(at("2021-04-28T08:58:03Z"))},
		},
		"nothing but when it was written": {
			"x.mp4", "2021-04-28T08:58:03Z", content{}, v1alpha1.RecordingFacts{EndTime: wholeSeconds(at("2021-04-28T08:58:03Z"))},
		},
	}
	for name, test := range tests {
		got := factsOf(objectstore.Object{Key: test.key, LastModified: at(test.written)}, test.told)
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

const playlistHead = "#EXTM3U\n#EXT-X-TARGETDURATION:10\n"

func TestPlaylistContent(t *testing.T) {
	tests := map[string]struct {
		text string
		want content
	}{
		"ended":  {playlistHead + "#EXTINF:10,\na.ts\n#EXTINF:2.5,\nb.ts\n#EXT-X-ENDLIST\n", content{duration: 12500 * time.Millisecond}},
		"open":   {playlistHead + "#EXTINF:10,\na.ts\n", content{duration: 10 * time.Second, problem: "the playlist has no end (#EXT-X-ENDLIST)"}},
		"master": {"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n", content{part: true}},
		"times, with a pause": {
			playlistHead + "#EXTINF:10,\na.ts\n#EXT-X-PROGRAM-DATE-TIME:2021-04-28T08:57:10Z\n#EXTINF:10,\nb.ts\n#EXT-X-DISCONTINUITY\n" +
				"#EXT-X-PROGRAM-DATE-TIME:2021-04-28T09:30:00Z\n#EXTINF:10,\nc.ts\n#EXTINF:5,\nd.ts\n#EXT-X-ENDLIST\n",
			content{duration: 35 * time.Second, began: at("2021-04-28T08:57:00Z"), ended: at("2021-04-28T09:30:15Z")},
		},
		"longer than anything is": {
			playlistHead + strings.Repeat("#EXTINF:86400,\na.ts\n", 400) + "#EXT-X-ENDLIST\n", content{},
		},
		"no playlist": {"<html>", content{problem: "line 1: the playlist does not begin with #EXTM3U"}},
		"encrypted":   {playlistHead + "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n", content{duration: time.Second}},
	}
	for name, test := range tests {
		got := playlistContent([]byte(test.text))
		got.playlist = hls.Playlist{}
		if got.duration != test.want.duration || got.part != test.want.part || got.problem != test.want.problem ||
			!got.began.Equal(test.want.began) || !got.ended.Equal(test.want.ended) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestSegmentNames(t *testing.T) {
	tests := map[string]struct {
		uris   []string
		want   []string
		prefix string
	}{
		"beside it":       {[]string{"s-1.ts", "s-2.ts", "s-1.ts"}, []string{"s-1.ts", "s-2.ts"}, "s-"},
		"below it":        {[]string{"ts/1.ts", "ts/10.ts?x=1"}, []string{"ts/1.ts", "ts/10.ts"}, "ts/1"},
		"one, encoded":    {[]string{"a%20b.ts"}, []string{"a b.ts"}, "a b.ts"},
		"above it":        {[]string{"1.ts", "../other/2.ts"}, nil, ""},
		"far above it":    {[]string{"../../../../etc/2.ts"}, nil, ""},
		"from the top":    {[]string{"/rec/1.ts"}, nil, ""},
		"elsewhere":       {[]string{"http://169.254.169.254/1.ts"}, nil, ""},
		"elsewhere, bare": {[]string{"//host/1.ts"}, nil, ""},
		"nothing":         {[]string{"?x"}, nil, ""},
		"the folder":      {[]string{"."}, nil, ""},
		"the one above":   {[]string{"a/../.."}, nil, ""},
		"roundabout":      {[]string{"./a//../..b.ts"}, []string{"..b.ts"}, "..b.ts"},
	}
	for name, test := range tests {
		var playlist hls.Playlist
		for _, uri := range test.uris {
			playlist.Segments = append(playlist.Segments, hls.Segment{Part: hls.Part{URI: uri}})
		}
		wanted, prefix := segmentNames(playlist)
		if len(wanted) != len(test.want) || prefix != test.prefix {
			t.Errorf("%s: %v, %q", name, wanted, prefix)
		}
		for _, key := range test.want {
			if !wanted[key] {
				t.Errorf("%s: %q is missing from %v", name, key, wanted)
			}
		}
	}
}

// Only what is clearly more is growth: a callback measures otherwise than a playlist sums up.
func TestGrew(t *testing.T) {
	for _, test := range []struct {
		known          v1alpha1.RecordingFacts
		format         string
		size, duration int64
		want           bool
	}{
		{v1alpha1.RecordingFacts{SizeBytes: 10}, formatMP4, 10, 0, false},
		{v1alpha1.RecordingFacts{SizeBytes: 10}, formatMP4, 9, 0, false},
		{v1alpha1.RecordingFacts{SizeBytes: 10}, formatMP4, 11, 0, true},
		{v1alpha1.RecordingFacts{}, formatMP4, 11, 0, false},
		{v1alpha1.RecordingFacts{DurationSeconds: 65}, formatHLS, 0, 68, false},
		{v1alpha1.RecordingFacts{DurationSeconds: 65}, formatHLS, 0, 69, true},
		{v1alpha1.RecordingFacts{DurationSeconds: 3600}, formatHLS, 0, 3630, false},
		{v1alpha1.RecordingFacts{DurationSeconds: 3600}, formatHLS, 0, 3640, true},
		{v1alpha1.RecordingFacts{}, formatHLS, 0, 100, false},
	} {
		told := content{duration: time.Duration(test.duration) * time.Second}
		if got := grew(&recording.Facts{RecordingFacts: test.known}, objectstore.Object{Size: test.size}, test.format, told); got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
	}
}

// Whatever a playlist says: facts that the API server takes.
func FuzzPlaylistFacts(f *testing.F) {
	f.Add([]byte(playlistHead+"#EXT-X-PROGRAM-DATE-TIME:2021-04-28T08:57:10Z\n#EXTINF:10,\na.ts\n#EXT-X-ENDLIST\n"), named)
	f.Add([]byte(playlistHead+"#EXTINF:86400,\na.ts\n#EXT-X-PROGRAM-DATE-TIME:0000-01-01T00:00:00Z\n#EXTINF:0.0001,\n../b.ts\n"), "x_9999-12-31-23-59-59.m3u8")
	written := at("2021-04-28T08:58:03Z")
	f.Fuzz(func(t *testing.T, data []byte, key string) {
		told := playlistContent(data)
		facts := factsOf(objectstore.Object{Key: key, LastModified: written}, told)
		if facts.DurationSeconds < 0 || facts.DurationSeconds > int64(math.Ceil(maxDuration.Seconds())) {
			t.Errorf("duration %d", facts.DurationSeconds)
		}
		if began := facts.StartTime; facts.EndTime.After(written) || began != nil && (began.After(facts.EndTime.Time) || began.Year() < 1970) {
			t.Errorf("from %v to %v", facts.StartTime, facts.EndTime)
		}
		wanted, prefix := segmentNames(told.playlist)
		for segment := range wanted {
			if !strings.HasPrefix(segment, prefix) || path.Join("/folder", segment) != "/folder/"+segment {
				t.Errorf("segment %q, prefix %q", segment, prefix)
			}
		}
	})
}

// The longest playlist in the longest folder costs what it says and no more: a bucket's owner decides on both, and what
// the operator's memory holds is also everybody else's.
func TestPlaylistContent_LongPlaylistCostsLittle(t *testing.T) {
	text := strings.Builder{}
	text.WriteString(playlistHead)
	const segments = 100_000
	for i := range segments {
		fmt.Fprintf(&text, "#EXTINF:1,\n%d.ts\n", i)
	}
	key := strings.Repeat("a/", 500) + "index.m3u8"
	told := playlistContent([]byte(text.String()))
	if told.problem != "the playlist has no end (#EXT-X-ENDLIST)" {
		t.Fatal(told.problem)
	}
	b := &fakeBucket{}
	var before, after runtime.MemStats
	b.before = func(string, string) {
		runtime.GC()
		runtime.ReadMemStats(&after)
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	if _, err := segmentBytes(t.Context(), b, key, told.playlist); err != nil {
		t.Fatal(err)
	}
	runtime.KeepAlive(told)
	if held := int64(after.HeapAlloc) - int64(before.HeapAlloc); held > 20<<20 {
		t.Errorf("%d bytes for %d segments", held, segments)
	}
}
