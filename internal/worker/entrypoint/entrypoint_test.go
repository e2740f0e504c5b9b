// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package entrypoint

import (
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// TestResultOf_FailureKeepsIntegrity: a step that fails over a damaged recording says what is damaged.
func TestResultOf_FailureKeepsIntegrity(t *testing.T) {
	found := &v1alpha1.Integrity{State: v1alpha1.IntegrityDamaged, Checked: v1alpha1.CheckedStructure}
	err := failure.Permanent(workerapi.ReasonSegmentMissing, "segment 1 is missing")
	result, code := resultOf(workerapi.Result{Integrity: found}, err, false)
	if code != workerapi.ExitPermanent || result.Failure == nil || result.Integrity != found {
		t.Errorf("exit code %d, %+v", code, result)
	}
}

// TestResultOf_NothingToDoIsNoFailure: the operator skips the step, and the Job does not try again.
func TestResultOf_NothingToDoIsNoFailure(t *testing.T) {
	result, code := resultOf(workerapi.Result{}, failure.Skip(workerapi.ReasonNoVideo, "sound alone"), false)
	if code != workerapi.ExitSkipped || result.Failure == nil || !result.Failure.NothingToDo || !result.Failure.Permanent {
		t.Errorf("exit code %d, %+v", code, result.Failure)
	}
}
