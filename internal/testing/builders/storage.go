// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package builders

import "sparkrtc.dev/recording-operator/api/v1alpha1"

// StorageLocation builds one.
type StorageLocation struct{ location v1alpha1.StorageLocation }

// MakeStorageLocation begins with a location that is nowhere: S3 or Claim says where it is.
func MakeStorageLocation(name string) *StorageLocation {
	b := &StorageLocation{}
	b.location.Name, b.location.Namespace = name, Namespace
	return b
}

// In sets the namespace.
func (b *StorageLocation) In(namespace string) *StorageLocation {
	b.location.Namespace = namespace
	return b
}

// S3 makes it a bucket of a server of no particular provider, with the credentials of a Secret.
func (b *StorageLocation) S3(endpoint, bucket, secret string) *StorageLocation {
	b.location.Spec.S3 = &v1alpha1.S3Location{
		Provider: v1alpha1.S3ProviderOther, Endpoint: endpoint, Bucket: bucket, CredentialsSecretRef: v1alpha1.SecretReference{Name: secret},
	}
	return b
}

// CA sets the certificates that the S3 server is verified against.
func (b *StorageLocation) CA(secret, key string) *StorageLocation {
	b.location.Spec.S3.CASecretRef = &v1alpha1.SecretKeyReference{Name: secret, Key: key}
	return b
}

// Claim makes it a PersistentVolumeClaim.
func (b *StorageLocation) Claim(name string) *StorageLocation {
	b.location.Spec.PersistentVolumeClaim = &v1alpha1.PersistentVolumeClaimLocation{ClaimName: name}
	return b
}

// Obj is the location that was built.
func (b *StorageLocation) Obj() *v1alpha1.StorageLocation { return b.location.DeepCopy() }
