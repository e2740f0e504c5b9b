// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"sparkrtc.dev/recording-operator/internal/hls"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// list is a playlist that was fetched.
type list struct {
	hls.Playlist
	// ref is the playlist's object, and file its local name.
	ref, file string
}

// hls fetches a playlist and every file that it names.
func (f *fetcher) hls(ctx context.Context) (recording.Recording, error) {
	lists, master, err := f.lists(ctx)
	if err != nil {
		return recording.Recording{}, err
	}
	fetched := recording.Recording{HLS: true}
	for _, each := range lists {
		segments, err := f.segments(&each)
		if err != nil {
			return recording.Recording{}, err
		}
		fetched.Lists = append(fetched.Lists, segments)
	}
	if err := f.checkRanges(fetched.Lists); err != nil {
		return recording.Recording{}, err
	}
	if err := f.keys(lists, &fetched); err != nil {
		return recording.Recording{}, err
	}
	if err := f.fetchParts(ctx, fetched.Lists); err != nil {
		return recording.Recording{}, err
	}
	if err := f.findUnnamed(fetched.Lists); err != nil {
		return recording.Recording{}, err
	}
	for i := range fetched.Lists {
		if fetched.Lists[i], err = f.join(fetched.Lists[i]); err != nil {
			return recording.Recording{}, err
		}
	}
	if f.archive {
		fetched.Originals, err = f.originals(lists, master)
	}
	return fetched, err
}

// lists fetches the playlists until they are whole, or patience ends. master is nil when the root names segments. A
// complete playlist that is shorter than the callback reported wins over the report in the end; the timeline notes it.
func (f *fetcher) lists(ctx context.Context) (lists []list, master *list, err error) {
	left := f.left
	for {
		f.left = left
		if lists, master, err = f.readLists(ctx); err == nil {
			err = f.checkWhole(lists)
		}
		if err == nil || !mayBeLate(err) || ctx.Err() != nil {
			return lists, master, err
		}
		again, waitErr := f.patience.again(ctx)
		if waitErr != nil {
			return nil, nil, waitErr
		}
		if again {
			continue
		}
		if short, ok := errors.AsType[*shortError](err); ok {
			f.log.Warn("Using a playlist that is shorter than the callback reported", "reason", short.Error())
			return lists, master, nil
		}
		return nil, nil, err
	}
}

// mayBeLate says that an upload after the callback would cure a failure.
func mayBeLate(err error) bool {
	found := failure.Of(err)
	return found.Reason == workerapi.ReasonNotFound || found.Reason == workerapi.ReasonInvalidPlaylist && !found.Permanent
}

// readLists fetches the root, and the playlists that it names.
func (f *fetcher) readLists(ctx context.Context) ([]list, *list, error) {
	root, err := f.playlist(ctx, f.root, "playlist-0.m3u8")
	if err != nil {
		return nil, nil, err
	}
	if len(root.Variants) == 0 {
		return []list{*root}, nil, nil
	}
	names := root.Variants
	switch {
	case f.archive:
		names = append(append([]string{}, root.Variants...), root.Renditions...)
	case len(root.Variants) != 1:
		return nil, nil, failure.Permanent(workerapi.ReasonUnsupported,
			"%s is a master playlist with %d variants; only one with a single variant, or a media playlist, can be transcoded",
			f.reader.Describe(f.root), len(root.Variants))
	case root.Alternatives:
		return nil, nil, failure.Permanent(workerapi.ReasonUnsupported,
			"%s is a master playlist with renditions in playlists of their own (#EXT-X-MEDIA), which cannot be transcoded", f.reader.Describe(f.root))
	}
	var lists []list
	known := map[string]bool{f.root: true}
	for _, name := range names {
		ref, err := f.reader.Resolve(f.root, name)
		if err != nil {
			return nil, nil, f.refuse("a variant", err)
		}
		if known[ref] {
			continue
		}
		known[ref] = true
		if len(lists) >= maxLists {
			return nil, nil, failure.Permanent(workerapi.ReasonTooLarge, "%s names more than %d playlists", f.reader.Describe(f.root), maxLists)
		}
		each, err := f.playlist(ctx, ref, fmt.Sprintf("playlist-%d.m3u8", len(lists)+1))
		if err != nil {
			return nil, nil, err
		}
		if len(each.Variants) > 0 {
			return nil, nil, failure.Permanent(workerapi.ReasonInvalidPlaylist, "playlist %s is a variant and names variants itself", f.reader.Describe(ref))
		}
		lists = append(lists, *each)
	}
	return lists, root, nil
}

