// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// keys notes the keys of an archive's playlists. A key that may not be fetched, because it lies elsewhere, is left out.
func (f *fetcher) keys(lists []list, fetched *recording.Recording) error {
	for _, each := range lists {
		if !f.archive || len(each.Keys) == 0 {
			continue
		}
		if f.download {
			return failure.Permanent(workerapi.ReasonUnsupported,
				"playlist %s has encrypted segments, which cannot be verified to be media; a download is archived only if it is",
				f.reader.Describe(f.root))
		}
		for i, uri := range each.Keys {
			if _, err := f.add(each.ref, uri, "key", i); err != nil {
				fetched.KeysLeft = err.Error()
			}
		}
	}
	return nil
}

// originals lists the files for an archive: each lies beside the root playlist as it did, so that the playlists, kept
// byte for byte, still name them. What names others comes after them: the master playlist last.
func (f *fetcher) originals(lists []list, master *list) ([]recording.Original, error) {
	taken := map[string]bool{workerapi.ManifestName: true}
	var originals []recording.Original
	add := func(what, ref, file string) error {
		name, err := f.reader.RelativeName(f.root, ref)
		if err != nil {
			return failure.Permanent(workerapi.ReasonUnsupported, "%s cannot be archived: %w", what, err)
		}
		if taken[name] {
			return failure.Permanent(workerapi.ReasonUnsupported, "%s cannot be archived: the name %.80q is taken", what, name)
		}
		taken[name] = true
		originals = append(originals, recording.Original{Name: name, File: file})
		return nil
	}
	for _, each := range f.parts {
		if each.lost {
			continue
		}
		if err := add(each.String(), each.ref, each.file); err != nil {
			return nil, err
		}
	}
	if master != nil {
		lists = append(lists, *master)
	}
	for _, each := range lists {
		if err := add("the playlist", each.ref, each.file); err != nil {
			return nil, err
		}
	}
	return originals, nil
}
