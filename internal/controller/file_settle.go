// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/status"
)

// maybeTwice says whether a sweep made the file and nothing was done with it yet: then it may turn out that another file
// bears its object.
func maybeTwice(file *v1alpha1.RecordingFile) bool {
	return file.Status.Pipeline == nil && !skipped(file) && ingest.Swept(file)
}

// settlesIn is how long a file has to wait before it can be settled. What counts is when the API server created it: the
// annotation holds the time of whoever swept, which may be a laptop's.
func settlesIn(file *v1alpha1.RecordingFile, now time.Time) time.Duration {
	if !maybeTwice(file) {
		return 0
	}
	return max(0, file.CreationTimestamp.Add(ingest.SettleTime).Sub(now))
}

func settling() status.Problem {
	return status.Problem{Reason: v1alpha1.ReasonQueued, Passing: true,
		Message: fmt.Sprintf("a sweep found the file; it is processed %s later, unless a callback has made another file of the same object", ingest.SettleTime)}
}

// settle removes a file that a sweep made when it turns out that another one bears its object.
func (r *FileReconciler) settle(ctx context.Context, file *v1alpha1.RecordingFile, now time.Time) (removed bool, err error) {
	if !maybeTwice(file) || settlesIn(file, now) > 0 {
		return false, nil
	}
	other, err := ingest.New(r.Client, r.Live, ingest.Options{}).Settle(ctx, file)
	if err != nil {
		return false, fmt.Errorf("settle: %w", err)
	}
	if other == nil {
		return false, nil
	}
	r.Recorder.Eventf(other, nil, corev1.EventTypeNormal, "SweptTwice", "Settle",
		"removed RecordingFile %s, which a sweep had made for the same object", file.Name)
	return true, nil
}

// conflictToRetry asks for another look instead of reporting that a write lost a race.
func conflictToRetry(err error) (ctrl.Result, error) {
	if apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: conflictDelay}, nil
	}
	return ctrl.Result{}, err
}
