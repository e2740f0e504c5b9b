// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package media

// shape is a recording by name.
type shape struct {
	name string
	// kind as docs/media.md groups shapes.
	kind string
	// says for a person what is particular.
	says string
	make func() *recording
}

// shapes are all that the corpus has.
func shapes() []shape {
	var all []shape
	for _, group := range [][]shape{plainShapes()} {
		all = append(all, group...)
	}
	return all
}

// call is the ordinary recording: pictures and sound for some seconds.
func call(seconds float64) *take {
	return newTake().video("h264", 0, int(seconds*30), every(0, 30)).sound("aac", 0, seconds, 0)
}

func plainShapes() []shape {
	return []shape{
		{"plain_ts", "plain", "H.264 and AAC in MPEG-TS, segments of two seconds", func() *recording {
			return newRecording().add(call(10), joint{}).finish()
		}},
		{"plain_mp4", "plain", "one MP4", func() *recording { return mp4File(call(10), mp4Style{}).finish() }},
		{"plain_fmp4", "plain", "HLS with fragmented MP4", func() *recording {
			return newRecording().add(call(10), joint{container: "fmp4"}).finish()
		}},
		{"fragmented_mp4", "plain", "one fragmented MP4", func() *recording { return mp4File(call(10), mp4Style{fragments: 2}).finish() }},
		{"bframes", "plain", "B-frames", func() *recording {
			return newRecording().add(newTake().video("h264-b", 0, 300, every(0, 30)).sound("aac", 0, 10, 0), joint{}).finish()
		}},
		{"bframes_mp4", "plain", "B-frames in MP4", func() *recording {
			return mp4File(newTake().video("h264-b", 0, 300, every(0, 30)).sound("aac", 0, 10, 0), mp4Style{}).finish()
		}},
		{"hevc", "plain", "H.265", func() *recording {
			return newRecording().add(newTake().video("hevc", 0, 300, every(0, 30)).sound("aac", 0, 10, 0), joint{}).finish()
		}},
		{"muted_15s", "P", "muted", func() *recording {
			return newRecording().add(newTake().video("h264", 0, 1200, every(0, 30)).sound("aac", 0, 8, 0).sound("aac", 23, 40, 0), joint{}).finish()
		}},
	}
}
