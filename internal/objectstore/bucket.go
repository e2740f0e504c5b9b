// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package objectstore looks into a bucket that speaks S3, with the credentials of its StorageLocation and at that
// location's endpoint alone. It can list, stat and read; it has no way to change an object.
package objectstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/s3client"
)

const (
	// PageSize is how many objects a listing gives at once; S3 allows no more.
	PageSize = 1000
	// Deadlines of one question. A page is some 300 KB and may be compiled from much more.
	questionTimeout = 10 * time.Second
	pageTimeout     = 30 * time.Second
	// attempts bounds how often a question that failed in passing is asked.
	attempts = 3
)

// Object is what a listing says of one object.
type Object struct {
	Key          string
	Size         int64
	LastModified time.Time
}

// Bucket is one bucket. Close it when it is no longer needed.
type Bucket struct {
	core      minio.Core
	transport *http.Transport
	location  *v1alpha1.S3Location
	name      string
}

// Open makes a client; nothing is asked yet. Its errors are ErrCA, ErrEndpoint and
// s3client.ErrOtherEndpoint. It never connects to an address in
// one of the denied networks: then every question ends with ErrDenied.
func Open(location *v1alpha1.S3Location, access Access, denied ...netip.Prefix) (*Bucket, error) {
	transport, err := s3client.Transport(access.CA, denied, s3client.Deadlines{
		Connect: questionTimeout, TLS: 5 * time.Second, Header: pageTimeout,
	})
	if err != nil {
		return nil, err
	}
	transport.MaxResponseHeaderBytes = maxHeaderBytes
	client, err := s3client.New(location, access, boundedAnswers{transport}, attempts)
	if errors.Is(err, s3client.ErrOtherEndpoint) {
		return nil, err
	}
	if err != nil {
		return nil, ErrEndpoint
	}
	return &Bucket{core: *client, transport: transport, location: location, name: location.Bucket}, nil
}

// Close lets go of idle connections.
func (b *Bucket) Close() { b.transport.CloseIdleConnections() }

// Name of the bucket.
func (b *Bucket) Name() string { return b.name }

// Check asks whether the bucket is there and lets us in. It lists one object below the location's prefix, because a
// response to HEAD does not say what is wrong, and any web server may give it.
func (b *Bucket) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	_, problem := b.page(ctx, b.location.Prefix, "", 1)
	if errors.Is(problem, ErrForbidden) {
		// Credentials that only write may not list.
		if there, err := b.core.BucketExists(ctx, b.name); err == nil && there {
			return nil
		}
	}
	return problem
}

// List is the next page of the objects whose keys begin with prefix, in the order of keys: those after the key after.
// A page of fewer than PageSize objects is the last. It asks by ListObjects version 1, the one that every dialect
// knows.
func (b *Bucket) List(ctx context.Context, prefix, after string) ([]Object, error) {
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	return b.page(ctx, prefix, after, PageSize)
}

// page lists at most limit objects.
func (b *Bucket) page(ctx context.Context, prefix, after string, limit int) ([]Object, error) {
	page := make([]Object, 0, limit)
	last := after
	for object := range b.core.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{
		Prefix: prefix, StartAfter: after, Recursive: true, UseV1: true, MaxKeys: limit,
	}) {
		if object.Err != nil {
			return nil, b.translate(object.Err)
		}
		if object.Key <= last || !strings.HasPrefix(object.Key, prefix) {
			return nil, ErrDisorder
		}
		last = object.Key
		page = append(page, Object{Key: object.Key, Size: object.Size, LastModified: object.LastModified.UTC()})
		if len(page) == limit {
			break
		}
	}
	// A listing whose time is over ends without saying so; taken for its end, it would lose what follows.
	if ctx.Err() != nil {
		return nil, b.translate(ctx.Err())
	}
	return page, nil
}

// Mark is the user metadata of an object under a name; empty: none.
func (b *Bucket) Mark(ctx context.Context, key, name string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	info, err := b.core.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	if minio.ToErrorResponse(err).StatusCode == http.StatusNotFound {
		// An answer to HEAD cannot say what is not found: some servers say 404 for credentials that they do not know.
		if _, err = b.Read(ctx, key, 0, 1); err == nil {
			return "", ErrRejected // a HEAD and a GET of the same object contradict each other
		}
		return "", err
	}
	if err != nil {
		return "", b.translate(err)
	}
	for found, value := range info.UserMetadata {
		if strings.EqualFold(found, name) {
			return value, nil
		}
	}
	return "", nil
}

// Read is at most length bytes of an object from offset on; fewer at its end. The offset must lie within the object.
func (b *Bucket) Read(ctx context.Context, key string, offset, length int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	var options minio.GetObjectOptions
	if err := options.SetRange(offset, offset+length-1); err != nil {
		return nil, fmt.Errorf("range of %d bytes from %d: %w", length, offset, err)
	}
	body, _, header, err := b.core.GetObject(ctx, b.name, key, options)
	if err != nil {
		return nil, b.translate(err)
	}
	defer func() { _ = body.Close() }()
	if offset > 0 && header.Get("Content-Range") == "" {
		return nil, ErrUnreadable // the server ignores ranges: this is the object's beginning
	}
	data, err := io.ReadAll(io.LimitReader(body, length))
	if err != nil {
		return nil, b.translate(err)
	}
	return data, nil
}
