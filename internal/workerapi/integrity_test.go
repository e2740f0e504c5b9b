// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"math"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func drawIntegrity(t *rapid.T) *v1alpha1.Integrity {
	integrity := &v1alpha1.Integrity{
		State:   v1alpha1.IntegrityState(rapid.SampledFrom([]string{"Intact", "Damaged", "Unknown", "", "Fine"}).Draw(t, "state")),
		Checked: v1alpha1.IntegrityCheck(rapid.SampledFrom([]string{"Structure", "Decoded", "", "Heard"}).Draw(t, "checked")),
		More:    rapid.Int32().Draw(t, "more"),
	}
	for range rapid.IntRange(0, 40).Draw(t, "findings") {
		integrity.Findings = append(integrity.Findings, v1alpha1.Finding{
			Type:           v1alpha1.FindingType(rapid.OneOf(rapid.StringN(0, 40, 80), rapid.SampledFrom([]string{"PacketsLost", "Pause"})).Draw(t, "type")),
			AtMilliseconds: rapid.Int64().Draw(t, "at"),
			Message:        rapid.StringN(0, 300, 600).Draw(t, "message"),
		})
	}
	return integrity
}

// TestResult_AlwaysFits holds for all that a worker can say, and for what somebody else writes in its place.
func TestResult_AlwaysFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Result{Integrity: drawIntegrity(t)}
		for range rapid.IntRange(0, 20).Draw(t, "outputs") {
			key := rapid.StringN(0, 400, 1024).Draw(t, "key")
			want.Outputs = append(want.Outputs, v1alpha1.Artifact{Name: "a.mp4", URI: "s3://bucket/" + key, Bucket: "bucket", Key: key})
		}
		if rapid.Bool().Draw(t, "published") {
			key := rapid.OneOf(rapid.StringN(0, 1024, 1024), rapid.Just(strings.Repeat("\x01", 1024)), rapid.Just(strings.Repeat("<", 1024))).Draw(t, "manifest")
			want.Manifest = &v1alpha1.ManifestReference{URI: "s3://bucket/" + key, SHA256: strings.Repeat("a", 64), Outputs: 20, Files: 20}
		}
		if rapid.Bool().Draw(t, "failed") {
			want.Failure = &Failure{Reason: ReasonFramesMissing, Message: rapid.StringN(0, 2000, 8000).Draw(t, "failure"), Permanent: true}
		}
		message, err := want.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeResult(string(message))
		if err != nil || len(message) > MaxTerminationMessage {
			t.Fatalf("%d bytes, %v", len(message), err)
		}
		checkBounds(t, got.Integrity)
		if len(got.Outputs) > v1alpha1.MaxOutputs {
			t.Fatalf("%d outputs", len(got.Outputs))
		}
		listed := len(got.Integrity.Findings)
		if all := min(int64(max(want.Integrity.More, 0))+int64(len(want.Integrity.Findings)), math.MaxInt32+int64(listed)); int64(got.Integrity.More)+int64(listed) > all ||
			int64(got.Integrity.More) < min(all-int64(listed), math.MaxInt32) {
			t.Fatalf("%d findings and %d more, of %d", listed, got.Integrity.More, all)
		}
	})
}

// checkBounds holds what the API server takes.
func checkBounds(t *rapid.T, got *v1alpha1.Integrity) {
	if got.State != v1alpha1.IntegrityIntact && got.State != v1alpha1.IntegrityDamaged && got.State != v1alpha1.IntegrityUnknown {
		t.Fatalf("state %q", got.State)
	}
	if got.Checked != v1alpha1.CheckedStructure && got.Checked != v1alpha1.CheckedDecoded {
		t.Fatalf("checked %q", got.Checked)
	}
	if len(got.Findings) > v1alpha1.MaxFindings || got.More < 0 {
		t.Fatalf("%d findings, %d more", len(got.Findings), got.More)
	}
	for _, finding := range got.Findings {
		if len(finding.Type) == 0 || len(finding.Type) > 32 {
			t.Fatalf("type %q", finding.Type)
		}
		if len(finding.Message) > v1alpha1.MaxFindingMessage || !utf8.ValidString(finding.Message) || strings.ContainsFunc(finding.Message, unicode.IsControl) {
			t.Fatalf("message %q", finding.Message)
		}
	}
}

// TestResult_FindingsGiveWayBeforeTheMessage holds the order in which a termination message is cut.
func TestResult_FindingsGiveWayBeforeTheMessage(t *testing.T) {
	said := strings.Repeat("w", MaxTerminationMessage/4)
	result := Result{
		Failure:   &Failure{Reason: ReasonFramesMissing, Message: said},
		Outputs:   []v1alpha1.Artifact{{URI: "s3://b/" + strings.Repeat("x", 100)}},
		Integrity: &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged, Checked: v1alpha1.CheckedStructure},
	}
	for i := range int32(v1alpha1.MaxFindings) {
		result.Integrity.Findings = append(result.Integrity.Findings,
			v1alpha1.Finding{Type: v1alpha1.FindingPacketsLost, Segment: &i, Message: strings.Repeat("m", v1alpha1.MaxFindingMessage)})
	}
	message, err := result.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResult(string(message))
	if err != nil {
		t.Fatal(err)
	}
	listed := len(got.Integrity.Findings)
	if listed < 4 || listed == v1alpha1.MaxFindings || int(got.Integrity.More) != v1alpha1.MaxFindings-listed {
		t.Errorf("%d findings are listed, %d more are counted", listed, got.Integrity.More)
	}
	if diff := cmp.Diff(result.Integrity.Findings[:listed], got.Integrity.Findings); diff != "" {
		t.Errorf("not the first findings are left (-want +got):\n%s", diff)
	}
	if got.Failure.Message != said || len(got.Outputs) != 1 {
		t.Errorf("the message or outputs gave way: %d bytes, %d outputs", len(got.Failure.Message), len(got.Outputs))
	}
	if len(result.Integrity.Findings) != v1alpha1.MaxFindings || result.Integrity.More != 0 {
		t.Error("the result itself was changed")
	}
}
