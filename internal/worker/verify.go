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
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/media"
)

// verifier says whether a recording is whole, and whether an MP4 holds all of it. ffmpeg's exit code does not: it
// leaves out what it cannot read and ends with success.
//
// What counts as lost, of the recording:
//   - a stretch without picture and sound where a segment holds less than the playlist says. A stretch that the
//     segments explain (a stream that paused, a frozen screen) is the recording's own and is kept;
//   - a recording that is shorter than its playlist, its header or the callback says.
//
// And of the MP4:
//   - a stream that the recording has and the MP4 does not;
//   - a video packet, of a remux;
//   - a gap in the picture that the recording's picture does not have, or an end that comes earlier.
type verifier struct {
	tools     media.Tools
	recording Recording
	input     media.Input
	sourceDir string
	log       *slog.Logger

	// Set by checkSource: what the recording has, and how long it lasts.
	source  media.Probe
	packets media.Packets
	length  time.Duration
}

func (w *Worker) newVerifier(tools media.Tools, recording Recording) *verifier {
	return &verifier{tools: tools, recording: recording, input: recording.mediaInput(w.sourceDir()), sourceDir: w.sourceDir(), log: w.Log}
}

// checkSource reads the recording and says whether it is whole.
func (v *verifier) checkSource(ctx context.Context, reportedSeconds int64) error {
	var err error
	if v.source, err = v.tools.Probe(ctx, v.input); err != nil {
		return toolFailure(ctx, task.ReasonNotMedia, "the recording cannot be read", err)
	}
	if v.source.Video == nil && v.source.Audio == nil {
		return failure.Permanent(task.ReasonNotMedia, "the recording has neither video nor sound")
	}
	if v.packets, err = v.tools.Packets(ctx, v.input, v.source); err != nil {
		return toolFailure(ctx, task.ReasonNotMedia, "the recording's packets cannot be read", err)
	}
	v.length = v.packets.Duration()
	if err := v.checkGaps(ctx); err != nil {
		return err
	}
	return v.checkLength(ctx, reportedSeconds)
}

// checkGaps looks for stretches without picture and sound, and at the segments there.
func (v *verifier) checkGaps(ctx context.Context) error {
	if v.recording.Playlist == nil {
		return nil
	}
	bound := media.GapBound(v.packets.Main())
	if !v.packets.Steady() {
		// The clock does not tell where in the playlist a gap is, so every segment is looked at.
		return v.checkSegments(ctx, v.allSegments(), bound)
	}
	begin := v.packets.Begin()
	for _, gap := range media.Gaps(v.packets.All, bound) {
		relative := media.Gap{From: gap.From - begin, To: gap.To - begin}
		suspects := v.recording.Playlist.SegmentsAt(relative)
		if err := v.checkSegments(ctx, suspects, bound); err != nil {
			return err
		}
		v.log.Info("The recording itself pauses", "at", position(relative.From), "length", gap.Length().String())
	}
	return nil
}

// checkLength compares the recording's length with what was promised: by the playlist; or, for one file, by its own
// header and by the callback.
func (v *verifier) checkLength(ctx context.Context, reportedSeconds int64) error {
	if header := seconds(v.source.Seconds); v.recording.Playlist == nil && v.length < header-headerTolerance {
		return failure.Permanent(task.ReasonFramesMissing, "the recording holds %s, its header says %s", round(v.length), round(header))
	}
	expected, tolerance := v.recording.expected(reportedSeconds)
	if expected == 0 || v.length >= expected-tolerance {
		return nil
	}
	if err := v.checkSegments(ctx, v.allSegments(), media.GapBound(v.packets.Main())); err != nil {
		return err
	}
	return failure.Permanent(task.ReasonFramesMissing, "the recording holds %s, it should last %s", round(v.length), round(expected))
}

// checkResult compares the MP4 with the recording and gives what is inside.
func (v *verifier) checkResult(ctx context.Context, output media.Input, preset v1alpha1.Preset) (media.Probe, error) {
	result, err := v.tools.Probe(ctx, output)
	if err != nil {
		return media.Probe{}, toolFailure(ctx, task.ReasonTranscodeFailed, "the MP4 cannot be read back", err)
	}
	if (v.source.Video == nil) != (result.Video == nil) || (v.source.Audio == nil) != (result.Audio == nil) {
		return media.Probe{}, failure.Permanent(task.ReasonFramesMissing,
			"the MP4 has not the streams of the recording: %s instead of %s", streams(result), streams(v.source))
	}
	have, err := v.tools.Packets(ctx, output, result)
	if err != nil {
		return media.Probe{}, toolFailure(ctx, task.ReasonTranscodeFailed, "the MP4's packets cannot be read", err)
	}
	return result, comparePackets(v.packets, have, preset, v.recording.Playlist)
}

