// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package discovery

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"path"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/hls"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/recording"
)

const (
	// maxDuration is longer than any recording; what says more says nothing.
	maxDuration = 366 * 24 * time.Hour
	// sparePages is how many pages of a listing may hold other objects between a playlist's segments.
	sparePages = 10
)

// content is what an object itself tells.
type content struct {
	// sizeBytes of the media; for a playlist that of its segments. 0: not known.
	sizeBytes int64
	// duration; 0: not known.
	duration time.Duration
	// began and ended are what a playlist says about when it was recorded; zero: nothing.
	began, ended  time.Time
	width, height int32
	// playlist of an HLS recording, to measure its segments by.
	playlist hls.Playlist
	// part says that the object belongs to a recording and is none: a segment, or a playlist of playlists.
	part bool
	// problem says why the object does not tell more; empty: it does.
	problem string
}

// readContent reads what an object tells but for the size of a playlist's segments. An object that cannot be
// understood is no error: its content says so.
func readContent(ctx context.Context, from Bucket, object objectstore.Object, format string) (content, error) {
	if format == formatHLS {
		return readPlaylist(ctx, from, object)
	}
	return readMP4(ctx, from, object)
}

func readPlaylist(ctx context.Context, from Bucket, object objectstore.Object) (content, error) {
	if object.Size > hls.MaxBytes {
		return content{problem: fmt.Sprintf("the playlist is larger than %d bytes", hls.MaxBytes)}, nil
	}
	if object.Size <= 0 {
		return content{problem: "the playlist is empty"}, nil
	}
	data, err := from.Read(ctx, object.Key, 0, hls.MaxBytes)
	if err != nil {
		return unreadable(err)
	}
	return playlistContent(data), nil
}

// playlistContent is pure: what a playlist tells.
func playlistContent(data []byte) content {
	playlist, err := hls.Parse(data)
	if err != nil {
		return content{problem: err.Error()}
	}
	if len(playlist.Variants) > 0 {
		return content{part: true}
	}
	found := content{playlist: playlist, duration: boundedDuration(playlist.Seconds())}
	found.began, found.ended = recordedBetween(playlist)
	if !playlist.Ended {
		found.problem = "the playlist has no end (#EXT-X-ENDLIST)"
	}
	return found
}

// recordedBetween follows the playlist's own times: back from the first to the beginning, on from the last to the end.
func recordedBetween(playlist hls.Playlist) (began, ended time.Time) {
	var since float64
	for _, segment := range playlist.Segments {
		if !segment.Began.IsZero() {
			if began.IsZero() {
				began = segment.Began.Add(-boundedDuration(since))
			}
			ended = segment.Began
			since = 0
		}
		since += segment.Seconds
	}
	if !ended.IsZero() {
		ended = ended.Add(boundedDuration(since))
	}
	return began, ended
}

func readMP4(ctx context.Context, from Bucket, object objectstore.Object) (content, error) {
	size := max(object.Size, 0)
	found, err := readVideo(size, func(offset, length int64) ([]byte, error) { return from.Read(ctx, object.Key, offset, length) })
	switch {
	case errors.Is(err, errFragment):
		return content{part: true}, nil
	case errors.Is(err, errMalformed):
		return content{sizeBytes: size, problem: err.Error()}, nil
	case err != nil:
		told, err := unreadable(err)
		told.sizeBytes = size
		return told, err
	}
	told := content{sizeBytes: size, duration: boundedDuration(found.seconds), width: found.width, height: found.height}
	if found.fragmented {
		// It may be a video, or the beginning of what a playlist beside it lists.
		told.part, err = besidePlaylist(ctx, from, object.Key)
	}
	return told, err
}

// unreadable tells an object that nobody can read from a failure.
func unreadable(err error) (content, error) {
	if errors.Is(err, objectstore.ErrUnreadable) {
		return content{problem: err.Error()}, nil
	}
	return content{}, err
}

// besidePlaylist says whether a playlist lies in the object's folder, as far as ten pages of it tell.
func besidePlaylist(ctx context.Context, from Bucket, key string) (bool, error) {
	folder := folderOf(key)
	found := false
	err := list(ctx, from, folder, sparePages, func(object objectstore.Object) bool {
		found = formatOf(object.Key) == formatHLS && !strings.Contains(object.Key[len(folder):], "/")
		return !found
	})
	return found, err
}

