// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func TestDecodeProgress_RefusesWhatNoWorkerSends(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":               "",
		"no JSON":               "<html>",
		"another type":          `[1]`,
		"two values":            `{"stage":"Fetch","percent":1} {}`,
		"no stage":              `{"percent":1}`,
		"an unknown stage":      `{"stage":"Paint\u001b[31m","percent":1}`,
		"a negative percent":    `{"stage":"Fetch","percent":-1}`,
		"more than all":         `{"stage":"Publish","percent":101}`,
		"a percent of later":    `{"stage":"Fetch","percent":50}`,
		"a percent of earlier":  `{"stage":"Publish","percent":50}`,
		"a percent like 1e30":   `{"stage":"Fetch","percent":1e30}`,
		"a fraction":            `{"stage":"Fetch","percent":1.5}`,
		"a negative rate":       `{"stage":"Fetch","percent":1,"bytesPerSecond":-1}`,
		"a negative media rate": `{"stage":"Fetch","percent":1,"mediaMillisecondsPerSecond":-1}`,
		"too much":              `{"stage":"Fetch","percent":1}` + strings.Repeat(" ", MaxProgress),
	} {
		if got, err := DecodeProgress([]byte(text)); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestDecodeProgress_ReadsTheLongest(t *testing.T) {
	longest := Progress{Stage: v1alpha1.StageProcess, Percent: 80, BytesPerSecond: math.MaxInt64, MediaMillisecondsPerSecond: math.MaxInt64}
	data, err := json.Marshal(longest)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeProgress(data); err != nil || got != longest {
		t.Errorf("%s: %+v, %v", data, got, err)
	}
}

// FuzzDecodeProgress: whatever a pod answers, what is taken is within the bounds of the API, and reads back the same.
func FuzzDecodeProgress(f *testing.F) {
	for _, seed := range []string{`{"stage":"Process","percent":42,"mediaMillisecondsPerSecond":1800}`, `{"stage":"Fetch","percent":-1}`, `[]`, `{"percent":1e99}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := DecodeProgress(data)
		if err != nil {
			return
		}
		if found.Percent < 0 || found.Percent > 100 || found.BytesPerSecond < 0 || found.MediaMillisecondsPerSecond < 0 {
			t.Fatalf("%q: %+v", data, found)
		}
		again, err := json.Marshal(found)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeProgress(again); err != nil || back != found {
			t.Fatalf("%s: %+v, %v", again, back, err)
		}
	})
}
