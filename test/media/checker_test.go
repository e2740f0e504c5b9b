// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// decoded is what ffmpeg makes of a recording itself, with times from its beginning.
func decoded(t *testing.T, r *recording) result {
	t.Helper()
	if testing.Short() {
		t.Skip("runs ffmpeg")
	}
	if _, err := exec.LookPath(ffmpegPath()); err != nil {
		t.Skip("ffmpeg is not installed")
	}
	dir := t.TempDir()
	if err := r.store(dir); err != nil {
		t.Fatal(err)
	}
	res, err := decode(t.Context(), filepath.Join(dir, filepath.FromSlash(r.object)))
	if err != nil {
		t.Fatal(err)
	}
	begin := 1e9
	for _, p := range res.pictures {
		begin = min(begin, p.at)
	}
	for _, s := range res.covered {
		begin = min(begin, s.from)
	}
	res.shift(-begin)
	return res
}

func (res *result) shift(by float64) {
	for i := range res.pictures {
		res.pictures[i].at += by
	}
	for i := range res.sound {
		res.sound[i].at += by
	}
	for i := range res.covered {
		res.covered[i].from += by
		res.covered[i].to += by
	}
}

// clone copies what tests change.
func (res result) clone() result {
	res.pictures, res.sound, res.covered = slices.Clone(res.pictures), slices.Clone(res.sound), slices.Clone(res.covered)
	return res
}

// TestTruth_IsWhatFFmpegDecodes: writers and truth agree with an implementation that is not ours, for recordings in
// which nothing is particular.
func TestTruth_IsWhatFFmpegDecodes(t *testing.T) {
	if testing.Short() {
		t.Skip("runs ffmpeg")
	}
	for _, s := range shapes() {
		if s.kind != "plain" && s.kind != "codec" || !isPlainToFFmpeg(s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			r := s.make()
			for _, problem := range r.truth.check(decoded(t, r), view{copied: true}) {
				t.Error(problem)
			}
		})
	}
}

// isPlainToFFmpeg leaves out what ffmpeg reads in a way of its own, or not at all: it knows no stream types of G.711.
func isPlainToFFmpeg(name string) bool {
	return !slices.Contains([]string{"packed_aac", "packed_aac_later", "stamp_hours", "fmp4_stamp_year", "ts_alaw", "ts_mulaw"}, name)
}

// TestChecker_FindsEveryFault: the checker can fail, in each thing that it checks.
func TestChecker_FindsEveryFault(t *testing.T) {
	r := hls(call(6))
	whole := decoded(t, r)
	faults := map[string]func(res *result){
		"nothing":              func(*result) {},
		"frame missing":        func(res *result) { res.pictures = slices.Delete(res.pictures, 50, 51) },
		"last frame missing":   func(res *result) { res.pictures = res.pictures[:len(res.pictures)-1] },
		"first frames missing": func(res *result) { res.pictures = res.pictures[3:] },
		"frame doubled":        func(res *result) { res.pictures = append(res.pictures, res.pictures[20]) },
		"frame late":           func(res *result) { res.pictures[70].at += 0.06 },
		"frames exchanged": func(res *result) {
			res.pictures[40].gray, res.pictures[44].gray = res.pictures[44].gray, res.pictures[40].gray
		},
		"frame of another time":  func(res *result) { res.pictures[40].gray = res.pictures[90].gray },
		"garbled frame":          func(res *result) { res.pictures[40].gray = make([]byte, grayWidth*grayHeight) },
		"no picture":             func(res *result) { res.pictures = nil },
		"no sound":               func(res *result) { res.sound, res.covered = nil, nil },
		"sound late":             func(res *result) { late(res, 0.06) },
		"sound early":            func(res *result) { late(res, -0.06) },
		"second half late":       func(res *result) { lateFrom(res, 3, 0.08) },
		"sound missing":          func(res *result) { silence(res, 2, 2.2) },
		"hole in the sound":      func(res *result) { res.covered = []span{{from: 0, to: 3}, {from: 3.2, to: 6}} },
		"everything late":        func(res *result) { res.shift(0.2) },
		"length":                 func(res *result) { res.duration += 0.4 },
		"sound where is silence": func(res *result) { res.sound = append(res.sound, heard{at: 7, level: 0.3, position: 7, clean: true}) },
	}
	for name, change := range faults {
		t.Run(name, func(t *testing.T) {
			res := whole.clone()
			change(&res)
			problems := r.truth.check(res, view{copied: true})
			if (len(problems) == 0) != (name == "nothing") {
				t.Errorf("problems: %q", problems)
			}
		})
	}
}

func late(res *result, by float64) {
	for i := range res.sound {
		res.sound[i].at += by
	}
}

func lateFrom(res *result, from, by float64) {
	for i := range res.sound {
		if res.sound[i].at > from {
			res.sound[i].at += by
		}
	}
}

func silence(res *result, from, to float64) {
	for i, h := range res.sound {
		if h.at > from && h.at < to {
			res.sound[i] = heard{at: h.at}
		}
	}
}

// TestTraces_HideWholeTurnsOfTheCounter: sixteen packets that are lost within a segment leave no trace, also where the counters begin
// again in each segment; fifteen do.
func TestTraces_HideWholeTurnsOfTheCounter(t *testing.T) {
	var whole [][]byte
	for i := range 40 {
		whole = append(whole, []byte{byte(i)})
	}
	for _, restart := range []bool{false, true} {
		made := traces{recording: &recording{segments: []*segment{{}, {}}}, restart: restart}
		for lost, want := range map[int]bool{15: false, 16: true, 17: false} {
			if got := made.isHidden(0, 0, whole, slices.Delete(slices.Clone(whole), 10, 10+lost)); got != want {
				t.Errorf("%d packets, restart %t: hidden %t", lost, restart, got)
			}
		}
	}
}
