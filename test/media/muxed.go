// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// muxed is a take as ffmpeg's muxers write it: its packets are copied from an MP4 into the files that the arguments ask
// for. The object is the playlist or the file. A failure is a panic, as of [getSource].
func muxed(t *take, object, args string) *recording {
	r := &recording{format: "HLS", object: "call/" + object, files: map[string][]byte{}}
	if path.Ext(object) == ".mp4" {
		r.format = "MP4"
	}
	r.place(t, joint{})
	if err := r.writeWith(t, object, args); err != nil {
		panic(fmt.Errorf("ffmpeg %s: %w", args, err))
	}
	r.truth.fill(r.units, r.end)
	return r
}

func (r *recording) writeWith(t *take, object, args string) error {
	dir, err := os.MkdirTemp("", "muxed-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	data, _ := writeMP4(t, mp4Style{})
	if err := os.WriteFile(filepath.Join(dir, "from.mp4"), data, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "from.srt"), []byte(captions), 0o600); err != nil {
		return err
	}
	all := append([]string{"-v", "error", "-nostdin", "-y", "-i", "from.mp4"}, strings.Fields(args)...)
	command := exec.CommandContext(context.Background(), ffmpegPath(), append(all, object)...)
	command.Dir = dir
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, file := range files {
		if strings.HasPrefix(file.Name(), "from.") {
			continue
		}
		if r.files["call/"+file.Name()], err = os.ReadFile(filepath.Join(dir, file.Name())); err != nil {
			return err
		}
	}
	return nil
}

// captions is a file of subtitles.
const captions = "1\n00:00:01,000 --> 00:00:03,000\nhello\n\n2\n00:00:04,000 --> 00:00:05,000\nthere\n"

