// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package pipeline

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// maxProcessing is the most that processing adds to a status, as JSON: maxSteps, four conditions, what is queued for, the
// history and the snapshot.
const maxProcessing = maxSteps + 4*(512+200) + 2<<10

// drawHostile is a text that a pod may send: plain, long, of characters that JSON escapes, or that terminals act on.
func drawHostile(t *rapid.T, what string, most int) string {
	piece := rapid.SampledFrom([]string{"k", "<", "教", "\"", "\x1b[2J", "\u009b", "\n", "\u202e", "Error"}).Draw(t, what)
	return strings.Repeat(piece, rapid.IntRange(0, most/len(piece)).Draw(t, what+" length"))
}

// drawMessage is a termination message that a person with the right to create pods may have planted.
func drawMessage(t *rapid.T) string {
	var result workerapi.Result
	text := func(what string, most int) string { return drawHostile(t, what, most) }
	for range rapid.IntRange(0, 5).Draw(t, "outputs") {
		result.Outputs = append(result.Outputs, v1alpha1.Artifact{Name: text("name", 40), URI: text("uri", 1200), Bucket: text("bucket", 63), Key: text("key", 1024),
			MediaType: text("type", 200), SHA256: text("sha", 80), SizeBytes: math.MaxInt64, Media: &v1alpha1.Media{Container: text("container", 40), Width: math.MaxInt32}})
	}
	for i := range rapid.IntRange(0, 10).Draw(t, "results") {
		result.Results = append(result.Results, v1alpha1.StepResult{Name: fmt.Sprint("r", i), Value: text("value", 1100)})
	}
	if rapid.Bool().Draw(t, "with an object") {
		result.Object = &v1alpha1.ObjectReference{APIVersion: text("apiVersion", 330), Kind: text("kind", 70), Name: text("object", 70)}
	}
	if rapid.Bool().Draw(t, "with a manifest") {
		result.Manifest = &v1alpha1.ManifestReference{URI: text("manifest", 2000), SHA256: strings.Repeat("a", 64), Outputs: math.MaxInt32, Files: math.MaxInt32}
	}
	if rapid.Bool().Draw(t, "with integrity") {
		result.Integrity = integrity(v1alpha1.IntegrityDamaged, rapid.IntRange(0, 16).Draw(t, "findings"))
		result.Integrity.Packets = v1alpha1.PacketCounts{Video: math.MaxInt64, Audio: math.MaxInt64}
		for i := range result.Integrity.Findings {
			result.Integrity.Findings[i].Message = text("finding", 300)
		}
	}
	if rapid.Bool().Draw(t, "failed") {
		result.Failure = &workerapi.Failure{Reason: text("reason", 200), Message: text("message", 3000), Permanent: rapid.Bool().Draw(t, "permanent")}
	}
	encoded, err := json.Marshal(result)
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// drawSubject is one with as many steps as a pipeline may have. Any may have ended, with any message.
func drawSubject(t *rapid.T) *Observation {
	var all []v1alpha1.Step
	var children []Child
	for i := range 20 {
		name := fmt.Sprintf("a-step-with-its-name-%03d", i)
		one := step(name)
		if i > 0 && rapid.Bool().Draw(t, "with an input") {
			one.Input = &v1alpha1.StepInput{Step: all[rapid.IntRange(0, i-1).Draw(t, "input")].Name}
		}
		all = append(all, one)
		if rapid.IntRange(0, 4).Draw(t, "not begun") == 0 {
			continue
		}
		result, err := workerapi.DecodeResult(drawMessage(t))
		end := rapid.SampledFrom([]func(*Child){fails, succeeds}).Draw(t, "end")
		children = append(children, child(name, end, func(c *Child) {
			c.Name = strings.Repeat("j", 63)
			if c.Result = nil; err == nil {
				c.Result = &result
			}
		}))
	}
	seen := observation(all, children...)
	seen.Pipeline.PipelineSnapshot = v1alpha1.PipelineSnapshot{Name: strings.Repeat("p", 63), Revision: strings.Repeat("p", 253)}
	seen.Recorded.Run = math.MaxInt32 - 9
	for range v1alpha1.MaxHistory {
		seen.Recorded.History = append(seen.Recorded.History, v1alpha1.PastRun{Run: math.MaxInt32, Reason: v1alpha1.ReasonPartlySucceeded, CompletionTime: new(metav1.NewTime(now))})
	}
	for i := range children {
		seen.Children[i].Run = seen.run()
	}
	return seen
}

// TestStatus_IsBoundedWhateverPodsSay: no termination message and no problem makes the status of a file large, or brings a
// character into it that a terminal acts on.
func TestStatus_IsBoundedWhateverPodsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seen := drawSubject(t)
		problems := map[string]Problem{}
		for _, step := range seen.Pipeline.Spec.Steps {
			problems[step.Name] = Problem{Reason: v1alpha1.ReasonJobInvalid, Message: drawHostile(t, "problem", 4000), Passing: true}
		}
		if rapid.Bool().Draw(t, "no problems") {
			problems = nil
		}
		got := Decide(seen).Status(Outcome{Problems: problems})
		encoded, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if !fits(got.Steps) || len(encoded) > maxProcessing {
			stepsOnly, _ := json.Marshal(got.Steps)
			t.Fatalf("%d bytes, %d of them steps", len(encoded), len(stepsOnly))
		}
		var said any
		if err := json.Unmarshal(encoded, &said); err != nil {
			t.Fatal(err)
		}
		eachText(said, func(text string) {
			if strings.ContainsFunc(text, unicode.IsControl) {
				t.Fatalf("a control character in %q", text)
			}
		})
	})
}

// eachText visits every text of decoded JSON.
func eachText(value any, visit func(string)) {
	switch value := value.(type) {
	case string:
		visit(value)
	case []any:
		for _, each := range value {
			eachText(each, visit)
		}
	case map[string]any:
		for _, each := range value {
			eachText(each, visit)
		}
	}
}
