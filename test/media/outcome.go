// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

// Presets that shapes are tried with.
const (
	presetArchive = "archive"
	presetRemux   = "Remux"
	presetH264    = "H264"
)

// outcome of one shape with one preset.
type outcome string

const (
	goodPassed    outcome = "good passed"
	goodRefused   outcome = "good refused"
	damageFound   outcome = "damaged found"
	damageMissed  outcome = "missed"
	wrongResult   outcome = "wrong"
	changeAsked   outcome = "change asked"
	undecided     outcome = "undecided said"
	refusedRight  outcome = "refused, as it must be"
	decodingFinds outcome = "found by decoding"
	keptUndecoded outcome = "kept, not decoded"
)

// isRight says that an outcome is what must be.
func (o outcome) isRight() bool {
	switch o {
	case goodPassed, damageFound, changeAsked, undecided, refusedRight, decodingFinds, keptUndecoded:
		return true
	default:
		return false
	}
}

// row of the report: one shape with one preset.
type row struct {
	Shape    string   `json:"shape"`
	Kind     string   `json:"kind"`
	Says     string   `json:"says"`
	Preset   string   `json:"preset"`
	Outcome  outcome  `json:"outcome"`
	State    state    `json:"state,omitempty"`
	Problems []string `json:"problems,omitempty"`
	// Said is the worker's reason and message, when it refused.
	Said string `json:"said,omitempty"`
	// Bare is what ffmpeg alone makes of it with the preset's plain command: empty when not tried, "right", or what is
	// wrong.
	Bare    string  `json:"bare,omitempty"`
	Seconds float64 `json:"seconds"`
}
