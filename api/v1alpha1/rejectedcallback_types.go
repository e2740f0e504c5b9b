// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RejectionReason says why a callback was rejected.
// +kubebuilder:validation:Enum=Undecodable;Invalid;NameTaken;UnknownEvent;Expired
type RejectionReason string

const (
	// RejectionUndecodable means that the body is no callback of SparkRTC.
	RejectionUndecodable RejectionReason = "Undecodable"
	// RejectionInvalid means that the API server refuses what the callback reports, and always will.
	RejectionInvalid RejectionReason = "Invalid"
	// RejectionNameTaken means that other objects hold both names that the recording's object may have.
	RejectionNameTaken RejectionReason = "NameTaken"
	// RejectionUnknownEvent means that the event type is unknown, although the callback has all facts of a finished file.
	RejectionUnknownEvent RejectionReason = "UnknownEvent"
	// RejectionExpired means that the API server refused the callback for so long that the operator gave it up.
	RejectionExpired RejectionReason = "Expired"
)

// The bounds of a RejectedCallback.
const (
	// MaxRejectedBody is the longest body that is kept, in bytes. A longer one is cut.
	MaxRejectedBody = 8 << 10
	// MaxRejectedMessage is the longest message, in characters.
	MaxRejectedMessage = 1024
)

// RejectedCallbackSpec holds a callback whose signature was right, but that could not be stored. Only replay can change.
//
// +kubebuilder:validation:XValidation:rule="self.sourceRef.name == oldSelf.sourceRef.name && self.reason == oldSelf.reason && self.receivedTime == oldSelf.receivedTime && has(self.message) == has(oldSelf.message) && (!has(self.message) || self.message == oldSelf.message) && has(self.eventType) == has(oldSelf.eventType) && (!has(self.eventType) || self.eventType == oldSelf.eventType) && has(self.deliveryID) == has(oldSelf.deliveryID) && (!has(self.deliveryID) || self.deliveryID == oldSelf.deliveryID) && has(self.body) == has(oldSelf.body) && (!has(self.body) || self.body == oldSelf.body) && has(self.bodyTruncated) == has(oldSelf.bodyTruncated) && (!has(self.bodyTruncated) || self.bodyTruncated == oldSelf.bodyTruncated)",message="only replay can change"
type RejectedCallbackSpec struct {
	// sourceRef names the RecordingSource that was called.
	// +required
	SourceRef LocalReference `json:"sourceRef,omitzero"`

	// reason is Undecodable (the body is no callback of SparkRTC), Invalid (the API server refuses what it reports),
	// NameTaken (other objects have the names of the RecordingFile or RecordingTask: delete or rename them),
	// UnknownEvent (the event type is unknown, although all facts of a finished file are there) or Expired (the API
	// server refused it for a day).
	// +required
	Reason RejectionReason `json:"reason,omitempty"`

	// message says what is wrong and names the field.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Message string `json:"message,omitempty"`

	// receivedTime is when the callback arrived.
	// +required
	ReceivedTime metav1.Time `json:"receivedTime,omitzero"`

	// eventType is the callback's event_type as sent, if it could be read.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	EventType string `json:"eventType,omitempty"`

	// deliveryID is a digest of the callback's signature. The same callback sent again has the same one.
	// +optional
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	DeliveryID string `json:"deliveryID,omitempty"`

	// body is the callback's body, base64-encoded. The query of download_url is removed, because it may hold a
	// signature. At most 8 KiB are kept.
	// +optional
	// +kubebuilder:validation:MaxLength=10924
	Body []byte `json:"body,omitempty"`

	// bodyTruncated means that the body was longer than what is kept. Such a callback cannot be replayed.
	// +optional
	BodyTruncated bool `json:"bodyTruncated,omitempty"`

	// replay makes the operator store the callback again, once each time that it is set to true. The condition Replayed
	// says what came of it.
	// +optional
	Replay bool `json:"replay,omitempty"`
}

// RejectedCallbackStatus says what came of a replay.
type RejectedCallbackStatus struct {
	// conditions of the callback. Replayed is True when the callback is stored, False when it is refused and Unknown
	// while the operator tries again.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation whose replay ended.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// RejectedCallback is a callback whose signature was right, but that could not be stored. The operator deletes it after
// 7 days.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rcb,categories=recordings-all
// +kubebuilder:printcolumn:name="Source",type=string,JSONPath=`.spec.sourceRef.name`
// +kubebuilder:printcolumn:name="Event",type=string,JSONPath=`.spec.eventType`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.spec.reason`
// +kubebuilder:printcolumn:name="Replayed",type=string,JSONPath=`.status.conditions[?(@.type=="Replayed")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.spec.receivedTime`
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.spec.message`,priority=1
type RejectedCallback struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec holds the callback and why it was rejected.
	// +required
	Spec RejectedCallbackSpec `json:"spec,omitzero"`
	// status says what came of a replay.
	// +optional
	Status RejectedCallbackStatus `json:"status,omitempty,omitzero"`
}

// RejectedCallbackList is a list of RejectedCallbacks.
//
// +kubebuilder:object:root=true
type RejectedCallbackList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RejectedCallback `json:"items"`
}
