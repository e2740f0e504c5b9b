// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package step

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
)

// Product is what a step made. Process writes it to output.json for publish.
type Product struct {
	// Files in the order in which they are to be published.
	Files []File `json:"files"`
	// Local is the name in output/ of a file whose final name is longer than a file's name can be, by its final name; a
	// file that is not here has its final name.
	Local map[string]string `json:"local,omitempty"`
	// Outputs divide the files, in order.
	Outputs []Output `json:"outputs"`
	// Integrity of the recording, with all findings.
	Integrity *Integrity `json:"integrity"`
}

// Output is one artifact: a file, or an HLS set.
type Output struct {
	// Files is how many files it has; the artifact refers to the last one.
	Files int `json:"files"`
	// Media is what is inside; nil: it cannot be read, or nobody has looked.
	Media *v1alpha1.Media `json:"media,omitempty"`
	// Kind and Language are what a step of kind container declares.
	Kind     v1alpha1.ArtifactKind `json:"kind,omitempty"`
	Language string                `json:"language,omitempty"`
}

// File is one file, in output/ and at the destination, and one line of a manifest.
type File struct {
	// Name is relative, with slashes.
	Name string `json:"name"`
	// SizeBytes and SHA256 (lower-case hex) are of the whole file.
	SizeBytes int64  `json:"sizeBytes"`
	SHA256    string `json:"sha256"`
}

// Add adds an output of one file that is in output/ under its final name.
func (p *Product) Add(name string, media *v1alpha1.Media) {
	p.Files = append(p.Files, File{Name: name})
	p.Outputs = append(p.Outputs, Output{Files: 1, Media: media})
}

// Measure sets the sizes and sums of all files, which are in dir.
func (p *Product) Measure(ctx context.Context, dir string) error {
	for i := range p.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.Files[i].measure(dir, p.LocalName(p.Files[i].Name)); err != nil {
			return fmt.Errorf("measure %s: %w", p.Files[i].Name, err)
		}
	}
	return nil
}

// measure follows no link out of dir and waits for no pipe: an MP4 comes from ffmpeg, which a hostile recording may have
// taken over, and what stands behind its name is read again by publish, which has credentials.
func (f *File) measure(dir, local string) error {
	file, err := storage.OpenRegular(dir, local)
	if err != nil {
		return err
	}
	hash := sha256.New()
	f.SizeBytes, err = io.Copy(hash, file)
	f.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return errors.Join(err, file.Close())
}

// Bytes is how large all files are together, which are in dir; what is none of ours counts nothing.
func (p *Product) Bytes(dir string) int64 {
	var bytes int64
	for _, file := range p.Files {
		info, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(p.LocalName(file.Name))))
		if err == nil && info.Mode().IsRegular() {
			bytes += info.Size()
		}
	}
	return bytes
}

// UseLocal notes that a file has another name in output/.
func (p *Product) UseLocal(name, local string) {
	if p.Local == nil {
		p.Local = map[string]string{}
	}
	p.Local[name] = local
}

// LocalName is a file's name in output/.
func (p *Product) LocalName(name string) string {
	if local, found := p.Local[name]; found {
		return local
	}
	return name
}

// Artifacts are the outputs as they were published; locate refers to a file at its destination.
func (p *Product) Artifacts(locate func(name string) v1alpha1.Artifact) []v1alpha1.Artifact {
	var artifacts []v1alpha1.Artifact
	files := p.Files
	for _, output := range p.Outputs {
		own := files[:output.Files]
		files = files[output.Files:]
		primary := own[len(own)-1]
		artifact := locate(primary.Name)
		artifact.SHA256, artifact.Files, artifact.Media = primary.SHA256, Count(len(own)), output.Media
		artifact.Kind, artifact.Language = output.Kind, output.Language
		for _, file := range own {
			artifact.SizeBytes += file.SizeBytes
		}
		artifacts = append(artifacts, artifact)
	}
	return artifacts
}

// Count is a number of files as the API has it. The bound is more than any playlist may name.
func Count(files int) int32 { return int32(min(files, 1<<30)) } //nolint:gosec // bounded

// Names are the final names of all files.
func (p *Product) Names() []string {
	names := make([]string, len(p.Files))
	for i, file := range p.Files {
		names[i] = file.Name
	}
	return names
}