// maxLists bounds the playlists of a master playlist.
const maxLists = 64

// playlist fetches and reads one playlist.
func (f *fetcher) playlist(ctx context.Context, ref, file string) (*list, error) {
	where := f.reader.Describe(ref)
	if err := f.copy(ctx, []storage.Object{{Ref: ref, File: file}}, hls.MaxBytes, nil); err != nil {
		if failure.Of(err).Reason == workerapi.ReasonTooLarge {
			return nil, failure.Permanent(workerapi.ReasonInvalidPlaylist,
				"%s is larger than a playlist may be (%d MiB), so it is none; is spec.format right?", where, hls.MaxBytes>>20)
		}
		return nil, err
	}
	data, err := os.ReadFile(filepath.Join(f.dir, file)) //nolint:gosec // a name of our own
	if err != nil {
		return nil, fmt.Errorf("read the playlist: %w", err)
	}
	playlist, err := hls.Parse(data)
	switch {
	case errors.Is(err, hls.ErrUnsupported):
		return nil, failure.Permanent(workerapi.ReasonUnsupported, "playlist %s: %w", where, err)
	case errors.Is(err, hls.ErrNotPlaylist) && len(data) > 0:
		return nil, failure.Permanent(workerapi.ReasonInvalidPlaylist, "%s is not a playlist (%w); is spec.format right?", where, err)
	case errors.Is(err, hls.ErrNotPlaylist):
		return nil, failure.Transient(workerapi.ReasonInvalidPlaylist, "playlist %s is empty", where)
	case err != nil:
		return nil, failure.Permanent(workerapi.ReasonInvalidPlaylist, "playlist %s: %w", where, err)
	}
	return &list{Playlist: playlist, ref: ref, file: file}, nil
}

// refuse says why something that a playlist names is not fetched.
func (f *fetcher) refuse(what string, err error) error {
	if found, ok := errors.AsType[*failure.Error](err); ok {
		return failure.Permanent(found.Reason, "%s of playlist %s: %w", what, f.reader.Describe(f.root), err)
	}
	return failure.Permanent(workerapi.ReasonInvalidPlaylist, "%s of playlist %s: %w", what, f.reader.Describe(f.root), err)
}

// shortError says that a complete playlist is shorter than the callback reported.
type shortError struct{ cause *failure.Error }

// Error names both durations.
func (e *shortError) Error() string { return e.cause.Error() }

// Unwrap gives the failure.
func (e *shortError) Unwrap() error { return e.cause }

// checkWhole checks that playlists are complete. One without its end, or shorter than what was reported, may only be
// late: the recording was reported complete.
func (f *fetcher) checkWhole(lists []list) error {
	for _, each := range lists {
		if !each.Ended {
			return failure.Transient(workerapi.ReasonInvalidPlaylist,
				"playlist %s has no #EXT-X-ENDLIST: it is not complete, or not yet", f.reader.Describe(each.ref))
		}
	}
	for _, each := range lists {
		if have := seconds(each.Seconds()); f.reported > 0 && have < f.reported-timeline.Duration(timeline.ReportSlack(timeline.Ticks(f.reported))) {
			return &shortError{failure.Transient(workerapi.ReasonInvalidPlaylist,
				"playlist %s lasts %s, the callback reported %s", f.reader.Describe(each.ref), recording.Round(have), recording.Round(f.reported))}
		}
	}
	return nil
}

func seconds(value float64) time.Duration {
	return time.Duration(math.Round(value * float64(time.Second)))
}
