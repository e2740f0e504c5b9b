// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestIntegrity_StatusIsBounded: what is left out is counted, and the manifest has it.
func TestIntegrity_StatusIsBounded(t *testing.T) {
	integrity := newIntegrity()
	made := &timeline.Timeline{More: 7}
	for i := range maxManifestFindings + 5 {
		made.Findings = append(made.Findings, timeline.Finding{Type: timeline.PacketsLost, Segment: i, At: int64(i) * media.Clock, Length: media.Clock / 2, Message: fmt.Sprint(i)})
	}
	integrity.add(made)
	if integrity.State != v1alpha1.IntegrityDamaged || len(integrity.Findings) != maxManifestFindings || integrity.More != 12 {
		t.Errorf("%s, %d findings and %d more", integrity.State, len(integrity.Findings), integrity.More)
	}
	status := integrity.status()
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
	if (*Integrity)(nil).status() != nil {
		t.Error("no integrity has a status")
	}
	few := newIntegrity()
	few.find(timeline.Finding{Type: timeline.Pause, Segment: -1})
	if status := few.status(); len(status.Findings) != 1 || status.More != 0 || status.Findings[0].Segment != nil || status.State != v1alpha1.IntegrityIntact {
		t.Errorf("%+v", status)
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
		integrity := newIntegrity()
		for _, each := range test.timelines {
			integrity.add(each)
		}
		if integrity.State != test.want {
			t.Errorf("%s, want %s", integrity.State, test.want)
		}
	}
}

