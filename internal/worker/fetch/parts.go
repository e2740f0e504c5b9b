// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"sparkrtc.dev/recording-operator/internal/hls"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// part is a distinct file that playlists name.
type part struct {
	ref  string
	file string
	// what and number name it for a person, for example segment 3.
	what   string
	number int
	// first says that the part is an initialization section, which is needed before segments are indexed.
	first bool
	// uses are the numbers of the indexes that are made of it.
	uses []use
	// stored says that it is on disk, and lost that it is nowhere.
	stored, lost bool
}

func (p *part) String() string { return fmt.Sprintf("%s %d", p.what, p.number) }

// use is one range of a file, with the number of its index.
type use struct {
	source index.Source
	number int
}

// add notes that a playlist names a file.
func (f *fetcher) add(base string, uri, what string, number int) (*part, error) {
	ref, err := f.reader.Resolve(base, uri)
	if err != nil {
		return nil, f.refuse(fmt.Sprintf("%s %d", what, number), err)
	}
	if found := f.byRef[ref]; found != nil {
		return found, nil
	}
	// The local name is ours: a key may hold what no file system takes.
	added := &part{ref: ref, file: fmt.Sprintf("part-%06d", len(f.parts)), what: what, number: number}
	f.parts, f.byRef[ref] = append(f.parts, added), added
	return added, nil
}

// segments notes every file that a media playlist names, and gives its segments.
func (f *fetcher) segments(from *list) ([]recording.Segment, error) {
	maps := make([]index.Source, len(from.Maps))
	for i, each := range from.Maps {
		part, err := f.add(from.ref, each.URI, "initialization section", i)
		if err != nil {
			return nil, err
		}
		part.first = true
		maps[i] = index.Source{Path: part.file, Offset: each.Offset, Length: each.Length}
	}
	known := map[string]int{}
	segments := make([]recording.Segment, len(from.Segments))
	for i, each := range from.Segments {
		segment := recording.Segment{
			Name: withoutQuery(each.URI), Seconds: each.Seconds, Rounding: each.Rounding,
			Discontinuity: each.Discontinuity || i > 0 && from.Segments[i-1].Encrypted != each.Encrypted, Began: each.Began,
			Lost: each.Gap, Gap: each.Gap, Encrypted: each.Encrypted,
		}
		if each.Encrypted && !f.archive {
			return nil, failure.Permanent(workerapi.ReasonUnsupported, "segment %d (%.80s) of playlist %s is encrypted (#EXT-X-KEY)",
				i, segment.Name, f.reader.Describe(from.ref))
		}
		if !each.Gap {
			if err := f.segment(from, each, &segment, i, maps, known); err != nil {
				return nil, err
			}
		}
		segments[i] = segment
	}
	if !from.Kept {
		segments[0].Number = from.First // it names segments, or it would not have been parsed
	}
	return segments, nil
}

// segment notes the file of one segment. Segments of the same bytes share an index.
func (f *fetcher) segment(from *list, each hls.Segment, segment *recording.Segment, number int, maps []index.Source, known map[string]int) error {
	part, err := f.add(from.ref, each.URI, "segment", number)
	if err != nil {
		return err
	}
	segment.Source = index.Source{Path: part.file, Offset: each.Offset, Length: each.Length}
	if each.Map >= 0 {
		segment.Source.Init = &maps[each.Map]
	}
	at := fmt.Sprintf("%s %d %d %d", part.file, each.Map, each.Offset, each.Length)
	if shared, ok := known[at]; ok {
		segment.Index = shared
		return nil
	}
	segment.Index = len(f.indexes)
	known[at] = segment.Index
	f.indexes = append(f.indexes, nil)
	if !each.Encrypted {
		part.uses = append(part.uses, use{source: segment.Source, number: segment.Index})
	}
	return nil
}

var (
	errRanges   = errors.New("the byte ranges of the playlist's segments are larger together")
	errRepeated = errors.New("the playlist's segments are larger together, since it names some of them more than once")
)

// checkRanges bounds what is read: many ranges of one small file are many segments.
func (f *fetcher) checkRanges(lists [][]recording.Segment) error {
	var total int64
	for _, segments := range lists {
		for _, segment := range segments {
			if length := segment.Source.Length; length > f.left-total {
				return f.tooLarge(errRanges)
			}
			total += segment.Source.Length
		}
	}
	return nil
}

// checkSizes bounds what a transcode writes: a file that a playlist names many times is that many segments.
func (f *fetcher) checkSizes(segments []recording.Segment, limit int64) error {
	var total int64
	for i := range segments {
		if segments[i].Lost || segments[i].Encrypted {
			continue
		}
		if total += f.indexes[segments[i].Index].Bytes; total > limit {
			return f.tooLarge(errRepeated)
		}
	}
	return nil
}

