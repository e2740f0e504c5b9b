// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/s3client"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// s3Attempts is how often one request is sent when the server fails in passing, about a second apart.
const s3Attempts = 3

// bucketName is a bucket's name: nothing in it can be read as another part of a URL.
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// s3Bucket is one bucket. Keys are sent byte for byte.
type s3Bucket struct {
	core     *minio.Core
	location *v1alpha1.S3Location
	name     string
	// endpoint is the server's host and port, for people.
	endpoint string
	pause    time.Duration
	log      *slog.Logger
}

// newS3Bucket reads the credentials. It never connects to denied networks.
func newS3Bucket(location v1alpha1.S3Location, bucket string, paths Paths, denied []netip.Prefix, log *slog.Logger) (*s3Bucket, error) {
	if bucket == "" {
		bucket = location.Bucket
	}
	if !bucketName.MatchString(bucket) {
		return nil, failure.Permanent(workerapi.ReasonInvalidStep, "%.80q is not the name of a bucket", bucket)
	}
	access, err := readAccess(location, paths)
	if err != nil {
		return nil, err
	}
	transport, err := s3client.Transport(access.CA, denied, s3client.Deadlines{
		Connect: connectTimeout, TLS: connectTimeout, Header: headerTimeout,
	})
	if err != nil {
		return nil, failure.Permanent(workerapi.ReasonInvalidStep, "%w", err)
	}
	transport.MaxIdleConnsPerHost = serverTransfers
	core, err := s3client.New(&location, access, stallGuard{next: transport, idle: stallTimeout}, s3Attempts)
	if err != nil {
		return nil, failure.Permanent(workerapi.ReasonInvalidStep, "%w", err)
	}
	return &s3Bucket{core: core, location: &location, name: bucket, endpoint: core.EndpointURL().Host, pause: time.Second, log: log}, nil
}

// readAccess reads the mounted Secrets.
func readAccess(location v1alpha1.S3Location, paths Paths) (s3client.Access, error) {
	var access s3client.Access
	for _, secret := range []struct {
		file     string
		value    *string
		optional bool
	}{
		{file: v1alpha1.SecretKeyAccessKeyID, value: &access.AccessKeyID},
		{file: v1alpha1.SecretKeySecretAccessKey, value: &access.SecretAccessKey},
		{file: v1alpha1.SecretKeySessionToken, value: &access.SessionToken, optional: true},
		{file: v1alpha1.SecretKeyEndpoint, value: &access.Endpoint, optional: true},
	} {
		value, err := os.ReadFile(filepath.Join(paths.Credentials, secret.file))
		if errors.Is(err, os.ErrNotExist) && secret.optional {
			continue
		}
		if err != nil {
			return access, failure.Permanent(workerapi.ReasonForbidden, "the credentials have no %s: %w", secret.file, cause(err))
		}
		// A Secret made by hand often ends in a newline; no key does.
		*secret.value = strings.TrimSpace(string(value))
	}
	if location.CASecretRef != nil {
		ca, err := os.ReadFile(filepath.Join(paths.CA, "ca.crt"))
		if err != nil {
			return access, failure.Permanent(workerapi.ReasonInvalidStep, "the CA certificates cannot be read: %w", cause(err))
		}
		access.CA = ca
	}
	return access, nil
}

func (b *s3Bucket) uri(key string) string { return "s3://" + b.name + "/" + key }

// Describe is an object's s3:// URI, fit for a message.
func (b *s3Bucket) Describe(key string) string { return printable(b.uri(key)) }

func (b *s3Bucket) receiver() receiver { return receiver{server: b, pause: b.pause, log: b.log} }

// open asks for an object or the rest of it. When the object has changed meanwhile, it gives the new one whole.
func (b *s3Bucket) open(ctx context.Context, key string, offset int64, version string) (opened, error) {
	var options minio.GetObjectOptions
	if offset > 0 {
		if err := errors.Join(options.SetRange(offset, 0), options.SetMatchETag(version)); err != nil {
			return opened{}, fmt.Errorf("ask for the rest of %s: %w", b.Describe(key), err)
		}
	}
	body, info, header, err := b.core.GetObject(ctx, b.name, key, options)
	if err != nil {
		status := errorResponse(err).StatusCode
		if offset > 0 && (status == http.StatusPreconditionFailed || status == http.StatusRequestedRangeNotSatisfiable) {
			return b.open(ctx, key, 0, "")
		}
		return opened{}, b.explain(err, key)
	}
	if !strings.HasPrefix(header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset)) {
		offset = 0 // the server ignores ranges: this is the whole object
	}
	return opened{body: body, offset: offset, size: info.Size, version: info.ETag}, nil
}

// s3Reader reads objects of one bucket; a Ref is a key.
type s3Reader struct {
	keys
	*s3Bucket
}

// keys resolves references between objects of one store.
type keys struct{}

// Resolve gives the key below the playlist's folder.
func (keys) Resolve(base, uri string) (string, error) { return resolveKey(base, uri) }

// RelativeName cuts the playlist's folder off.
func (keys) RelativeName(base, ref string) (string, error) { return relativeKey(base, ref) }

// Copy receives objects side by side.
func (s *s3Reader) Copy(ctx context.Context, objects []Object, dir string, maxBytes int64, stored func(index int) error) error {
	room := newBudget(maxBytes)
	return storeSideBySide(ctx, serverTransfers, len(objects), stored, func(ctx context.Context, index int) error {
		object := objects[index]
		if err := checkObjectKey(object.Ref); err != nil {
			return failure.Permanent(workerapi.ReasonUnsupported, "object: %w", err).About(object.Ref)
		}
		return s.receiver().receiveFile(ctx, object.Ref, filepath.Join(dir, object.File), room)
	})
}
