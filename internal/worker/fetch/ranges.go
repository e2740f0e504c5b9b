// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
)

// named is a range of a file that a playlist names. segment is nil for an initialization section.
type named struct {
	source  index.Source
	segment *recording.Segment
}

// findUnnamed finds the media in files that playlists name by ranges which is in no range: a line of a playlist is missing, or
// somebody cut the recording with its playlist.
func (f *fetcher) findUnnamed(lists [][]recording.Segment) error {
	ranges := map[string][]named{}
	for _, segments := range lists {
		for i := range segments {
			segment := &segments[i]
			if init := segment.Source.Init; init != nil {
				ranges[init.Path] = append(ranges[init.Path], named{source: *init})
			}
			if path := segment.Source.Path; path != "" {
				ranges[path] = append(ranges[path], named{source: segment.Source, segment: segment})
			}
		}
	}
	for path, all := range ranges {
		if err := f.findUnnamedIn(path, all); err != nil {
			return err
		}
	}
	return nil
}

// findUnnamedIn goes through one file. Encrypted bytes say nothing.
func (f *fetcher) findUnnamedIn(path string, ranges []named) error {
	if slices.ContainsFunc(ranges, func(n named) bool { return n.source.Length == 0 || n.segment != nil && n.segment.Encrypted }) {
		return nil
	}
	info, err := os.Stat(filepath.Join(f.dir, path))
	if errors.Is(err, os.ErrNotExist) {
		return nil // the file is lost
	}
	if err != nil {
		return fmt.Errorf("measure a file that the playlist names by ranges: %w", err)
	}
	slices.SortStableFunc(ranges, func(a, b named) int { return cmp.Compare(a.source.Offset, b.source.Offset) })
	first := slices.IndexFunc(ranges, func(n named) bool { return n.segment != nil })
	if first < 0 {
		return nil
	}
	before, count := ranges[first].segment, &ranges[first].segment.Before
	at := int64(0)
	for _, each := range append(ranges, named{source: index.Source{Offset: info.Size()}}) {
		gap := index.Source{Path: path, Offset: at, Length: each.source.Offset - at, Init: before.Source.Init}
		holds, err := f.holdsMedia(gap)
		if err != nil {
			return fmt.Errorf("read %d bytes of %.80s that the playlist does not name: %w", gap.Length, before.Name, err)
		}
		if holds {
			*count += gap.Length
		}
		at = max(at, each.source.Offset+each.source.Length)
		if each.segment != nil {
			before, count = each.segment, &each.segment.Behind
		}
	}
	return nil
}

// holdsMedia says that there is picture or sound in a range, which may be empty.
func (f *fetcher) holdsMedia(source index.Source) (bool, error) {
	if source.Length <= 0 {
		return false, nil
	}
	found, err := index.Read(recording.Within(f.dir, source))
	switch {
	case errors.Is(err, index.ErrNotMedia), errors.Is(err, index.ErrRange), errors.Is(err, os.ErrNotExist):
		return false, nil
	case err != nil:
		return false, err
	}
	return slices.ContainsFunc(found.Streams, func(s media.Stream) bool { return s.Kind != media.Data && s.Packets.Count > 0 }), nil
}