// fetchParts fetches all files, initialization sections first, and indexes the segments.
func (f *fetcher) fetchParts(ctx context.Context, lists [][]recording.Segment) error {
	limit := f.left
	for _, first := range []bool{true, false} {
		if err := f.fetchGroup(ctx, first); err != nil {
			return err
		}
	}
	readable := f.findLost(lists)
	if f.archive && f.download {
		if err := f.checkMedia(lists); err != nil {
			return err
		}
	}
	switch {
	case f.archive && (readable || !f.download):
		return nil // each file is published once
	case readable:
		return f.checkSizes(lists[0], limit)
	}
	if !f.archive && slices.ContainsFunc(f.parts, func(each *part) bool { return each.lost }) {
		return nil // the timeline says what is missing
	}
	return failure.Permanent(workerapi.ReasonNotMedia, "no segment of playlist %s is media of a kind that is known", f.reader.Describe(f.root))
}

// checkMedia refuses a download with a segment that is not media: an archive publishes each file as it is, and a URL must
// not bring an answer of another service into a bucket.
func (f *fetcher) checkMedia(lists [][]recording.Segment) error {
	for _, segments := range lists {
		for i, segment := range segments {
			if !segment.Lost && len(f.indexes[segment.Index].Streams) == 0 {
				return failure.Permanent(workerapi.ReasonNotMedia, "segment %d (%.80s) of playlist %s is not media of a kind that is known; a download is archived only if all of it is",
					i, segment.Name, f.reader.Describe(f.root))
			}
		}
	}
	return nil
}

// findLost marks the segments that are nowhere, and says whether any of the others may be media.
func (f *fetcher) findLost(lists [][]recording.Segment) (readable bool) {
	for _, segments := range lists {
		for i := range segments {
			segment := &segments[i]
			segment.Lost = segment.Lost || !segment.Encrypted && f.indexes[segment.Index] == nil
			readable = readable || segment.Encrypted || !segment.Lost && len(f.indexes[segment.Index].Streams) > 0
		}
	}
	return readable
}

// fetchGroup fetches the parts that are not there yet. Parts that are nowhere are waited for; then they are lost. The
// others are fetched all the same: the timeline says what is missing of the recording, and whether it may be published.
func (f *fetcher) fetchGroup(ctx context.Context, first bool) error {
	group := slices.DeleteFunc(slices.Clone(f.parts), func(each *part) bool { return each.first != first })
	for {
		objects := make([]storage.Object, len(group))
		for i, each := range group {
			objects[i] = storage.Object{Ref: each.ref, File: each.file}
		}
		err := f.copy(ctx, objects, f.left, func(i int) error { return f.store(group[i]) })
		if err == nil {
			return nil
		}
		about := f.byRef[failure.Of(err).Object]
		if about == nil || failure.Of(err).Reason != workerapi.ReasonNotFound || ctx.Err() != nil {
			return f.explain(err, about)
		}
		group = slices.DeleteFunc(group, func(each *part) bool { return each.stored })
		again, waitErr := f.patience.again(ctx)
		if waitErr != nil {
			return waitErr
		}
		if !again {
			f.lose(group)
			return nil
		}
	}
}

// lose gives parts up.
func (f *fetcher) lose(parts []*part) {
	for _, each := range parts {
		f.log.Warn("Part of the recording is missing", "part", each.String(), "object", f.reader.Describe(each.ref))
		each.lost = true
	}
}

// explain names the part that a failure is about.
func (f *fetcher) explain(err error, about *part) error {
	if about == nil {
		return err
	}
	return fmt.Errorf("%s of playlist %s: %w", about, f.reader.Describe(f.root), err)
}

// store indexes the segments of a file that is on disk.
func (f *fetcher) store(stored *part) error {
	found := make([]*media.File, len(stored.uses))
	for i, use := range stored.uses {
		file, err := index.Read(recording.Within(f.dir, use.source))
		switch {
		case errors.Is(err, index.ErrRange), f.emptyFile(stored.file):
			// There is nothing of the segment: it stays without an index.
		case errors.Is(err, index.ErrNotMedia), errors.Is(err, fs.ErrNotExist):
			// Without its initialization section a segment cannot be read either.
			found[i] = unreadable()
		case err != nil:
			return fmt.Errorf("index %s: %w", stored, err)
		default:
			found[i] = file
		}
	}
	f.lock.Lock()
	defer f.lock.Unlock()
	for i, use := range stored.uses {
		f.indexes[use.number] = found[i]
	}
	stored.stored = true
	return nil
}
