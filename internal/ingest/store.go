// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"encoding/json"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// store is all that an Ingester asks of the API server. Every method is one call.
type store interface {
	// getFile reads a file from the API server itself.
	getFile(ctx context.Context, namespace, name string) (*v1alpha1.RecordingFile, error)
	// getTask reads a task from the API server itself.
	getTask(ctx context.Context, namespace, name string) (*v1alpha1.RecordingTask, error)
	// create fails with AlreadyExists when the name is taken.
	create(ctx context.Context, object client.Object) error
	// patchFile changes what is reported and discovered of a file. It fails with Conflict unless the file is still the
	// one that was read.
	patchFile(ctx context.Context, read *v1alpha1.RecordingFile, to report) (*metav1.PartialObjectMetadata, error)
	// patchTask adds to a task. It fails with NotFound when there is none and, with a resourceVersion, with Conflict unless
	// the task has it still. With a keyID it marks the task, too.
	patchTask(ctx context.Context, namespace, name, resourceVersion, keyID string, spec map[string]any) (*metav1.PartialObjectMetadata, error)
}

// clientStore is the store of a real API server. Its callers set the deadlines.
type clientStore struct {
	writer client.Client
	reader client.Reader
}

func (s clientStore) getFile(ctx context.Context, namespace, name string) (*v1alpha1.RecordingFile, error) {
	var file v1alpha1.RecordingFile
	if err := s.reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &file); err != nil {
		return nil, fmt.Errorf("read RecordingFile %s: %w", name, err)
	}
	return &file, nil
}

func (s clientStore) getTask(ctx context.Context, namespace, name string) (*v1alpha1.RecordingTask, error) {
	var task v1alpha1.RecordingTask
	if err := s.reader.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &task); err != nil {
		return nil, fmt.Errorf("read RecordingTask %s: %w", name, err)
	}
	return &task, nil
}

func (s clientStore) create(ctx context.Context, object client.Object) error {
	if err := s.writer.Create(ctx, object); err != nil {
		return fmt.Errorf("create %s: %w", object.GetName(), err)
	}
	return nil
}

// patchFile sends a JSON merge patch of what changes with the resourceVersion that was read, not the whole object: it is
// a few hundred bytes whatever the status holds, and it leaves alone what a newer operator may have put into the object
// and this one's types do not know.
func (s clientStore) patchFile(ctx context.Context, read *v1alpha1.RecordingFile, to report) (*metav1.PartialObjectMetadata, error) {
	from := &v1alpha1.RecordingFile{Spec: read.Spec}
	from.ResourceVersion = read.ResourceVersion
	changed := from.DeepCopy()
	changed.Spec.TaskIDs, changed.Spec.Reported, changed.Spec.Discovered = to.taskIDs, to.reported, to.discovered
	data, err := client.MergeFromWithOptions(from, client.MergeFromWithOptimisticLock{}).Data(changed)
	if err != nil {
		return nil, fmt.Errorf("encode the change of RecordingFile %s: %w", read.Name, err)
	}
	return s.patch(ctx, "RecordingFile", read.Namespace, read.Name, data)
}

// untracked makes the API server forget who set which field of an object, and not note it in later changes either. To keep
// that record costs it as much as the rest of a patch, and more with each start. Nobody applies a task's fields but receivers.
// See "Clearing managedFields" in the documentation of server-side apply.
var untracked = []map[string]any{{}}

func (s clientStore) patchTask(ctx context.Context, namespace, name, resourceVersion, keyID string, spec map[string]any) (*metav1.PartialObjectMetadata, error) {
	metadata := map[string]any{"managedFields": untracked}
	if resourceVersion != "" {
		metadata["resourceVersion"] = resourceVersion
	}
	if keyID != "" {
		metadata["annotations"] = keyMark(keyID)
	}
	data, err := json.Marshal(map[string]any{"metadata": metadata, "spec": spec})
	if err != nil {
		return nil, fmt.Errorf("encode the change of RecordingTask %s: %w", name, err)
	}
	return s.patch(ctx, "RecordingTask", namespace, name, data)
}

// patch asks for the metadata alone in the answer.
func (s clientStore) patch(ctx context.Context, kind, namespace, name string, data []byte) (*metav1.PartialObjectMetadata, error) {
	answer := &metav1.PartialObjectMetadata{}
	answer.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind(kind))
	answer.Namespace, answer.Name = namespace, name
	if err := s.writer.Patch(ctx, answer, client.RawPatch(types.MergePatchType, data)); err != nil {
		return nil, fmt.Errorf("patch %s %s: %w", kind, name, err)
	}
	return answer, nil
}
