// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package workerapi

import (
	"encoding/json"
	"fmt"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Each container of a step's pod answers GET http://<IP of the pod>:ProgressPort/ProgressPath with a Progress as JSON,
// while it runs. It takes no token and tells nothing else.
const (
	ProgressPort = 8095
	ProgressPath = "/progress"
)

// MaxProgress is the most that a Progress has as JSON, in bytes.
const MaxProgress = 256

// Progress is how far a container of a step is.
type Progress struct {
	// Stage is the container that runs.
	Stage v1alpha1.StepStage `json:"stage"`
	// Percent of the whole step that is done, from 0 to 100, as Share says.
	Percent int32 `json:"percent"`
	// BytesPerSecond is how fast bytes are fetched or published; 0: this is not what is counted, or nothing is known.
	BytesPerSecond int64 `json:"bytesPerSecond,omitempty"`
	// MediaMillisecondsPerSecond is how much of the recording is processed in a second; at 1000 it would be played.
	// 0: this is not what is counted, or nothing is known.
	MediaMillisecondsPerSecond int64 `json:"mediaMillisecondsPerSecond,omitempty"`
}

// Share is the part of a step's percent that a stage has, whatever time it takes: a step that encodes spends most of its
// time on the middle one, a step that copies on the others. false: there is no such stage.
func Share(stage v1alpha1.StepStage) (from, to int32, known bool) {
	switch stage {
	case v1alpha1.StageFetch:
		return 0, 20, true
	case v1alpha1.StageProcess:
		return 20, 80, true
	case v1alpha1.StagePublish:
		return 80, 100, true
	}
	return 0, 0, false
}

// DecodeProgress reads what a pod answers. Anybody who may create pods can answer, so that a Progress that no worker
// sends is an error.
func DecodeProgress(data []byte) (Progress, error) {
	if len(data) > MaxProgress {
		return Progress{}, fmt.Errorf("decode progress: more than %d bytes", MaxProgress)
	}
	var found Progress
	if err := json.Unmarshal(data, &found); err != nil {
		return Progress{}, fmt.Errorf("decode progress: %w", err)
	}
	from, to, known := Share(found.Stage)
	switch {
	case !known:
		return Progress{}, fmt.Errorf("decode progress: there is no stage %.20q", found.Stage)
	case found.Percent < from || found.Percent > to:
		return Progress{}, fmt.Errorf("decode progress: stage %s has no percent %d", found.Stage, found.Percent)
	case found.BytesPerSecond < 0 || found.MediaMillisecondsPerSecond < 0:
		return Progress{}, fmt.Errorf("decode progress: a rate is negative")
	}
	return found, nil
}
