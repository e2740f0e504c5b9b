// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var (
	onlyFlag   = flag.String("media.only", "", "only shapes whose name has one of these texts, separated by commas")
	presetFlag = flag.String("media.presets", presetRemux+","+presetH264+","+presetArchive, "presets to try")
	shortFlag  = flag.Bool("media.short", false, "try every shape with Remux, and the other presets where they differ: CI does")
	bareFlag   = flag.Bool("media.bare", false, "try bare ffmpeg too, for the report")
	reportFlag = flag.String("media.report", "", "write the report to this file, as JSON")
	docsFlag   = flag.String("media.docs", "", "put the table into this page")
	keepFlag   = flag.String("media.keep", "", "write the recordings below this folder")
)

// presets are those to try, in any spelling of upper and lower case.
func presets(t *testing.T) []string {
	t.Helper()
	var chosen []string
	for name := range strings.SplitSeq(*presetFlag, ",") {
		all := []string{presetRemux, presetH264, presetArchive}
		i := slices.IndexFunc(all, func(known string) bool { return strings.EqualFold(known, name) })
		if i < 0 {
			t.Fatalf("-media.presets: %q is none of %q", name, all)
		}
		chosen = append(chosen, all[i])
	}
	return chosen
}

// requireCorpus skips what takes minutes unless it is asked for: make test-media does.
func requireCorpus(t *testing.T) {
	t.Helper()
	if os.Getenv("REQUIRE_CORPUS") != "1" {
		t.Skip("REQUIRE_CORPUS is not 1: make test-media runs it")
	}
}

// isTried says that a short run tries a shape with a preset. H264 costs thirty times as much as Remux: it differs from it
// where rates, sizes, codecs or sound change, where streams begin late, and where decoders meet damage. An archive differs
// where files and playlists do.
func isTried(s shape, preset string) bool {
	switch preset {
	case presetH264:
		return slices.Contains([]string{"A", "B", "G", "I", "J", "L", "S"}, s.kind)
	case presetArchive:
		return slices.Contains([]string{"K", "L", "N"}, s.kind)
	}
	return true
}

func isSelected(name string) bool {
	if *onlyFlag == "" {
		return true
	}
	for part := range strings.SplitSeq(*onlyFlag, ",") {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

// TestCorpus runs every shape with every preset through the worker.
func TestCorpus(t *testing.T) {
	requireCorpus(t)
	var report report
	t.Run("shapes", func(t *testing.T) {
		for _, s := range shapes() {
			if !isSelected(s.name) {
				continue
			}
			t.Run(s.name, func(t *testing.T) {
				t.Parallel()
				r := s.make()
				keepRecording(t, r, s.name)
				for _, preset := range presets(t) {
					if *shortFlag && !isTried(s, preset) {
						continue
					}
					report.add(runShape(t, s, r, &judge{preset: preset}))
				}
			})
		}
	})
	report.summarize(t)
	if *docsFlag != "" {
		if err := updateDocs(*docsFlag, report.sorted()); err != nil {
			t.Fatal(err)
		}
	}
	if *reportFlag != "" {
		if err := report.write(*reportFlag); err != nil {
			t.Fatal(err)
		}
	}
}

// tryShape runs one shape with the judge's preset.
func tryShape(t *testing.T, s shape, r *recording, j *judge) row {
	t.Helper()
	dir, err := os.MkdirTemp("", "corpus-")
	if err != nil {
		t.Fatal(err)
	}
	if *keepFlag == "" {
		defer func() { _ = os.RemoveAll(dir) }()
	} else {
		t.Logf("%s: kept in %s", j.preset, dir)
	}
	preset := j.preset
	j.recording, j.dir = r, dir
	result, err := j.run(t.Context())
	if err != nil {
		t.Fatalf("%s: %v", preset, err)
	}
	result.Shape, result.Kind, result.Says = s.name, s.kind, s.says
	if *bareFlag && preset != presetArchive {
		if result.Bare, err = bare(t.Context(), r, preset); err != nil {
			t.Fatalf("bare %s: %v", preset, err)
		}
	}
	return result
}

// runShape runs one shape with the judge's preset and fails the test when the outcome is not right.
func runShape(t *testing.T, s shape, r *recording, j *judge) row {
	t.Helper()
	result := tryShape(t, s, r, j)
	if !result.Outcome.isRight() {
		t.Error(result.complaint())
	}
	return result
}

// complaint says what is wrong.
func (r *row) complaint() string {
	return fmt.Sprintf("%s: %s (%s)\n  %s", r.Preset, r.Outcome, r.Said, strings.Join(r.Problems, "\n  "))
}

func keepRecording(t *testing.T, r *recording, name string) {
	t.Helper()
	if err := keep(r, name); err != nil {
		t.Fatal(err)
	}
}

func keep(r *recording, name string) error {
	if *keepFlag == "" {
		return nil
	}
	return r.store(filepath.Join(*keepFlag, name))
}

// report collects rows from parallel tests.
type report struct {
	sync.Mutex
	rows []row
}

func (r *report) add(result row) {
	r.Lock()
	defer r.Unlock()
	r.rows = append(r.rows, result)
}

// summarize logs a table: outcomes by preset.
func (r *report) summarize(t *testing.T) {
	t.Helper()
	t.Log("\n" + summary(r.rows))
}

func (r *report) write(path string) error {
	return writeReport(path, r.sorted())
}

// sorted gives the rows by kind and shape.
func (r *report) sorted() []row {
	slices.SortFunc(r.rows, func(a, b row) int {
		return strings.Compare(a.Kind+"\x00"+a.Shape+"\x00"+a.Preset, b.Kind+"\x00"+b.Shape+"\x00"+b.Preset)
	})
	return r.rows
}
