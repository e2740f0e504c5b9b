// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func TestResult_SurvivesTheTerminationMessage(t *testing.T) {
	want := Result{Outputs: []v1alpha1.Artifact{{URI: "s3://b/房间/a.mp4", SizeBytes: 1 << 40, SHA256: strings.Repeat("a", 64), Files: 1,
		Media: &v1alpha1.Media{Container: "mp4", DurationMilliseconds: 65024, VideoCodec: "h264", AudioCodec: "aac", Width: 1280, Height: 720}}},
		Integrity: &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged, Checked: v1alpha1.CheckedDecoded, Packets: v1alpha1.PacketCounts{Video: 1950, Audio: 3047}, More: 2,
			Findings: []v1alpha1.Finding{{Type: v1alpha1.FindingSegmentMissing, Segment: new(int32(0)), AtMilliseconds: 1500, LengthMilliseconds: 6000, Message: "第 1 段"}}}}
	message, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResult(string(message))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestResult_OutputsGiveWayFromTheEnd(t *testing.T) {
	var many Result
	for i := range 100 {
		many.Outputs = append(many.Outputs, v1alpha1.Artifact{URI: fmt.Sprintf("s3://bucket/%d/%s", i, strings.Repeat("x", 100))})
	}
	message, err := many.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeResult(string(message))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Outputs); n == 0 || n == 100 || got.Outputs[n-1].URI != many.Outputs[n-1].URI {
		t.Errorf("%d outputs are left", n)
	}
	if len(many.Outputs) != 100 {
		t.Error("the result itself was changed")
	}
}

// TestResult_FailuresAlwaysFit holds for whatever a program said when it failed.
func TestResult_FailuresAlwaysFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		said := rapid.StringN(0, 4000, 8000).Draw(t, "message")
		if rapid.Bool().Draw(t, "control characters") {
			said = strings.Repeat("\x01", len(said)) // six bytes each in JSON
		}
		message, err := Result{Failure: &Failure{Reason: ReasonInternal, Message: said, Permanent: true}}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodeResult(string(message))
		if err != nil || got.Failure == nil || !got.Failure.Permanent {
			t.Fatalf("%v, %+v", err, got)
		}
		if len(message) > MaxTerminationMessage || !utf8.ValidString(got.Failure.Message) {
			t.Fatalf("%d bytes: %q", len(message), message)
		}
	})
}

func TestDecodeResult_RefusesOtherText(t *testing.T) {
	if _, err := DecodeResult("signal: killed"); err == nil {
		t.Error("the last log lines were read as a result")
	}
}

// TestDecodeResult_TakesNoMoreThanAStatusHolds: a user who may create pods can write any termination message. Where an
// output lies, the step says.
func TestDecodeResult_TakesNoMoreThanAStatusHolds(t *testing.T) {
	forged := `{"outputs":[` + strings.Repeat(`{"name":"x","storageRef":{"name":"elsewhere"}},`, 9) + `{"name":"x"}]}`
	got, err := DecodeResult(forged)
	if err != nil || len(got.Outputs) != v1alpha1.MaxOutputs || got.Outputs[0].StorageRef.Name != "" {
		t.Errorf("%+v, %v", got, err)
	}
}
