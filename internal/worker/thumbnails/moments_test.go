// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package thumbnails

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

func TestMoments_EachIsTakenOnce(t *testing.T) {
	kind, err := New(json.RawMessage(`{"times":["90s","1m30s","1500ms"],"percentages":[50]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := []moment{{"at-00h01m30s", 60 * media.Clock}, {"at-00h00m01.500s", 1.5 * media.Clock}, {"at-50pct", 30 * media.Clock}}
	if diff := cmp.Diff(want, kind.(*thumbnails).moments(60*media.Clock), cmp.AllowUnexported(moment{})); diff != "" {
		t.Errorf("a time after the end is the end (-want +got):\n%s", diff)
	}
}

func TestNew_RefusesTimesThatAreNone(t *testing.T) {
	for _, text := range []string{"", "soon", "-1s", "5"} {
		settings, err := json.Marshal(map[string][]string{"times": {text}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(settings); failure.Of(err).Reason != workerapi.ReasonInvalidStep {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestClock_SortsByTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) time.Duration {
			return time.Duration(rapid.Int64Range(0, (99*time.Hour).Milliseconds()).Draw(t, name)) * time.Second
		}
		a, b := draw("a")/1000, draw("b")/1000
		a, b = a.Truncate(time.Second), b.Truncate(time.Second)
		if (a < b) != (clock(a) < clock(b)) {
			t.Fatalf("%s and %s", clock(a), clock(b))
		}
	})
}

// TestFit_StaysWithinBounds, never scales up, and keeps the aspect ratio as well as even sizes can.
func TestFit_StaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width, height := rapid.IntRange(2, 8192).Draw(t, "width"), rapid.IntRange(2, 8192).Draw(t, "height")
		maxWidth, maxHeight := 2*rapid.IntRange(0, 2000).Draw(t, "maxWidth"), 2*rapid.IntRange(0, 2000).Draw(t, "maxHeight")
		w, h := fit(width, height, maxWidth, maxHeight)
		if w < 2 || h < 2 || maxWidth > 0 && w > maxWidth || maxHeight > 0 && h > maxHeight || w > max(width, 2) || h > max(height, 2) {
			t.Fatalf("%dx%d", w, h)
		}
		if off := w*height - h*width; w > 2 && h > 2 && (off > 2*max(width, height) || -off > 2*max(width, height)) {
			t.Fatalf("%dx%d is not of the shape %dx%d", w, h, width, height)
		}
	})
}
