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
	"math"
	"path/filepath"
	"time"

	"sparkrtc.dev/recording-operator/internal/worker/media"
)

// Recording is what fetch found: it is written to source.json for process.
type Recording struct {
	// Input is the file in source/ that ffmpeg opens: the media file, or the local playlist.
	Input string `json:"input"`
	// HLS says that Input is a local playlist of Playlist.
	HLS bool `json:"hls,omitempty"`
	// Playlist is the media playlist with local names; nil when the recording is one file.
	Playlist *media.Playlist `json:"playlist,omitempty"`
	// Originals are the files as they were, for an archive, in the order in which they are to be published: what names
	// another file comes after it.
	Originals []Original `json:"originals"`
	// Unreadable says that a file is no media that ffmpeg may be given, and which; empty when all are.
	Unreadable string `json:"unreadable,omitempty"`
}

// Original is one file of the recording.
type Original struct {
	// Name is its final name in an archive, relative, with slashes.
	Name string `json:"name"`
	// File is its name in source/.
	File string `json:"file"`
}

const recordingFile = "source.json"

// mediaInput is the recording as ffmpeg's input.
func (r Recording) mediaInput(sourceDir string) media.Input {
	return media.Input{Path: filepath.Join(sourceDir, r.Input), HLS: r.HLS}
}

// Tolerances of a duration. A callback counts whole seconds, and not from the first to the last packet.
const (
	playlistTolerance = time.Second
	headerTolerance   = time.Second
	resultTolerance   = time.Second
	callbackTolerance = 3 * time.Second
	// callbackPart is the part of a long recording that a callback's duration may differ by.
	callbackPart = 0.01
)

// expected is how long the recording must be, and by how much it may be shorter. A playlist is exact but for the
// rounding of each segment; a callback's duration is not. 0: unknown.
func (r Recording) expected(reportedSeconds int64) (length, tolerance time.Duration) {
	if r.Playlist != nil {
		rounding := r.Playlist.Rounding / 2 * float64(len(r.Playlist.Segments))
		return seconds(r.Playlist.Seconds()), playlistTolerance + seconds(rounding)
	}
	reported := time.Duration(reportedSeconds) * time.Second
	return reported, callbackSlack(reported)
}

// callbackSlack is by how much a recording may differ from what a callback reported.
func callbackSlack(reported time.Duration) time.Duration {
	return max(callbackTolerance, seconds(reported.Seconds()*callbackPart))
}

func seconds(value float64) time.Duration {
	return time.Duration(math.Round(value * float64(time.Second)))
}
