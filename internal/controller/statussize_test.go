// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/discovery"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// The greatest statuses, as docs/architecture.md has them, in bytes of JSON: of files, and of every other kind.
const (
	maxFileStatus  = 16 << 10
	maxOtherStatus = 4 << 10
	// escapedTaskIDs is what the IDs of a file's tasks add when JSON escapes each of their characters.
	escapedTaskIDs = v1alpha1.MaxTaskIDs * 128 * 5
)

var sizeTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sizeOf is a status as JSON, in which no text may have what a terminal acts on.
func sizeOf(t *testing.T, status any) int {
	t.Helper()
	encoded, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsFunc(string(encoded), unicode.IsControl) || strings.Contains(string(encoded), `\u001b`) {
		t.Errorf("a control character in %.300q", encoded)
	}
	return len(encoded)
}

// greatestFile is what is known of a file whose every text is as long as the API takes it, and the greatest status that
// processing has (TestStatus_IsBoundedWhateverPodsSay in internal/pipeline).
func greatestFile(piece string) (*gathered, pipeline.Status) {
	text := func(characters int) string { return strings.Repeat(piece, characters) }
	file := &v1alpha1.RecordingFile{}
	file.Name, file.Spec.PipelineRef = strings.Repeat("f", 63), &v1alpha1.LocalReference{Name: strings.Repeat("q", 63)}
	var ignored []string
	for i := range v1alpha1.MaxTaskIDs {
		file.Spec.TaskIDs = append(file.Spec.TaskIDs, text(127)+fmt.Sprint(i))
	}
	for range 16 {
		ignored = append(ignored, strings.Repeat("x", 64))
	}
	facts := recording.Facts{TaskIDs: file.Spec.TaskIDs, Room: text(256), Stream: text(256), Format: strings.Repeat("X", 32), IgnoredFields: ignored,
		RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: v1alpha1.MaxSizeBytes, DurationSeconds: v1alpha1.MaxDurationSeconds, Width: 65536, Height: 65536}}
	processing := pipeline.Status{Reason: strings.Repeat("R", 64), Progress: "20/20"}
	processing.Pipeline = &v1alpha1.PipelineSnapshot{Name: strings.Repeat("p", 63), Revision: strings.Repeat("p", 74)}
	processing.Input, processing.Run, processing.Rerun = strings.Repeat("1", 16), math.MaxInt32, &v1alpha1.RerunStatus{Token: strings.Repeat("t", 64), Run: math.MaxInt32}
	processing.Queue = &v1alpha1.QueueStatus{WaitingFor: strings.Repeat("w", 200), Since: metav1.NewTime(sizeTime)}
	for range v1alpha1.MaxHistory {
		processing.History = append(processing.History, v1alpha1.PastRun{Run: math.MaxInt32, Reason: v1alpha1.ReasonPartlySucceeded, CompletionTime: new(metav1.NewTime(sizeTime))})
	}
	for _, kind := range []string{v1alpha1.ConditionReady, v1alpha1.ConditionProcessed, v1alpha1.ConditionIntact, v1alpha1.ConditionStalled} {
		processing.Conditions = append(processing.Conditions, metav1.Condition{Type: kind, Status: metav1.ConditionUnknown, Reason: v1alpha1.ReasonStorageLocationNotFound,
			Message: strings.Repeat("m", 512), ObservedGeneration: math.MaxInt64, LastTransitionTime: metav1.NewTime(sizeTime)})
	}
	seen := &gathered{file: file, facts: facts}
	seen.Now = sizeTime
	return seen, processing
}

// maxStepsSize is what internal/pipeline gives the steps of a file.
const maxStepsSize = 7 << 10

// TestFileStatus_GreatestFits holds for whatever callbacks say of the recording.
func TestFileStatus_GreatestFits(t *testing.T) {
	for piece, most := range map[string]int{"x": maxFileStatus, "教": maxFileStatus + escapedTaskIDs, "<": maxFileStatus + escapedTaskIDs} {
		size := sizeOf(t, fileStatus(greatestFile(piece))) + maxStepsSize
		t.Logf("%q: %d bytes", piece, size)
		if size > most {
			t.Errorf("of %q the greatest status of a file has %d bytes, want at most %d", piece, size, most)
		}
	}
}

