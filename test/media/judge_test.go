// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// judge runs one shape with one preset and holds what the worker does against the truth.
type judge struct {
	recording *recording
	preset    string
	dir       string
	attempts  int
	problems  []string
	state     state
	said      string
	// byBytes: packets are known by their bytes where they are copied, instead of decoded.
	byBytes bool
}

func (j *judge) problem(format string, args ...any) {
	j.problems = append(j.problems, fmt.Sprintf(format, args...))
}

// try runs the worker with the preset and further settings.
func (j *judge) try(ctx context.Context, further settings) (attempt, error) {
	j.attempts++
	var set settings
	if j.preset != presetArchive {
		set = settings{"preset": j.preset}
		maps.Copy(set, further)
	}
	return work(ctx, filepath.Join(j.dir, fmt.Sprint(j.attempts)), j.recording, set)
}

// run gives the outcome. An error is one of the test itself.
func (j *judge) run(ctx context.Context) (row, error) {
	begun := time.Now()
	verdict, err := j.decide(ctx)
	if err != nil {
		return row{}, err
	}
	if verdict.isRight() && len(j.problems) > 0 {
		verdict = wrongResult
	}
	return row{
		Preset: j.preset, Outcome: verdict, State: j.state, Problems: j.problems, Said: j.said, Seconds: time.Since(begun).Seconds(),
	}, nil
}

func (j *judge) decide(ctx context.Context) (outcome, error) {
	first, err := j.try(ctx, nil)
	if err != nil {
		return "", err
	}
	if first.failure != nil {
		j.said = first.failure.Reason + ": " + first.failure.Message
		if first.failure.Reason == workerapi.ReasonInternal || first.failure.Reason == workerapi.ReasonResultDiffers {
			j.problem("reason %s", first.failure.Reason)
		}
		for _, word := range []string{j.dir, " 0x", "/work/", "@ 0x"} {
			if strings.Contains(first.failure.Message, word) {
				j.problem("the message shows %q", word)
			}
		}
	} else {
		j.state = first.integrity.State
	}
	truth := &j.recording.truth
	switch {
	case j.preset == presetArchive:
		return j.archive(first), nil
	case truth.unreadable, truth.choice:
		return j.refused(first), nil
	case j.preset == presetRemux && truth.change != "":
		return j.change(ctx, first)
	case j.preset == presetRemux && truth.transcodeOnly && first.failure != nil:
		return refusedRight, nil
	case truth.good() || truth.expects(unknown) && first.failure == nil:
		return j.good(ctx, first)
	}
	return j.damaged(ctx, first)
}

// refused: nothing can be published.
func (j *judge) refused(first attempt) outcome {
	if first.failure == nil {
		return damageMissed
	}
	return refusedRight
}

// archive keeps every byte, and says the state.
func (j *judge) archive(done attempt) outcome {
	truth := &j.recording.truth
	if truth.archiveRefused || truth.absent && !truth.archivable && done.failure != nil {
		return j.refused(done)
	}
	if done.failure != nil {
		return goodRefused
	}
	j.problems = append(j.problems, checkArchive(j.recording, done)...)
	switch {
	case !done.said:
		j.problem("integrity is not said")
	case !truth.expects(done.integrity.State) && !truth.decoding:
		j.problem("state %s, it should be %v: %+v", done.integrity.State, truth.states, done.integrity.Findings)
		if truth.states[0] == damaged {
			return damageMissed
		}
	}
	switch {
	case truth.states[0] != damaged:
		return goodPassed
	case done.integrity.State != damaged:
		return keptUndecoded
	}
	return damageFound
}

// good: it must be published, whole, and be called whole.
func (j *judge) good(ctx context.Context, done attempt) (outcome, error) {
	truth := &j.recording.truth
	if done.failure != nil {
		if truth.expects(damaged) {
			return undecided, nil
		}
		return goodRefused, nil
	}
	if err := j.compare(ctx, done, view{copied: j.preset == presetRemux, damaged: len(truth.damages) > 0}); err != nil {
		return "", err
	}
	switch {
	case !done.said:
		j.problem("integrity is not said")
	case !truth.expects(done.integrity.State):
		j.problem("state %s, it should be %v: %+v", done.integrity.State, truth.states, done.integrity.Findings)
	}
	j.checkCounts(done)
	if truth.ignored && !j.hasFinding(done, v1alpha1.FindingStreamIgnored) {
		j.problem("a stream is left out and no finding says so")
	}
	if truth.states[0] != intact {
		return undecided, nil
	}
	return goodPassed, nil
}

func (j *judge) hasFinding(done attempt, kind v1alpha1.FindingType) bool {
	return slices.ContainsFunc(done.integrity.Findings, func(f v1alpha1.Finding) bool { return f.Type == kind })
}

// checkCounts holds the number of packets that the manifest says against what was written.
func (j *judge) checkCounts(done attempt) {
	if !done.said || len(j.recording.truth.damages) > 0 {
		return
	}
	var want v1alpha1.PacketCounts
	for _, u := range j.recording.units {
		switch {
		case u.lost || strings.HasPrefix(u.source.codec, "pcm"):
			return
		case u.hidden && j.recording.truth.ignored:
			continue // of a stream that is not in the result
		case u.source.video:
			want.Video++
		default:
			want.Audio++
		}
	}
	if done.integrity.Packets != want {
		j.problem("%+v packets are said, there are %+v", done.integrity.Packets, want)
	}
}

