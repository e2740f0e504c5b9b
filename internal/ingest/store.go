// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// The cache's indexes of RecordingFiles.
const (
	// IndexChain is by the chain that the file belongs to.
	IndexChain = "recordingChain"
	// IndexObject is by the source and the object that the file bears.
	IndexObject = "recordingObject"
)

// indexDigits is how much of a hash the indexes go by: 4096 values in a namespace. An index costs some 350 bytes of
// memory for each value, and each file has an object of its own; so few are worth that a look finds some two dozen
// strangers among 100,000 files, which cost microseconds.
const indexDigits = 3

// Selectable fields of the RecordingFile's definition; the API server knows them, not the cache.
const (
	fieldJob    = "spec.jobID"
	fieldObject = "spec.file.obs.object"
)

// IndexFunc is what IndexChain indexes a RecordingFile by.
func IndexFunc(obj client.Object) []string {
	file, ok := obj.(*v1alpha1.RecordingFile)
	if !ok {
		return nil
	}
	return []string{KeyOfFile(file).hexHash()[:indexDigits]}
}

// IndexObjectFunc is what IndexObject indexes a RecordingFile by.
func IndexObjectFunc(obj client.Object) []string {
	file, ok := obj.(*v1alpha1.RecordingFile)
	if !ok || file.Spec.File == nil {
		return nil
	}
	return []string{objectIndex(file.Namespace, file.Spec.SourceRef.Name, identityOf(file.Spec.File))}
}

func objectIndex(namespace, source string, object identity) string {
	return hexHash(namespace, source, object.bucket, object.object, object.url)[:indexDigits]
}

// SetupIndexes has the cache keep the indexes that an Ingester reads by. It has to be called before the cache starts.
func SetupIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	if err := indexer.IndexField(ctx, &v1alpha1.RecordingFile{}, IndexChain, IndexFunc); err != nil {
		return fmt.Errorf("index recording files by chain: %w", err)
	}
	if err := indexer.IndexField(ctx, &v1alpha1.RecordingFile{}, IndexObject, IndexObjectFunc); err != nil {
		return fmt.Errorf("index recording files by object: %w", err)
	}
	return nil
}

// store is all that an Ingester asks of the API server.
type store interface {
	// chain reads the files that the cache knows of the key's chain, among others. The files are the cache's own and
	// must not be changed.
	chain(ctx context.Context, key Key) ([]*v1alpha1.RecordingFile, error)
	// bearers reads the files that the cache knows of a source and an object, among others. They are the cache's own
	// and must not be changed.
	bearers(ctx context.Context, namespace, source string, object identity) ([]*v1alpha1.RecordingFile, error)
	// get reads a file from the API server itself.
	get(ctx context.Context, namespace, name string) (*v1alpha1.RecordingFile, error)
	// job reads a job's files from the API server itself.
	job(ctx context.Context, namespace, job string) ([]*v1alpha1.RecordingFile, error)
	// bearersNow reads the files that bear a key in any bucket of any source from the API server itself.
	bearersNow(ctx context.Context, namespace, object string) ([]*v1alpha1.RecordingFile, error)
	// create fails with AlreadyExists when the name is taken.
	create(ctx context.Context, file *v1alpha1.RecordingFile) error
	// update changes the spec, and takes AnnotationSwept away when the file is reported. It fails with Conflict unless
	// the file is still the one that was read.
	update(ctx context.Context, read *v1alpha1.RecordingFile, spec v1alpha1.RecordingFileSpec, reported bool) error
	// remove deletes the file, and fails with Conflict unless it is still the one that was read.
	remove(ctx context.Context, read *v1alpha1.RecordingFile) error
}

// clientStore is the store of a real API server. Who calls sets the deadlines.
type clientStore struct {
	cached client.Client
	live   client.Reader
}

