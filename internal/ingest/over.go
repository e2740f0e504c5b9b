// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// ingestOver marks the job's open files. An OVER names neither a stream nor a format, so the job's files are listed,
// and from the API server itself: a file that the cache does not know yet would never be marked.
func (i *Ingester) ingestOver(ctx context.Context, d Delivery) (Result, error) {
	return i.repeat(ctx, func(bool) (Result, error) { return i.markOver(ctx, d) })
}

// markOver goes once through the job's files: one write for each that is open, which is at most one for each stream
// and format. The first that fails ends it; what was marked stays marked.
func (i *Ingester) markOver(ctx context.Context, d Delivery) (Result, error) {
	var files []*v1alpha1.RecordingFile
	err := i.call(ctx, func(ctx context.Context) error {
		var err error
		files, err = i.store.job(ctx, d.Namespace, d.Event.JobID)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	result := Result{Outcome: Duplicate}
	for _, file := range files {
		decided := decideOver(file, d)
		if decided.action != actUpdate {
			continue
		}
		err := i.update(ctx, decided)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return Result{}, err
		}
		result.Outcome, result.File = decided.outcome, cmp.Or(result.File, file.Name)
	}
	return result, nil
}