// comparePackets says what of the recording the MP4 does not have.
func comparePackets(want, have media.Packets, preset v1alpha1.Preset, playlist *media.Playlist) error {
	if wanted, had := len(want.Video()), len(have.Video()); preset == v1alpha1.PresetRemux && had != wanted {
		return failure.Permanent(task.ReasonFramesMissing, "the MP4 has %d video packets, the recording %d", had, wanted)
	}
	bound := media.GapBound(want.Main())
	// The recording's gaps are taken a little smaller: one that is just below the bound explains one just above.
	if gaps := media.NewGaps(media.Gaps(want.Main(), bound/2), media.Gaps(have.Main(), bound), bound/2); len(gaps) > 0 {
		return failure.Permanent(task.ReasonFramesMissing, "the MP4 has a gap of %s at %s that the recording does not have",
			round(gaps[0].Length()), position(gaps[0].From))
	}
	recorded := want.Duration()
	if playlist != nil {
		// ffmpeg closes gaps of more than ten seconds; those are no part of the playlist's time either.
		recorded = min(recorded, seconds(playlist.Seconds()))
	}
	if length := have.Duration(); length < recorded-resultTolerance {
		return failure.Permanent(task.ReasonFramesMissing, "the MP4 lasts %s, the recording %s", round(length), round(recorded))
	}
	return nil
}

// survey probes the recording itself and logs its gaps.
func (v *verifier) survey(ctx context.Context) (media.Probe, error) {
	probe, err := v.tools.Probe(ctx, v.input)
	if err != nil {
		return media.Probe{}, err
	}
	packets, err := v.tools.Packets(ctx, v.input, probe)
	if err != nil {
		return media.Probe{}, err
	}
	for _, gap := range media.Gaps(packets.Main(), media.GapBound(packets.Main())) {
		v.log.Warn("The recording has a gap", "at", position(gap.From), "length", gap.Length().String())
	}
	return probe, nil
}

func (v *verifier) allSegments() []int {
	if v.recording.Playlist == nil {
		return nil
	}
	all := make([]int, len(v.recording.Playlist.Segments))
	for i := range all {
		all[i] = i
	}
	return all
}

func (v *verifier) checkSegments(ctx context.Context, indices []int, bound time.Duration) error {
	for _, index := range indices {
		if err := v.checkSegment(ctx, index, bound); err != nil {
			return err
		}
	}
	return nil
}

// checkSegment looks at one segment alone: it must hold as much time as the playlist says.
func (v *verifier) checkSegment(ctx context.Context, index int, bound time.Duration) error {
	playlist := v.recording.Playlist
	input := media.Input{Path: filepath.Join(v.sourceDir, fmt.Sprintf("only-%05d.m3u8", index)), HLS: true}
	if err := os.WriteFile(input.Path, []byte(playlist.Only(index).Local()), 0o600); err != nil {
		return fmt.Errorf("look at segment %d: %w", index, err)
	}
	defer func() { _ = os.Remove(input.Path) }()
	var held time.Duration
	probe, err := v.tools.Probe(ctx, input)
	if err == nil {
		var packets media.Packets
		packets, err = v.tools.Packets(ctx, input, probe)
		held = packets.Duration()
	}
	if stopped(ctx, err) {
		return err
	}
	segment := playlist.Segments[index]
	if want := seconds(segment.Seconds); err != nil || held < want-bound {
		return failure.Permanent(task.ReasonFramesMissing, "segment %d (%.80q) holds %s, the playlist says %s",
			index, segment.URI, round(held), round(want))
	}
	return nil
}

func streams(probe media.Probe) string {
	switch {
	case probe.Video != nil && probe.Audio != nil:
		return "video and sound"
	case probe.Video != nil:
		return "video"
	case probe.Audio != nil:
		return "sound"
	}
	return "nothing"
}

// position is a place in a file for a person.
func position(micros int64) string { return round(time.Duration(micros) * time.Microsecond) }

func round(length time.Duration) string { return length.Round(time.Millisecond).String() }
