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
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Probe is what ffprobe says is inside a file.
type Probe struct {
	// Format is ffprobe's name of the container, for example "mov,mp4,m4a,3gp,3g2,mj2".
	Format string
	// Seconds is the duration; 0: unknown.
	Seconds float64
	// Video and Audio are the first stream of each kind; nil: there is none.
	Video, Audio *Stream
}

// Stream is one stream of a file.
type Stream struct {
	// Index of the stream in the file.
	Index int
	// Codec, for example h264.
	Codec string
	// Width and Height in pixels, of video.
	Width, Height int32
}

// ParseProbe reads the answer to ProbeArgs.
func ParseProbe(answer []byte) (Probe, error) {
	var raw struct {
		Format struct {
			Name     string `json:"format_name"`
			Duration string `json:"duration"`
		} `json:"format"`
		Streams []struct {
			Index       int    `json:"index"`
			Type        string `json:"codec_type"`
			Codec       string `json:"codec_name"`
			Width       int32  `json:"width"`
			Height      int32  `json:"height"`
			Disposition struct {
				Attached int `json:"attached_pic"`
			} `json:"disposition"`
		} `json:"streams"`
	}
	if err := json.Unmarshal(answer, &raw); err != nil {
		return Probe{}, fmt.Errorf("read ffprobe's answer: %w", err)
	}
	probe := Probe{Format: raw.Format.Name}
	// ffprobe leaves out what it does not know, so an absent number is 0 and no error.
	if seconds, err := strconv.ParseFloat(raw.Format.Duration, 64); err == nil && !math.IsInf(seconds, 0) && !math.IsNaN(seconds) {
		probe.Seconds = seconds
	}
	for _, each := range raw.Streams {
		stream := &Stream{Index: each.Index, Codec: each.Codec, Width: each.Width, Height: each.Height}
		switch {
		case each.Type == "video" && each.Disposition.Attached == 0 && probe.Video == nil:
			probe.Video = stream
		case each.Type == "audio" && probe.Audio == nil:
			probe.Audio = stream
		}
	}
	return probe, nil
}

// Media is the probe as a RecordingFile's status tells it.
func (p Probe) Media() *v1alpha1.Media {
	media := &v1alpha1.Media{Container: p.container(), DurationMilliseconds: int64(math.Round(p.Seconds * 1000))}
	if p.Video != nil {
		media.VideoCodec, media.Width, media.Height = p.Video.Codec, p.Video.Width, p.Video.Height
	}
	if p.Audio != nil {
		media.AudioCodec = p.Audio.Codec
	}
	return media
}

func (p Probe) container() string {
	if strings.HasPrefix(p.Format, "mov,mp4") {
		return "mp4"
	}
	return p.Format
}
