// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package process

import (
	"bytes"
	"encoding/json"
	"testing"

	uberzap "go.uber.org/zap"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// counted counts how often it is encoded.
type counted struct{ times *int }

func (c counted) MarshalJSON() ([]byte, error) {
	*c.times++
	return json.Marshal("encoded")
}

func TestDeferValues_EncodesWhatALineNeeds(t *testing.T) {
	var out bytes.Buffer
	times := 0
	log := zap.New(zap.WriteTo(&out), zap.RawZapOpts(uberzap.WrapCore(deferValues))).
		WithValues("controller", "recordingfile").WithValues("object", counted{&times}).WithValues("reconcileID", "1")
	log.V(1).Info("Not at this level")
	if times != 0 || out.Len() != 0 {
		t.Errorf("encoded %d times without a line: %s", times, out.String())
	}
	log.Info("A line", "more", true)
	log.Info("Another line")
	if times != 1 {
		t.Errorf("encoded %d times for two lines", times)
	}
	for line := range bytes.Lines(out.Bytes()) {
		var got map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatal(err)
		}
		if got["controller"] != "recordingfile" || got["object"] != "encoded" || got["reconcileID"] != "1" {
			t.Errorf("a line without all values: %s", line)
		}
	}
}
