/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

// Package storage reads a recording from where it lies and writes results to where they go: S3 (by rclone), a mounted
// volume, or plain downloads. Its errors are failures in the words of the contract.
package storage

import (
	"context"
	"log/slog"

	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
)

// Object is one thing to copy.
type Object struct {
	// Ref says which: a key, or a URL. It was given to or came from Resolve.
	Ref string
	// File is the local name that it is stored under, in the folder given to Copy.
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
	// about one object bears its Ref; reason NotFound means that the object is certainly not there.
	Copy(ctx context.Context, objects []Object, dir string, maxBytes int64, stored func(index int) error) error
}

// Writer is where results are written to: one folder. Names are relative, with slashes.
type Writer interface {
	// URI of a name, s3://bucket/key or pvc://claim/path.
	URI(name string) string
	// Read is a small file of at most maxBytes; reason NotFound when it is not there.
	Read(ctx context.Context, name string, maxBytes int64) ([]byte, error)
	// Write copies the files of these names from dir. A file appears under its name whole or not at all.
	Write(ctx context.Context, dir string, names []string) error
	// Sums reads files back and gives their sha256, in lower-case hex, by name. Files that are not there are left out.
	Sums(ctx context.Context, names []string) (map[string]string, error)
	// Remove removes a file; that it is not there is no error.
	Remove(ctx context.Context, name string) error
}

// Paths are where a container's mounts are; tests use their own.
type Paths struct {
	// Credentials and CA hold the files of the S3 location's Secrets; Volume is the mounted claim.
	Credentials, CA, Volume string
	// Temp is a folder on the work volume for what is on its way.
	Temp string
}

// SourcePaths and DestinationPaths are the paths of the contract.
func SourcePaths(temp string) Paths {
	return Paths{Credentials: task.SourceCredentialsDir, CA: task.SourceCADir, Volume: task.SourceVolumeDir, Temp: temp}
}

// DestinationPaths are those of the publish container.
func DestinationPaths(temp string) Paths {
	return Paths{Credentials: task.DestinationCredentialsDir, CA: task.DestinationCADir, Volume: task.DestinationVolumeDir, Temp: temp}
}

// NewReader is the reader of a task's source.
func NewReader(source task.Source, paths Paths, rclone string, log *slog.Logger) (Reader, error) {
	switch {
	case source.Storage == nil:
		return newDownload(source.AllowedHosts, log), nil
	case source.Storage.Spec.S3 != nil:
		return newS3Reader(*source.Storage.Spec.S3, source.Bucket, paths, rclone, log)
	case source.Storage.Spec.PersistentVolumeClaim != nil:
		return newVolumeReader(*source.Storage.Spec.PersistentVolumeClaim, source.Bucket, paths)
	}
	return nil, failure.Permanent(task.ReasonInvalidTask, "source storage %s: neither s3 nor persistentVolumeClaim is set", source.Storage.Name)
}

// NewWriter is the writer of a task's destination.
func NewWriter(destination task.Destination, paths Paths, rclone string, log *slog.Logger) (Writer, error) {
	if err := checkFolder(destination.Path); err != nil {
		return nil, failure.Permanent(task.ReasonInvalidTask, "destination path: %w", err)
	}
	spec := destination.Storage.Spec
	switch {
	case spec.S3 != nil:
		return newS3Writer(*spec.S3, destination.Path, paths, rclone, log)
	case spec.PersistentVolumeClaim != nil:
		return newVolumeWriter(*spec.PersistentVolumeClaim, destination.Path, paths)
	}
	return nil, failure.Permanent(task.ReasonInvalidTask, "destination storage %s: neither s3 nor persistentVolumeClaim is set", destination.Storage.Name)
}
