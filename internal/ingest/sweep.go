// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"cmp"
	"context"
	"slices"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// Found is a recorded object that a sweep found in the bucket of a source.
type Found struct {
	// Namespace and Source are those of the RecordingSource whose bucket was swept.
	Namespace string
	Source    string
	// Format is HLS or MP4, and StreamName what the object's key tells of the stream; either may be empty.
	Format     string
	StreamName string
	// File holds the facts that the object tells. Its Bucket and Object are set.
	File sparkrtc.File
}

// sweptPrefix begins the name of every file that a sweep makes.
const sweptPrefix = "swept-"

// SweptName is the name of the file that a sweep makes for an object. It follows from the object alone, so that it is
// a lock between sweeps, and so that a COMPLETE finds it with one read.
func SweptName(namespace, source, bucket, object string) string {
	return sweptPrefix + hexHash(namespace, source, bucket, object)[:longHash]
}

// Known is what the cache knows of the object in a file of the source; nil: no file bears it. A sweep asks before it
// reads the object's facts, and leaves the object alone unless it clearly holds more: what a callback reported is
// measured otherwise than what is read from the bucket, and a file that grows only by that would be processed again for
// nothing. What it returns is the cache's own and must not be changed.
func (i *Ingester) Known(ctx context.Context, namespace, source, bucket, object string) (*v1alpha1.RecordedFile, error) {
	files, err := i.cachedBearers(ctx, namespace, source, factsOf(sparkrtc.File{Bucket: bucket, Object: object}))
	if err != nil {
		return nil, classify(err)
	}
	if len(files) == 0 {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	return files[0].Spec.File, nil
}

// Sweep makes an object that was found in the bucket safe: when it returns without an error, a file of the source
// bears the object and has at least the facts that were found. Its errors are those of Ingest.
//
// The cache may not know yet of the file that a COMPLETE has made, or a COMPLETE may be about to make one. So a new
// file is not processed before it has settled; see Settle.
func (i *Ingester) Sweep(ctx context.Context, found Found) (Result, error) {
	facts := factsOf(found.File)
	files, err := i.cachedBearers(ctx, found.Namespace, found.Source, facts)
	if err != nil {
		return Result{}, classify(err)
	}
	name := SweptName(found.Namespace, found.Source, found.File.Bucket, found.File.Object)
	return i.repeat(ctx, func(again bool) (Result, error) {
		if again {
			fresh, err := i.refreshBearers(ctx, files, found, facts)
			if err != nil {
				return Result{}, err
			}
			files = fresh
		}
		decided := decideSweep(files, found, i.clock.Now())
		switch decided.action {
		case actCreate:
			return Result{Outcome: decided.outcome, File: name}, i.createFile(ctx, found.Namespace, name, decided)
		case actUpdate:
			return Result{Outcome: decided.outcome, File: decided.file.Name}, i.update(ctx, decided)
		default:
			return Result{Outcome: decided.outcome, File: decided.file.Name}, nil
		}
	})
}

// refreshBearers reads from the API server the files that were known, and what holds the name that a sweep gives.
func (i *Ingester) refreshBearers(ctx context.Context, known []*v1alpha1.RecordingFile, found Found, facts *v1alpha1.RecordedFile) ([]*v1alpha1.RecordingFile, error) {
	files, err := i.getAll(ctx, known)
	if err != nil {
		return nil, err
	}
	name := SweptName(found.Namespace, found.Source, found.File.Bucket, found.File.Object)
	swept, err := i.getBearer(ctx, found.Namespace, name, facts)
	if err != nil {
		return nil, err
	}
	if swept != nil {
		files = append(files, swept)
	}
	return files, nil
}

// SweptFile is the file that a sweep makes, at a time, for an object that no file bears. Whoever creates it has the
// name for a lock.
func SweptFile(found Found, now time.Time) *v1alpha1.RecordingFile {
	decided := decideSweep(nil, found, now)
	name := SweptName(found.Namespace, found.Source, found.File.Bucket, found.File.Object)
	return newFile(found.Namespace, name, decided)
}

// decideSweep is pure: what follows from an object that was found, given the files that bear it.
func decideSweep(bearers []*v1alpha1.RecordingFile, found Found, now time.Time) decision {
	facts := factsOf(found.File)
	if len(bearers) == 0 {
		return decision{
			action: actCreate, outcome: Created,
			spec: v1alpha1.RecordingFileSpec{
				SourceRef:  v1alpha1.LocalReference{Name: found.Source},
				StreamName: found.StreamName, Format: found.Format, File: facts,
			},
			annotations: map[string]string{v1alpha1.AnnotationSwept: now.UTC().Format(time.RFC3339)},
		}
	}
	// Of several, which is not for long, any will do; the choice is by name so that it is always the same.
	file := slices.MinFunc(bearers, func(a, b *v1alpha1.RecordingFile) int { return cmp.Compare(a.Name, b.Name) })
	spec := file.Spec.DeepCopy()
	spec.File = grow(file.Spec.File, facts)
	if apiequality.Semantic.DeepEqual(spec.File, file.Spec.File) {
		return decision{action: actNone, outcome: Duplicate, file: file}
	}
	return change(Grown, file, *spec)
}

// sweptFile reads from the API server the file that a sweep may have made for the object of a COMPLETE; nil: there is
// none.
func (i *Ingester) sweptFile(ctx context.Context, d Delivery) (*v1alpha1.RecordingFile, error) {
	if d.Event.File.Object == "" {
		return nil, nil //nolint:nilnil // what lies in no bucket is not swept
	}
	name := SweptName(d.Namespace, d.Source, d.Event.File.Bucket, d.Event.File.Object)
	return i.getBearer(ctx, d.Namespace, name, factsOf(d.Event.File))
}

// getBearer reads a file from the API server; nil: there is none of that name that bears the object.
func (i *Ingester) getBearer(ctx context.Context, namespace, name string, facts *v1alpha1.RecordedFile) (*v1alpha1.RecordingFile, error) {
	file, found, err := i.get(ctx, namespace, name)
	if err != nil || !found || !bears(file, facts) {
		return nil, err
	}
	return file, nil
}

// cachedBearers are the files that the cache knows of a source and an object.
func (i *Ingester) cachedBearers(ctx context.Context, namespace, source string, facts *v1alpha1.RecordedFile) ([]*v1alpha1.RecordingFile, error) {
	var files []*v1alpha1.RecordingFile
	err := i.call(ctx, func(ctx context.Context) error {
		var err error
		files, err = i.store.bearers(ctx, namespace, source, identityOf(facts))
		return err
	})
	return slices.DeleteFunc(files, func(file *v1alpha1.RecordingFile) bool {
		return file.Spec.SourceRef.Name != source || !bears(file, facts)
	}), err
}
