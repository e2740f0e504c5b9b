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

package worker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/media"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
)

// localPlaylist is the playlist of our own that ffmpeg reads.
const localPlaylist = "local.m3u8"

// hls fetches a playlist and every file that it names. ffmpeg never sees the playlist as it came.
func (f *fetcher) hls(ctx context.Context) (Recording, error) {
	playlists := []Original{{File: "playlist-0.m3u8"}}
	base := f.root
	playlist, err := f.playlist(ctx, base, playlists[0].File)
	if err != nil {
		return Recording{}, err
	}
	if len(playlist.Variants) > 0 {
		if base, err = f.onlyVariant(playlist); err != nil {
			return Recording{}, err
		}
		// What names others is published after them: the master playlist last.
		playlists = []Original{{File: "playlist-1.m3u8"}, playlists[0]}
		if playlist, err = f.playlist(ctx, base, playlists[0].File); err != nil {
			return Recording{}, err
		}
	}
	if err := f.checkWhole(playlist, base); err != nil {
		return Recording{}, err
	}
	files, err := f.parts(ctx, &playlist, base)
	if err != nil {
		return Recording{}, err
	}
	recording := Recording{Input: localPlaylist, HLS: true, Playlist: &playlist}
	if recording.Unreadable, err = f.nameByContent(files, &playlist); err != nil {
		return Recording{}, err
	}
	if f.archive {
		if recording.Originals, err = f.originals(files, playlists, base); err != nil {
			return Recording{}, err
		}
	}
	if err := os.WriteFile(filepath.Join(f.dir, localPlaylist), []byte(playlist.Local()), 0o600); err != nil {
		return Recording{}, fmt.Errorf("write the local playlist: %w", err)
	}
	return recording, nil
}

// playlist fetches and reads one playlist.
func (f *fetcher) playlist(ctx context.Context, ref, file string) (media.Playlist, error) {
	if err := f.copy(ctx, []storage.Object{{Ref: ref, File: file}}, media.MaxPlaylistBytes); err != nil {
		return media.Playlist{}, err
	}
	data, err := os.ReadFile(filepath.Join(f.dir, file)) //nolint:gosec // a name of our own
	if err != nil {
		return media.Playlist{}, fmt.Errorf("read the playlist: %w", err)
	}
	playlist, err := media.ParsePlaylist(data)
	switch {
	case errors.Is(err, media.ErrUnsupported):
		return media.Playlist{}, failure.Permanent(task.ReasonUnsupported, "playlist %s: %w", f.reader.Describe(ref), err)
	case errors.Is(err, media.ErrSegmentAbsent):
		return media.Playlist{}, failure.Permanent(task.ReasonSegmentMissing, "playlist %s: %w", f.reader.Describe(ref), err)
	case err != nil:
		return media.Playlist{}, failure.Permanent(task.ReasonInvalidPlaylist, "playlist %s: %w", f.reader.Describe(ref), err)
	}
	return playlist, nil
}

// onlyVariant follows a master playlist that leaves no choice.
func (f *fetcher) onlyVariant(master media.Playlist) (string, error) {
	if len(master.Variants) != 1 {
		return "", failure.Permanent(task.ReasonUnsupported,
			"%s is a master playlist with %d variants; only one with a single variant, or a media playlist, can be processed",
			f.reader.Describe(f.root), len(master.Variants))
	}
	ref, err := f.reader.Resolve(f.root, master.Variants[0])
	if err != nil {
		return "", f.refuse("the variant", err)
	}
	return ref, nil
}

// refuse says why something that a playlist names is not fetched.
func (f *fetcher) refuse(what string, err error) error {
	if found, ok := errors.AsType[*failure.Error](err); ok {
		return failure.Permanent(found.Reason, "%s of playlist %s: %w", what, f.reader.Describe(f.root), err)
	}
	return failure.Permanent(task.ReasonInvalidPlaylist, "%s of playlist %s: %w", what, f.reader.Describe(f.root), err)
}

// checkWhole checks that a playlist is one of media and complete. A playlist without its end, or shorter than what was
// reported, is not refused for good: the recording was reported complete, so its last upload may only be late.
func (f *fetcher) checkWhole(playlist media.Playlist, ref string) error {
	switch {
	case len(playlist.Variants) > 0:
		return failure.Permanent(task.ReasonInvalidPlaylist, "playlist %s is a variant and names variants itself", f.reader.Describe(ref))
	case !playlist.Ended:
		return failure.Transient(task.ReasonInvalidPlaylist,
			"playlist %s has no #EXT-X-ENDLIST: it is not complete, or not yet", f.reader.Describe(ref))
	case f.reported > 0 && seconds(playlist.Seconds()) < f.reported-callbackSlack(f.reported):
		return failure.Transient(task.ReasonInvalidPlaylist,
			"playlist %s lasts %s, the callback reported %s: it is an old one, or not complete", f.reader.Describe(ref),
			round(seconds(playlist.Seconds())), round(f.reported))
	}
	return nil
}

