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
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Local renders a playlist of local files, all in the folder of the playlist, for ffmpeg: only what ffmpeg needs, and
// only the names in Part.File, never a URI.
func (p Playlist) Local() string {
	var text strings.Builder
	target := 1.0
	for _, segment := range p.Segments {
		target = max(target, math.Ceil(segment.Seconds))
	}
	fmt.Fprintf(&text, "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:%.0f\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n", target)
	currentMap := -1
	for _, segment := range p.Segments {
		if segment.Map != currentMap && segment.Map >= 0 {
			initialisation := p.Maps[segment.Map]
			fmt.Fprintf(&text, "#EXT-X-MAP:URI=%q", initialisation.File)
			if initialisation.Length > 0 {
				fmt.Fprintf(&text, ",BYTERANGE=\"%d@%d\"", initialisation.Length, initialisation.Offset)
			}
			text.WriteByte('\n')
			currentMap = segment.Map
		}
		if segment.Discontinuity {
			text.WriteString("#EXT-X-DISCONTINUITY\n")
		}
		if segment.Length > 0 {
			fmt.Fprintf(&text, "#EXT-X-BYTERANGE:%d@%d\n", segment.Length, segment.Offset)
		}
		fmt.Fprintf(&text, "#EXTINF:%s,\n%s\n", strconv.FormatFloat(segment.Seconds, 'f', -1, 64), segment.File)
	}
	text.WriteString("#EXT-X-ENDLIST\n")
	return text.String()
}

// Only is a playlist of the one segment at index, to look at it alone.
func (p Playlist) Only(index int) Playlist {
	segment := p.Segments[index]
	segment.Discontinuity = false
	return Playlist{Segments: []Segment{segment}, Maps: p.Maps, Ended: true, Rounding: p.Rounding}
}