// segmentBytes is the size of all segments of a playlist together; 0 when they cannot be told from a listing.
func segmentBytes(ctx context.Context, from Bucket, key string, playlist hls.Playlist) (int64, error) {
	wanted, prefix := segmentNames(playlist)
	if len(wanted) == 0 {
		return 0, nil
	}
	folder := folderOf(key)
	var total int64
	missing := len(wanted)
	err := list(ctx, from, folder+prefix, len(wanted)/objectstore.PageSize+sparePages, func(object objectstore.Object) bool {
		if wanted[object.Key[len(folder):]] {
			missing--
			total += min(max(object.Size, 0), math.MaxInt64-total)
		}
		return missing > 0
	})
	if missing > 0 {
		// Part of a size would be taken for the size. Whether a segment is lost is for the worker to say.
		total = 0
	}
	return total, err
}

// segmentNames are the distinct objects that a playlist names below its folder, and the prefix that all of them share;
// none when it names anything else. They do not repeat the folder: it may be a kilobyte, and the segments 100,000.
func segmentNames(playlist hls.Playlist) (wanted map[string]bool, prefix string) {
	wanted = make(map[string]bool, len(playlist.Segments))
	add := func(part hls.Part) bool {
		uri, err := url.Parse(part.URI)
		if err != nil || uri.Scheme != "" || uri.Host != "" || strings.HasPrefix(uri.Path, "/") {
			return false
		}
		name := path.Clean(uri.Path)
		if name == "." || name == ".." || strings.HasPrefix(name, "../") {
			return false
		}
		if len(wanted) == 0 {
			prefix = name
		}
		wanted[name] = true
		prefix = commonPrefix(prefix, name)
		return true
	}
	for _, part := range playlist.Maps {
		if !add(part) {
			return nil, ""
		}
	}
	for _, segment := range playlist.Segments {
		if !add(segment.Part) {
			return nil, ""
		}
	}
	return wanted, prefix
}

func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return a[:n]
}

// folderOf is an object's folder with its slash; empty at the top.
func folderOf(key string) string { return key[:strings.LastIndex(key, "/")+1] }

// list visits the objects of a prefix until visit has seen enough or the pages are used up.
func list(ctx context.Context, from Bucket, prefix string, pages int, visit func(objectstore.Object) (goOn bool)) error {
	after := ""
	for range pages {
		page, err := from.List(ctx, prefix, after)
		if err != nil {
			return err
		}
		for _, object := range page {
			if !visit(object) {
				return nil
			}
		}
		if len(page) < objectstore.PageSize {
			return nil
		}
		after = page[len(page)-1].Key
	}
	return nil
}

// factsOf are the facts of a recording as a callback would report them, as far as they can be told:
//
//   - the duration, rounded up, so that a late callback, which may round either way, says no more;
//   - the beginning from the playlist's own times, else from the default name, else counted back from the end;
//   - the end from the playlist's own times, else the beginning and the duration, and never after the object was
//     written last, which is the end when nothing else is known.
func factsOf(object objectstore.Object, told content) v1alpha1.RecordingFacts {
	written := object.LastModified.UTC().Truncate(time.Second)
	_, named := nameOf(object.Key)
	began := firstTime(written, told.began, named)
	ended := firstTime(written, told.ended)
	switch {
	case !ended.IsZero() && !ended.Before(began):
	case !began.IsZero() && told.duration > 0 && began.Add(told.duration).Before(written):
		ended = began.Add(told.duration)
	default:
		ended = written
	}
	if began.IsZero() && told.duration > 0 {
		began = firstTime(ended, ended.Add(-told.duration))
	}
	return v1alpha1.RecordingFacts{
		SizeBytes:       min(told.sizeBytes, v1alpha1.MaxSizeBytes),
		DurationSeconds: int64(math.Ceil(told.duration.Seconds())),
		StartTime:       wholeSeconds(began), EndTime: wholeSeconds(ended),
		Width: told.width, Height: told.height,
	}
}

// wholeSeconds is a time as the API keeps it; nil for none.
func wholeSeconds(at time.Time) *metav1.Time {
	if at.IsZero() {
		return nil
	}
	return &metav1.Time{Time: at.Truncate(time.Second)}
}

// firstTime is the first time that is told and can be true: nothing is recorded after it was written, or before 1970.
func firstTime(written time.Time, times ...time.Time) time.Time {
	for _, at := range times {
		if at.Unix() > 0 && !at.After(written) {
			return at
		}
	}
	return time.Time{}
}

// boundedDuration is 0 for a duration that cannot be one.
func boundedDuration(seconds float64) time.Duration {
	if !(seconds > 0) || seconds > maxDuration.Seconds() {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// grew says whether an object holds more than is known of the recording.
func grew(known *recording.Facts, object objectstore.Object, format string, seen content) bool {
	now := v1alpha1.RecordingFacts{SizeBytes: min(object.Size, v1alpha1.MaxSizeBytes), DurationSeconds: int64(seen.duration.Seconds())}
	return recording.Holds(known.RecordingFacts, now, format)
}
