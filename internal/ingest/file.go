// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// fileKey is the identity of a RecordingFile.
type fileKey struct {
	namespace, source string
	object            v1alpha1.ObjectIdentity
}

func (f Found) key() fileKey {
	return fileKey{f.Namespace, f.Source, v1alpha1.ObjectIdentity{Bucket: f.Bucket, Key: f.Key}}
}

// of says whether a file is the one of the key. A person may have written it, to have the recording processed before
// it was reported. The name is all that is protected: only the operator's accounts, and people with the verb report, create
// files under the names of objects (config/admission).
func (k fileKey) of(file *v1alpha1.RecordingFile) bool {
	return file.Spec.SourceRef.Name == k.source && file.Spec.Object == k.object
}

// writeFile creates the file or, when it exists, patches it to the join of what it holds and the report.
func (i *Ingester) writeFile(ctx context.Context, key fileKey, r report, keyID string) (Result, error) {
	budget := calls{timeout: i.timeout}
	for _, name := range FileNames(key.source, key.object) {
		result, err := i.writeFileNamed(ctx, &budget, key, name, r, keyID)
		if err == errOtherIdentity { //nolint:errorlint // never wrapped
			continue
		}
		return result, err
	}
	return Result{}, &Error{Kind: Invalid, Err: ErrNameTaken}
}

// writeFileNamed is writeFile for one of the names. Its error is errOtherIdentity when the name is another object's.
func (i *Ingester) writeFileNamed(ctx context.Context, budget *calls, key fileKey, name string, r report, keyID string) (Result, error) {
	file := fileName{key.namespace, name}
	exists := i.known.has(file)
	marked := newFile(key, name, r)
	marked.Annotations = keyMark(keyID)
	for budget.left() {
		if !exists {
			err := budget.do(ctx, func(ctx context.Context) error { return i.store.create(ctx, marked) })
			if err == nil {
				i.known.add(file)
				return Result{Outcome: Created, File: name}, nil
			}
			if !apierrors.IsAlreadyExists(err) {
				return Result{}, classify(err)
			}
			exists = true
			continue
		}
		outcome, err := i.joinFile(ctx, budget, key, name, r)
		switch {
		case err == nil:
			i.known.add(file)
			return Result{Outcome: outcome, File: name}, nil
		case err == errOtherIdentity: //nolint:errorlint // never wrapped
			return Result{}, err
		case apierrors.IsNotFound(err):
			exists = false
		case !apierrors.IsConflict(err):
			return Result{}, classify(err)
		}
	}
	return Result{}, &Error{Kind: Unavailable, Err: ErrBusy}
}

// joinFile reads the file and patches it when the report adds to it.
func (i *Ingester) joinFile(ctx context.Context, budget *calls, key fileKey, name string, r report) (Outcome, error) {
	var file *v1alpha1.RecordingFile
	err := budget.do(ctx, func(ctx context.Context) error {
		var err error
		file, err = i.store.getFile(ctx, key.namespace, name)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case !file.DeletionTimestamp.IsZero():
		// A patch would succeed, and then the file would be gone.
		return "", ErrBeingDeleted
	case !key.of(file):
		return "", errOtherIdentity
	}
	known := report{taskIDs: file.Spec.TaskIDs, reported: file.Spec.Reported, discovered: file.Spec.Discovered}
	joined := known.join(r)
	if joined.equal(known) {
		return Duplicate, nil
	}
	if !budget.left() {
		return "", ErrBusy
	}
	err = budget.do(ctx, func(ctx context.Context) error {
		answer, err := i.store.patchFile(ctx, file, joined)
		if err == nil && !answer.DeletionTimestamp.IsZero() {
			return ErrBeingDeleted
		}
		return err
	})
	return Updated, err
}

// newFile is the file that is created for a report.
func newFile(key fileKey, name string, r report) *v1alpha1.RecordingFile {
	file := &v1alpha1.RecordingFile{Spec: v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: key.source}, Object: key.object,
		TaskIDs: r.taskIDs, Reported: r.reported, Discovered: r.discovered,
	}}
	file.Namespace, file.Name = key.namespace, name
	file.Labels = map[string]string{v1alpha1.LabelSource: key.source}
	return file
}

// keyMark is the annotation of an object that is written for a delivery which a key of this ID signed; none without an ID.
func keyMark(keyID string) map[string]string {
	if keyID == "" {
		return nil
	}
	return map[string]string{v1alpha1.AnnotationKeyID: keyID}
}

// NewFile is the file that Discover creates for an object that has none.
func NewFile(found Found) *v1alpha1.RecordingFile {
	key := found.key()
	return newFile(key, FileNames(key.source, key.object)[0], foundOf(found))
}

// Find reads the file of an object in a bucket; nil: it has none.
func (i *Ingester) Find(ctx context.Context, namespace, source string, object v1alpha1.ObjectIdentity) (*v1alpha1.RecordingFile, error) {
	key := fileKey{namespace, source, object}
	budget := calls{timeout: i.timeout}
	for _, name := range FileNames(source, object) {
		var file *v1alpha1.RecordingFile
		err := budget.do(ctx, func(ctx context.Context) error {
			var err error
			file, err = i.store.getFile(ctx, namespace, name)
			return err
		})
		switch {
		case apierrors.IsNotFound(err):
			return nil, nil //nolint:nilnil // absence is an answer here, not an error
		case err != nil:
			return nil, classify(err)
		case key.of(file):
			return file, nil
		}
	}
	return nil, nil //nolint:nilnil // as above
}
