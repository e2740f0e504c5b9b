// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package jobs

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
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

// needs are a step's default resources.
type needs struct {
	cpu string
	// memory that is requested. The limit is memoryBase and memoryPerPixel for each pixel of the picture.
	memory, memoryBase, memoryPerPixel int64
}

// The limits are twice what ffmpeg 5.1 needs with 16 threads: x264 veryfast takes 332 MiB at 1280x720, 683 MiB at
// 1920x1080 and 2062 MiB at 3840x2160; decoding takes 117, 173 and 479 MiB. Copying and remuxing take less than is
// requested, but a finding may call for decoding.
var (
	needsOfEncoding = needs{cpu: "1", memory: gibibyte, memoryBase: gibibyte, memoryPerPixel: 384}
	needsOfCopying  = needs{cpu: "100m", memory: 256 * mebibyte, memoryBase: 512 * mebibyte, memoryPerPixel: 64}
)

// resources of each of the step's containers: the pipeline's, as they are, or defaults. A limit on memory is always
// among the defaults, so that a namespace whose quota demands one takes the pod, and so that a hostile recording costs
// its own step alone.
func resources(work Work, reported int64) corev1.ResourceRequirements {
	if work.Step.Resources != nil {
		return *work.Step.Resources
	}
	need := needsOfCopying
	if encodes(work.Step.Transcode) {
		need = needsOfEncoding
	}
	return corev1.ResourceRequirements{
		Requests: corev1.ResourceList{
			corev1.ResourceCPU:              resource.MustParse(need.cpu),
			corev1.ResourceMemory:           *quantity(need.memory),
			corev1.ResourceEphemeralStorage: *quantity(storageRequest(work.Step, reported)),
		},
		Limits: corev1.ResourceList{
			corev1.ResourceMemory: *quantity(memoryLimit(need, pixels(work))),
		},
	}
}

// encodes says whether the step encodes pictures.
func encodes(transcode *v1alpha1.Transcode) bool {
	return transcode != nil && transcode.Preset == v1alpha1.PresetH264
}

// memoryLimit is rounded up to a quarter of a gibibyte.
func memoryLimit(need needs, pixels int64) int64 {
	const step = gibibyte / 4
	return (need.memoryBase + need.memoryPerPixel*pixels + step - 1) / step * step
}

// pixels of the picture that the step works on, as reported.
func pixels(work Work) int64 {
	var width, height int32
	switch {
	case work.InputFrom == nil:
		width, height = work.Facts.Width, work.Facts.Height
	case work.InputFrom.Media != nil:
		width, height = work.InputFrom.Media.Width, work.InputFrom.Media.Height
	}
	if width <= 0 || height <= 0 {
		return unknownPixels
	}
	return min(int64(width)*int64(height), maxPixels)
}

// storageRequest is the disk that the step is likely to fill: the source and, unless it is published as it is, a result
// of the same size.
func storageRequest(step *v1alpha1.Step, reported int64) int64 {
	if reported <= 0 {
		return unknownStorage
	}
	likely := min(reported, v1alpha1.MaxSizeBytes)
	if step.Archive == nil {
		likely *= 2
	}
	return likely + leastStorage
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