// TestIntegrity_EncryptedSegmentsCannotBeJudged, which damage elsewhere does not change.
func TestIntegrity_EncryptedSegmentsCannotBeJudged(t *testing.T) {
	recording := &Recording{Lists: [][]Segment{{{}, {Encrypted: true}, {Encrypted: true}}, {{}}}, KeysLeft: "elsewhere"}
	integrity := newIntegrity()
	integrity.addEncrypted(recording)
	if integrity.State != v1alpha1.IntegrityUnknown || len(integrity.Findings) != 1 || *integrity.Findings[0].Segment != 1 ||
		!strings.Contains(integrity.Findings[0].Message, "elsewhere") {
		t.Errorf("%+v", integrity)
	}
	integrity.State = v1alpha1.IntegrityDamaged
	if integrity.addEncrypted(recording); integrity.State != v1alpha1.IntegrityDamaged {
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

func TestCanvas(t *testing.T) {
	quarter := [9]int32{0, 1 << 16, 0, -1 << 16, 0, 0, 0, 0, 1 << 30}
	tests := map[string]struct {
		sizes         [][2]int
		matrix        [9]int32
		maxHeight     int
		width, height int
	}{
		"one":                   {[][2]int{{640, 360}}, [9]int32{}, 0, 640, 360},
		"odd":                   {[][2]int{{641, 361}}, [9]int32{}, 0, 642, 362},
		"the largest of all":    {[][2]int{{160, 90}, {640, 360}, {360, 640}}, [9]int32{}, 0, 640, 640},
		"bounded":               {[][2]int{{1920, 1080}}, [9]int32{}, 720, 1280, 720},
		"bounded by an odd one": {[][2]int{{1920, 1080}}, [9]int32{}, 721, 1282, 720},
		"lower than the bound":  {[][2]int{{640, 360}}, [9]int32{}, 720, 640, 360},
		"turned":                {[][2]int{{640, 360}}, quarter, 0, 360, 640},
		"turned and bounded":    {[][2]int{{640, 360}}, quarter, 320, 180, 320},
		"very wide":             {[][2]int{{4000, 2}}, [9]int32{}, 1, 2000, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			track := &timeline.Track{Kind: media.Video, Matrix: test.matrix}
			for _, size := range test.sizes {
				track.Params = append(track.Params, media.Params{Width: size[0], Height: size[1]})
			}
			width, height := canvas(track, test.maxHeight)
			if width != test.width || height != test.height {
				t.Errorf("%dx%d, want %dx%d", width, height, test.width, test.height)
			}
		})
	}
}

// TestFills_OnlyWherePaddingIsNeverNeeded: a picture that is smaller than the canvas, or turned, is padded.
func TestFills_OnlyWherePaddingIsNeverNeeded(t *testing.T) {
	size := func(width, height int) media.Params { return media.Params{Width: width, Height: height} }
	tests := map[string]struct {
		track timeline.Track
		want  bool
	}{
		"one size":     {timeline.Track{Params: []media.Params{size(640, 360), size(640, 360)}}, true},
		"a lower one":  {timeline.Track{Params: []media.Params{size(640, 360), size(640, 358)}}, false},
		"a narrow one": {timeline.Track{Params: []media.Params{size(360, 360), size(640, 360)}}, false},
		"unknown":      {timeline.Track{Params: []media.Params{size(0, 0)}}, false},
		"turned":       {timeline.Track{Params: []media.Params{size(640, 360)}, Matrix: [9]int32{-1 << 16, 0, 0, 0, -1 << 16}}, false},
	}
	for name, test := range tests {
		if got := fills(&test.track, 640, 360); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestKnowsSizes_OfTransportStreamsAlone(t *testing.T) {
	ts, other := &media.File{Container: media.MPEGTS}, &media.File{Container: media.FragmentMP4}
	if !knowsSizes([]*media.File{ts, nil, ts}) || knowsSizes([]*media.File{ts, other}) {
		t.Error("an MP4 may hold other parameter sets than its header says; a transport stream has all")
	}
}

// TestRecording_SurvivesItsFile: fetch writes it for process.
func TestRecording_SurvivesItsFile(t *testing.T) {
	data, err := json.Marshal(Recording{HLS: true, Lists: [][]Segment{{{Name: "a.ts", Seconds: 2, Rounding: 1e-6, Lost: true}, {Index: 1, Encrypted: true}}}})
	if err != nil {
		t.Fatal(err)
	}
	var read Recording
	if err := json.Unmarshal(data, &read); err != nil || len(read.Lists[0]) != 2 || !read.Lists[0][0].Lost || read.Lists[0][1].Index != 1 {
		t.Errorf("%+v: %v", read, err)
	}
	made := read.timeline(0, []*media.File{nil, {}}, 0)
	if made.State() != timeline.Damaged {
		t.Error("a lost segment is no damage")
	}
}

func TestProduct_OutputsDivideTheFiles(t *testing.T) {
	product := Product{
		Files:   []ProductFile{{Name: "a.ts", SizeBytes: 5}, {Name: "a.m3u8", SizeBytes: 2, SHA256: "a"}, {Name: "b.mp4", SizeBytes: 9, SHA256: "b"}},
		Outputs: []ProductOutput{{Files: 2}, {Files: 1, Media: &v1alpha1.Media{Container: "mp4"}}},
	}
	outputs := product.outputs(func(name string) string { return "s3://x/" + name })
	if len(outputs) != 2 || outputs[0].URI != "s3://x/a.m3u8" || outputs[0].SizeBytes != 7 || outputs[0].Files != 2 || outputs[0].SHA256 != "a" || outputs[0].Media != nil ||
		outputs[1].URI != "s3://x/b.mp4" || outputs[1].SizeBytes != 9 || outputs[1].Media.Container != "mp4" {
		t.Errorf("%+v", outputs)
	}
	product.useLocal("a.ts", ".long/0")
	if product.local("a.ts") != ".long/0" || product.local("a.m3u8") != "a.m3u8" {
		t.Error("the local names are other ones")
	}
}

// TestResultOf_FailureKeepsIntegrity: a step that fails over a damaged recording says what is damaged.
func TestResultOf_FailureKeepsIntegrity(t *testing.T) {
	found := &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged, Checked: v1alpha1.CheckedStructure}
	err := failure.Permanent(workerapi.ReasonSegmentMissing, "segment 1 is missing")
	result, code := ResultOf(workerapi.Result{Integrity: found}, err, false)
	if code != workerapi.ExitPermanent || result.Failure == nil || result.Integrity != found {
		t.Errorf("exit code %d, %+v", code, result)
	}
}
