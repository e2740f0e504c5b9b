// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// Marks between which docs/media.md has the table.
const (
	tableBegin = "<!-- table: make test-media UPDATE=1 -->\n"
	tableEnd   = "<!-- end of table -->\n"
)

// kinds in the order of the table, with their titles.
var kinds = []struct{ kind, title string }{
	{"plain", "Ordinary recordings"}, {"codec", "Codecs, sizes, tracks"}, {"A", "Streams that come, go or change"},
	{"B", "Frame rates that change"}, {"C", "Stillness in an MP4"}, {"D", "Stillness where a segment ends"},
	{"E", "Streams that are named and never come, or late"}, {"F", "Reconnects and clocks"}, {"G", "Decoder settings that change"},
	{"H", "Segments that are cut"}, {"I", "Sound parameters that change"}, {"J", "Picture sizes that change"},
	{"K", "Order, and segments that are not the right ones"}, {"L", "Damage within segments and files"},
	{"M", "Many segments"}, {"N", "Playlists, names, headers"}, {"P", "Muted, frozen, paused"},
	{"Q", "Habits of recorders"}, {"S", "Beginnings that are late or cannot be decoded"}, {"R", "Written by ffmpeg's muxers"},
}

// table renders the report for docs/media.md.
func table(rows []row) []byte {
	byShape := map[string]map[string]row{}
	var order []row
	for _, r := range rows {
		if byShape[r.Shape] == nil {
			byShape[r.Shape] = map[string]row{}
			order = append(order, r)
		}
		byShape[r.Shape][r.Preset] = r
	}
	var out bytes.Buffer
	for _, k := range kinds {
		fmt.Fprintf(&out, "\n### %s\n\n| Recording | `ffmpeg -c copy` | Remux | `ffmpeg -c:v libx264` | H264 | Archive |\n| --- | --- | --- | --- | --- | --- |\n", k.title)
		for _, first := range order {
			if first.Kind != k.kind {
				continue
			}
			presets := byShape[first.Shape]
			remux, h264, archive := presets[presetRemux], presets[presetH264], presets[presetArchive]
			fmt.Fprintf(&out, "| %s (`%s`) | %s | %s | %s | %s | %s |\n", strings.ReplaceAll(first.Says, "|", "\\|"), first.Shape,
				remux.Bare, said(remux), h264.Bare, said(h264), said(archive))
		}
	}
	return out.Bytes()
}

// said is an outcome in the table.
func said(r row) string {
	switch r.Outcome {
	case goodPassed:
		return "right"
	case damageFound:
		return "Damaged"
	case decodingFinds:
		return "Damaged (with strict)"
	case keptUndecoded:
		return "kept (not decoded)"
	case changeAsked:
		return "asks (onChange)"
	case undecided:
		return "Unknown"
	case refusedRight:
		return "refused"
	case "":
		return ""
	default:
		return "**" + string(r.Outcome) + "**"
	}
}

// updateDocs puts the table into the page.
func updateDocs(path string, rows []row) error {
	page, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(page, []byte(tableBegin))
	_, after, foundEnd := bytes.Cut(rest, []byte(tableEnd))
	if !found || !foundEnd {
		return fmt.Errorf("%s has no place for the table", path)
	}
	var out bytes.Buffer
	for _, piece := range [][]byte{before, []byte(tableBegin), table(rows), []byte("\n" + tableEnd), after} {
		out.Write(piece)
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