// change: one MP4 cannot hold it. By default that is refused; both ways out lead to a right result.
func (j *judge) change(ctx context.Context, first attempt) (outcome, error) {
	if first.failure == nil {
		if err := j.compare(ctx, first, view{copied: true}); err != nil {
			return "", err
		}
		j.problem("published although one track cannot hold it")
		return wrongResult, nil
	}
	if first.failure.Reason != workerapi.ReasonRecordingChanged || !first.failure.Permanent {
		j.problem("reason %s (permanent %v), it should be %s", first.failure.Reason, first.failure.Permanent, workerapi.ReasonRecordingChanged)
	}
	for _, policy := range []v1alpha1.ChangePolicy{v1alpha1.ChangeReencode, v1alpha1.ChangeSplit} {
		done, err := j.try(ctx, settings{"onChange": policy})
		if err != nil {
			return "", err
		}
		if done.failure != nil {
			j.problem("onChange %s: %s: %s", policy, done.failure.Reason, done.failure.Message)
			continue
		}
		before := len(j.problems)
		if err := j.compare(ctx, done, view{copied: true, mayBeBlack: true}); err != nil {
			return "", err
		}
		for i := before; i < len(j.problems); i++ {
			j.problems[i] = fmt.Sprintf("onChange %s: %s", policy, j.problems[i])
		}
	}
	return changeAsked, nil
}

// damaged: it is refused by default, and published with the damage named when onDamage says so.
func (j *judge) damaged(ctx context.Context, first attempt) (outcome, error) {
	truth := &j.recording.truth
	found := damageFound
	if first.failure == nil {
		if !truth.decoding || j.preset == presetH264 {
			return damageMissed, nil
		}
		// Structure cannot show it; decoding must.
		strict, err := j.try(ctx, settings{"strict": true})
		if err != nil {
			return "", err
		}
		if strict.failure == nil {
			return damageMissed, nil
		}
		found = decodingFinds
	} else if !slices.Contains([]string{workerapi.ReasonFramesMissing, workerapi.ReasonSegmentMissing}, first.failure.Reason) || !first.failure.Permanent {
		j.problem("reason %s (permanent %v)", first.failure.Reason, first.failure.Permanent)
	}
	further := settings{"onDamage": v1alpha1.DamagePublish}
	if truth.decoding {
		further["strict"] = true
	}
	done, err := j.try(ctx, further)
	if err != nil {
		return "", err
	}
	if done.failure != nil {
		if !truth.absent {
			j.problem("onDamage Publish: %s: %s", done.failure.Reason, done.failure.Message)
		}
		return found, nil
	}
	j.state = done.integrity.State
	if j.state != damaged {
		j.problem("onDamage Publish: state %q", j.state)
	}
	if !j.isLocated(done) {
		j.problem("no finding lies at the damage %+v: %+v", truth.damages, done.integrity.Findings)
	}
	return found, j.compare(ctx, done, view{copied: j.preset == presetRemux, damaged: true})
}

// isLocated says that a finding of damage lies where the damage is.
func (j *judge) isLocated(done attempt) bool {
	const margin = 2.5
	for _, f := range done.integrity.Findings {
		if !f.Type.IsDamage() {
			continue
		}
		if f.Type == v1alpha1.FindingDecodeErrors && f.Segment == nil && f.AtMilliseconds == 0 {
			return true // decoders do not say where
		}
		from := float64(f.AtMilliseconds) / 1000
		to := from + float64(f.LengthMilliseconds)/1000
		for _, d := range j.recording.truth.damages {
			if from <= d.to+margin && to >= d.from-margin {
				return true
			}
			if f.Segment != nil && j.isNear(int(*f.Segment), d) {
				return true
			}
		}
	}
	return false
}

// isNear says that the n-th line of the playlist, or its neighbor, covers the damage.
func (j *judge) isNear(n int, d damage) bool {
	line := 0
	for _, s := range j.recording.segments {
		if s.gone {
			continue
		}
		if line++; line-1 >= n-1 && line-1 <= n+1 && s.from <= d.to && s.to >= d.from {
			return true
		}
	}
	return false
}

// read decodes a published file, or knows its packets by their bytes.
func (j *judge) read(ctx context.Context, path string) (result, error) {
	if j.byBytes {
		return identify(path, j.recording.sourcesOf())
	}
	return decode(ctx, path)
}

// compare reads what was published and compares it with the truth. Several files follow one another.
func (j *judge) compare(ctx context.Context, done attempt, v view) error {
	var whole result
	for _, name := range done.files {
		if !strings.HasSuffix(name, ".mp4") {
			j.problem("published file %q", name)
			continue
		}
		res, err := j.read(ctx, filepath.Join(done.dir, filepath.FromSlash(name)))
		if err != nil {
			j.problem("cannot be decoded: %v", err)
			continue
		}
		whole.append(res)
	}
	j.problems = append(j.problems, j.recording.truth.check(whole, v)...)
	return nil
}
