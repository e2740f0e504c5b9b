// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// drawReport is the report of an event or of a scan, or of several.
func drawReport(t *rapid.T) report {
	var r report
	for n := range rapid.IntRange(0, 3).Draw(t, "reports") {
		if event := drawNews(t, n); event.found != nil {
			r = r.join(foundOf(*event.found))
		} else if event.delivery.Event.Type == sparkrtc.Complete {
			r = r.join(reportOf(event.delivery.Event))
		}
	}
	return r
}

// Reports are a semilattice, so that order and repetition cannot matter; and they are one as the API server stores them.
func TestReport_JoinIsASemilattice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawReport(t), drawReport(t), drawReport(t)
		for law, equal := range map[string]bool{
			"commutative": a.join(b).equal(b.join(a)),
			"associative": a.join(b).join(c).equal(a.join(b.join(c))),
			"idempotent":  a.join(a).equal(a),
			"bottom":      a.join(report{}).equal(a),
			"absorbing":   a.join(b).join(a).equal(a.join(b)),
			"JSON":        throughJSON(t, a).equal(a) && throughJSON(t, a).join(throughJSON(t, b)).equal(a.join(b)),
		} {
			if !equal {
				t.Errorf("not %s: %+v, %+v, %+v", law, a, b, c)
			}
		}
	})
}

// throughJSON is the report as the API server gives it back.
func throughJSON(t *rapid.T, r report) report {
	spec := v1alpha1.RecordingFileSpec{TaskIDs: r.taskIDs, Reported: r.reported, Discovered: r.discovered}
	encoded, err := json.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	var decoded v1alpha1.RecordingFileSpec
	if err := json.Unmarshal(encoded, &decoded); err != nil {
		t.Fatal(err)
	}
	return report{taskIDs: decoded.TaskIDs, reported: decoded.Reported, discovered: decoded.Discovered}
}

// Whatever an event holds, its report is one that the API server takes.
func TestReport_IsNormalized(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(-1, 300, -1)
		at := rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds"))
		})
		r := reportOf(sparkrtc.Event{
			TaskID: text.Draw(t, "task"), AppID: text.Draw(t, "app"), RoomID: text.Draw(t, "room"), StreamName: text.Draw(t, "stream"), Format: text.Draw(t, "format"),
			File: sparkrtc.File{
				SizeBytes: rapid.Int64().Draw(t, "size"), DurationSeconds: rapid.Int64().Draw(t, "duration"), Width: rapid.Int32().Draw(t, "width"),
				StartTime: at.Draw(t, "start"), EndTime: at.Draw(t, "end"), Location: text.Draw(t, "location"), DownloadURL: text.Draw(t, "url"),
			},
			IgnoredFields: rapid.SliceOfN(rapid.SampledFrom([]string{"b", "a", "", "a b", strings.Repeat("x", 65)}), 0, 30).Draw(t, "ignored"),
		})
		reported := r.reported
		for limit, texts := range map[int][]string{
			maxID: append(slices.Clone(r.taskIDs), reported.App), maxText: {reported.Room, reported.Stream}, maxFormat: {reported.Format},
			maxLocation: {reported.Location}, maxURL: {reported.DownloadURL},
		} {
			for _, text := range texts {
				if !utf8.ValidString(text) || utf8.RuneCountInString(text) > limit || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }) {
					t.Errorf("%q is not normalized", text)
				}
			}
		}
		if reported.SizeBytes < 0 || reported.SizeBytes > v1alpha1.MaxSizeBytes || reported.DurationSeconds < 0 || reported.DurationSeconds > v1alpha1.MaxDurationSeconds ||
			reported.Width < 0 || reported.Width > maxPixels || len(reported.IgnoredFields) > maxIgnoredFields {
			t.Errorf("%+v is out of bounds", reported)
		}
		if !throughJSON(t, r).equal(r) {
			t.Errorf("%+v is stored as %+v", r, throughJSON(t, r))
		}
	})
}

// The facts of a file are those of one report: a picture that turns is never a square (1280x720, then 720x1280).
func TestReport_FactsComeFromOneReport(t *testing.T) {
	facts := func(end int64, width, height int32) report {
		return report{reported: &v1alpha1.ReportedRecording{RecordingFacts: v1alpha1.RecordingFacts{
			EndTime: &metav1.Time{Time: time.Unix(end, 0)}, Width: width, Height: height}}}
	}
	for _, joined := range []report{facts(1, 1280, 720).join(facts(2, 720, 1280)), facts(2, 720, 1280).join(facts(1, 1280, 720))} {
		if got := joined.reported; got.Width != 720 || got.Height != 1280 {
			t.Errorf("got %dx%d", got.Width, got.Height)
		}
	}
}

// Of more than eight tasks those are kept that sort last, in whatever order they come.
func TestReport_KeepsTheGreatestTasks(t *testing.T) {
	ids := strings.Split("abcdefghijkl", "")
	rapid.Check(t, func(t *rapid.T) {
		var r report
		for _, id := range rapid.Permutation(ids).Draw(t, "order") {
			r = r.join(report{taskIDs: []string{id}})
		}
		if got := strings.Join(r.taskIDs, ""); got != "efghijkl" {
			t.Errorf("kept %s", got)
		}
	})
}

// Updates of a task are joined before they are sent, to the same end as one after the other.
func TestTaskUpdate_JoinIsASemilattice(t *testing.T) {
	draw := func(t *rapid.T) (u taskUpdate) {
		for n := range rapid.IntRange(0, 3).Draw(t, "updates") {
			if event := drawNews(t, n); event.delivery != nil && event.delivery.Event.Type != sparkrtc.Complete {
				u = u.join(updateOf(*event.delivery))
			}
		}
		return u
	}
	same := func(a, b taskUpdate) bool {
		one, err := json.Marshal(a.spec(taskKey{}))
		other, err2 := json.Marshal(b.spec(taskKey{}))
		return err == nil && err2 == nil && string(one) == string(other)
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := draw(t), draw(t), draw(t)
		if !same(a.join(b), b.join(a)) || !same(a.join(b).join(c), a.join(b.join(c))) || !same(a.join(a), a) || !same(a.join(taskUpdate{}), a) {
			t.Errorf("%+v, %+v, %+v", a, b, c)
		}
	})
}
