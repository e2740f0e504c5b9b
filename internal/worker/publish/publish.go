// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package publish writes what a step made to its destination, and reads it back.
package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/step"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Options say where to publish, and for whom.
type Options struct {
	// Step is the step whose product it is, with its destination.
	Step *workerapi.StepSpec
	// Destination is where the container's mounts are.
	Destination storage.Paths
	// OutputDir has the product's files, and TempDir, an empty folder, takes what is on its way.
	OutputDir, TempDir string
	// Version of the worker, for the manifest.
	Version string
	// Log gets what happens.
	Log *slog.Logger
}

// Product writes a product to its destination, reads it back, and writes the manifest last: a folder with a manifest is
// complete, one without is not. Of several recordings that publish into one folder at one time, one succeeds; the others
// fail with DestinationTaken. What the product's files lack of sizes and digests is filled in. Errors are of package
// failure.
func Product(ctx context.Context, product *step.Product, options Options) (workerapi.Result, error) {
	if len(product.Files) == 0 {
		return workerapi.Result{}, failure.Permanent(workerapi.ReasonInternal, "there is nothing to publish")
	}
	writer, err := storage.NewWriter(options.Step.Destination, options.Step.DeniedNetworks, options.Destination, options.Log)
	if err != nil {
		return workerapi.Result{}, err
	}
	publisher := &publisher{Options: options, writer: writer, product: product}
	if err := publisher.publish(ctx); err != nil {
		return workerapi.Result{}, err
	}
	options.Log.Info("Published result", "manifest", writer.URI(workerapi.ManifestName), "files", len(product.Files))
	return workerapi.Result{
		Manifest: &v1alpha1.ManifestReference{
			URI: writer.URI(workerapi.ManifestName), SHA256: publisher.digest,
			Outputs: step.Count(len(product.Outputs)), Files: step.Count(len(product.Files)),
		},
		Outputs:   product.Artifacts(writer.Artifact),
		Integrity: product.Integrity.Status(),
	}, nil
}

// publisher writes one product.
type publisher struct {
	Options
	writer  storage.Writer
	product *step.Product
	// digest is the sha256 of the manifest at the destination, in lower-case hex.
	digest string
}

func (p *publisher) publish(ctx context.Context) error {
	for _, file := range p.product.Files {
		if file.Name == workerapi.ManifestName || file.Name == claimName {
			return failure.Permanent(workerapi.ReasonUnsupported, "a file of the recording is called %s, which is the name of a file of ours", file.Name)
		}
	}
	folder, err := p.look(ctx)
	if err != nil || folder == folderComplete {
		return err
	}
	defer p.release(ctx)
	if err := p.claim(ctx); err != nil {
		return err
	}
	// Between the first look and the claim another recording may have come and finished.
	folder, err = p.look(ctx)
	if err != nil || folder == folderComplete {
		return err
	}
	if folder == folderOutdated {
		// While files change, the folder is not complete.
		if err := p.writer.Remove(ctx, workerapi.ManifestName); err != nil {
			return fmt.Errorf("replace %s: %w", p.writer.URI(workerapi.ManifestName), err)
		}
	}
	if err := p.writeFiles(ctx); err != nil {
		return err
	}
	// The claim may have been too old, or the store too slow to decide between two.
	if err := p.claim(ctx); err != nil {
		return err
	}
	return p.writeManifest(ctx)
}

// folderState says what the destination's folder holds.
type folderState int

const (
	// folderFree has no manifest.
	folderFree folderState = iota
	// folderOutdated has a manifest of this recording and step, but with other contents.
	folderOutdated
	// folderComplete has what is to be published already.
	folderComplete
)

// look makes sure that the folder is free or this recording's own.
func (p *publisher) look(ctx context.Context) (folderState, error) {
	uri := p.writer.URI(workerapi.ManifestName)
	found, err := p.writer.Read(ctx, workerapi.ManifestName, maxManifestBytes)
	if err != nil {
		if failure.Of(err).Reason == workerapi.ReasonNotFound {
			return folderFree, nil
		}
		return folderFree, fmt.Errorf("look for %s: %w", uri, err)
	}
	own, err := p.manifest().checkOwn(found, uri)
	if err != nil {
		return folderFree, err
	}
	if err := p.measure(ctx); err != nil {
		return folderFree, err
	}
	if !p.manifest().sameFiles(own) {
		return folderOutdated, nil
	}
	switch err := p.check(ctx, p.product.Names()); {
	case err == nil:
		p.Log.Info("Result is already published", "manifest", uri)
		p.digest = digest(found)
		return folderComplete, nil
	case failure.Of(err).Reason == workerapi.ReasonChecksumMismatch:
		return folderOutdated, nil
	default:
		return folderFree, err
	}
}

