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

// verifier says whether an MP4 holds the whole recording. ffmpeg's exit code does not: it leaves out what it cannot
// read and ends with success.
//
// What counts as lost:
//   - a stream that the recording has and the MP4 does not;
//   - video packets of the recording that a remux does not have;
//   - an MP4 that is shorter than the playlist says, or than the recording's header and the callback say;
//   - a stretch without picture and sound where a segment holds less than the playlist says. A stretch that the
//     segments explain (a stream that paused, a frozen screen) is the recording's own and is kept;
//   - a gap in a re-encoded picture that the recording's picture does not have.
type verifier struct {
	tools     media.Tools
	recording Recording
	input     media.Input
	source    media.Probe
	sourceDir string
	log       *slog.Logger
}

// verify gives the MP4's probe, or a failure with reason FramesMissing that says where.
func (v *verifier) verify(ctx context.Context, output media.Input, transcode v1alpha1.Transcode, reportedSeconds int64) (media.Probe, error) {
	result, err := v.tools.Probe(ctx, output)
	if err != nil {
		return media.Probe{}, toolFailure(ctx, task.ReasonTranscodeFailed, "the MP4 cannot be read back", err)
	}
	if (v.source.Video == nil) != (result.Video == nil) || (v.source.Audio == nil) != (result.Audio == nil) {
		return media.Probe{}, failure.Permanent(task.ReasonFramesMissing,
			"the MP4 has not the streams of the recording: %s instead of %s", streams(result), streams(v.source))
	}
	want, err := v.tools.Packets(ctx, v.input, v.source)
	if err != nil {
		return media.Probe{}, toolFailure(ctx, task.ReasonNotMedia, "the recording's packets cannot be read", err)
	}
	have, err := v.tools.Packets(ctx, output, result)
	if err != nil {
		return media.Probe{}, toolFailure(ctx, task.ReasonTranscodeFailed, "the MP4's packets cannot be read", err)
	}
	if transcode.Preset == v1alpha1.PresetRemux && len(have.Video) != len(want.Video) {
		return media.Probe{}, failure.Permanent(task.ReasonFramesMissing,
			"the MP4 has %d video packets, the recording %d", len(have.Video), len(want.Video))
	}
	if err := v.checkSegments(ctx, have); err != nil {
		return media.Probe{}, err
	}
	if err := v.checkLength(ctx, have, reportedSeconds); err != nil {
		return media.Probe{}, err
	}
	return result, checkPicture(want, have)
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

// checkLength compares the duration with what was promised: by the playlist; or, for one file, by its own header and
// by the callback.
func (v *verifier) checkLength(ctx context.Context, have media.Packets, reportedSeconds int64) error {
	expected, tolerance := v.recording.expected(reportedSeconds)
	_, length := media.Extent(have.Both())
	if v.recording.Playlist == nil && length < seconds(v.source.Seconds)-headerTolerance {
		return failure.Permanent(task.ReasonFramesMissing, "the recording holds %s, its header says %s", round(length), round(seconds(v.source.Seconds)))
	}
	if expected == 0 || length >= expected-tolerance {
		return nil
	}
	if v.recording.Playlist != nil {
		// Somewhere a segment is short; say which. ffmpeg closes gaps of more than ten seconds, so none shows.
		for i := range v.recording.Playlist.Segments {
			if err := v.checkSegment(ctx, i, media.GapBound(have.Main())); err != nil {
				return err
			}
		}
	}
	return failure.Permanent(task.ReasonFramesMissing, "the MP4 lasts %s, the recording should last %s", round(length), round(expected))
}

// checkSegments looks for stretches without picture and sound, and at the segments there.
func (v *verifier) checkSegments(ctx context.Context, have media.Packets) error {
	if v.recording.Playlist == nil {
		return nil
	}
	bound := media.GapBound(have.Main())
	begin, _ := media.Extent(have.Both())
	for _, gap := range media.Gaps(have.Both(), bound) {
		relative := media.Gap{From: gap.From - begin, To: gap.To - begin}
		for _, index := range v.recording.Playlist.SegmentsAt(relative) {
			if err := v.checkSegment(ctx, index, bound); err != nil {
				return err
			}
		}
		v.log.Info("The recording itself pauses", "at", position(relative.From), "length", gap.Length().String())
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
		_, held = media.Extent(packets.Both())
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

// checkPicture looks for gaps in the MP4's picture that the recording's picture does not have.
func checkPicture(want, have media.Packets) error {
	bound := media.GapBound(want.Main())
	// The recording's gaps are taken a little smaller: one that is just below the bound explains one just above.
	for _, gap := range media.NewGaps(media.Gaps(want.Main(), bound/2), media.Gaps(have.Main(), bound), bound/2) {
		return failure.Permanent(task.ReasonFramesMissing, "the MP4 has a gap of %s at %s that the recording does not have",
			round(gap.Length()), position(gap.From))
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
