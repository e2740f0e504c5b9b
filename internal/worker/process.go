// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package worker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Process makes what is to be published: an MP4, or the recording as it is.
func (w *Worker) Process(ctx context.Context) (workerapi.Result, error) {
	if err := freshDirs(w.renderDir(), w.outputDir()); err != nil {
		return workerapi.Result{}, err
	}
	var recording Recording
	if err := w.load(recordingFile, &recording); err != nil {
		return workerapi.Result{}, err
	}
	files, err := index.Load(filepath.Join(w.WorkDir, indexFile))
	if err != nil {
		return workerapi.Result{}, err
	}
	var product Product
	if w.Task.Transcode != nil {
		product, err = w.transcode(ctx, &recording, files)
	} else {
		product, err = w.archive(&recording, files)
	}
	w.logIntegrity(product.Integrity)
	if err != nil {
		return workerapi.Result{Integrity: product.Integrity.status()}, err
	}
	return workerapi.Result{}, w.save(productFile, product)
}

// reported is how long the recording is, as the callback says; 0: unknown.
func (w *Worker) reported() time.Duration {
	return time.Duration(w.Task.Source.DurationSeconds) * time.Second
}

// archive puts the original files under their final names. An archive keeps what there is, and says whether it is whole.
func (w *Worker) archive(recording *Recording, files []*media.File) (Product, error) {
	product := Product{Integrity: newIntegrity()}
	for i, original := range recording.Originals {
		local := original.Name
		if !fitsFileSystem(local) {
			local = fmt.Sprintf(".long/%06d", i)
			product.useLocal(original.Name, local)
		}
		final := filepath.Join(w.outputDir(), filepath.FromSlash(local))
		err := os.MkdirAll(filepath.Dir(final), 0o750)
		if err == nil {
			// A second name and not a copy: the work volume holds the recording once.
			err = os.Link(filepath.Join(w.sourceDir(), original.File), final)
		}
		if err != nil {
			return Product{}, fmt.Errorf("name %s: %w", original.Name, err)
		}
		product.Files = append(product.Files, ProductFile{Name: original.Name})
	}
	product.Outputs = []ProductOutput{{Files: len(product.Files)}}
	for number := range recording.Lists {
		t := w.archiveTimeline(recording, number, files)
		product.Integrity.add(t)
		if number == 0 && len(t.Tracks()) > 0 {
			product.Outputs[0].Media = describe(t, recording.container(files), timeline.Duration(t.Length))
		}
	}
	product.Integrity.addEncrypted(recording)
	return product, nil
}

// fitsFileSystem says that a name can be that of a file: an object store takes longer ones.
func fitsFileSystem(name string) bool {
	const maxPart, maxName = 255, 1024
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > maxPart {
			return false
		}
	}
	return len(name) <= maxName
}

// archiveTimeline leaves encrypted segments out: nothing can be said of them.
func (w *Worker) archiveTimeline(recording *Recording, number int, files []*media.File) *timeline.Timeline {
	readable := Recording{HLS: recording.HLS, Lists: [][]Segment{{}}}
	reported := w.reported()
	for _, segment := range recording.Lists[number] {
		if segment.Encrypted {
			reported = 0
			continue
		}
		readable.Lists[0] = append(readable.Lists[0], segment)
	}
	return readable.timeline(0, files, reported)
}

// container is the recording's container for the status.
func (r *Recording) container(files []*media.File) string {
	if r.HLS {
		return "hls"
	}
	if len(files) == 0 || files[0] == nil {
		return ""
	}
	if files[0].Container == media.FragmentMP4 {
		return string(media.MP4)
	}
	return string(files[0].Container)
}

// logIntegrity logs every finding; the status has room for a few. nil: nothing was judged.
func (w *Worker) logIntegrity(integrity *Integrity) {
	if integrity == nil {
		return
	}
	for _, finding := range integrity.Findings {
		w.Log.Info("Finding", "type", finding.Type, "message", finding.Message)
	}
	w.Log.Info("Checked recording", "integrity", integrity.State, "checked", integrity.Checked,
		"videoPackets", integrity.Packets.Video, "audioPackets", integrity.Packets.Audio, "findings", len(integrity.Findings))
}
