// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	counted "sparkrtc.dev/recording-operator/internal/worker/progress"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Sizes of an upload: S3 takes at most maxParts parts. A part is read from its file twice, to sign it and to send it,
// and never held in memory.
const (
	partBytes = 16 << 20
	maxParts  = 10_000
	// cleanupTimeout bounds what is tidied up after a failure or the end of the context.
	cleanupTimeout = 15 * time.Second
)

// s3Writer writes to one folder of a bucket.
type s3Writer struct {
	*s3Bucket

	folder string
	// part is the size of a part; more for a file of more than maxParts of them.
	part int64
	// uploads bounds the requests that send data side by side.
	uploads chan struct{}
	// settle is how long a claim waits for others where the store does not decide by itself.
	settle time.Duration
}

func newS3Writer(bucket *s3Bucket, prefix, folder string) (*s3Writer, error) {
	full := path.Join(prefix, folder)
	if full != "" {
		if err := checkObjectKey(full); err != nil {
			return nil, failure.Permanent(workerapi.ReasonInvalidStep, "destination: %w", err)
		}
		full += "/"
	}
	return &s3Writer{
		s3Bucket: bucket, folder: full, part: partBytes, uploads: make(chan struct{}, serverTransfers), settle: claimSettle,
	}, nil
}

func (s *s3Writer) key(name string) string { return s.folder + name }

// URI is s3://bucket/key, byte for byte.
func (s *s3Writer) URI(name string) string { return s.uri(s.key(name)) }

// Artifact refers to an object.
func (s *s3Writer) Artifact(name string) v1alpha1.Artifact {
	return v1alpha1.Artifact{Name: name, URI: s.URI(name), Bucket: s.name, Key: s.key(name), MediaType: MediaType(name)}
}

// Read reads a small object.
func (s *s3Writer) Read(ctx context.Context, name string, maxBytes int64) ([]byte, error) {
	var data memorySink
	if err := s.receiver().receive(ctx, s.key(name), &data, newBudget(maxBytes)); err != nil {
		return nil, err
	}
	return data.data, nil
}

// Write uploads the files always, whatever is there: the caller decides what is to be written. S3 shows an object
// whole or not at all. Each is marked as ours.
func (s *s3Writer) Write(ctx context.Context, dir string, files []File) (map[string]Written, error) {
	for _, file := range files {
		if err := checkName(file.Name); err != nil {
			return nil, failure.Permanent(workerapi.ReasonUnsupported, "publish: %w", err)
		}
		if err := checkObjectKey(s.key(file.Name)); err != nil {
			return nil, failure.Permanent(workerapi.ReasonUnsupported, "publish: %w", err)
		}
	}
	written := newResults[Written](len(files))
	err := sideBySide(ctx, serverTransfers, len(files), func(ctx context.Context, index int) error {
		local, err := OpenRegular(dir, files[index].local())
		if err != nil {
			return workVolumeError(err)
		}
		defer func() { _ = local.Close() }()
		sent, err := s.upload(ctx, s.key(files[index].Name), local)
		if err != nil {
			return err
		}
		written.set(files[index].Name, sent)
		return nil
	})
	return written.all, err
}

// upload sends one file. What is sent is signed with its sum, so that a store takes no other bytes.
func (s *s3Writer) upload(ctx context.Context, key string, file *os.File) (Written, error) {
	info, err := file.Stat()
	if err != nil {
		return Written{}, workVolumeError(err)
	}
	size := info.Size()
	if size > s.part {
		return s.uploadParts(ctx, key, file, size)
	}
	s.uploads <- struct{}{}
	defer func() { <-s.uploads }()
	whole := io.NewSectionReader(file, 0, size)
	sum, err := sumOf(whole)
	if err != nil {
		return Written{}, workVolumeError(err)
	}
	if _, err := s.core.PutObject(ctx, s.name, key, whole, size, "", sum, putOptions(key)); err != nil {
		return Written{}, s.ended(ctx, err, key)
	}
	counted.From(ctx).Add(size)
	return Written{SizeBytes: size, SHA256: sum}, nil
}

// ended prefers the reason why ctx has ended to what that made of a request.
func (s *s3Writer) ended(ctx context.Context, err error, key string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.explain(err, key)
}

// uploadParts sends a large file. Its own sum is made in the same pass as those of its parts.
func (s *s3Writer) uploadParts(ctx context.Context, key string, file *os.File, size int64) (Written, error) {
	upload, err := s.core.NewMultipartUpload(ctx, s.name, key, putOptions(key))
	if err != nil {
		return Written{}, s.ended(ctx, err, key)
	}
	written, err := s.sendParts(ctx, key, upload, file, size)
	if err != nil {
		s.abort(ctx, key, upload)
		return Written{}, err
	}
	return written, nil
}

