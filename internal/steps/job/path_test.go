// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
)

func file() *v1alpha1.RecordingFile {
	return &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "mystream-0a1b2c3d", UID: "6e1d0d3e-0000-4000-8000-000000000000"}}
}

func facts() recording.Facts {
	return recording.Facts{
		Source: "classroom", App: "app", Room: "room01", Stream: "mystream", Format: "HLS", TaskIDs: []string{"task"},
		RecordingFacts: v1alpha1.RecordingFacts{StartTime: new(metav1.NewTime(time.Date(2021, 4, 28, 8, 56, 57, 0, time.UTC)))},
	}
}

func TestExpandPath(t *testing.T) {
	hostile := facts()
	hostile.Room, hostile.Stream = "../../etc\x00/房间 01", ".."
	tests := map[string]string{
		"":                      "_.._etc__房间_01/unknown/20210428T085657Z-mystream-0a1b2c3d/mp4/", // leading dots are dropped
		"{date}/{start}":        "2021-04-28/20210428T085657Z/",
		"fixed/{app}//{format}": "fixed/app/HLS/",
		"{namespace}/{source}/": "media/classroom/",
		"{task}":                "task/",
	}
	for template, want := range tests {
		if got := expandPath(template, file(), hostile, "mp4"); got != want {
			t.Errorf("%q: got %q, want %q", template, got, want)
		}
	}
}

// TestExpandPath_StaysBelow holds for whatever a callback says.
func TestExpandPath_StaysBelow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hostile := facts()
		hostile.Room = rapid.String().Draw(t, "room")
		hostile.Stream = rapid.StringN(0, 256, 1024).Draw(t, "stream")
		got := expandPath("a/{room}/{stream}/", file(), hostile, "s")
		parts := strings.Split(got, "/")
		if len(parts) != 4 || parts[0] != "a" || parts[3] != "" || len(got) > 1024-512 {
			t.Fatalf("got %q", got)
		}
		for _, part := range parts[:3] {
			if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "\x00\n\\") {
				t.Fatalf("part %q of %q", part, got)
			}
		}
	})
}

func TestName_IsALabelAndDiffers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := file()
		one.Name = rapid.StringMatching(`[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?`).Draw(t, "name")
		step := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,22}[a-z0-9])?`).Draw(t, "step")
		run := rapid.Int32Range(1, 1<<31-1).Draw(t, "run")
		nameOf := func(of *v1alpha1.RecordingFile, run, retry int32, input string) string {
			return Name(of, &pipeline.Start{Step: &v1alpha1.Step{Name: step}, Run: run, Retry: retry, InputDigest: input})
		}
		name := nameOf(one, run, 0, "in")
		for retry := range int32(3) {
			if problems := validation.IsDNS1123Label(nameOf(one, run, retry, "in")); len(problems) > 0 {
				t.Fatalf("%q: %v", name, problems)
			}
		}
		other := file()
		other.Name, other.UID = one.Name, "another"
		for _, another := range []string{
			nameOf(one, run, 0, "grown"), nameOf(other, run, 0, "in"), nameOf(one, run-1, 0, "in"), nameOf(one, run, 1, "in"),
		} {
			if name == another {
				t.Fatal("the name does not tell facts, runs, tries and files apart")
			}
		}
		if name != nameOf(one, run, 0, "in") || nameOf(one, run, 1, "in") == nameOf(one, run, 2, "in") {
			t.Fatal("the name is another one the second time, or the same for another try")
		}
	})
}

func TestFailurePolicy_StopsAtPermanentFailures(t *testing.T) {
	rules := failurePolicy().Rules
	if rules[0].Action != "FailJob" || rules[0].OnExitCodes.Values[0] != 65 {
		t.Errorf("got %+v", rules[0])
	}
}
