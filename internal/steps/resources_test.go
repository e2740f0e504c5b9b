// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package steps_test

import (
	"math"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	mebibyte = int64(1) << 20
	gibibyte = int64(1) << 30
)

func TestResources_Defaults(t *testing.T) {
	remux, h264 := &v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}, &v1alpha1.Transcode{Preset: v1alpha1.PresetH264}
	archive := &v1alpha1.Archive{}
	for name, test := range map[string]struct {
		transcode          *v1alpha1.Transcode
		archive            *v1alpha1.Archive
		thumbnails         *v1alpha1.Thumbnails
		width, height      int32
		size               int64
		cpu, memory, limit string
		storage, shared    string
		input              *v1alpha1.Artifact
	}{
		"remux of 720p":          {transcode: remux, width: 1280, height: 720, size: gibibyte, cpu: "100m", memory: "256Mi", limit: "768Mi", storage: "2112Mi", shared: "9Gi"},
		"archive of 720p":        {archive: archive, width: 1280, height: 720, size: gibibyte, cpu: "100m", memory: "256Mi", limit: "768Mi", storage: "1088Mi", shared: "9Gi"},
		"thumbnails of 720p":     {thumbnails: &v1alpha1.Thumbnails{Poster: true}, width: 1280, height: 720, size: gibibyte, cpu: "100m", memory: "256Mi", limit: "768Mi", storage: "2112Mi", shared: "9Gi"},
		"remux, nothing known":   {transcode: remux, cpu: "100m", memory: "256Mi", limit: "1Gi", storage: "1Gi", shared: "324Gi"},
		"remux of sound alone":   {transcode: remux, size: mebibyte, cpu: "100m", memory: "256Mi", limit: "1Gi", storage: "66Mi", shared: "3078Mi"},
		"H264 of 720p":           {transcode: h264, width: 1280, height: 720, size: gibibyte, cpu: "1", memory: "1Gi", limit: "1536Mi", storage: "2112Mi", shared: "9Gi"},
		"H264 of 1080p":          {transcode: h264, width: 1920, height: 1080, size: gibibyte, cpu: "1", memory: "1Gi", limit: "1792Mi", storage: "2112Mi", shared: "9Gi"},
		"H264 of 2160p":          {transcode: h264, width: 3840, height: 2160, size: gibibyte, cpu: "1", memory: "1Gi", limit: "4Gi", storage: "2112Mi", shared: "9Gi"},
		"H264, nothing known":    {transcode: h264, cpu: "1", memory: "1Gi", limit: "4Gi", storage: "1Gi", shared: "324Gi"},
		"H264 of the impossible": {transcode: h264, width: 65536, height: 65536, cpu: "1", memory: "1Gi", limit: "13Gi", storage: "1Gi", shared: "324Gi"},
		"H264 of another step's 1080p": {transcode: h264, width: 3840, height: 2160, cpu: "1", memory: "1Gi", limit: "1792Mi", storage: "84Mi", shared: "3132Mi",
			input: &v1alpha1.Artifact{SizeBytes: 10 * mebibyte, Media: &v1alpha1.Media{Width: 1920, Height: 1080}}},
		"H264 of a size that overflows": {transcode: h264, width: 1280, height: 720, size: 1 << 61, cpu: "1", memory: "1Gi", limit: "1536Mi", storage: "2147483712Mi", shared: "6442454016Mi"},
	} {
		t.Run(name, func(t *testing.T) {
			w := work(&v1alpha1.Step{Name: "s", Transcode: test.transcode, Archive: test.archive, Thumbnails: test.thumbnails})
			w.Facts.Width, w.Facts.Height, w.Facts.SizeBytes = test.width, test.height, test.size
			if test.input != nil {
				withInput(w, func(a *v1alpha1.Artifact) { a.SizeBytes, a.Media = test.input.SizeBytes, test.input.Media })
			}
			made, _ := mustBuild(t, w)
			pod := made.Spec.Template.Spec
			for _, c := range append(pod.InitContainers, pod.Containers...) {
				wantQuantity(t, c.Name+" requests cpu", c.Resources.Requests[corev1.ResourceCPU], test.cpu)
				wantQuantity(t, c.Name+" requests memory", c.Resources.Requests[corev1.ResourceMemory], test.memory)
				wantQuantity(t, c.Name+" requests storage", c.Resources.Requests[corev1.ResourceEphemeralStorage], test.storage)
				wantQuantity(t, c.Name+" is limited to memory", c.Resources.Limits[corev1.ResourceMemory], test.limit)
			}
			if shared := pod.Volumes[0].EmptyDir.SizeLimit; shared == nil {
				t.Error("the shared folder has no limit")
			} else {
				wantQuantity(t, "the shared folder is limited to", *shared, test.shared)
			}
		})
	}
}

func wantQuantity(t *testing.T, subject string, got resource.Quantity, want string) {
	t.Helper()
	if got.Cmp(resource.MustParse(want)) != 0 {
		t.Errorf("%s %s, want %s", subject, got.String(), want)
	}
}

func TestResources_ThoseOfTheStepReplaceAllDefaults(t *testing.T) {
	w := work(remux())
	w.Step.Resources = &v1alpha1.StepResources{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")}}
	made, _ := mustBuild(t, w)
	got := made.Spec.Template.Spec.Containers[0].Resources
	if len(got.Requests) != 1 || len(got.Limits) != 0 {
		t.Errorf("got %+v, want what the step says alone", got)
	}
}

// TestResources_AnySizeIsTaken holds that no report, and no output of another step, makes a Job that the API server
// refuses: every limit is positive and no less than what is requested.
func TestResources_AnySizeIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := work(remux())
		size := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MaxInt64, math.MinInt64, 1 << 61, 1 << 62, 1 << 50, 0, 1})).Draw(t, "size")
		width, height := rapid.Int32().Draw(t, "width"), rapid.Int32().Draw(t, "height")
		if rapid.Bool().Draw(t, "input is a step") {
			withInput(w, func(a *v1alpha1.Artifact) { a.SizeBytes, a.Media = size, &v1alpha1.Media{Width: width, Height: height} })
		} else {
			w.Facts.SizeBytes, w.Facts.Width, w.Facts.Height = size, width, height
		}
		if rapid.Bool().Draw(t, "H264") {
			w.Step.Transcode.Preset = v1alpha1.PresetH264
		}
		made, spec := mustBuild(t, w)
		shared := made.Spec.Template.Spec.Volumes[0].EmptyDir.SizeLimit.Value()
		if spec.Inputs[0].MaxBytes <= 0 || spec.Inputs[0].MaxBytes < spec.Inputs[0].Artifact.SizeBytes || shared < spec.Inputs[0].MaxBytes {
			t.Fatalf("fetches at most %d of %d into %d", spec.Inputs[0].MaxBytes, spec.Inputs[0].Artifact.SizeBytes, shared)
		}
		needed := made.Spec.Template.Spec.Containers[0].Resources
		if memory := needed.Requests.Memory(); memory.Sign() <= 0 || memory.Cmp(*needed.Limits.Memory()) > 0 {
			t.Fatalf("requests %s of memory, limited to %s", memory, needed.Limits.Memory())
		}
		if storage := needed.Requests.StorageEphemeral().Value(); storage <= 0 || storage > shared {
			t.Fatalf("requests a disk of %d, limited to %d", storage, shared)
		}
	})
}
