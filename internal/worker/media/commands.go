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

package media

import (
	"fmt"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Input is what ffmpeg or ffprobe reads: one local file, or a local playlist that Playlist.Local rendered.
type Input struct {
	// Path of the file.
	Path string
	// HLS says that Path is a playlist of our own.
	HLS bool
}

// Defaults of preset H264; the API server sets them too, when the settings are there at all.
const (
	defaultCRF       = 23
	defaultAudioKbps = 128
)

// args open the input and nothing else: no protocol but files, no container but those of recordings. hls is a
// container only for a playlist of our own, so that no file can be a playlist in disguise.
func (in Input) args() []string {
	formats := "mov,mpegts,aac"
	if in.HLS {
		formats += ",hls"
	}
	return []string{"-protocol_whitelist", "file,crypto", "-format_whitelist", formats, "-i", in.Path}
}

// ProbeArgs is ffprobe's command line for what is inside; ParseProbe reads the answer.
func ProbeArgs(in Input) []string {
	return append([]string{"-v", "error", "-of", "json", "-show_format", "-show_streams"}, in.args()...)
}

// PacketArgs is ffprobe's command line for the times of all packets; a PacketReader reads the answer.
func PacketArgs(in Input) []string {
	return append([]string{
		"-v", "error", "-of", "csv=p=0", "-show_entries", "packet=stream_index,pts_time,dts_time,duration_time",
	}, in.args()...)
}

// TranscodeArgs is ffmpeg's command line that makes an MP4 of the input. It reports progress on its standard output.
func TranscodeArgs(in Input, transcode v1alpha1.Transcode, output string) []string {
	args := []string{"-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1", "-stats_period", "1"}
	args = append(args, in.args()...)
	args = append(args, "-map", "0:v:0?", "-map", "0:a:0?")
	if transcode.Preset == v1alpha1.PresetH264 {
		args = append(args, h264Args(transcode)...)
	} else {
		args = append(args, "-c", "copy")
	}
	return append(args, "-movflags", "+faststart", "-f", "mp4", output)
}

// h264Args never make frames up (-fps_mode vfr): a frame that is missing stays visible as a gap.
func h264Args(transcode v1alpha1.Transcode) []string {
	crf, kbps := int32(defaultCRF), int32(defaultAudioKbps)
	// x264 needs even dimensions in yuv420p; a picture is never scaled up.
	scale := "scale=w='trunc(iw/2)*2':h='trunc(ih/2)*2'"
	if video := transcode.Video; video != nil {
		if video.CRF != nil {
			crf = *video.CRF
		}
		if video.MaxHeight != nil {
			scale = fmt.Sprintf("scale=w=-2:h='trunc(min(%d,ih)/2)*2'", *video.MaxHeight)
		}
	}
	if audio := transcode.Audio; audio != nil && audio.BitrateKbps != nil {
		kbps = *audio.BitrateKbps
	}
	return []string{
		"-vf", scale, "-c:v", "libx264", "-preset", "veryfast", "-crf", fmt.Sprint(crf), "-pix_fmt", "yuv420p",
		"-fps_mode", "vfr", "-c:a", "aac", "-b:a", fmt.Sprintf("%dk", kbps),
	}
}
