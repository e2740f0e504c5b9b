// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	playlists "sparkrtc.dev/recording-operator/internal/hls"
	"sparkrtc.dev/recording-operator/internal/media"
	"sparkrtc.dev/recording-operator/internal/worker/index"
	"sparkrtc.dev/recording-operator/internal/worker/remux"
	"sparkrtc.dev/recording-operator/internal/worker/timeline"
)

var (
	forFlag   = flag.Duration("media.for", 0, "how long recordings are drawn in this process, instead of a number of them")
	drawnFlag = flag.Uint64("media.drawn", 300, "how many recordings are drawn in this process")
)

// TestDrawnInProcess draws recordings as TestDrawn does, and puts each through the index, the timeline and the muxer
// without a worker: a hundred a second, so that a minute tries thousands. The result is compared with the truth; the
// worker's own comparison is not run. A failure names its seed and number: -media.seed=S -media.only=drawn_S_N.
func TestDrawnInProcess(t *testing.T) {
	requireCorpus(t)
	end := time.Now().Add(*forFlag)
	var number atomic.Uint64
	var mutex sync.Mutex
	counts := map[outcome]int{}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for {
				n := number.Add(1) - 1
				if *forFlag > 0 && time.Now().After(end) || *forFlag == 0 && n >= *drawnFlag {
					return
				}
				name := fmt.Sprintf("drawn_%d_%d", *seedFlag, n)
				if *onlyFlag != "" && name != *onlyFlag {
					continue
				}
				s := draw(*seedFlag, n)
				said, err := inProcess(t, s)
				mutex.Lock()
				counts[said]++
				mutex.Unlock()
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	workers.Wait()
	all := 0
	for _, count := range counts {
		all += count
	}
	t.Logf("seed %d: %d recordings: %v", *seedFlag, all, counts)
}

// skipped is the outcome of a shape that only the worker can be given.
const skipped outcome = "skipped"

// inProcess judges one shape as preset Remux.
func inProcess(t *testing.T, s shape) (outcome, error) {
	t.Helper()
	r := s.make()
	if err := keep(r, s.name); err != nil {
		return skipped, err
	}
	truth := &r.truth
	if truth.unreadable || truth.decoding || truth.choice || truth.absent || truth.change != "" || truth.transcodeOnly {
		return skipped, nil
	}
	dir, err := os.MkdirTemp("", "inprocess-")
	if err != nil {
		return skipped, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	input, err := r.readInProcess(dir)
	if err != nil {
		return skipped, err
	}
	if truth.good() { // the worker decodes what may be cut, and finds nothing
		input.Timeline.Findings = slices.DeleteFunc(input.Timeline.Findings, func(f timeline.Finding) bool { return f.Decoding != "" })
	}
	done := attempt{said: true}
	done.integrity.State = v1alpha1.IntegrityState(input.Timeline.State())
	for _, found := range input.Timeline.Findings {
		one := v1alpha1.Finding{
			Type: found.Type, Message: found.Message, AtMilliseconds: timeline.Duration(found.At).Milliseconds(),
			LengthMilliseconds: timeline.Duration(found.Length).Milliseconds(),
		}
		if found.Segment >= 0 && r.format == "HLS" {
			one.Segment = new(int32(found.Segment))
		}
		done.integrity.Findings = append(done.integrity.Findings, one)
	}
	said, problems := judgeInProcess(r, done)
	if said.isRight() {
		result := filepath.Join(dir, "result.mp4")
		if err := writeInProcess(t.Context(), result, input); err != nil {
			return said, err
		}
		shown, err := identify(result, r.sourcesOf())
		if err != nil {
			return said, err
		}
		problems = append(problems, truth.check(shown, view{copied: true, damaged: len(truth.damages) > 0})...)
	}
	if !said.isRight() || len(problems) > 0 {
		for _, found := range done.integrity.Findings {
			problems = append(problems, fmt.Sprintf("%s: %s", found.Type, found.Message))
		}
		return said, fmt.Errorf("%s: %s\n  %s", s.says, said, strings.Join(problems, "\n  "))
	}
	return said, nil
}

// judgeInProcess holds what the findings say against the truth.
func judgeInProcess(r *recording, done attempt) (outcome, []string) {
	j := &judge{recording: r, preset: presetRemux}
	truth, said := &r.truth, done.integrity.State
	refused := said == damaged
	switch {
	case !truth.good() && (refused || !truth.expects(unknown)):
		if !refused {
			return damageMissed, nil
		}
		if !j.isLocated(done) {
			j.problem("no finding lies at the damage %+v", truth.damages)
		}
		return damageFound, j.problems
	case refused && truth.expects(damaged):
		return undecided, nil
	case refused:
		return goodRefused, nil
	}
	if !truth.expects(said) {
		j.problem("state %s, it should be %v", said, truth.states)
	}
	if truth.good() {
		return goodPassed, j.problems
	}
	return undecided, j.problems
}

// readInProcess stores a recording, and makes its timeline as the worker does.
func (r *recording) readInProcess(dir string) (remux.Input, error) {
	if err := r.store(dir); err != nil {
		return remux.Input{}, err
	}
	input := remux.Input{Kinds: []media.Kind{media.Video, media.Audio}}
	recorded := timeline.Recording{Reported: r.reported * media.Clock}
	add := func(source index.Source, segment timeline.Segment) error {
		file, err := index.Read(source)
		if errors.Is(err, index.ErrNotMedia) && r.format == "HLS" {
			file, err = &media.File{Container: media.MPEGTS}, nil // as the worker takes a segment that nothing can be read from
		}
		if err != nil {
			return err
		}
		segment.File = file
		input.Sources, recorded.Segments = append(input.Sources, source), append(recorded.Segments, segment)
		return nil
	}
	if r.format != "HLS" {
		err := add(index.Source{Path: filepath.Join(dir, r.object)}, timeline.Segment{Name: r.object})
		input.Timeline = timeline.Build(recorded)
		return input, err
	}
	playlist, err := playlists.Parse(r.files[r.object])
	if err != nil {
		return input, err
	}
	ticks := func(seconds float64) int64 { return int64(math.Round(seconds * media.Clock)) }
	for _, s := range playlist.Segments {
		source := index.Source{Path: filepath.Join(dir, filepath.Dir(r.object), s.URI)}
		if s.Map >= 0 {
			source.Init = &index.Source{Path: filepath.Join(dir, filepath.Dir(r.object), playlist.Maps[s.Map].URI)}
		}
		if err := add(source, timeline.Segment{
			Name: s.URI, Discontinuity: s.Discontinuity, Began: s.Began, Duration: ticks(s.Seconds), Precision: ticks(s.Rounding),
		}); err != nil {
			return input, err
		}
	}
	input.Timeline = timeline.Build(recorded)
	return input, nil
}

func writeInProcess(ctx context.Context, path string, input remux.Input) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	_, err = remux.Write(ctx, file, input)
	return err
}
