// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package patch writes the statuses of objects, each write based on the version of the object that was read.
package patch

import (
	"context"
	"fmt"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// ConflictDelay is how soon a reconciler looks again at an object that has changed since it was read. It gives the cache
// time to show the change.
const ConflictDelay = 100 * time.Millisecond

// Status writes an object's status if it differs from before. A merge patch replaces conditions, steps and other lists as
// a whole, so it must not be based on a stale read: then it fails by a conflict.
func Status(ctx context.Context, writer client.StatusClient, before, object client.Object) error {
	if apiequality.Semantic.DeepEqual(before, object) {
		return nil
	}
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := writer.Status().Patch(ctx, object, patch); err != nil {
		return fmt.Errorf("patch status: %w", err)
	}
	return nil
}

// AfterConflict is what a reconciler returns after a write. It asks for another look, by ConflictDelay, when the write was
// refused because the object has changed since it was read. An object that is gone needs no look. Any other error is one
// to report.
func AfterConflict(err error) (ctrl.Result, error) {
	switch {
	case apierrors.IsConflict(err):
		return ctrl.Result{RequeueAfter: ConflictDelay}, nil
	case apierrors.IsNotFound(err):
		return ctrl.Result{}, nil // deleted meanwhile
	default:
		return ctrl.Result{}, err
	}
}
