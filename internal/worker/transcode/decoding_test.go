// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package transcode

import (
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/compare"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

// TestSayComplaints_WhereNobodyKnows: decoders complained once, and not when the file was decoded again; no place is made up.
func TestSayComplaints_WhereNobodyKnows(t *testing.T) {
	for name, test := range map[string]struct {
		spots  []compare.Range
		prefix string
		at     int64
	}{
		"nowhere":   {nil, "DecodeErrors: decoders report 2 error(s)", 0},
		"somewhere": {[]compare.Range{{From: 3 * media.Clock, To: 4 * media.Clock}}, "DecodeErrors: at 3s: decoders report 2 error(s)", 3000},
	} {
		t.Run(name, func(t *testing.T) {
			m := &maker{timeline: &timeline.Timeline{}, spec: &v1alpha1.Transcode{}, complaints: 2, spots: test.spots}
			var integrity step.Integrity
			if err := m.sayComplaints(&integrity); err == nil || !strings.HasPrefix(err.Error(), test.prefix) {
				t.Errorf("got %v, want %s", err, test.prefix)
			}
			m.spec.OnDamage = v1alpha1.DamagePublish
			integrity = step.Integrity{}
			if err := m.sayComplaints(&integrity); err != nil {
				t.Fatal(err)
			}
			found := integrity.Status().Findings
			if len(found) != 1 || found[0].Segment != nil || found[0].AtMilliseconds != test.at {
				t.Errorf("the findings are %+v", found)
			}
		})
	}
}
