// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"sparkrtc.dev/recording-operator/internal/worker/entrypoint"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// claimSettle is longer than a request of those that claim at one time takes, in all but rare cases.
const claimSettle = 2 * time.Second

// s3Claim is what a claim's object holds, and how old it is by the server's own clock.
type s3Claim struct {
	content []byte
	version string
	age     time.Duration
}

// Claim creates the object with If-None-Match: *, which servers that know it decide by themselves. Whether this one
// does, a second request shows, which must fail. Where it does not, the claim is read back after a while: the last of
// those who wrote it has it. That leaves a gap for one whose request takes longer; so claim again before what must be
// written by one alone.
func (s *s3Writer) Claim(ctx context.Context, name string, owner []byte, maxAge time.Duration) ([]byte, error) {
	for try := 1; ; try++ {
		held, err := s.readClaim(ctx, name)
		missing := err != nil && failure.Of(err).Reason == workerapi.ReasonNotFound
		switch {
		case missing:
			held.content, err = s.createClaim(ctx, name, owner)
		case err == nil && !bytes.Equal(held.content, owner) && held.age > maxAge:
			held.content, err = s.replaceClaim(ctx, name, owner, held.version)
		}
		if !errors.Is(err, errClaimGone) {
			return held.content, err
		}
		if try == claimTries {
			return nil, failure.Transient(workerapi.ReasonStorageUnavailable, "%s changes hands too often", s.Describe(s.key(name)))
		}
		if err := entrypoint.Pause(ctx, s.pause*time.Duration(try)/claimTries); err != nil {
			return nil, err
		}
	}
}

func (s *s3Writer) createClaim(ctx context.Context, name string, owner []byte) ([]byte, error) {
	var exclusive minio.PutObjectOptions
	exclusive.SetMatchETagExcept("*")
	created, err := s.putClaim(ctx, name, owner, exclusive)
	if errors.Is(err, errNoConditions) {
		_, err = s.putClaim(ctx, name, owner, minio.PutObjectOptions{})
		if err != nil {
			return nil, err
		}
		return s.settledClaim(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	if !created {
		return s.takenClaim(ctx, name)
	}
	if again, err := s.putClaim(ctx, name, owner, exclusive); err == nil && !again {
		return owner, nil // the server decides
	}
	return s.settledClaim(ctx, name)
}

// replaceClaim takes over a claim that is too old, unless somebody else does.
func (s *s3Writer) replaceClaim(ctx context.Context, name string, owner []byte, version string) ([]byte, error) {
	var unchanged minio.PutObjectOptions
	if version != "" {
		unchanged.SetMatchETag(version)
	}
	_, err := s.putClaim(ctx, name, owner, unchanged)
	if errors.Is(err, errNoConditions) {
		_, err = s.putClaim(ctx, name, owner, minio.PutObjectOptions{})
	}
	if err != nil {
		return nil, err
	}
	return s.settledClaim(ctx, name)
}

// errNoConditions says that a server refuses conditions on what is written.
var errNoConditions = errors.New("the server does not implement conditional writes")

// putClaim says whether the claim was written; a condition that does not hold is no error.
func (s *s3Writer) putClaim(ctx context.Context, name string, owner []byte, options minio.PutObjectOptions) (bool, error) {
	common := putOptions(name)
	options.UserMetadata, options.ContentType, options.DisableContentSha256 = common.UserMetadata, common.ContentType, true
	sum := sha256.Sum256(owner)
	_, err := s.core.PutObject(ctx, s.name, s.key(name), bytes.NewReader(owner), int64(len(owner)), "", hex.EncodeToString(sum[:]), options)
	response := errorResponse(err)
	switch {
	case err == nil:
		return true, nil
	case response.StatusCode == http.StatusPreconditionFailed, response.StatusCode == http.StatusConflict:
		return false, nil
	case response.StatusCode == http.StatusNotImplemented:
		return false, errNoConditions
	}
	return false, s.ended(ctx, err, s.key(name))
}

// settledClaim is what the claim holds when everybody who wrote it has done so.
func (s *s3Writer) settledClaim(ctx context.Context, name string) ([]byte, error) {
	if err := entrypoint.Pause(ctx, s.settle); err != nil {
		return nil, err
	}
	return s.takenClaim(ctx, name)
}

// errClaimGone says that a claim that must have been there is not: it was released meanwhile, or the server refused both
// of two requests that came at one time.
var errClaimGone = errors.New("the claim is gone")

// takenClaim is what a claim holds that somebody has written.
func (s *s3Writer) takenClaim(ctx context.Context, name string) ([]byte, error) {
	held, err := s.readClaim(ctx, name)
	if err != nil && failure.Of(err).Reason == workerapi.ReasonNotFound {
		return nil, errClaimGone
	}
	return held.content, err
}

func (s *s3Writer) readClaim(ctx context.Context, name string) (s3Claim, error) {
	body, info, header, err := s.core.GetObject(ctx, s.name, s.key(name), minio.GetObjectOptions{})
	if err != nil {
		return s3Claim{}, s.ended(ctx, err, s.key(name))
	}
	defer func() { _ = body.Close() }()
	content, err := io.ReadAll(io.LimitReader(body, maxClaimBytes))
	if err != nil {
		return s3Claim{}, s.ended(ctx, err, s.key(name))
	}
	held := s3Claim{content: content, version: info.ETag}
	if now, err := http.ParseTime(header.Get("Date")); err == nil {
		held.age = now.Sub(info.LastModified)
	}
	return held, nil
}