// part is a distinct file that a playlist names.
type part struct {
	ref  string
	file string
	// what and index name it for a person, for example segment 3.
	what  string
	index int
}

func (p part) String() string { return fmt.Sprintf("%s %d", p.what, p.index) }

// parts fetches every file that the playlist names, each once, and sets Part.File.
func (f *fetcher) parts(ctx context.Context, playlist *media.Playlist, base string) ([]*part, error) {
	var files []*part
	known := map[string]*part{}
	add := func(target *media.Part, what, prefix string, index int) error {
		ref, err := f.reader.Resolve(base, target.URI)
		if err != nil {
			return f.refuse(fmt.Sprintf("%s %d", what, index), err)
		}
		if known[ref] == nil {
			known[ref] = &part{ref: ref, file: fmt.Sprintf("%s-%05d", prefix, index), what: what, index: index}
			files = append(files, known[ref])
		}
		target.File = known[ref].file
		return nil
	}
	for i := range playlist.Maps {
		if err := add(&playlist.Maps[i], "initialisation section", "init", i); err != nil {
			return nil, err
		}
	}
	for i := range playlist.Segments {
		if err := add(&playlist.Segments[i].Part, "segment", "seg", i); err != nil {
			return nil, err
		}
	}
	objects := make([]storage.Object, len(files))
	for i, file := range files {
		objects[i] = storage.Object{Ref: file.ref, File: file.file}
	}
	if err := f.copy(ctx, objects, f.left); err != nil {
		return nil, f.explainPart(err, known)
	}
	return files, nil
}

// explainPart turns "object not found" into the segment that is missing.
func (f *fetcher) explainPart(err error, known map[string]*part) error {
	found := failure.Of(err)
	lost := known[found.Object]
	if lost == nil {
		return err
	}
	if found.Reason == task.ReasonNotFound {
		return failure.Permanent(task.ReasonSegmentMissing, "%s of playlist %s is missing: %s",
			lost, f.reader.Describe(f.root), f.reader.Describe(lost.ref))
	}
	return fmt.Errorf("%s of playlist %s: %w", lost, f.reader.Describe(f.root), err)
}

// nameByContent gives each file the extension of what it holds, since ffmpeg checks one against the other. It says
// which file is no media, if any; an empty file is a lost segment.
func (f *fetcher) nameByContent(files []*part, playlist *media.Playlist) (unreadable string, err error) {
	renamed := make(map[string]string, len(files))
	for _, file := range files {
		info, err := os.Stat(filepath.Join(f.dir, file.file))
		if err != nil {
			return "", fmt.Errorf("look at what was fetched: %w", err)
		}
		if info.Size() == 0 {
			return "", failure.Permanent(task.ReasonSegmentMissing, "%s of playlist %s is empty: %s",
				file, f.reader.Describe(f.root), f.reader.Describe(file.ref))
		}
		kind, err := f.sniff(file.file)
		if err != nil {
			return "", err
		}
		extension := string(kind)
		if kind == media.Unknown || kind == media.PlaylistFile {
			extension = "bin"
			if unreadable == "" {
				unreadable = fmt.Sprintf("%s, %s", file, f.reader.Describe(file.ref))
			}
		}
		name := file.file + "." + extension
		if err := os.Rename(filepath.Join(f.dir, file.file), filepath.Join(f.dir, name)); err != nil {
			return "", fmt.Errorf("name what was fetched: %w", err)
		}
		renamed[file.file] = name
		file.file = name
	}
	for i := range playlist.Maps {
		playlist.Maps[i].File = renamed[playlist.Maps[i].File]
	}
	for i := range playlist.Segments {
		playlist.Segments[i].File = renamed[playlist.Segments[i].File]
	}
	return unreadable, nil
}

// originals lists the files for an archive: each lies beside the playlist as it did, so that the playlist, kept byte
// for byte, still names them.
func (f *fetcher) originals(files []*part, playlists []Original, mediaPlaylist string) ([]Original, error) {
	taken := map[string]bool{manifestName: true}
	var originals []Original
	add := func(what, ref, file string) error {
		name, err := f.reader.RelativeName(f.root, ref)
		if err != nil {
			return failure.Permanent(task.ReasonUnsupported, "%s cannot be archived: %w", what, err)
		}
		if taken[name] {
			return failure.Permanent(task.ReasonUnsupported, "%s cannot be archived: the name %.80q is taken", what, name)
		}
		taken[name] = true
		originals = append(originals, Original{Name: name, File: file})
		return nil
	}
	for _, file := range files {
		if err := add(file.String(), file.ref, file.file); err != nil {
			return nil, err
		}
	}
	refs := []string{mediaPlaylist, f.root}[2-len(playlists):]
	for i, playlist := range playlists {
		if err := add("the playlist", refs[i], playlist.File); err != nil {
			return nil, err
		}
	}
	return originals, nil
}
