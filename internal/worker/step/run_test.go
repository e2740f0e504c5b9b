// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"testing"

	"sparkrtc.dev/recording-operator/internal/media"
)

func TestKnowsSizes_OfTransportStreamsAlone(t *testing.T) {
	ts, other := &media.File{Container: media.MPEGTS}, &media.File{Container: media.FragmentMP4}
	if !KnowsSizes([]*media.File{ts, nil, ts}) || KnowsSizes([]*media.File{ts, other}) {
		t.Error("an MP4 may hold other parameter sets than its header says; a transport stream has all")
	}
}