// muxedShapes are what ffmpeg's own muxers write.
func muxedShapes() []shape {
	hls := "-map 0 -c copy -f hls -hls_list_size 0 -hls_time 2 "
	return []shape{
		{"ffmpeg_hls_ts", "R", "ffmpeg's HLS muxer, MPEG-TS", func() *recording { return muxed(call(10), "index.m3u8", hls) }},
		{"ffmpeg_hls_fmp4", "R", "ffmpeg's HLS muxer, fragmented MP4", func() *recording {
			return muxed(call(10), "index.m3u8", hls+"-hls_segment_type fmp4")
		}},
		{"ffmpeg_hls_ts_bframes", "R", "the same in MPEG-TS with B-frames", func() *recording {
			return muxed(with("h264-b", "aac", 10), "index.m3u8", hls)
		}},
		{"ffmpeg_hls_fmp4_bframes", "R", "the same in fragmented MP4 with B-frames", func() *recording {
			return muxed(with("h264-b", "aac", 10), "index.m3u8", hls+"-hls_segment_type fmp4")
		}},
		{"ffmpeg_hls_hevc", "R", "ffmpeg's HLS muxer, H.265", func() *recording { return muxed(with("hevc", "aac", 10), "index.m3u8", hls) }},
		{"ffmpeg_hls_single_file", "R", "the same, all segments in one file", func() *recording {
			return muxed(call(10), "index.m3u8", hls+"-hls_flags single_file")
		}},
		{"ffmpeg_hls_open_gop", "R", "ffmpeg's HLS muxer, open groups of pictures", func() *recording {
			return muxed(with("h264-open", "aac", 10), "index.m3u8", hls)
		}},
		{"ffmpeg_hls_fmp4_open_gop", "R", "ffmpeg's HLS muxer, fragmented MP4, open groups of pictures", func() *recording {
			return muxed(with("h264-open", "aac", 10), "index.m3u8", hls+"-hls_segment_type fmp4")
		}},
		{"ffmpeg_hls_fmp4_open_gop_hevc", "R", "the same, H.265", func() *recording {
			return muxed(with("hevc-open", "aac", 10), "index.m3u8", hls+"-hls_segment_type fmp4")
		}},
		{"ffmpeg_hls_fmp4_by_time_bframes", "R", "ffmpeg's HLS muxer, fragmented MP4 with B-frames, segments cut by time", func() *recording {
			return muxed(with("h264-b", "aac", 10), "index.m3u8", hls+"-hls_segment_type fmp4 -hls_flags split_by_time -hls_time 1.3")
		}},
		{"ffmpeg_hls_fmp4_by_time_short", "R", "the same, segments shorter than pictures are reordered", func() *recording {
			return muxed(with("h264-b", "aac", 10), "index.m3u8", hls+"-hls_segment_type fmp4 -hls_flags split_by_time -hls_time 0.1")
		}},
		{"ffmpeg_hls_muted", "R", "ffmpeg's HLS muxer, nobody speaks for 4 s", func() *recording {
			return muxed(newTake().video("h264", 0, 420, every(0, 30)).sound("aac", 0, 5, 0).sound("aac", 9, 14, 0), "index.m3u8", hls)
		}},
		{"ffmpeg_segments", "R", "ffmpeg's segment muxer, MPEG-TS", func() *recording {
			return muxed(call(10), "seg%d.ts", "-map 0 -c copy -f segment -segment_time 2 -segment_list index.m3u8").playlistOf("index.m3u8")
		}},
		{"ffmpeg_fragmented", "R", "ffmpeg's MP4 muxer, a fragment for each group", func() *recording {
			return muxed(call(8), "call.mp4", "-map 0 -c copy -movflags frag_keyframe+empty_moov+default_base_moof")
		}},
		{"ffmpeg_fragmented_every_frame", "R", "the same, a fragment for each frame", func() *recording {
			return muxed(with("h264-b", "aac", 6), "call.mp4", "-map 0 -c copy -movflags frag_every_frame+empty_moov+delay_moov")
		}},
		{"mp4_subtitles", "R", "MP4 with a track of subtitles", func() *recording {
			return muxed(call(6), "call.mp4", "-i from.srt -map 0 -map 1 -c copy -c:s mov_text")
		}},
		{"ffmpeg_hls_by_time", "R", "ffmpeg's HLS muxer, segments cut by time and not at key pictures", func() *recording {
			return muxed(with("h264-long", "aac", 10), "index.m3u8", hls+"-hls_flags split_by_time")
		}},
		{"ffmpeg_hls_dates", "R", "ffmpeg's HLS muxer, whole seconds, dates, a tag before the first segment", func() *recording {
			return muxed(call(10), "index.m3u8", hls+"-hls_flags round_durations+program_date_time+discont_start")
		}},
		{"ffmpeg_ts_constant_rate", "R", "MPEG-TS of a constant rate, tables at each picture", func() *recording {
			return muxed(call(10), "index.m3u8", hls+"-muxrate 3M -hls_segment_options mpegts_flags=pat_pmt_at_frames+resend_headers")
		}},
		{"ffmpeg_m2ts", "R", "ffmpeg's M2TS", func() *recording {
			return muxed(call(10), "seg%d.ts", "-map 0 -c copy -f segment -segment_time 2 -segment_list index.m3u8 -segment_format_options mpegts_m2ts_mode=1").playlistOf("index.m3u8")
		}},
		{"ffmpeg_ts_initial_discontinuity", "R", "MPEG-TS whose segments each begin with a discontinuity", func() *recording {
			return muxed(call(10), "seg%d.ts", "-map 0 -c copy -f segment -segment_time 2 -segment_list index.m3u8 -segment_format_options mpegts_flags=initial_discontinuity").playlistOf("index.m3u8")
		}},
		{"ffmpeg_mov", "R", "QuickTime", func() *recording { return muxed(call(8), "call.mp4", "-map 0 -c copy -f mov") }},
		{"ffmpeg_mov_bframes", "R", "QuickTime with B-frames, a track of time codes", func() *recording {
			return muxed(with("h264-b", "aac", 8), "call.mp4", "-map 0 -c copy -timecode 01:00:00:00 -f mov")
		}},
		{"ffmpeg_cmaf", "R", "fragmented MP4 with an index of its fragments (sidx)", func() *recording {
			return muxed(with("h264-b", "aac", 8), "call.mp4", "-map 0 -c copy -movflags frag_keyframe+empty_moov+global_sidx+cmaf+negative_cts_offsets")
		}},
		{"ffmpeg_ismv", "R", "Smooth Streaming", func() *recording { return muxed(with("h264-b", "aac", 8), "call.mp4", "-map 0 -c copy -f ismv") }},
		{"ffmpeg_ismv_by_time", "R", "Smooth Streaming, fragments that begin with any picture", func() *recording {
			return muxed(with("h264-b", "aac", 8), "call.mp4", "-map 0 -c copy -f ismv -frag_duration 370000")
		}},
		{"ffmpeg_fragmented_moov_first_samples", "R", "fragmented MP4 whose first samples are in the header", func() *recording {
			return muxed(call(8), "call.mp4", "-map 0 -c copy -movflags frag_keyframe")
		}},
		{"ffmpeg_mp4_metadata", "R", "MP4 with chapters, a title and no edit list", func() *recording {
			return muxed(call(8), "call.mp4", "-map 0 -c copy -metadata title=x -use_editlist 0 -movflags +faststart+use_metadata_tags")
		}},
		{"ffmpeg_latm", "R", "AAC as LATM in MPEG-TS", func() *recording {
			return muxed(call(6), "seg%d.ts", "-map 0 -c copy -f segment -segment_time 2 -segment_list index.m3u8 -segment_format_options mpegts_flags=latm").
				playlistOf("index.m3u8")
		}},
		{"ffmpeg_latm_as_adts", "R", "the same, and the PMT names it ADTS", func() *recording {
			return muxed(call(6), "index.m3u8", hls+"-hls_segment_options mpegts_flags=latm")
		}},
	}
}

// playlistOf names the playlist of files whose muxer was asked for the segments.
func (r *recording) playlistOf(name string) *recording {
	r.format, r.object = "HLS", "call/"+name
	return r
}
