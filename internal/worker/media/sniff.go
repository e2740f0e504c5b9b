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

import "bytes"

// Kind is a media container, told by a file's first bytes.
type Kind string

// The kinds that are told apart; Unknown is none of them.
const (
	Unknown      Kind = ""
	MPEGTS       Kind = "ts"
	MP4          Kind = "mp4"
	AAC          Kind = "aac"
	PlaylistFile Kind = "m3u8"
)

// SniffBytes is how many bytes Sniff looks at: two MPEG-TS packets and a byte.
const SniffBytes = 2*tsPacket + 1

const tsPacket = 188

// Sniff tells a container by its first bytes. It trusts no name: a playlist that is called .mp4 is a playlist.
func Sniff(head []byte) Kind {
	text := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(text, []byte("#EXT")):
		return PlaylistFile
	case isTransportStream(head):
		return MPEGTS
	case isBox(head):
		return MP4
	case bytes.HasPrefix(head, []byte("ID3")), len(head) > 1 && head[0] == 0xff && head[1]&0xf6 == 0xf0:
		return AAC
	}
	return Unknown
}

func isTransportStream(head []byte) bool {
	if len(head) < tsPacket || head[0] != 0x47 {
		return false
	}
	for at := tsPacket; at < len(head); at += tsPacket {
		if head[at] != 0x47 {
			return false
		}
	}
	return true
}

// isBox knows the boxes that an ISO base media file, or a fragment of one, begins with.
func isBox(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch string(head[4:8]) {
	case "ftyp", "styp", "moov", "moof", "sidx", "emsg", "prft", "mdat", "free", "skip", "wide":
		return true
	}
	return false
}