// manifest is that of the product as far as it is measured.
func (p *publisher) manifest() Manifest {
	return newManifest(p.Step, p.product, p.Version)
}

// measure hashes what process has not; otherwise the sums are those of what is sent.
func (p *publisher) measure(ctx context.Context) error {
	for _, file := range p.product.Files {
		if file.SHA256 == "" {
			return p.product.Measure(ctx, p.OutputDir)
		}
	}
	return nil
}

// writeFiles writes and reads back. What names others comes after them, so that a player never finds a playlist before
// its segments.
func (p *publisher) writeFiles(ctx context.Context) error {
	last := len(p.product.Files) - 1
	for _, group := range [][]step.File{p.product.Files[:last], p.product.Files[last:]} {
		if len(group) == 0 {
			continue
		}
		files, names := make([]storage.File, len(group)), make([]string, len(group))
		for i, file := range group {
			files[i], names[i] = storage.File{Name: file.Name, Local: p.product.LocalName(file.Name)}, file.Name
		}
		written, err := p.writer.Write(ctx, p.OutputDir, files)
		if err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if err := p.record(group, written); err != nil {
			return err
		}
		if err := p.checkWritten(ctx, names, written); err != nil {
			return err
		}
	}
	return nil
}

// record takes over what was measured of files while they were sent, or compares it with what process measured.
func (p *publisher) record(group []step.File, written map[string]storage.Written) error {
	for i := range group {
		file, sent := &group[i], written[group[i].Name]
		if file.SHA256 != "" && file.SHA256 != sent.SHA256 {
			return failure.Transient(workerapi.ReasonChecksumMismatch, "%s has changed on the work volume since it was made", file.Name)
		}
		file.SizeBytes, file.SHA256 = sent.SizeBytes, sent.SHA256
	}
	return nil
}

// checkWritten compares what is stored with what was sent. What the writer has not read back yet is read back now.
func (p *publisher) checkWritten(ctx context.Context, names []string, written map[string]storage.Written) error {
	var unread []string
	for _, name := range names {
		switch written[name].ReadBack {
		case "":
			unread = append(unread, name)
		case written[name].SHA256:
		default:
			return p.mismatch(name)
		}
	}
	if len(unread) == 0 {
		return nil
	}
	return p.check(ctx, unread)
}

func (p *publisher) mismatch(name string) error {
	return failure.Transient(workerapi.ReasonChecksumMismatch, "%s does not read back as it was written", p.writer.URI(name))
}

// check reads files back and compares them with what was made.
func (p *publisher) check(ctx context.Context, names []string) error {
	sums, err := p.writer.Sums(ctx, names)
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	want := make(map[string]string, len(p.product.Files))
	for _, file := range p.product.Files {
		want[file.Name] = file.SHA256
	}
	for _, name := range names {
		if sums[name] != want[name] {
			return p.mismatch(name)
		}
	}
	return nil
}

// writeManifest makes the folder complete, and makes sure that it is this recording's.
func (p *publisher) writeManifest(ctx context.Context) error {
	data, err := p.manifest().encode()
	if err != nil {
		return err
	}
	dir, uri := p.TempDir, p.writer.URI(workerapi.ManifestName)
	if err := os.WriteFile(filepath.Join(dir, workerapi.ManifestName), data, 0o600); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if _, err := p.writer.Write(ctx, dir, []storage.File{{Name: workerapi.ManifestName}}); err != nil {
		return fmt.Errorf("publish the manifest: %w", err)
	}
	found, err := p.writer.Read(ctx, workerapi.ManifestName, maxManifestBytes)
	if err != nil {
		return fmt.Errorf("read back the manifest: %w", err)
	}
	if bytes.Equal(found, data) {
		p.digest = digest(data)
		return nil
	}
	if _, err := p.manifest().checkOwn(found, uri); err != nil {
		return err
	}
	return p.mismatch(workerapi.ManifestName)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
