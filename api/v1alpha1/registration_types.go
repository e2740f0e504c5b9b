// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Keys of the Secret that spec.service.credentialsSecretRef names, besides accessKeyID, secretAccessKey and endpoint, which
// mean what they do for a StorageLocation.
const (
	// SecretKeyPublicURL is optional: the only spec.service.publicURL that the credentials may register.
	SecretKeyPublicURL = "publicURL"
)

// NextKeySuffix is appended to the key of a Secret that holds a callback key: there the operator keeps the next one while it
// rotates. The receiver verifies with both.
const NextKeySuffix = ".next"

// OnDrift says what follows when the service has another callback registered than the operator registered.
// +kubebuilder:validation:Enum=Report;Repair
type OnDrift string

const (
	// OnDriftReport says so in the condition Registered and in an event, and changes nothing.
	OnDriftReport OnDrift = "Report"
	// OnDriftRepair registers the source's callback again.
	OnDriftRepair OnDrift = "Repair"
)

// Service says how the operator registers the source's callback URL and key with SparkRTC.
type Service struct {
	// projectID is the ID of the project that the app belongs to, as the console shows it under My Credentials.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_-]+$`
	ProjectID string `json:"projectID,omitempty"`

	// endpoint is the URL of the service's API. The manager connects only to hosts of its flag --service-endpoint-hosts,
	// because the callback key is sent there.
	// Default: https://rtc-api.myhuaweicloud.com.
	// +optional
	// +kubebuilder:default="https://rtc-api.myhuaweicloud.com"
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=270
	// +kubebuilder:validation:Pattern=`^https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?$`
	Endpoint string `json:"endpoint,omitempty"`

	// credentialsSecretRef names the Secret with the access key of an account that may change the app's callback: accessKeyID
	// and secretAccessKey. Its optional keys endpoint and publicURL name the only ones that it may be used with.
	// +required
	CredentialsSecretRef SecretReference `json:"credentialsSecretRef,omitzero"`

	// publicURL is where SparkRTC reaches the receiver, for example https://recordings.example.com: scheme, host and, if
	// it is not 443, port. The source's path is appended to it.
	// +required
	// +kubebuilder:validation:MinLength=9
	// +kubebuilder:validation:MaxLength=270
	// +kubebuilder:validation:Pattern=`^https://[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?$`
	PublicURL string `json:"publicURL,omitempty"`

	// onDrift is Report (say in the condition Registered that somebody changed the URL or the key at the service) or Repair
	// (register them again). A change of the source or of its key is always registered.
	// Default: Report.
	// +optional
	// +kubebuilder:default=Report
	OnDrift OnDrift `json:"onDrift,omitempty"`

	// rotateAfter is how old the callback key may become before the operator replaces it. By default it is replaced only
	// when rotateKey asks for it.
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('24h') && duration(self) <= duration('87600h')",message="rotateAfter must be at least 24h and at most 87600h, in hours, minutes and seconds, for example 2160h"
	RotateAfter *metav1.Duration `json:"rotateAfter,omitempty"`

	// rotateKey asks for a new callback key: a value that status.registration.rotateKey does not have starts a rotation. Any
	// text will do, for example the time. "kubectl recordings rotate-key" sets it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[-A-Za-z0-9_.:]*$`
	RotateKey string `json:"rotateKey,omitempty"`
}

// RegistrationStatus says what the operator registered with the service.
type RegistrationStatus struct {
	// appID is the app that was registered last.
	// +optional
	AppID string `json:"appID,omitempty"`

	// url is the callback URL that was registered last.
	// +optional
	URL string `json:"url,omitempty"`

	// fingerprint tells the key that was registered last from others: 16 hexadecimal digits of an HMAC under the secret
	// access key, which say nothing of the callback key to a person who does not have both.
	// +optional
	Fingerprint string `json:"fingerprint,omitempty"`

	// keyTime is since when the callback key is registered.
	// +optional
	KeyTime *metav1.Time `json:"keyTime,omitempty"`

	// rotateKey is the last value of spec.service.rotateKey that a rotation was started for.
	// +optional
	RotateKey string `json:"rotateKey,omitempty"`

	// rotation says how far a rotation of the key is; absent when there is none.
	// +optional
	Rotation *KeyRotation `json:"rotation,omitempty"`
}

// KeyRotation says how far a rotation of the callback key is. Until its end, the receiver verifies with the old key and with
// the next one.
type KeyRotation struct {
	// startTime is when the next key was in the Secret. It is registered once every receiver has read it.
	// +required
	StartTime metav1.Time `json:"startTime,omitzero"`

	// registeredTime is when the next key was registered with the service.
	// +optional
	RegisteredTime *metav1.Time `json:"registeredTime,omitempty"`

	// usedTime is when the first callback was seen that the next key signed. The old key is removed ten minutes later.
	// +optional
	UsedTime *metav1.Time `json:"usedTime,omitempty"`
}
