// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// FuzzDecodeResult: whatever a pod leaves as its termination message, what is read of it fits into a status.
func FuzzDecodeResult(f *testing.F) {
	for _, seed := range []string{
		`{}`, `null`, `[]`, `{"outputs":[{"name":"a.mp4","uri":"s3://b/a.mp4","storageRef":{"name":"x"}}],"manifest":{"uri":"s3://b/manifest.json"}}`,
		`{"failure":{"reason":"X","message":"` + strings.Repeat("<", 1000) + `","permanent":true}}`,
		`{"integrity":{"findings":[{"kind":"x"},{"kind":"y"}],"more":9223372036854775807}}`,
		`{"object":{"apiVersion":"v1","kind":"Pod","name":"x"},"results":[{"name":"a","value":"b"}]}`,
		`{"outputs":[` + strings.Repeat(`{},`, 1000) + `{}]}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, message string) {
		result, err := DecodeResult(message)
		if err != nil {
			return
		}
		if len(message) > MaxTerminationMessage || len(result.Outputs) > v1alpha1.MaxOutputs {
			t.Errorf("%d bytes with %d outputs are taken", len(message), len(result.Outputs))
		}
		for i := range result.Outputs {
			if result.Outputs[i].StorageRef.Name != "" {
				t.Error("the pod says which StorageLocation its output lies in")
			}
		}
		if said, err := json.Marshal(result.Results); err != nil || len(result.Results) > 0 && len(said) > MaxResults {
			t.Errorf("%d bytes of results, %v", len(said), err)
		}
		checkPlain(t, result)
		if result.Integrity != nil && len(result.Integrity.Findings) > v1alpha1.MaxFindings {
			t.Errorf("%d findings", len(result.Integrity.Findings))
		}
	})
}

// checkPlain says that no text of a result has what a terminal acts on.
func checkPlain(t *testing.T, result Result) {
	t.Helper()
	encoded, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	// JSON escapes control characters below a blank, and leaves the others as they are.
	if regexp.MustCompile(`(^|[^\\])(\\\\)*\\(u00[01]|[bfnrt])`).Match(encoded) || bytes.ContainsFunc(encoded, unicode.IsControl) {
		t.Errorf("a control character in %q", encoded)
	}
	if failure := result.Failure; failure != nil && !isName(failure.Reason, maxReason) {
		t.Errorf("the reason %q", failure.Reason)
	}
}

// TestDecodeResult_TakesNothingThatATerminalActsOn: a person who may create pods writes escapes into every text.
func TestDecodeResult_TakesNothingThatATerminalActsOn(t *testing.T) {
	for _, hostile := range []string{`\u001b[2J`, `\u009b31m`, `\n`, `\u0007`, `\u007f`} {
		got, err := DecodeResult(strings.ReplaceAll(`{"failure":{"reason":"FailedX","message":"no X"},"manifest":{"uri":"s3://X","sha256":"X"},
			"outputs":[{"name":"aX"},{"name":"a","uri":"X"},{"name":"a","key":"X"},{"name":"a","bucket":"X"},
				{"name":"b","mediaType":"X","sha256":"X","language":"X","kind":"X","media":{"container":"X","videoCodec":"X","audioCodec":"X"}}],
			"object":{"apiVersion":"v1","kind":"X","name":"a"},"results":[{"name":"X","value":"a"},{"name":"a","value":"X"}],
			"integrity":{"state":"X","checked":"X","findings":[{"type":"Pause","message":"X"},{"type":"X"}]}}`, "X", hostile))
		if err != nil {
			t.Fatal(err)
		}
		checkPlain(t, got)
		if got.Failure.Reason != ReasonInternal || len(got.Outputs) != 1 || got.Object != nil || got.Manifest != nil || len(got.Results) != 1 {
			t.Errorf("%q: %+v", hostile, got)
		}
	}
}

// TestDecodeResult_ResultsFitTogether: those that do not are left out.
func TestDecodeResult_ResultsFitTogether(t *testing.T) {
	value := strings.Repeat("x", MaxResultValue)
	got, err := DecodeResult(`{"results":[{"name":"a","value":"` + value + `"},{"name":"b","value":"` + value + `"},{"name":"c","value":"y"}]}`)
	if err != nil || len(got.Results) != 2 || got.Results[1].Name != "c" {
		t.Errorf("%d results, %v", len(got.Results), err)
	}
}

func TestDecodeResult_LongMessagesAreNotRead(t *testing.T) {
	if _, err := DecodeResult(`{"failure":{"reason":"` + strings.Repeat("x", MaxTerminationMessage) + `"}}`); err == nil {
		t.Error("a message that is longer than the kubelet keeps one is read")
	}
}
