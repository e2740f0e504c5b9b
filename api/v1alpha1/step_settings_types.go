// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// StepSettings say how a step runs. A pipeline has defaults for them; what a step says replaces the default as a whole.
//
// +kubebuilder:validation:XValidation:rule="!has(self.timeout) || !has(self.timeoutFactor)",message="timeout and timeoutFactor cannot both be set",fieldPath=".timeoutFactor"
type StepSettings struct {
	// retries is how often a failed attempt is repeated at once; what cannot succeed is not. When all attempts failed over
	// something that may pass (the recording or a segment is not there, the storage refuses the credentials or does not
	// respond), the step is tried again after 1, 2, 4, 8, 16 and 30 minutes and then every hour, for a day; over an
	// incomplete recording for an hour. 0: a step that failed is not tried again at all. Default: 3.
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=10
	Retries *int32 `json:"retries,omitempty"`

	// timeout is the longest that one attempt may take, from when a node has accepted its pod. Waiting for a node, a quota or
	// a queue does not count. An attempt that took longer has failed, and is repeated as retries says. Default: 6h.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('168h')",message="timeout must be from 1s to 168h, in hours, minutes and seconds, for example 36h or 1h30m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// timeoutFactor says the timeout as a multiple of the recording's duration, but at least 10m and at most 168h. When the
	// duration is not known, the timeout is 6h.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	TimeoutFactor *int32 `json:"timeoutFactor,omitempty"`

	// resources of each of the step's containers, which run one after another. They replace the defaults as a whole, so that a
	// limit you leave out is none. Absent: preset H264 requests 1 CPU and 1Gi of memory, and may use 1Gi and 384 bytes for
	// each pixel of the picture; everything else requests 100m and 256Mi, and may use 512Mi and 64 bytes for each pixel. As
	// ephemeral-storage, twice the recording's size is requested (an archive: once; a container: three times), and 64Mi. Where
	// no size was reported, 3840x2160 and 1Gi count.
	// +optional
	Resources *StepResources `json:"resources,omitempty"`

	// nodeSelector that the step's pod must match.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[-A-Za-z0-9_./]{1,317}$'))",message="each key must be the name of a label"
	NodeSelector map[string]LabelValue `json:"nodeSelector,omitempty"`

	// tolerations of the step's pod.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Tolerations []Toleration `json:"tolerations,omitempty"` //nolint:kubeapilinter // as in Kubernetes, no field of a toleration is required

	// priorityClassName of the step's pod.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	PriorityClassName string `json:"priorityClassName,omitempty"`
}

// StepResources are the resources of each container of a step.
type StepResources struct {
	// limits are the most of each resource that a container may use.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[-A-Za-z0-9_./]{1,317}$'))",message="each key must be the name of a resource"
	Limits corev1.ResourceList `json:"limits,omitempty"`

	// requests are what is reserved of each resource for a container.
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.matches('^[-A-Za-z0-9_./]{1,317}$'))",message="each key must be the name of a resource"
	Requests corev1.ResourceList `json:"requests,omitempty"`
}

// LabelValue is the value of a label.
//
// +kubebuilder:validation:MaxLength=63
// +kubebuilder:validation:Pattern=`^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$`
type LabelValue string

// Toleration lets a step's pod run on nodes with a taint.
type Toleration struct {
	// key of the taint; empty: every taint, with operator Exists.
	// +optional
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^[-A-Za-z0-9_./]*$`
	Key string `json:"key,omitempty"`

	// operator compares the taint's value with value, for example Exists or Equal. Absent: Equal.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[A-Za-z]*$`
	Operator corev1.TolerationOperator `json:"operator,omitempty"`

	// value that the taint's value is compared with; empty with operator Exists.
	// +optional
	Value LabelValue `json:"value,omitempty"`

	// effect of the taint: NoSchedule, PreferNoSchedule or NoExecute. Empty: every effect.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[A-Za-z]*$`
	Effect corev1.TaintEffect `json:"effect,omitempty"`

	// tolerationSeconds is how long a pod may stay on a node with a taint of effect NoExecute. Absent: for ever.
	// +optional
	TolerationSeconds *int64 `json:"tolerationSeconds,omitempty"`
}
