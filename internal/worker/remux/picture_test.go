// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package remux_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// TestWrite_AnOnlyPictureIsShown: nothing says how long it lasts. It is shown later than it is decoded, so that the result
// has an edit list, and a piece of no duration shows nothing.
func TestWrite_AnOnlyPictureIsShown(t *testing.T) {
	dir := t.TempDir()
	makeMedia(t, dir, "-f", "lavfi", "-i", "testsrc=duration=1:rate=10:size=64x36", "-frames:v", "1", "-c:v", "libx264", "-bf", "2",
		"-pix_fmt", "yuv420p", "-bsf:v", "setts=dts=PTS-5400", "-f", "mpegts", "one.ts")
	write(t, filepath.Join(dir, "result.mp4"), read(t, nil, filepath.Join(dir, "one.ts")))
	makeMedia(t, dir, "-i", "result.mp4", "-f", "framemd5", "frames")
	frames, err := os.ReadFile(filepath.Join(dir, "frames"))
	if err != nil {
		t.Fatal(err)
	}
	if shown := bytes.Count(frames, []byte("\n0,")); shown != 1 {
		t.Errorf("%d pictures are shown", shown)
	}
}
