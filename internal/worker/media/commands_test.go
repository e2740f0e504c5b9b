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
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

func TestCommands(t *testing.T) {
	const ffmpeg = "-hide_banner -nostdin -y -loglevel error -nostats -progress pipe:1 -stats_period 1 "
	h264 := func(scale, crf, rate string) string {
		return "-map 0:v:0? -map 0:a:0? -vf scale=" + scale + " -c:v libx264 -preset veryfast -crf " + crf +
			" -pix_fmt yuv420p -fps_mode vfr -c:a aac -b:a " + rate + " -movflags +faststart -f mp4 out.mp4"
	}
	const hlsInput = "-protocol_whitelist file,crypto -format_whitelist mov,mpegts,aac,hls -i a.m3u8 "
	const fileInput = "-protocol_whitelist file,crypto -format_whitelist mov,mpegts,aac -i a.mp4 "
	hls, file := Input{Path: "a.m3u8", HLS: true}, Input{Path: "a.mp4"}
	tests := map[string]struct {
		got  []string
		want string
	}{
		"probe":   {ProbeArgs(file), "-v error -of json -show_format -show_streams " + strings.TrimSpace(fileInput)},
		"packets": {PacketArgs(hls), "-v error -of csv=p=0 -show_entries packet=stream_index,pts_time,dts_time,duration_time " + strings.TrimSpace(hlsInput)},
		"remux HLS": {
			TranscodeArgs(hls, v1alpha1.Transcode{Preset: v1alpha1.PresetRemux}, "out.mp4"),
			ffmpeg + hlsInput + "-map 0:v:0? -map 0:a:0? -c copy -movflags +faststart -f mp4 out.mp4",
		},
		"H264 as it is": {
			TranscodeArgs(file, v1alpha1.Transcode{Preset: v1alpha1.PresetH264}, "out.mp4"),
			ffmpeg + fileInput + h264("w='trunc(iw/2)*2':h='trunc(ih/2)*2'", "23", "128k"),
		},
		"H264 with settings": {
			TranscodeArgs(file, v1alpha1.Transcode{
				Preset: v1alpha1.PresetH264,
				Video:  &v1alpha1.VideoSettings{MaxHeight: new(int32(720)), CRF: new(int32(0))},
				Audio:  &v1alpha1.AudioSettings{BitrateKbps: new(int32(64))},
			}, "out.mp4"),
			ffmpeg + fileInput + h264("w=-2:h='trunc(min(720,ih)/2)*2'", "0", "64k"),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := strings.Join(test.got, " "); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestSniff(t *testing.T) {
	transport := strings.Repeat("\x47"+strings.Repeat("\xff", 187), 2) + "\x47"
	tests := map[string]struct {
		head string
		want Kind
	}{
		"transport stream":    {transport, MPEGTS},
		"one packet":          {transport[:188], MPEGTS},
		"lost sync":           {transport[:188] + "x" + transport[189:], Unknown},
		"mp4":                 {"\x00\x00\x00\x20ftypisom", MP4},
		"fragment":            {"\x00\x00\x00\x20moof", MP4},
		"sound":               {"\xff\xf1\x50", AAC},
		"sound with tags":     {"ID3\x04", AAC},
		"playlist":            {"#EXTM3U\n", PlaylistFile},
		"playlist with a BOM": {"\xef\xbb\xbf\n#EXTM3U\n", PlaylistFile},
		"page":                {"<html>", Unknown},
		"empty":               {"", Unknown},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := Sniff([]byte(test.head)); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	progress := &Progress{Total: 10}
	for _, step := range []struct {
		line    string
		percent int
		changed bool
	}{
		{"frame=1", 0, false},
		{"out_time_us=N/A", 0, false},
		{"out_time_us=2500000", 25, true},
		{"out_time_us=2000000", 25, false},
		{"out_time_us=12000000", 99, true},
		{"progress=continue", 99, false},
		{"progress=end", 100, true},
	} {
		if changed := progress.Line([]byte(step.line)); changed != step.changed || progress.Percent() != step.percent {
			t.Errorf("%s: %d%% changed %v, want %d%% %v", step.line, progress.Percent(), changed, step.percent, step.changed)
		}
	}
}

func TestParseProbe(t *testing.T) {
	probe, err := ParseProbe([]byte(`{"format":{"format_name":"mov,mp4,m4a,3gp,3g2,mj2","duration":"6.021"},"streams":[
		{"index":0,"codec_type":"video","codec_name":"png","disposition":{"attached_pic":1}},
		{"index":1,"codec_type":"video","codec_name":"h264","width":640,"height":360},
		{"index":2,"codec_type":"audio","codec_name":"aac"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := v1alpha1.Media{Container: "mp4", DurationMilliseconds: 6021, VideoCodec: "h264", AudioCodec: "aac", Width: 640, Height: 360}
	if got := *probe.Media(); got != want || probe.Video.Index != 1 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if _, err := ParseProbe([]byte("{")); err == nil {
		t.Error("broken JSON is taken")
	}
}
