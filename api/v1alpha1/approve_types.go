// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Approve waits for a person. The step has no Job: it succeeds when a person approves it, and fails with the reason Rejected
// when a person rejects it.
type Approve struct {
	// message says what the person has to decide, for example "Is the recording fit for the students?". The status shows the
	// first 160 bytes of it.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Message string `json:"message"`

	// timeout is how long a decision is waited for, from when the step began to wait. When the file is suspended meanwhile, it
	// begins again after that. Absent: without an end.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="timeout must be from 1s to 8760h, in hours, minutes and seconds, for example 36h or 1h30m"
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// onTimeout says what the step is when nobody has decided in time: Fail, or Skip, which skips what depends on it too.
	// Default: Fail.
	// +optional
	// +kubebuilder:default=Fail
	OnTimeout OnTimeout `json:"onTimeout,omitempty"`
}

// OnTimeout says what a step is that nobody has decided in time.
// +kubebuilder:validation:Enum=Fail;Skip
type OnTimeout string

const (
	// OnTimeoutFail fails the step. It is the default.
	OnTimeoutFail OnTimeout = "Fail"
	// OnTimeoutSkip skips the step, and what depends on it.
	OnTimeoutSkip OnTimeout = "Skip"
)

// Approval is what a person decided about a step of kind approve.
type Approval struct {
	// step that is decided.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Step string `json:"step"`
	// run that is decided, as status.run has it. A decision about another run does not count: each run asks again.
	// +required
	// +kubebuilder:validation:Minimum=1
	Run int32 `json:"run"`
	// by is the name of the person, as the API server knows them (kubectl auth whoami).
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	By string `json:"by"`
	// decision is Approve or Reject. Default: Approve.
	// +optional
	// +kubebuilder:default=Approve
	Decision ApprovalDecision `json:"decision,omitempty"`
}

// ApprovalDecision is what a person decided.
// +kubebuilder:validation:Enum=Approve;Reject
type ApprovalDecision string

const (
	// DecisionApprove has the step succeed. It is the default.
	DecisionApprove ApprovalDecision = "Approve"
	// DecisionReject has the step fail.
	DecisionReject ApprovalDecision = "Reject"
)
