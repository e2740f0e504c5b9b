/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package controller

import (
	"context"
	"errors"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/bucket"
)

// probeS3 asks a bucket whether it is there and lets us in.
func (r *StorageReconciler) probeS3(ctx context.Context, location *v1alpha1.S3Location, access bucket.Access) error {
	opened, err := bucket.Open(location, access, r.DeniedNetworks...)
	if err != nil {
		return err
	}
	defer opened.Close()
	return opened.Check(ctx)
}

func probeReason(err error) string {
	switch {
	case errors.Is(err, bucket.ErrForbidden):
		return v1alpha1.ReasonForbidden
	case errors.Is(err, bucket.ErrNoBucket):
		return v1alpha1.ReasonBucketNotFound
	case errors.Is(err, bucket.ErrCA):
		return v1alpha1.ReasonCANotFound
	default:
		return v1alpha1.ReasonUnreachable
	}
}
