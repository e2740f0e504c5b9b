// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"math"
	"slices"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bounded"
)

// maxFindingType is the longest type of a finding, in bytes.
const maxFindingType = 32

// boundIntegrity is the integrity as the API server takes it. The termination message is untrusted, and the API server would
// refuse a longer integrity together with the whole status. Nil stays nil.
func boundIntegrity(integrity *v1alpha1.Integrity) *v1alpha1.Integrity {
	if integrity == nil {
		return nil
	}
	result := integrity.DeepCopy()
	switch result.State {
	case v1alpha1.IntegrityIntact, v1alpha1.IntegrityDamaged, v1alpha1.IntegrityUnknown:
	default:
		result.State = v1alpha1.IntegrityUnknown
	}
	if result.Checked != v1alpha1.CheckedDecoded {
		result.Checked = v1alpha1.CheckedStructure
	}
	result.More = max(result.More, 0)
	known := slices.DeleteFunc(result.Findings, func(finding v1alpha1.Finding) bool {
		return !isName(string(finding.Type), maxFindingType)
	})
	listed := min(len(known), v1alpha1.MaxFindings)
	result.More = addSaturating(result.More, len(integrity.Findings)-listed)
	result.Findings = known[:listed]
	for i := range result.Findings {
		result.Findings[i].Message = bounded.Bytes(bounded.Printable(result.Findings[i].Message), v1alpha1.MaxFindingMessage)
	}
	return result
}

// WithFindings is the integrity with at most count findings: the first ones. More counts the others.
func WithFindings(integrity *v1alpha1.Integrity, count int) *v1alpha1.Integrity {
	if integrity == nil || len(integrity.Findings) <= count {
		return integrity
	}
	result := integrity.DeepCopy()
	result.More = addSaturating(result.More, len(result.Findings)-count)
	result.Findings = result.Findings[:count:count]
	return result
}

// isName says that a text is a CamelCase name of at most so many bytes.
func isName(text string, limit int) bool {
	return text != "" && len(text) <= limit && !strings.ContainsFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
	})
}

// addSaturating adds a count that is not negative.
func addSaturating(to int32, count int) int32 {
	return int32(min(int64(to)+int64(count), math.MaxInt32)) //nolint:gosec // it is at most MaxInt32
}
