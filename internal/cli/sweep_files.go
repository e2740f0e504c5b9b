// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/cli-runtime/pkg/printers"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/discovery"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/objectstore"
)

// filesPage is how many RecordingFiles are read at once.
const filesPage = 500

// readFiles answers lists by the index of objects from one reading of a namespace, as an Ingester's cache would, and
// does everything else itself. What changes meanwhile is found out by the writes, which are guarded.
type readFiles struct {
	client.Client
	byObject map[string][]v1alpha1.RecordingFile
}

// readOnce reads the RecordingFiles of the cluster's namespace.
func readOnce(ctx context.Context, c *cluster) (*readFiles, error) {
	read := &readFiles{Client: c, byObject: map[string][]v1alpha1.RecordingFile{}}
	for next := ""; ; {
		// A page of its own each time: what is kept of one must not be decoded over.
		list := &v1alpha1.RecordingFileList{}
		if err := c.List(ctx, list, client.InNamespace(c.namespace), client.Limit(filesPage), client.Continue(next)); err != nil {
			return nil, err
		}
		for _, file := range list.Items {
			// A sweep looks at the spec alone, and there may be a hundred thousand of them.
			file.ManagedFields, file.Status = nil, v1alpha1.RecordingFileStatus{}
			for _, hash := range ingest.IndexObjectFunc(&file) {
				read.byObject[hash] = append(read.byObject[hash], file)
			}
		}
		if next = list.Continue; next == "" {
			return read, nil
		}
	}
}

// List answers what an Ingester asks of its cache when it sweeps.
func (r *readFiles) List(ctx context.Context, list client.ObjectList, opts ...client.ListOption) error {
	options := (&client.ListOptions{}).ApplyOptions(opts)
	files, ok := list.(*v1alpha1.RecordingFileList)
	if !ok || options.FieldSelector == nil {
		return r.Client.List(ctx, list, opts...)
	}
	hash, ok := options.FieldSelector.RequiresExactMatch(ingest.IndexObject)
	if !ok {
		return r.Client.List(ctx, list, opts...)
	}
	files.Items = r.byObject[hash]
	return nil
}

// watchedBucket tells how far the listing is, and remembers when the objects of its page were written.
type watchedBucket struct {
	discovery.Bucket
	out io.Writer
	// prefix of the listing that is the sweep's; the others are of the segments of one recording.
	prefix   string
	listed   int
	modified map[string]time.Time
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
	b.modified = make(map[string]time.Time, len(page))
	for _, object := range page {
		b.modified[object.Key] = object.LastModified
	}
	return page, nil
}

// progressEvery is after how many recordings it is told how many have been looked at.
const progressEvery = 100

// foundFiles are the RecordingFiles that a sweep creates, or would create in a dry run.
type foundFiles struct {
	files  *ingest.Ingester
	looked int
	bucket *watchedBucket
	dryRun bool
	now    time.Time
	rows   []foundFile
}

type foundFile struct {
	file     *v1alpha1.RecordingFile
	modified time.Time
	outcome  ingest.Outcome
}

// Known is what a file says of an object. It is the first question about each recording.
func (f *foundFiles) Known(ctx context.Context, namespace, source, bucketName, object string) (*v1alpha1.RecordedFile, error) {
	if f.looked++; f.looked%progressEvery == 0 {
		_, _ = fmt.Fprintf(f.bucket.out, "%d recordings looked at, %d of them without a file, now at %s\n", f.looked, len(f.rows), plain(object))
	}
	return f.files.Known(ctx, namespace, source, bucketName, object)
}

// Sweep makes a file of what was found, unless this is a dry run.
func (f *foundFiles) Sweep(ctx context.Context, found ingest.Found) (ingest.Result, error) {
	file := ingest.SweptFile(found, f.now)
	file.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("RecordingFile"))
	result, err := f.outcome(ctx, found, file.Name)
	if err != nil {
		return result, err
	}
	if result.Outcome == ingest.Created || result.Outcome == ingest.Grown {
		file.Name = result.File
		f.rows = append(f.rows, foundFile{file: file, modified: f.bucket.modified[found.File.Object], outcome: result.Outcome})
	}
	return result, nil
}

// outcome writes, or says what writing would come to.
func (f *foundFiles) outcome(ctx context.Context, found ingest.Found, name string) (ingest.Result, error) {
	if !f.dryRun {
		return f.files.Sweep(ctx, found)
	}
	known, err := f.files.Known(ctx, found.Namespace, found.Source, found.File.Bucket, found.File.Object)
	switch {
	case err != nil:
		return ingest.Result{}, err
	case known != nil:
		return ingest.Result{Outcome: ingest.Grown}, nil
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
	_, _ = fmt.Fprintln(w, "OBJECT\tFORMAT\tDURATION\tSIZE\tLAST MODIFIED\tACTION")
	for _, row := range f.rows {
		action := string(row.outcome)
		if f.dryRun {
			action = "would be " + action
		}
		recorded, modified := row.file.Spec.File, "<unknown>"
		if !row.modified.IsZero() {
			modified = row.modified.UTC().Format(time.RFC3339)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", plain(recorded.OBS.Object), row.file.Spec.Format,
			time.Duration(recorded.DurationSeconds)*time.Second, resource.NewQuantity(recorded.SizeBytes, resource.BinarySI), modified, action)
	}
	return w.Flush()
}
