// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// S3Provider is a dialect of S3.
// +kubebuilder:validation:Enum=HuaweiOBS;AWS;Minio;Other
type S3Provider string

const (
	// S3ProviderHuaweiOBS is Huawei Cloud's Object Storage Service; buckets are addressed as virtual hosts.
	S3ProviderHuaweiOBS S3Provider = "HuaweiOBS"
	// S3ProviderAWS is Amazon S3; buckets are addressed as virtual hosts.
	S3ProviderAWS S3Provider = "AWS"
	// S3ProviderMinio is MinIO; buckets are addressed by path.
	S3ProviderMinio S3Provider = "Minio"
	// S3ProviderOther is any other S3 server; buckets are addressed by path.
	S3ProviderOther S3Provider = "Other"
)

// Keys of the Secret that S3Location.CredentialsSecretRef names.
const (
	// SecretKeyAccessKeyID is the access key ID.
	SecretKeyAccessKeyID = "accessKeyID"
	// SecretKeySecretAccessKey is the secret access key.
	SecretKeySecretAccessKey = "secretAccessKey"
	// SecretKeySessionToken is the optional token of temporary credentials.
	SecretKeySessionToken = "sessionToken"
	// SecretKeyEndpoint is optional: the endpoint that the credentials are for, for example https://s3.example.com. They
	// are sent to no other, whatever a StorageLocation that names the Secret says.
	SecretKeyEndpoint = "endpoint"
)

// StorageLocationSpec says where files are read from or written to.
//
// +kubebuilder:validation:XValidation:rule="(has(self.s3) ? 1 : 0) + (has(self.persistentVolumeClaim) ? 1 : 0) == 1",message="exactly one of s3 and persistentVolumeClaim must be set"
type StorageLocationSpec struct {
	// s3 is a bucket that speaks S3. Exactly one of s3 and persistentVolumeClaim must be set.
	// +optional
	S3 *S3Location `json:"s3,omitempty"`

	// persistentVolumeClaim is a volume of the cluster.
	// +optional
	PersistentVolumeClaim *PersistentVolumeClaimLocation `json:"persistentVolumeClaim,omitempty"`
}

// S3Location is a bucket that speaks S3.
//
// +kubebuilder:validation:XValidation:rule="self.provider == 'AWS' || has(self.endpoint)",message="endpoint: only provider AWS has a default endpoint",fieldPath=".endpoint"
type S3Location struct {
	// provider is the dialect of S3 that the server speaks: HuaweiOBS, AWS, Minio or Other. HuaweiOBS and AWS put the
	// bucket's name before the endpoint's, Minio and Other into the path.
	// +required
	Provider S3Provider `json:"provider"`

	// endpoint of the server as a URL, for example https://obs.cn-north-4.myhuaweicloud.com. Only AWS has a default.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^https?://[A-Za-z0-9.:\[\]_-]+/?$`
	Endpoint string `json:"endpoint,omitempty"`

	// region of the bucket, for example cn-north-4.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9-]*$`
	Region string `json:"region,omitempty"`

	// bucket that files are written to, and read from unless a callback names another that the source allows.
	// +required
	// +kubebuilder:validation:MinLength=3
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9][a-z0-9.-]*[a-z0-9]$`
	Bucket string `json:"bucket"`

	// prefix that is put before the path of everything that is written; discovery looks below it alone. Recordings that a
	// callback reported are read by their full key.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.contains('//') && !self.contains('\\\\') && self.split('/').all(p, p != '..' && p != '.')",message="prefix must be relative, without empty parts, . and .. and backslashes"
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Prefix string `json:"prefix,omitempty"`

	// credentialsSecretRef names a Secret with the keys accessKeyID, secretAccessKey and, for temporary credentials,
	// sessionToken. With the key endpoint, the credentials are sent to that endpoint alone.
	// +required
	CredentialsSecretRef SecretReference `json:"credentialsSecretRef,omitzero"`

	// caSecretRef names the key of a Secret with the PEM certificates that the server's certificate is verified
	// against, instead of the system's.
	// +optional
	CASecretRef *SecretKeyReference `json:"caSecretRef,omitempty"`
}

// PersistentVolumeClaimLocation is a volume of the cluster.
type PersistentVolumeClaimLocation struct {
	// claimName is the PersistentVolumeClaim, in the same namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	ClaimName string `json:"claimName"`

	// subPath is the folder within the volume that everything lies under. As a source, it holds one folder for each
	// bucket, and in it the objects.
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.contains('//') && !self.contains('\\\\') && self.split('/').all(p, p != '..' && p != '.')",message="subPath must be relative, without empty parts, . and .. and backslashes"
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	SubPath string `json:"subPath,omitempty"`
}

// StorageLocationStatus is what the operator found about a place.
type StorageLocationStatus struct {
	// conditions of the place. Ready says whether its Secret or claim is there and whether it answered.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// StorageLocation is a place that files are read from or written to.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sloc,categories=recordings-all
// +kubebuilder:printcolumn:name="Bucket",type=string,JSONPath=`.spec.s3.bucket`
// +kubebuilder:printcolumn:name="Claim",type=string,JSONPath=`.spec.persistentVolumeClaim.claimName`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name: must be at most 63 characters"
type StorageLocation struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says where files are read from or written to: exactly one of s3 and persistentVolumeClaim must be set.
	// +required
	Spec StorageLocationSpec `json:"spec,omitzero"`
	// status is what the operator found about the place.
	// +optional
	Status StorageLocationStatus `json:"status,omitempty,omitzero"`
}

// StorageLocationList is a list of StorageLocations.
//
// +kubebuilder:object:root=true
type StorageLocationList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []StorageLocation `json:"items"`
}
