// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// escapes clear a terminal, color what follows, ring its bell, write over the line, and turn the text.
const escapes = "\x1b[2J\u009b31m\x07\r\x7f\u202e"

// hostileFile is a file in whose status every text ends in what a terminal acts on, as a person who writes statuses past the
// operator, or an operator with a fault, could have it.
func hostileFile(t *testing.T) *v1alpha1.RecordingFile {
	t.Helper()
	file := processed()
	file.Spec.Reported = &v1alpha1.ReportedRecording{RecordingIdentity: v1alpha1.RecordingIdentity{Room: "room" + escapes, Stream: "stream" + escapes}}
	file.Status.Summary = &v1alpha1.FileSummary{Room: "room", Stream: "stream", Reason: "Failed", Progress: "1/2"}
	file.Status.Queue = &v1alpha1.QueueStatus{WaitingFor: "RecordingPipeline lecture", Since: metav1.NewTime(testNow)}
	encoded, err := json.Marshal(file.Status)
	if err != nil {
		t.Fatal(err)
	}
	var status any
	if err := json.Unmarshal(encoded, &status); err != nil {
		t.Fatal(err)
	}
	if encoded, err = json.Marshal(withEscapes("", status)); err != nil {
		t.Fatal(err)
	}
	file.Status = v1alpha1.RecordingFileStatus{}
	if err := json.Unmarshal(encoded, &file.Status); err != nil {
		t.Fatal(err)
	}
	return file
}

// withEscapes has every text end in escapes, but times, states, and the names that Jobs are found by.
func withEscapes(field string, value any) any {
	switch value := value.(type) {
	case string:
		if _, err := time.Parse(time.RFC3339, value); err == nil || slices.Contains([]string{"state", "status", "type", "jobName"}, field) {
			return value
		}
		return value + escapes
	case []any:
		for i := range value {
			value[i] = withEscapes(field, value[i])
		}
	case map[string]any:
		for name, each := range value {
			value[name] = withEscapes(name, each)
		}
	}
	return value
}

// TestCommands_PrintNothingThatATerminalActsOn: whatever an object says, neither what a command prints nor its error moves,
// colors or clears anything.
func TestCommands_PrintNothingThatATerminalActsOn(t *testing.T) {
	f := withProcessing(t)
	file := hostileFile(t)
	f.objects[recordings+"recordingfiles/camera-1"] = file
	f.objects[strings.TrimSuffix(recordings, "/")+"/recordingfiles"] = &v1alpha1.RecordingFileList{Items: []v1alpha1.RecordingFile{*file}}
	rejected := &v1alpha1.RejectedCallback{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "classroom-07", Generation: 1}}
	rejected.Spec.Replay = true
	rejected.Status.ObservedGeneration = 1
	rejected.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReplayed, Status: metav1.ConditionFalse, Reason: "Refused" + escapes,
		Message: "room" + escapes, ObservedGeneration: 1}}
	f.objects[recordings+"rejectedcallbacks/classroom-07"] = rejected
	f.logs["camera-1-tell-a/trigger"] = "log" + escapes + "\n"
	for name, args := range map[string][]string{
		"tree": {"tree", "camera-1"}, "queue": {"queue"}, "logs": {"logs", "camera-1"}, "a step that is not there": {"logs", "camera-1", "mp5"},
		"a step that waits": {"logs", "camera-1", "pictures" + escapes}, "retry": {"retry", "camera-1"}, "replay": {"replay", "classroom-07", "--timeout", "1s"},
		"a name": {"tree", "camera" + escapes}, "a label": {"suspend", "-l", "a=" + escapes},
	} {
		t.Run(name, func(t *testing.T) {
			got := f.run(t, "", args...)
			if got.out+got.err == "" {
				t.Fatal("it prints nothing")
			}
			if at := strings.IndexFunc(got.out+got.err, func(r rune) bool { return unicode.IsControl(r) && r != '\n' || unicode.Is(unicode.Cf, r) }); at >= 0 {
				t.Errorf("%q", got.out+got.err)
			}
		})
	}
	lines := slices.Concat(tableOf([]*v1alpha1.RecordingFile{file}, true), []string{lineOf(file)})
	if text := strings.Join(lines, ""); strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }) {
		t.Errorf("watch: %q", text)
	}
}
