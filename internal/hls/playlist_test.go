// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package hls

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/mogiioin/hls-m3u8/m3u8"
	"pgregory.net/rapid"
)

const header = "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n"

func TestParse(t *testing.T) {
	tests := []struct {
		name string
		text string
		want Playlist
	}{
		{
			name: "media",
			text: header + "#EXTINF:2.002,title\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:1.5,\r\nb.ts\n#EXT-X-ENDLIST\n",
			want: Playlist{Ended: true, Segments: []Segment{
				{Part: Part{URI: "a.ts"}, Seconds: 2.002, Rounding: 0.001, Map: -1},
				{Part: Part{URI: "b.ts"}, Seconds: 1.5, Rounding: 0.1, Discontinuity: true, Map: -1},
			}},
		},
		{
			name: "ranges go on where the last one of the file ended",
			text: header + "#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"100@0\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:50@100\nall.mp4\n#EXTINF:2,\n#EXT-X-BYTERANGE:60\nall.mp4\n",
			want: Playlist{Maps: []Part{{URI: "all.mp4", Length: 100}}, Segments: []Segment{
				{Part: Part{URI: "all.mp4", Length: 50, Offset: 100}, Seconds: 2, Rounding: 1},
				{Part: Part{URI: "all.mp4", Length: 60, Offset: 150}, Seconds: 2, Rounding: 1},
			}},
		},
		{
			name: "a window that has removed nine segments",
			text: header + "#EXT-X-MEDIA-SEQUENCE:9\n#EXTINF:2,\na9.ts\n",
			want: Playlist{First: 9, Segments: []Segment{{Part: Part{URI: "a9.ts"}, Seconds: 2, Rounding: 1, Map: -1}}},
		},
		{
			name: "parts of segments that are named as well",
			text: header + "#EXT-X-PART:DURATION=1,URI=\"a.0.ts\"\n#EXT-X-PART:DURATION=1,URI=\"a.1.ts\"\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n",
			want: Playlist{Ended: true, Segments: []Segment{{Part: Part{URI: "a.ts"}, Seconds: 2, Rounding: 1, Map: -1}}},
		},
		{
			name: "nothing is removed of a type",
			text: header + "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE:nine\n#EXTINF:2,\na.ts\n",
			want: Playlist{Kept: true, Segments: []Segment{{Part: Part{URI: "a.ts"}, Seconds: 2, Rounding: 1, Map: -1}}},
		},
		{
			name: "master",
			text: "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1,mp4a\"\nlow.m3u8\n",
			want: Playlist{Variants: []string{"low.m3u8"}},
		},
		{
			name: "times of the day: with a zone, as ffmpeg writes them, and without a zone",
			text: header + "#EXT-X-PROGRAM-DATE-TIME:2021-04-28T16:56:57.5+08:00\n#EXTINF:2,\na.ts\n" +
				"#EXT-X-PROGRAM-DATE-TIME:2021-04-28T08:56:59.500+0000\n#EXTINF:2,\nb.ts\n" +
				"#EXT-X-PROGRAM-DATE-TIME:2021-04-28T08:57:01\n#EXTINF:2,\nc.ts\n#EXTINF:2,\nd.ts\n",
			want: Playlist{Segments: []Segment{
				{Part: Part{URI: "a.ts"}, Seconds: 2, Rounding: 1, Map: -1, Began: time.Date(2021, 4, 28, 8, 56, 57, 5e8, time.UTC)},
				{Part: Part{URI: "b.ts"}, Seconds: 2, Rounding: 1, Map: -1, Began: time.Date(2021, 4, 28, 8, 56, 59, 5e8, time.UTC)},
				{Part: Part{URI: "c.ts"}, Seconds: 2, Rounding: 1, Map: -1},
				{Part: Part{URI: "d.ts"}, Seconds: 2, Rounding: 1, Map: -1},
			}},
		},
		{
			name: "encrypted and lost segments",
			text: header + "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\na.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\n#EXT-X-GAP\nb.ts\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:2,\nc.ts\n",
			want: Playlist{Keys: []string{"k"}, Segments: []Segment{
				{Part: Part{URI: "a.ts"}, Seconds: 2, Rounding: 1, Map: -1, Encrypted: true},
				{Part: Part{URI: "b.ts"}, Seconds: 2, Rounding: 1, Map: -1, Encrypted: true, Gap: true},
				{Part: Part{URI: "c.ts"}, Seconds: 2, Rounding: 1, Map: -1},
			}},
		},
		{
			name: "renditions beside a variant, behind a byte-order mark",
			text: "\ufeff#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a.m3u8\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n",
			want: Playlist{Variants: []string{"v.m3u8"}, Renditions: []string{"a.m3u8"}, Alternatives: true},
		},
		{
			name: "no encryption; unknown tags and comments are ignored",
			text: header + "#EXT-X-KEY:METHOD=NONE\n#EXT-X-NEW:1\n# hello\n\n#EXTINF:2,\na.ts\n",
			want: Playlist{Segments: []Segment{{Part: Part{URI: "a.ts"}, Seconds: 2, Rounding: 1, Map: -1}}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParse_Refuses(t *testing.T) {
	tests := map[string]struct {
		text string
		want string
		is   error
	}{
		"empty":                {text: "", want: "line 1"},
		"not a playlist":       {text: "<html>", want: "line 1", is: ErrNotPlaylist},
		"no segment":           {text: header + "#EXT-X-ENDLIST\n", want: "no segment"},
		"variables":            {text: header + "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n", is: ErrUnsupported},
		"parts at the end":     {text: header + "#EXTINF:2,\na.ts\n#EXT-X-PART:DURATION=1,URI=\"b.0.ts\"\n#EXT-X-ENDLIST\n", want: "EXT-X-PART", is: ErrUnsupported},
		"no duration":          {text: header + "a.ts\n", want: "without #EXTINF"},
		"duration not number":  {text: header + "#EXTINF:NaN,\na.ts\n", want: "#EXTINF"},
		"negative duration":    {text: header + "#EXTINF:-1,\na.ts\n", want: "#EXTINF"},
		"two durations":        {text: header + "#EXTINF:2,\n#EXTINF:2,\na.ts\n", want: "two #EXTINF"},
		"duration at the end":  {text: header + "#EXTINF:2,\n", want: "without a URI"},
		"control character":    {text: header + "#EXTINF:2,\na\x00.ts\n", want: "control"},
		"after the end":        {text: header + "#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n#EXTINF:2,\nb.ts\n", want: "after"},
		"range without origin": {text: header + "#EXTINF:2,\n#EXT-X-BYTERANGE:5\na.ts\n", want: "offset"},
		"range overflows":      {text: header + "#EXTINF:2,\n#EXT-X-BYTERANGE:9223372036854775807@9\na.ts\n", want: "offset"},
		"map without URI":      {text: header + "#EXT-X-MAP:BYTERANGE=\"1@0\"\n", want: "URI"},
		"broken attributes":    {text: header + "#EXT-X-MAP:URI=\"a\n", want: "quote"},
		"mixed":                {text: "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n#EXTINF:1,\na.ts\n", want: "both"},
		"not UTF-8":            {text: header + "#EXTINF:2,\n\xff.ts\n", want: "UTF-8"},
		"too large":            {text: "#EXTM3U\n" + strings.Repeat("#\n", MaxBytes/2), want: "larger"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("error %v, want one with %q", err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Fatalf("error %v is no %v", err, test.is)
			}
		})
	}
}

// What we read is what an independent parser reads.
func TestParse_AgreesWithLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.IntRange(1, 30).Draw(t, "segments")
		var text strings.Builder
		text.WriteString("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:10\n#EXT-X-PLAYLIST-TYPE:VOD\n")
		for i := range count {
			if rapid.Bool().Draw(t, "discontinuity") {
				text.WriteString("#EXT-X-DISCONTINUITY\n")
			}
			fmt.Fprintf(&text, "#EXTINF:%.3f,\n%s-%d.ts\n", rapid.Float64Range(0.001, 10).Draw(t, "duration"),
				rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "name"), i)
		}
		text.WriteString("#EXT-X-ENDLIST\n")
		ours, err := Parse([]byte(text.String()))
		if err != nil {
			t.Fatal(err)
		}
		theirs, kind, err := m3u8.DecodeFrom(strings.NewReader(text.String()), true)
		if err != nil || kind != m3u8.MEDIA {
			t.Fatal(kind, err)
		}
		segments := theirs.(*m3u8.MediaPlaylist).GetAllSegments()
		if len(segments) != len(ours.Segments) {
			t.Fatalf("%d segments, the library reads %d", len(ours.Segments), len(segments))
		}
		for i, segment := range segments {
			our := ours.Segments[i]
			if our.URI != segment.URI || our.Seconds != segment.Duration || our.Discontinuity != segment.Discontinuity {
				t.Errorf("segment %d: %+v, the library reads %+v", i, our, segment)
			}
		}
	})
}

// FuzzParse holds that whatever Parse takes is within its bounds.
func FuzzParse(f *testing.F) {
	f.Add([]byte(header + "#EXTINF:2.002,title\na.ts\n#EXT-X-ENDLIST\n"))
	f.Add([]byte(header + "#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"100@0\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:50@100\nall.mp4\n"))
	f.Add([]byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n"))
	f.Add([]byte(header + "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\n#EXT-X-GAP\nfile:///etc/passwd\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		playlist, err := Parse(data)
		if err != nil {
			return
		}
		if (len(playlist.Segments) == 0) == (len(playlist.Variants) == 0) || len(playlist.Segments) > maxSegments {
			t.Fatalf("%d segments, %d variants", len(playlist.Segments), len(playlist.Variants))
		}
		for i, segment := range playlist.Segments {
			switch {
			case segment.URI == "", segment.Seconds < 0, segment.Seconds > maxSegmentSeconds, segment.Map >= len(playlist.Maps):
				t.Fatalf("segment %d: %+v", i, segment)
			case segment.Length < 0, segment.Offset < 0, segment.Offset+segment.Length < 0:
				t.Fatalf("segment %d: range %d@%d", i, segment.Length, segment.Offset)
			}
		}
	})
}
