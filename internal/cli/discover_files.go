// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/discovery"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/recording"
)

// filesPage is how many RecordingFiles are read at once.
const filesPage = 500

// readFiles are the RecordingFiles of a namespace as one reading found them. What changes meanwhile is found out by the
// writes, which join.
type readFiles struct {
	*ingest.Ingester
	byObject map[string]*v1alpha1.RecordingFile
}

// readOnce reads the RecordingFiles of the cluster's namespace.
func readOnce(ctx context.Context, c *cluster, ingester *ingest.Ingester) (*readFiles, error) {
	read := &readFiles{Ingester: ingester, byObject: map[string]*v1alpha1.RecordingFile{}}
	for next := ""; ; {
		// A page of its own each time: what is kept of one must not be decoded over.
		list := &v1alpha1.RecordingFileList{}
		if err := c.List(ctx, list, client.InNamespace(c.namespace), client.Limit(filesPage), client.Continue(next)); err != nil {
			return nil, err
		}
		for i := range list.Items {
			// The spec is enough, and there may be a hundred thousand of them.
			file := &v1alpha1.RecordingFile{Spec: list.Items[i].Spec}
			file.Namespace, file.Name = list.Items[i].Namespace, list.Items[i].Name
			read.byObject[keyOf(file.Spec.SourceRef.Name, file.Spec.Object)] = file
		}
		if next = list.Continue; next == "" {
			return read, nil
		}
	}
}

// keyOf is the usual name of a file, whatever its name is.
func keyOf(source string, object v1alpha1.ObjectIdentity) string {
	return ingest.FileNames(source, object)[1]
}

// Find is the file of an object; nil: it has none.
func (r *readFiles) Find(_ context.Context, _, source string, object v1alpha1.ObjectIdentity) (*v1alpha1.RecordingFile, error) {
	return r.byObject[keyOf(source, object)], nil
}

// watchedBucket prints how far the listing is.
type watchedBucket struct {
	discovery.Bucket
	out io.Writer
	// prefix of the scan's own listing; the others are of the segments of one recording.
	prefix string
	listed int
}

// List is the bucket's.
func (b *watchedBucket) List(ctx context.Context, prefix, after string) ([]objectstore.Object, error) {
	page, err := b.Bucket.List(ctx, prefix, after)
	if err != nil || prefix != b.prefix {
		return page, err
	}
	if b.listed += len(page); len(page) == objectstore.PageSize {
		_, _ = fmt.Fprintf(b.out, "%d objects listed, now at %s\n", b.listed, plain(page[len(page)-1].Key))
	}
	return page, nil
}

// progressEvery is after how many recordings progress is printed.
const progressEvery = 100

// foundFiles are the RecordingFiles that discovery creates, or would create in a dry run.
type foundFiles struct {
	files  *readFiles
	looked int
	bucket *watchedBucket
	dryRun bool
	rows   []foundFile
}

type foundFile struct {
	file    *v1alpha1.RecordingFile
	outcome ingest.Outcome
}

// Find is the file of an object. It is the first question about each recording.
func (f *foundFiles) Find(ctx context.Context, namespace, source string, object v1alpha1.ObjectIdentity) (*v1alpha1.RecordingFile, error) {
	if f.looked++; f.looked%progressEvery == 0 {
		_, _ = fmt.Fprintf(f.bucket.out, "%d recordings scanned, %d of them without a RecordingFile, now at %s\n", f.looked, len(f.rows), plain(object.Key))
	}
	return f.files.Find(ctx, namespace, source, object)
}

// Discover creates a file for what was found, unless this is a dry run.
func (f *foundFiles) Discover(ctx context.Context, found ingest.Found) (ingest.Result, error) {
	file := ingest.NewFile(found)
	file.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RecordingFile"))
	result, err := f.outcome(ctx, found, file.Name)
	if err != nil {
		return result, err
	}
	if result.Outcome == ingest.Created || result.Outcome == ingest.Updated {
		file.Name = result.File
		f.rows = append(f.rows, foundFile{file: file, outcome: result.Outcome})
	}
	return result, nil
}

// outcome writes, or says what writing would come to.
func (f *foundFiles) outcome(ctx context.Context, found ingest.Found, name string) (ingest.Result, error) {
	if !f.dryRun {
		return f.files.Discover(ctx, found)
	}
	known, err := f.files.Find(ctx, found.Namespace, found.Source, v1alpha1.ObjectIdentity{Bucket: found.Bucket, Key: found.Key})
	switch {
	case err != nil:
		return ingest.Result{}, err
	case known != nil:
		return ingest.Result{Outcome: ingest.Updated, File: known.Name}, nil
	default:
		return ingest.Result{Outcome: ingest.Created, File: name}, nil
	}
}

// write prints a table.
func (f *foundFiles) write(out io.Writer) error {
	if len(f.rows) == 0 {
		return nil
	}
	w := printers.GetNewTabWriter(out)
	_, _ = fmt.Fprintln(w, "NAME\tOBJECT\tFORMAT\tDURATION\tSIZE\tLAST MODIFIED\tACTION")
	for _, row := range f.rows {
		action := string(row.outcome)
		if f.dryRun {
			action = "would be " + action
		}
		facts := recording.Of(&row.file.Spec)
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", row.file.Name, plain(facts.Object.Key), facts.Format,
			orUnknown(facts.DurationSeconds, facts.Duration().String()), orUnknown(facts.SizeBytes, recording.HumanSize(facts.SizeBytes)),
			row.file.Spec.Discovered.LastModified.UTC().Format(time.RFC3339), action)
	}
	return w.Flush()
}

// orUnknown is a text, unless the fact that it is about is not known.
func orUnknown(fact int64, text string) string {
	if fact == 0 {
		return "<unknown>"
	}
	return text
}
