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

package worker

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
)

// Publish writes what process made to its destination, reads it back, and writes the manifest last: a folder with a
// manifest is complete, one without is not.
func (w *Worker) Publish(ctx context.Context) (task.Result, error) {
	var product Product
	if err := w.load(productFile, &product); err != nil {
		return task.Result{}, err
	}
	if len(product.Files) == 0 {
		return task.Result{}, failure.Permanent(task.ReasonInternal, "there is nothing to publish")
	}
	if err := freshDirs(TempDir(w.WorkDir)); err != nil {
		return task.Result{}, err
	}
	writer, err := storage.NewWriter(w.Task.Destination, w.Destination, w.Rclone, w.Log)
	if err != nil {
		return task.Result{}, err
	}
	publisher := &publisher{writer: writer, product: product, manifest: newManifest(w.Task, product, w.Version), dir: w.outputDir(), worker: w}
	if err := publisher.publish(ctx); err != nil {
		return task.Result{}, err
	}
	w.Log.Info("Published", "manifest", writer.URI(manifestName), "files", len(product.Files))
	return task.Result{Outputs: product.outputs(writer.URI), Integrity: product.Integrity.status()}, nil
}

// publisher writes one product.
type publisher struct {
	writer   storage.Writer
	product  Product
	manifest Manifest
	dir      string
	worker   *Worker
}

func (p *publisher) publish(ctx context.Context) error {
	done, err := p.prepare(ctx)
	if done || err != nil {
		return err
	}
	// What names others comes after them, so that a player never finds a playlist before its segments.
	names := p.product.names()
	first, primary := names[:len(names)-1], names[len(names)-1:]
	for _, group := range [][]string{first, primary} {
		if len(group) == 0 {
			continue
		}
		if err := p.writer.Write(ctx, p.dir, group); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
		if err := p.check(ctx, group); err != nil {
			return err
		}
	}
	return p.writeManifest(ctx)
}

// prepare makes sure that the folder is free or our own. It says done when the folder is complete with the very same
// contents already. A manifest of other contents of ours is removed before anything is overwritten: while files
// change, the folder is not complete.
func (p *publisher) prepare(ctx context.Context) (done bool, err error) {
	uri := p.writer.URI(manifestName)
	found, err := p.writer.Read(ctx, manifestName, maxManifestBytes)
	if err != nil {
		if failure.Of(err).Reason == task.ReasonNotFound {
			return false, nil
		}
		return false, fmt.Errorf("look for %s: %w", uri, err)
	}
	own, err := p.manifest.checkOwn(found, uri)
	if err != nil {
		return false, err
	}
	if p.manifest.sameFiles(own) {
		err := p.check(ctx, p.product.names())
		if err == nil {
			p.worker.Log.Info("Everything is published already", "manifest", uri)
			return true, nil
		}
		if failure.Of(err).Reason != task.ReasonChecksumMismatch {
			return false, err
		}
	}
	if err := p.writer.Remove(ctx, manifestName); err != nil {
		return false, fmt.Errorf("replace %s: %w", uri, err)
	}
	return false, nil
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
			return failure.Transient(task.ReasonChecksumMismatch, "%s does not read back as it was written", p.writer.URI(name))
		}
	}
	return nil
}

func (p *publisher) writeManifest(ctx context.Context) error {
	data, err := p.manifest.encode()
	if err != nil {
		return err
	}
	dir := TempDir(p.worker.WorkDir)
	if err := os.WriteFile(filepath.Join(dir, manifestName), data, 0o600); err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	if err := p.writer.Write(ctx, dir, []string{manifestName}); err != nil {
		return fmt.Errorf("publish the manifest: %w", err)
	}
	sums, err := p.writer.Sums(ctx, []string{manifestName})
	if err != nil {
		return fmt.Errorf("read back the manifest: %w", err)
	}
	sum := sha256.Sum256(data)
	if sums[manifestName] != hex.EncodeToString(sum[:]) {
		return failure.Transient(task.ReasonChecksumMismatch, "%s does not read back as it was written", p.writer.URI(manifestName))
	}
	return nil
}
