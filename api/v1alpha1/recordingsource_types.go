// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Authentication says how a source's callbacks prove where they come from.
// +kubebuilder:validation:Enum=Signature;None
type Authentication string

const (
	// AuthenticationSignature refuses every callback without a valid X-Rtc-Signature.
	AuthenticationSignature Authentication = "Signature"
	// AuthenticationNone takes callbacks from anybody who reaches the endpoint.
	AuthenticationNone Authentication = "None"
)

// TimestampPolicy says what the X-Rtc-Timestamp header of a correctly signed callback decides.
// +kubebuilder:validation:Enum=Observe;Enforce
type TimestampPolicy string

const (
	// TimestampObserve never refuses a correct signature over its timestamp.
	TimestampObserve TimestampPolicy = "Observe"
	// TimestampEnforce refuses a correct signature whose timestamp is further from now than the tolerance.
	TimestampEnforce TimestampPolicy = "Enforce"
)

// RecordingSourceSpec says which callbacks are taken and what follows from them.
// +kubebuilder:validation:XValidation:rule="!has(self.service) || has(self.appID) && self.appID.matches('^[A-Za-z0-9_-]+$')",message="appID: service needs the ID of the app, of letters, digits, hyphens and underscores",fieldPath=".appID"
// +kubebuilder:validation:XValidation:rule="!has(self.service) || self.callback.authentication == 'Signature'",message="callback.authentication: service registers a key, so it must be Signature",fieldPath=".callback.authentication"
// +kubebuilder:validation:XValidation:rule="!has(self.discovery) || has(self.storageRef)",message="discovery: needs storageRef, the location whose bucket is listed",fieldPath=".discovery"
type RecordingSourceSpec struct {
	// appID is the SparkRTC app that records. When it is set, a callback of another app is refused with 403.
	// When it is absent, any app that signs with one of the keys may call.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=128
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	// +kubebuilder:validation:XValidation:rule="!self.matches('[<> ]')",message="must be the ID of your SparkRTC app, without spaces and angle brackets"
	AppID string `json:"appID,omitempty"`

	// callback says how callbacks are authenticated.
	// +required
	Callback CallbackSpec `json:"callback,omitzero"`

	// service has the operator register the callback URL and the first of callback.keys with SparkRTC. By default a person
	// does that in the console.
	// +optional
	Service *Service `json:"service,omitempty"`

	// storageRef names the StorageLocation that recordings are read from, by the bucket and object of the callback.
	// When it is absent, recordings are read from the callback's download_url, and only from allowedHosts.
	// +optional
	StorageRef *LocalReference `json:"storageRef,omitempty"`

	// allowedBuckets are the buckets that recordings may be read from with the credentials of storageRef.
	// When it is empty, only the StorageLocation's own bucket is allowed. A recording that lies elsewhere is
	// kept as a RecordingFile, but not processed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=3
	// +kubebuilder:validation:items:MaxLength=63
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`
	AllowedBuckets []string `json:"allowedBuckets,omitempty"`

	// allowedHosts are the hosts (with the port when it is not the scheme's own) that a recording may be downloaded
	// from when there is no storageRef. No credentials are ever sent to them, and no redirect to another host is followed.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9._:\[\]-]+$`
	AllowedHosts []string `json:"allowedHosts,omitempty"`

	// routes choose the pipeline for a file: the first route that matches wins. A file that no route matches is
	// recorded and not processed (status Skipped).
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=32
	Routes []Route `json:"routes,omitempty"`

	// concurrency is how many Jobs of the source's files run at once. Steps that could start wait for their turn. Absent: as
	// many as the other limits allow.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	Concurrency *int32 `json:"concurrency,omitempty"`

	// openTimeout is how long a recording task may go on without a callback before it counts as silent. A callback that
	// comes later is still taken.
	// Default: 13h.
	// +optional
	// +kubebuilder:default="13h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('720h')",message="openTimeout must be at least 1m and at most 720h, in hours, minutes and seconds, for example 36h or 1h30m"
	OpenTimeout *metav1.Duration `json:"openTimeout,omitempty"`

	// ttlAfterFinished is how long a RecordingFile is kept after its processing succeeded or was skipped, and a
	// RecordingTask after it ended with all its files. Then they are deleted, one by one and within hours; recordings and
	// results are not. What failed, waits or lacks files is kept. By default everything is kept.
	// +optional
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('24h') && duration(self) <= duration('87600h')",message="ttlAfterFinished must be at least 24h and at most 87600h, in hours, minutes and seconds, for example 2160h"
	TTLAfterFinished *metav1.Duration `json:"ttlAfterFinished,omitempty"`

	// discovery finds recordings whose callback never came: it lists the bucket of storageRef and creates a RecordingFile
	// for each playlist and MP4 that has none. By default nothing is listed.
	// +optional
	Discovery *Discovery `json:"discovery,omitempty"`

	// notifications are sent as CloudEvents when a file or task of the source has come further. By default none is.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	Notifications []Notification `json:"notifications,omitempty"`
}

