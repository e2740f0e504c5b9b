// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/recording"
)

func workWith(own v1alpha1.StepSettings, defaults *v1alpha1.StepSettings, seconds int64) *Work {
	return &Work{
		Start:    pipeline.Start{Step: &v1alpha1.Step{StepSettings: own}},
		Defaults: defaults,
		Facts:    recording.Facts{RecordingFacts: v1alpha1.RecordingFacts{DurationSeconds: seconds}},
	}
}

func TestSettings_StepReplacesDefaults(t *testing.T) {
	defaults := v1alpha1.StepSettings{
		Retries: new(int32(1)), Timeout: &metav1.Duration{Duration: time.Hour}, NodeSelector: map[string]v1alpha1.LabelValue{"disk": "fast", "zone": "a"},
		Tolerations: []v1alpha1.Toleration{{Key: "a"}}, Resources: &v1alpha1.StepResources{}, PriorityClassName: "low",
	}
	if diff := cmp.Diff(defaults, workWith(v1alpha1.StepSettings{}, &defaults, 0).settings()); diff != "" {
		t.Errorf("a step that says nothing (-defaults +step):\n%s", diff)
	}
	own := v1alpha1.StepSettings{
		Retries: new(int32(0)), TimeoutFactor: new(int32(2)), NodeSelector: map[string]v1alpha1.LabelValue{"zone": "b"},
		Tolerations: []v1alpha1.Toleration{}, Resources: &v1alpha1.StepResources{Limits: corev1.ResourceList{"gpu": resource.MustParse("1")}}, PriorityClassName: "high",
	}
	if diff := cmp.Diff(own, workWith(own, &defaults, 0).settings()); diff != "" {
		t.Errorf("a step that says everything (-own +step):\n%s", diff)
	}
	if got := workWith(v1alpha1.StepSettings{}, nil, 0); got.retries() != 3 || got.timeout() != 6*time.Hour {
		t.Errorf("without any: %d retries, timeout %s", got.retries(), got.timeout())
	}
}

func TestSettings_TimeoutIsAMultipleOfTheDuration(t *testing.T) {
	for name, test := range map[string]struct {
		factor  int32
		seconds int64
		want    time.Duration
	}{
		"an hour":           {4, 3600, 4 * time.Hour},
		"a second":          {4, 1, 10 * time.Minute},
		"unknown":           {4, 0, 6 * time.Hour},
		"a month":           {4, 30 * 24 * 3600, 168 * time.Hour},
		"the longest there": {100, v1alpha1.MaxDurationSeconds, 168 * time.Hour},
	} {
		if got := workWith(v1alpha1.StepSettings{TimeoutFactor: &test.factor}, nil, test.seconds).timeout(); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
