// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"encoding/json"
	"strings"
	"testing"

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
		if result.Integrity != nil && len(result.Integrity.Findings) > v1alpha1.MaxFindings {
			t.Errorf("%d findings", len(result.Integrity.Findings))
		}
	})
}

func TestDecodeResult_LongMessagesAreNotRead(t *testing.T) {
	if _, err := DecodeResult(`{"failure":{"reason":"` + strings.Repeat("x", MaxTerminationMessage) + `"}}`); err == nil {
		t.Error("a message that is longer than the kubelet keeps one is read")
	}
}
