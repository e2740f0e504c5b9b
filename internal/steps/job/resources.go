// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package job

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	mebibyte = int64(1) << 20
	gibibyte = int64(1) << 30

	// maxUnknownBytes bounds the fetch of a recording whose size was not reported: 12 hours at 20 Mbit/s.
	maxUnknownBytes = 108 * gibibyte
	// unknownStorage is the disk that is requested for such a recording.
	unknownStorage = gibibyte
	// leastStorage is the least disk that is requested: the manifest and what tools write beside the media.
	leastStorage = 64 * mebibyte
	// maxTemp bounds /tmp.
	maxTemp = gibibyte

	// unknownPixels stands for a picture whose size was not reported: 3840x2160. maxPixels is 7680x4320; what reports
	// more does not get more.
	unknownPixels = int64(3840 * 2160)
	maxPixels     = int64(7680 * 4320)
)

// Needs are the resources that a kind of step has by default.
type Needs struct {
	// CPU that is requested, for example 100m.
	CPU string
	// Memory that is requested, in bytes. The limit is MemoryBase and MemoryPerPixel for each pixel of the picture.
	Memory, MemoryBase, MemoryPerPixel int64
	// Copies is how many times the recording's size the step is likely to write to its work volume, the recording itself
	// included.
	Copies int64
}

// Copying are the needs of a step that copies packets: it takes less memory than is requested, but a finding may call for
// decoding. ffmpeg decodes with 117 MiB at 1280x720, 173 MiB at 1920x1080 and 479 MiB at 3840x2160, with 16 threads; the
// limit is twice that.
func Copying(copies int64) Needs {
	return Needs{CPU: "100m", Memory: 256 * mebibyte, MemoryBase: 512 * mebibyte, MemoryPerPixel: 64, Copies: copies}
}

// Resources of each of the step's containers: the pipeline's, as they are, or these defaults.
func (w *Work) Resources(defaults corev1.ResourceRequirements) corev1.ResourceRequirements {
	if own := w.settings().Resources; own != nil {
		return corev1.ResourceRequirements{Limits: own.Limits, Requests: own.Requests}
	}
	return defaults
}

// defaults are the resources of a step that works on media. A limit on memory is always among them, so that a namespace
// whose quota demands one takes the pod, and so that a hostile recording costs its own step alone.
func defaults(work *Work, need Needs, reported int64) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse(need.CPU),
			corev1.ResourceMemory:           *quantity(need.Memory),
			corev1.ResourceEphemeralStorage: *quantity(storageRequest(need.Copies, reported)),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceMemory: *quantity(memoryLimit(need, pixels(work))),
		},
	}
}

// memoryLimit is rounded up to a quarter of a gibibyte.
func memoryLimit(need Needs, pixels int64) int64 {
	const step = gibibyte / 4
	return (need.MemoryBase + need.MemoryPerPixel*pixels + step - 1) / step * step
}

// pixels of the picture that the step works on, as reported.
func pixels(work *Work) int64 {
	var width, height int32
	switch {
	case len(work.Inputs) == 0 || work.Inputs[0].Step == v1alpha1.InputRecording:
		width, height = work.Facts.Width, work.Facts.Height
	case work.Inputs[0].Media != nil:
		width, height = work.Inputs[0].Media.Width, work.Inputs[0].Media.Height
	}
	if width <= 0 || height <= 0 {
		return unknownPixels
	}
	return min(int64(width)*int64(height), maxPixels)
}

// reportedBytes is how large the inputs are together. Beside others, a recording whose size was not reported counts as
// unknownStorage; alone, as 0.
func reportedBytes(inputs []workerapi.Input) int64 {
	var bytes int64
	for i := range inputs {
		size := inputs[i].Artifact.SizeBytes
		if size <= 0 && inputs[i].Step == v1alpha1.InputRecording && len(inputs) > 1 {
			size = unknownStorage
		}
		bytes += size
	}
	return bytes
}

// storageRequest is the disk that the step is likely to fill.
func storageRequest(copies, reported int64) int64 {
	if reported <= 0 {
		return unknownStorage
	}
	return copies*min(reported, v1alpha1.MaxSizeBytes) + leastStorage
}

// maxBytes bounds what is fetched: what was reported, with room for a file that has grown since. The report is no more
// than MaxSizeBytes, so that nothing here overflows.
func maxBytes(reported int64) int64 {
	if reported <= 0 {
		return maxUnknownBytes
	}
	return 2*min(reported, v1alpha1.MaxSizeBytes) + gibibyte
}

// workSize bounds the shared folder: the source, its stretches joined for a re-encoding, and the result, each up to what
// may be fetched.
func workSize(fetched int64) *resource.Quantity {
	return quantity(3 * fetched)
}

// quantity is rounded up to a mebibyte, so that it can be read.
func quantity(bytes int64) *resource.Quantity {
	return resource.NewQuantity((bytes+mebibyte-1)/mebibyte*mebibyte, resource.BinarySI)
}