// Discovery says how the bucket is searched for recordings whose callback never came. Only what was written since
// discovery was set is looked at, and nothing in the bucket is ever changed; `kubectl recordings discover` looks further
// back.
type Discovery struct {
	// interval between two scans.
	// Default: 1h.
	// +optional
	// +kubebuilder:default="1h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="interval must be at least 1m and at most 168h, in hours, minutes and seconds, for example 36h or 1h30m"
	Interval *metav1.Duration `json:"interval,omitempty"`

	// prefix of the objects that are looked at, in addition to that of the StorageLocation.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/')",message="prefix must not begin with a slash: keys of objects have none"
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Prefix string `json:"prefix,omitempty"`

	// minAge is how long ago an object must have been written last. Before that, its callback may still come, or it is
	// still being recorded.
	// Default: 30m.
	// +optional
	// +kubebuilder:default="30m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('1m') && duration(self) <= duration('168h')",message="minAge must be at least 1m and at most 168h, in hours, minutes and seconds, for example 36h or 1h30m"
	MinAge *metav1.Duration `json:"minAge,omitempty"`
}

// CallbackSpec says how callbacks are authenticated.
// +kubebuilder:validation:XValidation:rule="self.authentication != 'Signature' || (has(self.keys) && size(self.keys) > 0)",message="keys: authentication Signature needs at least one key",fieldPath=".keys"
// +kubebuilder:validation:XValidation:rule="self.authentication != 'None' || !has(self.keys) || size(self.keys) == 0",message="keys: authentication None takes no keys; remove them or set authentication to Signature",fieldPath=".keys"
type CallbackSpec struct {
	// authentication is Signature (HMAC-SHA256 with one of the keys) or None. None lets anybody who reaches the
	// endpoint create RecordingFiles; it has to be set explicitly.
	// Default: Signature.
	// +optional
	// +kubebuilder:default=Signature
	Authentication Authentication `json:"authentication,omitempty"`

	// keys are the private keys that SparkRTC may sign with, as set in its console under Recording Callback.
	// Any one may verify, so that a key rotates without a gap: add the new one, change the console, remove the old one.
	// With spec.service the operator registers the first, and rotates it in its Secret.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=4
	Keys []CallbackKey `json:"keys,omitempty"`

	// timestamp says what the X-Rtc-Timestamp header decides.
	// +optional
	Timestamp *CallbackTimestamp `json:"timestamp,omitempty"`

	// rateLimit bounds what one source can cost its neighbors. Only verified callbacks count; those beyond it are answered
	// with 429.
	// +optional
	RateLimit *RateLimit `json:"rateLimit,omitempty"`
}

// RateLimit is a token bucket, held by each replica.
// +kubebuilder:validation:XValidation:rule="!has(self.burst) || !has(self.callbacksPerSecond) || self.burst >= self.callbacksPerSecond",message="burst: must be at least callbacksPerSecond",fieldPath=".burst"
type RateLimit struct {
	// callbacksPerSecond that are taken in the long run.
	// Default: 2000.
	// +optional
	// +kubebuilder:default=2000
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	CallbacksPerSecond int32 `json:"callbacksPerSecond,omitempty"`

	// burst is how many are taken at once; twice callbacksPerSecond when it is absent.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=200000
	Burst int32 `json:"burst,omitempty"`
}

