// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package publish

import "testing"

// FuzzManifest: a manifest that somebody else left in the folder is never taken for this recording's, whatever is in it.
func FuzzManifest(f *testing.F) {
	own := Manifest{Version: "v1", Step: "mp4"}
	own.Recording.Namespace, own.Recording.Name, own.Recording.UID = "school", "math", "uid-1"
	encoded, err := own.encode()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{encoded, nil, []byte("null"), []byte("[]"), []byte(`{"version":"v1"}`), []byte(`{"version":"v1","recording":{"uid":"uid-2"},"step":"mp4"}`)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, found []byte) {
		other, err := own.checkOwn(found, "s3://archive/manifest.json")
		if err == nil && (other.Recording.UID != own.Recording.UID || other.Step != own.Step || other.Version == "") {
			t.Errorf("%q is taken for a manifest of this recording", found)
		}
	})
}