func (s *s3Writer) sendParts(ctx context.Context, key, upload string, file *os.File, size int64) (Written, error) {
	length := partLength(size, s.part)
	parts := make([]minio.CompletePart, (size+length-1)/length)
	whole := sha256.New()
	group, sending := errgroup.WithContext(ctx)
	for index := range parts {
		if sending.Err() != nil {
			break
		}
		s.uploads <- struct{}{}
		part := io.NewSectionReader(file, int64(index)*length, min(length, size-int64(index)*length))
		sum, err := sumOf(io.TeeReader(part, whole))
		group.Go(func() error {
			defer func() { <-s.uploads }()
			if err != nil {
				return workVolumeError(err)
			}
			sent, err := s.core.PutObjectPart(sending, s.name, key, upload, index+1, part, part.Size(),
				minio.PutObjectPartOptions{Sha256Hex: sum, DisableContentSha256: true})
			if err != nil {
				return s.ended(sending, err, key)
			}
			counted.From(ctx).Add(part.Size())
			parts[index] = minio.CompletePart{PartNumber: index + 1, ETag: sent.ETag}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Written{}, err
	}
	if ctx.Err() != nil {
		return Written{}, context.Cause(ctx)
	}
	if _, err := s.core.CompleteMultipartUpload(ctx, s.name, key, upload, parts, minio.PutObjectOptions{}); err != nil {
		return Written{}, s.ended(ctx, err, key)
	}
	return Written{SizeBytes: size, SHA256: hex.EncodeToString(whole.Sum(nil))}, nil
}

// abort leaves no parts behind, which would be stored, and paid for, without being seen.
func (s *s3Writer) abort(ctx context.Context, key, upload string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err := s.core.AbortMultipartUpload(ctx, s.name, key, upload); err != nil {
		s.log.Warn("Could not remove the parts of a failed upload from the bucket", "object", s.Describe(key), "error", err.Error())
	}
}

// partLength is least, or as much more, in whole MiB, as a file of the size needs to have no more than maxParts.
func partLength(size, least int64) int64 {
	const mebibyte = 1 << 20
	needed := (size + maxParts - 1) / maxParts
	if needed <= least {
		return least
	}
	return (needed + mebibyte - 1) / mebibyte * mebibyte
}

// sumOf is the sha256 of what a reader holds. A reader that can be read again is left at its beginning by its user.
func sumOf(reader io.Reader) (string, error) {
	hash := sha256.New()
	if _, err := io.Copy(hash, reader); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

// putOptions are what every object is written with. DisableContentSha256 keeps the library from sending a body in
// signed chunks over plain HTTP, which Huawei OBS and others store with the chunks' frames; the body is signed as a whole
// all the same, by the sum that the caller gives.
func putOptions(key string) minio.PutObjectOptions {
	return minio.PutObjectOptions{
		UserMetadata: map[string]string{workerapi.MarkName: workerapi.MarkValue}, ContentType: MediaType(key), DisableContentSha256: true,
	}
}

// mediaTypes are those of the files that steps publish, by their extensions.
var mediaTypes = map[string]string{
	".mp4":  "video/mp4",
	".m4a":  "audio/mp4",
	".m4s":  "video/iso.segment",
	".m3u8": "application/vnd.apple.mpegurl",
	".ts":   "video/mp2t",
	".aac":  "audio/aac",
	".json": "application/json",
	".jpg":  "image/jpeg",
	".jpeg": "image/jpeg",
	".webp": "image/webp",
	".png":  "image/png",
	".gif":  "image/gif",
	".vtt":  "text/vtt",
	".srt":  "application/x-subrip",
	".txt":  "text/plain; charset=utf-8",
	".csv":  "text/csv",
	".xml":  "application/xml",
	".ttml": "application/xml",
	".wav":  "audio/wav",
	".mp3":  "audio/mpeg",
	".ogg":  "audio/ogg",
	".opus": "audio/ogg",
	".flac": "audio/flac",
	".webm": "video/webm",
	".mkv":  "video/x-matroska",
}

// MediaType is the media type of a file by its name, as browsers and players take it. It depends on nothing that is
// installed.
func MediaType(key string) string {
	if known, ok := mediaTypes[strings.ToLower(path.Ext(key))]; ok {
		return known
	}
	return "application/octet-stream"
}

// Sums downloads each object and hashes what comes: the only sum that holds for every store, for multipart uploads and
// for encrypted objects. Nothing is stored.
func (s *s3Writer) Sums(ctx context.Context, names []string) (map[string]string, error) {
	sums := newResults[string](len(names))
	err := sideBySide(ctx, serverTransfers, len(names), func(ctx context.Context, index int) error {
		sum := hashSink{sha256.New()}
		err := s.receiver().receive(ctx, s.key(names[index]), sum, unbounded())
		if err != nil {
			return ignoreMissing(err)
		}
		sums.set(names[index], hex.EncodeToString(sum.Sum(nil)))
		return nil
	})
	return sums.all, err
}

// Remove deletes one object.
func (s *s3Writer) Remove(ctx context.Context, name string) error {
	err := s.core.RemoveObject(ctx, s.name, s.key(name), minio.RemoveObjectOptions{})
	if err != nil {
		return ignoreMissing(s.ended(ctx, err, s.key(name)))
	}
	return nil
}

// results are collected by transfers side by side, by name.
type results[T any] struct {
	mu  sync.Mutex
	all map[string]T
}

func newResults[T any](size int) *results[T] { return &results[T]{all: make(map[string]T, size)} }

func (r *results[T]) set(name string, value T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[name] = value
}

// ignoreMissing passes over what is not there. A bucket that is not there is an error of its own.
func ignoreMissing(err error) error {
	if failure.Of(err).Reason == workerapi.ReasonNotFound {
		return nil
	}
	return err
}
