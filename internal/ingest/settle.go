// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// SettleTime is how long a file that a sweep made waits before it is processed. A COMPLETE looks for the swept file
// right before it makes one, and its calls take seconds at most: one that looked before the swept file was there has
// made its file, or none, long before that. The rest of the minute is for clocks that differ.
const SettleTime = time.Minute

// Swept says whether the file bears the name that a sweep gives to its object. (Not whether it has AnnotationSwept: a
// person may write anything there, and the COMPLETE that comes after all removes it.)
func Swept(file *v1alpha1.RecordingFile) bool {
	if !strings.HasPrefix(file.Name, sweptPrefix) || file.Spec.File == nil || file.Spec.File.OBS == nil {
		return false
	}
	obs := file.Spec.File.OBS
	return file.Name == SweptName(file.Namespace, file.Spec.SourceRef.Name, obs.Bucket, obs.Object)
}

// Settle makes sure that a swept file is the only one of its source that bears its object. If there is another one,
// that one gets the facts, the swept file is deleted, and Settle returns the other one; otherwise it returns nil. It
// has to be called when the file is older than SettleTime and before it is processed.
//
// It asks the API server itself, and tries once: after an error, a conflict for example, the file has to be read and
// settled again.
func (i *Ingester) Settle(ctx context.Context, swept *v1alpha1.RecordingFile) (*v1alpha1.RecordingFile, error) {
	var files []*v1alpha1.RecordingFile
	err := i.call(ctx, func(ctx context.Context) error {
		var err error
		files, err = i.store.bearersNow(ctx, swept.Namespace, swept.Spec.File.OBS.Object)
		return err
	})
	if err != nil {
		return nil, err
	}
	files = slices.DeleteFunc(files, func(file *v1alpha1.RecordingFile) bool {
		return file.Name == swept.Name || file.Spec.SourceRef != swept.Spec.SourceRef || !bears(file, swept.Spec.File) ||
			!file.DeletionTimestamp.IsZero()
	})
	if len(files) == 0 {
		return nil, nil //nolint:nilnil // there is no other, which is no error
	}
	other := slices.MinFunc(files, preferred)
	if decided := decideKnown(other, swept.Spec); decided.action == actUpdate {
		if err := i.update(ctx, decided); err != nil {
			return nil, fmt.Errorf("hand the facts of %s on: %w", swept.Name, err)
		}
	}
	err = i.call(ctx, func(ctx context.Context) error { return i.store.remove(ctx, swept) })
	if err != nil && !apierrors.IsNotFound(err) {
		return nil, err
	}
	return other, nil
}

// preferred puts a chain's files before others, because the next COMPLETE looks there first.
func preferred(a, b *v1alpha1.RecordingFile) int {
	if numbered(a) != numbered(b) {
		if numbered(a) {
			return -1
		}
		return 1
	}
	return cmp.Compare(a.Name, b.Name)
}
