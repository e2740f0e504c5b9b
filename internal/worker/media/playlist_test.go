/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package media

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

func TestParsePlaylist(t *testing.T) {
	tests := []struct {
		name string
		text string
		want Playlist
	}{
		{
			name: "media",
			text: header + "#EXTINF:2.002,title\na.ts\n#EXT-X-DISCONTINUITY\n#EXTINF:1.5,\r\nb.ts\n#EXT-X-ENDLIST\n",
			want: Playlist{Ended: true, Rounding: 0.1, Segments: []Segment{
				{Part: Part{URI: "a.ts"}, Seconds: 2.002, Map: -1},
				{Part: Part{URI: "b.ts"}, Seconds: 1.5, Discontinuity: true, Map: -1},
			}},
		},
		{
			name: "ranges go on where the last one of the file ended",
			text: header + "#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"100@0\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:50@100\nall.mp4\n#EXTINF:2,\n#EXT-X-BYTERANGE:60\nall.mp4\n",
			want: Playlist{Rounding: 1, Maps: []Part{{URI: "all.mp4", Length: 100}}, Segments: []Segment{
				{Part: Part{URI: "all.mp4", Length: 50, Offset: 100}, Seconds: 2},
				{Part: Part{URI: "all.mp4", Length: 60, Offset: 150}, Seconds: 2},
			}},
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
			want: Playlist{Rounding: 1, Segments: []Segment{
				{Part: Part{URI: "a.ts"}, Seconds: 2, Map: -1, Began: time.Date(2021, 4, 28, 8, 56, 57, 5e8, time.UTC)},
				{Part: Part{URI: "b.ts"}, Seconds: 2, Map: -1, Began: time.Date(2021, 4, 28, 8, 56, 59, 5e8, time.UTC)},
				{Part: Part{URI: "c.ts"}, Seconds: 2, Map: -1},
				{Part: Part{URI: "d.ts"}, Seconds: 2, Map: -1},
			}},
		},
		{
			name: "no encryption, said out loud; unknown tags and comments are passed over",
			text: header + "#EXT-X-KEY:METHOD=NONE\n#EXT-X-NEW:1\n# hello\n\n#EXTINF:2,\na.ts\n",
			want: Playlist{Rounding: 1, Segments: []Segment{{Part: Part{URI: "a.ts"}, Seconds: 2, Map: -1}}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := ParsePlaylist([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParsePlaylistRefuses(t *testing.T) {
	tests := map[string]struct {
		text string
		want string
		is   error
	}{
		"empty":                {text: "", want: "line 1"},
		"not a playlist":       {text: "<html>", want: "line 1"},
		"no segment":           {text: header + "#EXT-X-ENDLIST\n", want: "no segment"},
		"encrypted":            {text: header + "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:2,\na.ts\n", want: "line 4", is: ErrUnsupported},
		"lost segment":         {text: header + "#EXTINF:2,\n#EXT-X-GAP\na.ts\n", want: "line 5", is: ErrSegmentAbsent},
		"renditions":           {text: "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,URI=\"a.m3u8\"\n", is: ErrUnsupported},
		"variables":            {text: header + "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n", is: ErrUnsupported},
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
		"too large":            {text: "#EXTM3U\n" + strings.Repeat("#\n", MaxPlaylistBytes/2), want: "larger"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := ParsePlaylist([]byte(test.text))
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
func TestParsePlaylistAgreesWithLibrary(t *testing.T) {
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
		ours, err := ParsePlaylist([]byte(text.String()))
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

// Whatever comes in, what ffmpeg gets names our own files alone, and reads back the same.
func FuzzParsePlaylist(f *testing.F) {
	f.Add([]byte(header + "#EXTINF:2.002,title\na.ts\n#EXT-X-ENDLIST\n"))
	f.Add([]byte(header + "#EXT-X-MAP:URI=\"all.mp4\",BYTERANGE=\"100@0\"\n#EXTINF:2,\n#EXT-X-BYTERANGE:50@100\nall.mp4\n"))
	f.Add([]byte("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow.m3u8\n"))
	f.Add([]byte(header + "#EXTINF:2,\nfile:///etc/passwd\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		playlist, err := ParsePlaylist(data)
		if err != nil || len(playlist.Segments) == 0 {
			return
		}
		for i := range playlist.Maps {
			playlist.Maps[i].File = fmt.Sprintf("init-%05d.mp4", i)
		}
		for i := range playlist.Segments {
			playlist.Segments[i].File = fmt.Sprintf("seg-%05d.ts", i)
		}
		local, err := ParsePlaylist([]byte(playlist.Local()))
		if err != nil {
			t.Fatalf("our own playlist does not read back: %v\n%s", err, playlist.Local())
		}
		if len(local.Segments) != len(playlist.Segments) || !local.Ended {
			t.Fatalf("our own playlist reads back as %+v", local)
		}
		for i, segment := range local.Segments {
			from := playlist.Segments[i]
			if segment.URI != from.File || segment.Seconds != from.Seconds || segment.Length != from.Length || (from.Length > 0 && segment.Offset != from.Offset) {
				t.Fatalf("segment %d: %+v became %+v", i, from, segment)
			}
		}
	})
}
