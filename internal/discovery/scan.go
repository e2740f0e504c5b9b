// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package discovery finds recordings whose callback never came: it lists a bucket for playlists and MP4s that have no
// RecordingFile, reads their facts, and hands them over one by one. It never changes an object.
//
// The operator scans what was written lately, over and over (Window); `kubectl recordings discover` scans the past once.
package discovery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/recording"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

const (
	// objectTimeout bounds the work on one object: it takes a few requests, and twenty for the longest recording.
	objectTimeout = 25 * time.Second
	// maxFailures bounds how many objects one run may fail over before it gives up: what fails so often is the store.
	maxFailures = 10
)

// Bucket is what a scan needs of a bucket; *objectstore.Bucket is one. Its errors are those of package objectstore.
type Bucket interface {
	// Name of the bucket.
	Name() string
	// List is the next page of a listing; one of fewer than objectstore.PageSize objects is the last.
	List(ctx context.Context, prefix, after string) ([]objectstore.Object, error)
	// Mark is the user metadata of an object under a name; empty: none.
	Mark(ctx context.Context, key, name string) (string, error)
	// Read is at most length bytes from offset on.
	Read(ctx context.Context, key string, offset, length int64) ([]byte, error)
}

// Files are the RecordingFiles of the scanned source. *ingest.Ingester reads them one by one; the plugin reads all of them
// once.
type Files interface {
	// Find is the file of an object; nil: it has none.
	Find(ctx context.Context, namespace, source string, object v1alpha1.ObjectIdentity) (*v1alpha1.RecordingFile, error)
	// Discover creates a file for what was found, or adds to the one that the object has. An error that ingest.IsInvalid
	// says is invalid concerns that object alone; any other ends the run.
	Discover(ctx context.Context, found ingest.Found) (ingest.Result, error)
}

// Scope says what is scanned.
type Scope struct {
	// Namespace and Source are those of the RecordingSource.
	Namespace, Source string
	// Prefix of the keys that are looked at; see the function of that name.
	Prefix string
	// From and To bound when an object was written last: not before From, and before To. A zero From is no bound.
	// What was written lately may still be recorded: To should be no later than spec.discovery.minAge ago.
	From, To time.Time
}

// Scan is one look through a bucket, which may be run in pieces. It is not safe for concurrent use.
type Scan struct {
	scope Scope
	files Files
	// after is the last key that was dealt with.
	after string
	done  bool
}

// New begins a scan.
func New(scope Scope, files Files) *Scan { return &Scan{scope: scope, files: files} }

// Done says that the scan has got to its end. With no failures in its reports, everything in its scope was dealt with.
func (s *Scan) Done() bool { return s.done }

// Scope is what is scanned.
func (s *Scan) Scope() Scope { return s.scope }

// Run goes on where the last run stopped, until the end, an error, or the context's. It reports what this run came to.
// An object that fails is reported and does not keep the run from others. Errors hold no secret and nothing that the
// server chose, but for keys of objects.
func (s *Scan) Run(ctx context.Context, from Bucket) (Report, error) {
	report := Report{Outcomes: map[Outcome]int64{}}
	for !s.done {
		page, err := from.List(ctx, s.scope.Prefix, s.after)
		if err != nil {
			return report, fmt.Errorf("list bucket %q: %w", from.Name(), err)
		}
		for _, object := range page {
			if err := s.look(ctx, from, object, &report); err != nil {
				return report, err
			}
			s.after = object.Key
			report.Listed++
		}
		// Where nothing can be in scope, one page shows that the bucket lets itself be listed.
		s.done = len(page) < objectstore.PageSize || !s.scope.From.Before(s.scope.To)
	}
	return report, nil
}

// look deals with one object of the listing. An error ends the run; the object will be looked at again.
func (s *Scan) look(ctx context.Context, from Bucket, object objectstore.Object, report *Report) error {
	format := formatOf(object.Key)
	if format == "" || object.LastModified.Before(s.scope.From) || !object.LastModified.Before(s.scope.To) {
		return nil
	}
	objectCtx, cancel := context.WithTimeout(ctx, objectTimeout)
	defer cancel()
	outcome, problem, err := s.examine(objectCtx, from, object, format)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return fmt.Errorf("scan bucket %q: %w", from.Name(), ctx.Err())
	case errors.Is(err, objectstore.ErrNoObject):
		outcome = Gone
	case ingest.IsInvalid(err):
		outcome, problem = Refused, err.Error()
	case isFile(err), report.Outcomes[Failed] >= maxFailures:
		return fmt.Errorf("object %.200q: %w", object.Key, err)
	default:
		outcome, problem = Failed, err.Error()
	}
	report.count(object.Key, outcome, problem)
	return nil
}

// examine finds out what an object is and, if it is a recording that is not known, hands it over. The problem is what
// a person should know of it; it may be there with any outcome.
func (s *Scan) examine(ctx context.Context, from Bucket, object objectstore.Object, format string) (Outcome, string, error) {
	if problem := unstorable(object.Key); problem != "" {
		return Refused, problem, nil
	}
	known, err := s.known(ctx, from, object.Key)
	if err != nil {
		return "", "", err
	}
	if known == nil {
		mark, err := from.Mark(ctx, object.Key, workerapi.MarkName)
		if err != nil {
			return "", "", err
		}
		if mark != "" {
			return Own, "", nil
		}
	} else if format == formatMP4 && !grew(known, object, format, content{}) {
		return Known, "", nil
	}
	seen, err := readContent(ctx, from, object, format)
	switch {
	case err != nil:
		return "", "", err
	case seen.part:
		return Part, "", nil
	case known != nil && !grew(known, object, format, seen):
		return Known, "", nil
	}
	if format == formatHLS {
		if seen.sizeBytes, err = segmentBytes(ctx, from, object.Key, seen.playlist); err != nil {
			return "", "", err
		}
	}
	outcome, err := s.hand(ctx, from, object, format, seen)
	return outcome, seen.problem, err
}

// known is what is known of an object; nil: it has no file.
func (s *Scan) known(ctx context.Context, from Bucket, key string) (*recording.Facts, error) {
	file, err := s.files.Find(ctx, s.scope.Namespace, s.scope.Source, v1alpha1.ObjectIdentity{Bucket: from.Name(), Key: key})
	if err != nil {
		return nil, &fileError{err}
	}
	if file == nil {
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	}
	facts := recording.Of(&file.Spec)
	return &facts, nil
}

// hand creates a file for the object, or adds to the one that it has.
func (s *Scan) hand(ctx context.Context, from Bucket, object objectstore.Object, format string, seen content) (Outcome, error) {
	// It took a while to read the object: a callback may have reported it meanwhile.
	known, err := s.known(ctx, from, object.Key)
	if err != nil {
		return "", err
	}
	if known != nil && !grew(known, object, format, seen) {
		return Known, nil
	}
	stream, _ := nameOf(object.Key)
	result, err := s.files.Discover(ctx, ingest.Found{
		Namespace: s.scope.Namespace, Source: s.scope.Source, Bucket: from.Name(), Key: object.Key,
		LastModified: object.LastModified, Stream: stream, Facts: factsOf(object, seen),
	})
	if err != nil {
		return "", &fileError{err}
	}
	switch result.Outcome {
	case ingest.Created:
		return Created, nil
	case ingest.Updated:
		return Updated, nil
	default:
		return Known, nil
	}
}

// fileError is an error of Files.
type fileError struct{ err error }

func (e *fileError) Error() string { return e.err.Error() }
func (e *fileError) Unwrap() error { return e.err }

func isFile(err error) bool {
	_, ok := errors.AsType[*fileError](err)
	return ok
}
