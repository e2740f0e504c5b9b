// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// stored says what an accepted callback has become. The operator's answer does not say it: who may call need not know what is
// in the cluster.
func (o *sendOptions) stored(ctx context.Context, body []byte) string {
	event, err := sparkrtc.Decode(body)
	if err != nil {
		return "" // the operator took it, so another version made it
	}
	switch event.Type {
	case sparkrtc.Complete:
		return o.storedAs(ctx, "recordingfile", ingest.FileNames(o.sourceName, ingest.ObjectOf(event.File)), func(ctx context.Context, key types.NamespacedName) (bool, error) {
			file := &v1alpha1.RecordingFile{}
			err := o.cluster.Get(ctx, key, file)
			return file.Spec.SourceRef.Name == o.sourceName && file.Spec.Object == ingest.ObjectOf(event.File), err
		})
	case sparkrtc.Start, sparkrtc.Over:
		if event.TaskID == "" {
			return "nothing is stored: it names no task (job_id)"
		}
		return o.storedAs(ctx, "recordingtask", ingest.TaskNames(o.sourceName, event.TaskID), func(ctx context.Context, key types.NamespacedName) (bool, error) {
			task := &v1alpha1.RecordingTask{}
			err := o.cluster.Get(ctx, key, task)
			return task.Spec.SourceRef.Name == o.sourceName && task.Spec.TaskID == event.TaskID, err
		})
	default:
		if event.NamesFile {
			return "no file is stored: event_type is unknown; see `kubectl get rejectedcallbacks -o wide -n " + o.cluster.namespace + "`"
		}
		return "nothing is stored: event_type is unknown"
	}
}

// storedAs looks for the object under the names that it may have.
func (o *sendOptions) storedAs(ctx context.Context, kind string, names [2]string, isIt func(context.Context, types.NamespacedName) (bool, error)) string {
	for _, name := range names {
		is, err := isIt(ctx, types.NamespacedName{Namespace: o.cluster.namespace, Name: name})
		switch {
		case apierrors.IsNotFound(err):
			return fmt.Sprintf("%s/%s is not there yet: an operator that cannot reach the API server keeps callbacks on its disk", kind, name)
		case apierrors.IsForbidden(err):
			return fmt.Sprintf("%s/%s, which you may not read", kind, name)
		case err != nil:
			return fmt.Sprintf("%s/%s, which could not be read: %v", kind, name, err)
		case is:
			return kind + "/" + name
		}
	}
	return ""
}