// CallbackKey is where one private key is kept.
type CallbackKey struct {
	// secretRef names the key of a Secret that holds the private key: 32 to 64 characters, as SparkRTC demands.
	// One trailing newline is forgiven.
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// CallbackTimestamp says what the X-Rtc-Timestamp header decides.
type CallbackTimestamp struct {
	// policy is Observe (a correct signature is never refused over its timestamp) or Enforce. SparkRTC documents
	// neither the header's unit nor its meaning, so Observe is the default; seconds and milliseconds are told apart.
	// Default: Observe.
	// +optional
	// +kubebuilder:default=Observe
	Policy TimestampPolicy `json:"policy,omitempty"`

	// tolerance is how far from now the timestamp may lie, before or after, under policy Enforce.
	// Default: 15m.
	// +optional
	// +kubebuilder:default="15m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) > duration('0s') && duration(self) <= duration('24h')",message="tolerance must be more than 0s and at most 24h, in hours, minutes and seconds, for example 36h or 1h30m"
	Tolerance *metav1.Duration `json:"tolerance,omitempty"`
}

// Route sends the files that it matches to a pipeline.
type Route struct {
	// when is a CEL expression over `recording`, for example
	// `recording.format == 'HLS' && recording.duration >= duration('5s')`. Absent: every file matches.
	// Fields: source, app, task, room, stream, format, bucket, object (strings); size (bytes), width, height (integers);
	// duration; start, end (timestamps). A route whose outcome depends on a fact that is not known matches; to decide
	// otherwise, test with has(recording.duration), or write recording.?duration.orValue(duration('0s')). Macros (exists,
	// all, ...) cannot stand inside or after one another, and the pattern of matches is written out in the expression.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	When string `json:"when,omitempty"`

	// pipelineRef names the RecordingPipeline that processes the files that match.
	// +required
	PipelineRef LocalReference `json:"pipelineRef,omitzero"`
}

// RecordingSourceStatus is what the operator found about a source.
type RecordingSourceStatus struct {
	// conditions of the source. Ready says whether callbacks can be verified and routes can be evaluated.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// callbackPath is the path of this source's callback URL on the operator's callback Service.
	// +optional
	CallbackPath string `json:"callbackPath,omitempty"`

	// discovery says how far the bucket was searched; absent without spec.discovery.
	// +optional
	Discovery *DiscoveryStatus `json:"discovery,omitempty"`

	// registration says what was registered with SparkRTC; absent without spec.service.
	// +optional
	Registration *RegistrationStatus `json:"registration,omitempty"`
}

// DiscoveryStatus says how far the bucket was searched.
type DiscoveryStatus struct {
	// since is when discovery began: what was written before it is never looked at.
	// +required
	Since metav1.Time `json:"since,omitzero"`

	// through is the time up to which everything that was written has been looked at.
	// +optional
	Through *metav1.Time `json:"through,omitempty"`

	// lastTime is when the last scan ended, whether it got through or not.
	// +optional
	LastTime *metav1.Time `json:"lastTime,omitempty"`

	// createdFiles is how many RecordingFiles discovery has created.
	// +optional
	CreatedFiles int64 `json:"createdFiles,omitempty"`
}

// RecordingSource is one SparkRTC app that calls back when it records.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rsrc,categories=recordings-all
// +kubebuilder:printcolumn:name="App",type=string,JSONPath=`.spec.appID`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Registered",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Registered")].reason`
// +kubebuilder:printcolumn:name="Callback",type=string,priority=1,JSONPath=`.status.callbackPath`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name: must be at most 63 characters, because it becomes a label"
type RecordingSource struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says which callbacks are taken and what follows from them.
	// +required
	Spec RecordingSourceSpec `json:"spec,omitzero"`
	// status is what the operator found about the source.
	// +optional
	Status RecordingSourceStatus `json:"status,omitempty,omitzero"`
}

// RecordingSourceList is a list of RecordingSources.
//
// +kubebuilder:object:root=true
type RecordingSourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RecordingSource `json:"items"`
}
