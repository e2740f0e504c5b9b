// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/recording"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// TestIntegrity_StatusIsBounded: what is left out is counted, and the manifest has it.
func TestIntegrity_StatusIsBounded(t *testing.T) {
	integrity := NewIntegrity()
	made := &timeline.Timeline{More: 7}
	for i := range maxManifestFindings + 5 {
		made.Findings = append(made.Findings, timeline.Finding{Type: timeline.PacketsLost, Segment: i, At: int64(i) * media.Clock, Length: media.Clock / 2, Message: fmt.Sprint(i)})
	}
	integrity.Add(made)
	if integrity.State != v1alpha1.IntegrityDamaged || len(integrity.Findings) != maxManifestFindings || integrity.More != 12 {
		t.Errorf("%s, %d findings and %d more", integrity.State, len(integrity.Findings), integrity.More)
	}
	status := integrity.Status()
	if len(status.Findings) != v1alpha1.MaxFindings || int(status.More) != maxManifestFindings+12-v1alpha1.MaxFindings {
		t.Errorf("%d findings and %d more", len(status.Findings), status.More)
	}
	if len(integrity.Findings) != maxManifestFindings {
		t.Error("the status has changed the manifest")
	}
	third := status.Findings[3]
	if *third.Segment != 3 || third.AtMilliseconds != 3000 || third.LengthMilliseconds != 500 || third.Message != "3" {
		t.Errorf("%+v", third)
	}
	if (*Integrity)(nil).Status() != nil {
		t.Error("no integrity has a status")
	}
	few := NewIntegrity()
	few.Find(timeline.Finding{Type: timeline.Pause, Segment: -1})
	if status := few.Status(); len(status.Findings) != 1 || status.More != 0 || status.Findings[0].Segment != nil || status.State != v1alpha1.IntegrityIntact {
		t.Errorf("%+v", status)
	}
}

// TestIntegrity_DropLeavesTheRest: the state is what the other findings say.
func TestIntegrity_DropLeavesTheRest(t *testing.T) {
	tail := timeline.Finding{Type: timeline.UnknownTail, Segment: 2, Message: strings.Repeat("long ", v1alpha1.MaxFindingMessage)}
	hole := timeline.Finding{Type: timeline.UnknownHole, Segment: 1, Message: "a hole"}
	integrity := NewIntegrity()
	integrity.Add(&timeline.Timeline{Findings: []timeline.Finding{tail, hole, {Type: timeline.Pause}}})
	for _, step := range []struct {
		dropped timeline.Finding
		left    int
		state   v1alpha1.IntegrityState
	}{{tail, 2, v1alpha1.IntegrityUnknown}, {hole, 1, v1alpha1.IntegrityIntact}} {
		integrity.Drop(step.dropped)
		if len(integrity.Findings) != step.left || integrity.State != step.state {
			t.Errorf("without %s: %s, %+v", step.dropped.Type, integrity.State, integrity.Findings)
		}
	}
}

// TestIntegrity_StateIsTheWorst of all timelines of a recording.
func TestIntegrity_StateIsTheWorst(t *testing.T) {
	of := func(types ...timeline.Type) *timeline.Timeline {
		made := &timeline.Timeline{}
		for _, each := range types {
			made.Findings = append(made.Findings, timeline.Finding{Type: each})
		}
		return made
	}
	intact, unknown, damaged := of(timeline.Pause), of(timeline.UnknownTail), of(timeline.SegmentMissing)
	for _, test := range []struct {
		timelines []*timeline.Timeline
		want      v1alpha1.IntegrityState
	}{
		{nil, v1alpha1.IntegrityIntact},
		{[]*timeline.Timeline{intact}, v1alpha1.IntegrityIntact},
		{[]*timeline.Timeline{intact, unknown, intact}, v1alpha1.IntegrityUnknown},
		{[]*timeline.Timeline{damaged, unknown}, v1alpha1.IntegrityDamaged},
		{[]*timeline.Timeline{unknown, damaged, intact}, v1alpha1.IntegrityDamaged},
	} {
		integrity := NewIntegrity()
		for _, each := range test.timelines {
			integrity.Add(each)
		}
		if integrity.State != test.want {
			t.Errorf("%s, want %s", integrity.State, test.want)
		}
	}
}

// TestIntegrity_EncryptedSegmentsCannotBeJudged, which damage elsewhere does not change.
func TestIntegrity_EncryptedSegmentsCannotBeJudged(t *testing.T) {
	fetched := &recording.Recording{Lists: [][]recording.Segment{{{}, {Encrypted: true}, {Encrypted: true}}, {{}}}, KeysLeft: "elsewhere"}
	integrity := NewIntegrity()
	integrity.AddEncrypted(fetched)
	if integrity.State != v1alpha1.IntegrityUnknown || len(integrity.Findings) != 1 || *integrity.Findings[0].Segment != 1 ||
		!strings.Contains(integrity.Findings[0].Message, "elsewhere") {
		t.Errorf("%+v", integrity)
	}
	integrity.State = v1alpha1.IntegrityDamaged
	if integrity.AddEncrypted(fetched); integrity.State != v1alpha1.IntegrityDamaged {
		t.Error("damage is forgotten")
	}
}

// TestBounded cuts between runes, never more than it must, and leaves out what is no UTF-8.
func TestBounded(t *testing.T) {
	for text, want := range map[string]string{"": "", "0123456789": "0123456789", "0123456789x": "0123456…", "012345ü89x": "012345…", "a\xffb": "ab"} {
		if got := bounded(text, 10); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, limit := rapid.String().Draw(t, "text"), rapid.IntRange(3, 300).Draw(t, "limit")
		got := bounded(text, limit)
		if len(got) > limit || !utf8.ValidString(got) || len(text) > limit && len(got) < limit-3 || len(text) <= limit && got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}
