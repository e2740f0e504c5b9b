// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package objectstore

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/s3client"
)

// Access is what a bucket is asked with.
type Access = s3client.Access

// AccessError says which Secret of an S3Location is missing or incomplete. It names the field and holds no secret.
type AccessError struct {
	// Reason of a StorageLocation's Ready condition.
	Reason  string
	Message string
}

// Error is the message.
func (e *AccessError) Error() string { return e.Message }

// ReadAccess reads what a location's Secrets hold, each by name. It returns an *AccessError when a person has to fix
// them, and any other error when they could not be read.
func ReadAccess(ctx context.Context, reader client.Reader, namespace string, location *v1alpha1.S3Location) (Access, error) {
	name := location.CredentialsSecretRef.Name
	secret, err := readSecret(ctx, reader, namespace, name)
	if err != nil {
		return Access{}, err
	}
	if secret == nil {
		return Access{}, missing(v1alpha1.ReasonCredentialsNotFound, "spec.s3.credentialsSecretRef: Secret %q not found", name)
	}
	for _, key := range []string{v1alpha1.SecretKeyAccessKeyID, v1alpha1.SecretKeySecretAccessKey} {
		if len(secret.Data[key]) == 0 {
			return Access{}, missing(v1alpha1.ReasonCredentialsNotFound, "spec.s3.credentialsSecretRef: Secret %q has no key %q", name, key)
		}
	}
	// A Secret made by hand often ends in a newline; no key does.
	value := func(key string) string { return strings.TrimSpace(string(secret.Data[key])) }
	access := Access{
		AccessKeyID:     value(v1alpha1.SecretKeyAccessKeyID),
		SecretAccessKey: value(v1alpha1.SecretKeySecretAccessKey),
		SessionToken:    value(v1alpha1.SecretKeySessionToken),
		Endpoint:        value(v1alpha1.SecretKeyEndpoint),
	}
	if ca := location.CASecretRef; ca != nil {
		secret, err := readSecret(ctx, reader, namespace, ca.Name)
		if err != nil {
			return Access{}, err
		}
		if secret == nil || len(secret.Data[ca.Key]) == 0 {
			return Access{}, missing(v1alpha1.ReasonCANotFound, "spec.s3.caSecretRef: Secret %q not found, or it has no key %q", ca.Name, ca.Key)
		}
		access.CA = secret.Data[ca.Key]
	}
	return access, nil
}

func missing(reason, format string, args ...any) error {
	return &AccessError{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// readSecret is the Secret, or nil when there is none.
func readSecret(ctx context.Context, reader client.Reader, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	if err != nil {
		return nil, fmt.Errorf("get secret %s: %w", name, err)
	}
	return secret, nil
}
