// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"errors"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/s3client"
)

// probeS3 asks a bucket whether it is there and lets us in.
func (r *StorageReconciler) probeS3(ctx context.Context, location *v1alpha1.S3Location, access objectstore.Access) error {
	opened, err := objectstore.Open(location, access, r.DeniedNetworks...)
	if err != nil {
		return err
	}
	defer opened.Close()
	return opened.Check(ctx)
}

func probeReason(err error) string {
	switch {
	case errors.Is(err, objectstore.ErrForbidden):
		return v1alpha1.ReasonForbidden
	case errors.Is(err, objectstore.ErrNoBucket):
		return v1alpha1.ReasonBucketNotFound
	case errors.Is(err, objectstore.ErrCA):
		return v1alpha1.ReasonCANotFound
	case errors.Is(err, objectstore.ErrUntrusted):
		return v1alpha1.ReasonCertificateNotTrusted
	case errors.Is(err, objectstore.ErrRejected), errors.Is(err, objectstore.ErrEndpoint), errors.Is(err, objectstore.ErrDisorder):
		return v1alpha1.ReasonRequestRejected
	case errors.Is(err, objectstore.ErrDenied), errors.Is(err, s3client.ErrOtherEndpoint):
		return v1alpha1.ReasonEndpointDenied
	case errors.Is(err, objectstore.ErrUnavailable):
		return v1alpha1.ReasonUnavailable
	default:
		return v1alpha1.ReasonUnreachable
	}
}