func (s clientStore) chain(ctx context.Context, key Key) ([]*v1alpha1.RecordingFile, error) {
	return s.indexed(ctx, key.Namespace, IndexChain, key.hexHash()[:indexDigits])
}

func (s clientStore) bearers(ctx context.Context, namespace, source string, object identity) ([]*v1alpha1.RecordingFile, error) {
	return s.indexed(ctx, namespace, IndexObject, objectIndex(namespace, source, object))
}

func (s clientStore) indexed(ctx context.Context, namespace, index, value string) ([]*v1alpha1.RecordingFile, error) {
	var list v1alpha1.RecordingFileList
	// A chain can be long and a status big; nothing here changes a file, so nothing has to be copied.
	err := s.cached.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{index: value}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("read recording files from the cache by %s: %w", index, err)
	}
	return pointers(list.Items), nil
}

func (s clientStore) get(ctx context.Context, namespace, name string) (*v1alpha1.RecordingFile, error) {
	var file v1alpha1.RecordingFile
	if err := s.live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &file); err != nil {
		return nil, fmt.Errorf("read recording file %s: %w", name, err)
	}
	return &file, nil
}

func (s clientStore) job(ctx context.Context, namespace, job string) ([]*v1alpha1.RecordingFile, error) {
	return s.selected(ctx, namespace, fieldJob, job)
}

func (s clientStore) bearersNow(ctx context.Context, namespace, object string) ([]*v1alpha1.RecordingFile, error) {
	return s.selected(ctx, namespace, fieldObject, object)
}

func (s clientStore) selected(ctx context.Context, namespace, field, value string) ([]*v1alpha1.RecordingFile, error) {
	var list v1alpha1.RecordingFileList
	if err := s.live.List(ctx, &list, client.InNamespace(namespace), client.MatchingFields{field: value}); err != nil {
		return nil, fmt.Errorf("list recording files by %s: %w", field, err)
	}
	return pointers(list.Items), nil
}

func (s clientStore) create(ctx context.Context, file *v1alpha1.RecordingFile) error {
	if err := s.cached.Create(ctx, file); err != nil {
		return fmt.Errorf("create recording file %s: %w", file.Name, err)
	}
	return nil
}

// update sends a JSON merge patch of what changes with the resourceVersion that was read, not the whole object: it is a
// few hundred bytes whatever the status holds, and it leaves alone what a newer operator may have put into the object
// and this one's types do not know. A real API server takes either in the same time, to within a twentieth.
func (s clientStore) update(ctx context.Context, read *v1alpha1.RecordingFile, spec v1alpha1.RecordingFileSpec, reported bool) error {
	from := &v1alpha1.RecordingFile{Spec: read.Spec}
	from.Namespace, from.Name, from.ResourceVersion = read.Namespace, read.Name, read.ResourceVersion
	from.Annotations = read.Annotations
	to := from.DeepCopy()
	to.Spec = spec
	if reported {
		delete(to.Annotations, v1alpha1.AnnotationSwept)
	}
	patch := client.MergeFromWithOptions(from, client.MergeFromWithOptimisticLock{})
	if err := s.cached.Patch(ctx, to, patch); err != nil {
		return fmt.Errorf("update recording file %s: %w", read.Name, err)
	}
	return nil
}

func (s clientStore) remove(ctx context.Context, read *v1alpha1.RecordingFile) error {
	file := &v1alpha1.RecordingFile{}
	file.Namespace, file.Name = read.Namespace, read.Name
	same := client.Preconditions{UID: &read.UID, ResourceVersion: &read.ResourceVersion}
	if err := s.cached.Delete(ctx, file, same); err != nil {
		return fmt.Errorf("delete recording file %s: %w", read.Name, err)
	}
	return nil
}

func pointers(items []v1alpha1.RecordingFile) []*v1alpha1.RecordingFile {
	files := make([]*v1alpha1.RecordingFile, len(items))
	for i := range items {
		files[i] = &items[i]
	}
	return files
}
