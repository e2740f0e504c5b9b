// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Thumbnails makes still pictures of a recording. The files are poster.jpg, at-00h01m30s.jpg for a time and at-50pct.jpg
// for a percentage, or the same with .webp. A damaged recording has pictures too: the step's integrity says what is
// damaged. A recording without a picture skips the step with NoVideo.
//
// +kubebuilder:validation:XValidation:rule="has(self.times) || has(self.percentages) || (has(self.poster) && self.poster)",message="at least one of times, percentages and poster must be set"
type Thumbnails struct {
	// times of pictures from the beginning of the recording as it plays, for example 10s and 1m30s. Each gives the picture
	// that is shown at that time; a time after the end gives the last one.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Times []PictureTime `json:"times,omitempty"`

	// percentages are the times of more pictures, in percent of the recording's length: 0 gives the first picture, 100 the
	// last.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Minimum=0
	// +kubebuilder:validation:items:Maximum=100
	Percentages []int32 `json:"percentages,omitempty"`

	// poster makes one picture that stands for the recording: of ten that are spread over its length, the one with the
	// most detail, so that it is neither black nor a blank slide.
	// +optional
	Poster bool `json:"poster,omitempty"`

	// format of the pictures: JPEG or WebP.
	// Default: JPEG.
	// +optional
	// +kubebuilder:default=JPEG
	Format PictureFormat `json:"format,omitempty"`

	// maxWidth in pixels: a wider picture is scaled down with its aspect ratio kept, a narrower one stays as it is.
	// Absent: any width.
	// +optional
	// +kubebuilder:validation:Minimum=16
	// +kubebuilder:validation:Maximum=7680
	// +kubebuilder:validation:MultipleOf=2
	MaxWidth *int32 `json:"maxWidth,omitempty"`

	// maxHeight in pixels: a higher picture is scaled down with its aspect ratio kept, a lower one stays as it is.
	// Absent: any height.
	// +optional
	// +kubebuilder:validation:Minimum=16
	// +kubebuilder:validation:Maximum=4320
	// +kubebuilder:validation:MultipleOf=2
	MaxHeight *int32 `json:"maxHeight,omitempty"`
}

// PictureTime is a time from the beginning of a recording, for example 1m30s.
//
// +kubebuilder:validation:MaxLength=16
// +kubebuilder:validation:Pattern=`^([0-9]+([.][0-9]+)?(ms|s|m|h))+$`
// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('168h')",message="times must be at most 168h"
type PictureTime string

// PictureFormat is the format of a still picture.
// +kubebuilder:validation:Enum=JPEG;WebP
type PictureFormat string

const (
	// PictureJPEG is JPEG.
	PictureJPEG PictureFormat = "JPEG"
	// PictureWebP is WebP.
	PictureWebP PictureFormat = "WebP"
)

// Default sets what is not set.
func (t *Thumbnails) Default() {
	if t.Format == "" {
		t.Format = PictureJPEG
	}
}
