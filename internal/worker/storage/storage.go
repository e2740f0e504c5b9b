// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package storage reads a recording from where it lies and writes results to where they go: an S3 server, a mounted
// volume, or plain downloads. Its errors are failures in the words of the contract.
package storage

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Object is one thing to copy.
type Object struct {
	// Ref says which: a key, or a URL. It was given to or came from Resolve.
	Ref string
	// File is the local name that it is stored under, in the folder given to Copy. It never comes from a key: a key's
	// part may be longer than a file's name can be.
	File string
}

// Reader is where a recording is read from.
type Reader interface {
	// Resolve is the object that uri means in the playlist that base names. It fails for what may not be fetched.
	Resolve(base, uri string) (ref string, err error)
	// RelativeName is where ref lies as seen from base's folder, decoded; it fails when ref lies elsewhere.
	RelativeName(base, ref string) (string, error)
	// Describe is ref for a person: without query and credentials.
	Describe(ref string) string
	// Copy stores all objects, which are distinct, in dir, of at most maxBytes together. Several are transferred side
	// by side. As soon as the object at an index is whole on disk, stored is called with the index by the goroutine
	// that transferred it, so calls may overlap; its error ends the copy and is returned. stored may be nil. A failure
	// about one object bears its Ref. Reason NotFound means that the object is certainly not there, that it is the first
	// such one, and that all others that are there have been stored: such a failure alone does not end the copy.
	Copy(ctx context.Context, objects []Object, dir string, maxBytes int64, stored func(index int) error) error
}

// File is one file to write.
type File struct {
	// Name is its name in the destination's folder, relative, with slashes.
	Name string
	// Local is its name in the local folder, with slashes; empty: Name. It is needed where Name is longer than a
	// file's name can be.
	Local string
}

func (f File) local() string {
	if f.Local != "" {
		return f.Local
	}
	return f.Name
}

// Written says what was written of one file, measured while it was sent.
type Written struct {
	SizeBytes int64
	// SHA256 is in lower-case hex.
	SHA256 string
	// ReadBack is the sum of what was read back from the file while it was written; empty where only Sums can tell.
	ReadBack string
}

// Writer is where results are written to: one folder. Names are relative, with slashes.
type Writer interface {
	// URI of a name, s3://bucket/key or pvc://claim/path, byte for byte.
	URI(name string) string
	// Artifact refers to a name: its URI, bucket, key and media type.
	Artifact(name string) v1alpha1.Artifact
	// Read is a small file of at most maxBytes; reason NotFound when it is not there.
	Read(ctx context.Context, name string, maxBytes int64) ([]byte, error)
	// Write copies files from dir and says, by name, what was sent. Each must be a regular file: no link is followed. A
	// file appears under its name whole or not at all.
	Write(ctx context.Context, dir string, files []File) (map[string]Written, error)
	// Sums reads files back and gives their sha256, in lower-case hex, by name. Files that are not there are left out.
	Sums(ctx context.Context, names []string) (map[string]string, error)
	// Remove removes a file; that it is not there is no error.
	Remove(ctx context.Context, name string) error
	// Claim makes the file name hold owner, unless it holds something else already: of several that claim at one time,
	// one succeeds. Contents that are older than maxAge, by the store's own clock, are replaced. It returns what the
	// file holds in the end: owner, when the claim succeeded, otherwise another's.
	Claim(ctx context.Context, name string, owner []byte, maxAge time.Duration) (holder []byte, err error)
}

// Paths are where a container's mounts are; tests use their own.
type Paths struct {
	// Credentials and CA hold the files of the S3 location's Secrets; Volume is the mounted claim.
	Credentials, CA, Volume string
}

// SourcePaths and DestinationPaths are the paths of the contract.
func SourcePaths() Paths {
	return Paths{Credentials: workerapi.SourceCredentialsDir, CA: workerapi.SourceCADir, Volume: workerapi.SourceVolumeDir}
}

// At are the paths of the inputs at a place.
func (p Paths) At(place int) Paths {
	return Paths{Credentials: workerapi.AtPlace(p.Credentials, place), CA: workerapi.AtPlace(p.CA, place), Volume: workerapi.AtPlace(p.Volume, place)}
}

// DestinationPaths are those of the publish container.
func DestinationPaths() Paths {
	return Paths{Credentials: workerapi.DestinationCredentialsDir, CA: workerapi.DestinationCADir, Volume: workerapi.DestinationVolumeDir}
}

// NewReader is the reader of a step's input. It never connects to denied, the DeniedNetworks of the step; when there are
// none, networks.Local are denied.
func NewReader(source workerapi.Input, denied []string, paths Paths, log *slog.Logger) (Reader, error) {
	unreachable, err := parseDenied(denied)
	switch {
	case err != nil:
		return nil, err
	case source.Storage == nil:
		return newDownload(source.AllowedHosts, unreachable, log)
	case source.Storage.Spec.S3 != nil:
		bucket, err := newS3Bucket(*source.Storage.Spec.S3, source.Artifact.Bucket, paths, unreachable, log)
		return &s3Reader{s3Bucket: bucket}, err
	case source.Storage.Spec.PersistentVolumeClaim != nil:
		return newVolumeReader(*source.Storage.Spec.PersistentVolumeClaim, source.Artifact.Bucket, paths)
	}
	return nil, failure.Permanent(workerapi.ReasonInvalidStep, "source storage %s: neither s3 nor persistentVolumeClaim is set", source.Storage.Name)
}

func parseDenied(denied []string) ([]netip.Prefix, error) {
	if len(denied) == 0 {
		return networks.Local(), nil
	}
	parsed, err := networks.Parse(denied)
	if err != nil {
		return nil, failure.Permanent(workerapi.ReasonInvalidStep, "deniedNetworks: %w", err)
	}
	return parsed, nil
}

// NewWriter is the writer of a step's destination. It never connects to denied, as NewReader.
func NewWriter(destination workerapi.Destination, denied []string, paths Paths, log *slog.Logger) (Writer, error) {
	unreachable, err := parseDenied(denied)
	if err != nil {
		return nil, err
	}
	if err := checkFolder(destination.Path); err != nil {
		return nil, failure.Permanent(workerapi.ReasonInvalidStep, "destination path: %w", err)
	}
	spec := destination.Storage.Spec
	switch {
	case spec.S3 != nil:
		bucket, err := newS3Bucket(*spec.S3, "", paths, unreachable, log)
		if err != nil {
			return nil, err
		}
		return newS3Writer(bucket, spec.S3.Prefix, destination.Path)
	case spec.PersistentVolumeClaim != nil:
		return newVolumeWriter(*spec.PersistentVolumeClaim, destination.Path, paths)
	}
	return nil, failure.Permanent(workerapi.ReasonInvalidStep, "destination storage %s: neither s3 nor persistentVolumeClaim is set", destination.Storage.Name)
}

// OpenRegular opens a regular file below dir for reading. No link leads out of dir, the name itself may be no link, and
// a pipe is not waited for: the file may come from a program that a hostile recording has taken over.
func OpenRegular(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	before, err := root.Lstat(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if !before.Mode().IsRegular() {
		return nil, fmt.Errorf("%.80q is not a regular file", name)
	}
	file, err := root.OpenFile(filepath.FromSlash(name), os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	after, err := file.Stat()
	if err == nil && !os.SameFile(before, after) {
		err = fmt.Errorf("%.80q was replaced while it was opened", name)
	}
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
