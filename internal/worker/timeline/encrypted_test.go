// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package timeline

import (
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

// TestBuild_EncryptedBehindClear: the packets do not go on with the parameters of the clear ones before them.
func TestBuild_EncryptedBehindClear(t *testing.T) {
	segments := plain(5)
	for i := 2; i < 5; i++ {
		segments[i].File.Streams[0].Params = []media.Params{{Codec: media.Encrypted}}
	}
	made := Build(Recording{Segments: segments})
	wantState(t, made, Unknown, Encrypted)
	if params := made.Video.Params; len(params) != 2 || params[1].Codec != media.Encrypted {
		t.Errorf("%+v", params)
	}
	if found := made.Findings[0]; found.Segment != 2 || found.At != 4*second {
		t.Errorf("%+v", found)
	}
}
