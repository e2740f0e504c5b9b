// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
)

// Product is what process made: it is written to output.json for publish.
type Product struct {
	// Files in the order in which they are to be published.
	Files []ProductFile `json:"files"`
	// Local is the name in output/ of a file whose final name is longer than a file's name can be, by its final name; a
	// file that is not here has its final name.
	Local map[string]string `json:"local,omitempty"`
	// Outputs divide the files, in order.
	Outputs []ProductOutput `json:"outputs"`
	// Integrity of the recording, with all findings.
	Integrity *Integrity `json:"integrity"`
}

// ProductOutput is one output: a file, or an HLS set.
type ProductOutput struct {
	// Files is how many files it has; the last one is the one that a v1alpha1.Output names.
	Files int `json:"files"`
	// Media is what is inside; nil: it cannot be read.
	Media *v1alpha1.Media `json:"media,omitempty"`
}

// ProductFile is one file, in output/ and at the destination, and one line of a manifest.
type ProductFile struct {
	// Name is relative, with slashes.
	Name string `json:"name"`
	// SizeBytes and SHA256 (lower-case hex) are of the whole file.
	SizeBytes int64  `json:"sizeBytes"`
	SHA256    string `json:"sha256"`
}

const productFile = "output.json"

// measure sets the sizes and sums of all files.
func (p *Product) measure(ctx context.Context, dir string) error {
	for i := range p.Files {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.Files[i].measure(dir, p.local(p.Files[i].Name)); err != nil {
			return fmt.Errorf("measure %s: %w", p.Files[i].Name, err)
		}
	}
	return nil
}

// measure follows no link out of dir and waits for no pipe: an MP4 comes from ffmpeg, which a hostile recording may have
// taken over, and what stands behind its name is read again by publish, which has credentials.
func (f *ProductFile) measure(dir, local string) error {
	file, err := storage.OpenRegular(dir, local)
	if err != nil {
		return err
	}
	hash := sha256.New()
	f.SizeBytes, err = io.Copy(hash, file)
	f.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return errors.Join(err, file.Close())
}

// useLocal notes that a file has another name in output/.
func (p *Product) useLocal(name, local string) {
	if p.Local == nil {
		p.Local = map[string]string{}
	}
	p.Local[name] = local
}

// local is a file's name in output/.
func (p *Product) local(name string) string {
	if local, found := p.Local[name]; found {
		return local
	}
	return name
}

// outputs are the product as a RecordingFile's status shows it.
func (p Product) outputs(uri func(name string) string) []v1alpha1.Output {
	var outputs []v1alpha1.Output
	files := p.Files
	for _, each := range p.Outputs {
		own := files[:each.Files]
		files = files[each.Files:]
		primary := own[len(own)-1]
		output := v1alpha1.Output{
			URI: uri(primary.Name), SHA256: primary.SHA256, Files: int32(min(len(own), maxFiles)), Media: each.Media,
		}
		for _, file := range own {
			output.SizeBytes += file.SizeBytes
		}
		outputs = append(outputs, output)
	}
	return outputs
}

// maxFiles is more than any playlist may name; it keeps the count within its type.
const maxFiles = 1 << 30

func (p Product) names() []string {
	names := make([]string, len(p.Files))
	for i, file := range p.Files {
		names[i] = file.Name
	}
	return names
}