// TestTaskStatus_GreatestFits holds for a saturated task of hostile names.
func TestTaskStatus_GreatestFits(t *testing.T) {
	for _, piece := range []string{"x", "教", "<"} {
		task := &v1alpha1.RecordingTask{}
		task.Generation = math.MaxInt64
		task.Spec.RecordingIdentity = v1alpha1.RecordingIdentity{Room: strings.Repeat(piece, 256), Stream: strings.Repeat(piece, 256)}
		task.Spec.Starts = map[string]v1alpha1.StartTimestamp{}
		for i := range v1alpha1.MaxStarts - 1 {
			task.Spec.Starts[fmt.Sprintf("%016x", i)] = "1"
		}
		status, _ := recording.ComputeTask(recording.TaskObservation{Task: task, OpenTimeout: time.Nanosecond, Now: sizeTime,
			Files: []recording.Facts{{RecordingFacts: v1alpha1.RecordingFacts{SizeBytes: math.MaxInt64, DurationSeconds: math.MaxInt64}}}})
		task.Status = status
		status, _ = recording.ComputeTask(recording.TaskObservation{Task: task, OpenTimeout: time.Nanosecond, Now: sizeTime.Add(time.Hour)})
		if size := sizeOf(t, status); size > maxOtherStatus {
			t.Errorf("of %q the greatest status of a task has %d bytes", piece, size)
		}
	}
}

// TestOtherStatuses_GreatestFit: the status of a source with discovery and a registration, of a pipeline, of a location and
// of a rejected callback, with whatever an expression, a server or a key of an object makes an error say.
func TestOtherStatuses_GreatestFit(t *testing.T) {
	for _, piece := range []string{"x", "教", "<", "\x1b[2J", "\u009b", "\n"} {
		hostile := strings.Repeat(piece, 40_000/len(piece))
		var ready []metav1.Condition
		setReady(&ready, notReady(v1alpha1.ReasonRouteInvalid, "spec.routes[31].when: %s", hostile), math.MaxInt64, sizeTime)
		ended := &begunScan{report: discovery.Report{Outcomes: map[discovery.Outcome]int64{discovery.Updated: math.MaxInt64, discovery.Created: math.MaxInt64}}}
		for range 5 {
			ended.report.Problems = append(ended.report.Problems, hostile[:500])
		}
		discovered := discoveredCondition(&v1alpha1.RecordingSource{}, ended, errors.New(hostile))
		registered := discovered
		registered.Type = v1alpha1.ConditionRegistered
		at := new(metav1.NewTime(sizeTime))
		source := v1alpha1.RecordingSourceStatus{
			Conditions: append(slices.Clone(ready), discovered, registered), ObservedGeneration: math.MaxInt64, CallbackPath: "/callbacks/" + strings.Repeat("n", 127),
			Discovery: &v1alpha1.DiscoveryStatus{Since: *at, Through: at, LastTime: at, CreatedFiles: math.MaxInt64},
			Registration: &v1alpha1.RegistrationStatus{AppID: strings.Repeat("a", 128), URL: strings.Repeat("u", 400), Fingerprint: strings.Repeat("f", 16), KeyTime: at,
				RotateKey: strings.Repeat("r", 64), Rotation: &v1alpha1.KeyRotation{StartTime: *at, RegisteredTime: at, UsedTime: at}},
		}
		for name, status := range map[string]any{
			"RecordingSource":   source,
			"RecordingPipeline": v1alpha1.RecordingPipelineStatus{Conditions: ready, ObservedGeneration: math.MaxInt64},
			"StorageLocation":   v1alpha1.StorageLocationStatus{Conditions: ready, ObservedGeneration: math.MaxInt64},
		} {
			if size := sizeOf(t, status); size > maxOtherStatus {
				t.Errorf("of %q the greatest status of a %s has %d bytes", piece, name, size)
			}
		}
		for _, condition := range source.Conditions {
			if len(condition.Message) > 512 {
				t.Errorf("a message of %d bytes in %s", len(condition.Message), condition.Type)
			}
		}
	}
}
