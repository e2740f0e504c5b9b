// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ffmpeg

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode"
)

// The lines are ffmpeg's own, of 5.1.9 and 7.1.5.
func TestComplaints(t *testing.T) {
	tests := map[string]struct {
		log  string
		want Outcome
	}{
		"silent": {"", Outcome{}},
		"a decoder, 5.1 and 7.1": {
			"[h264 @ 0x55cc] [error] error while decoding MB 9 9, bytestream -14\n[aac @ 0x55dd] [error] channel element 3.8 is not allocated\n",
			Outcome{Decoder: 2, Last: []string{"h264: error while decoding MB 9 9, bytestream -14", "aac: channel element 3.8 is not allocated"}},
		},
		"7.1 repeats a decoder's error": {
			"[aist#0:1/aac @ 0x1a] [dec:aac @ 0x1b] [error] Error submitting packet to decoder: Invalid data found when processing input\n",
			Outcome{Last: []string{"dec:aac: Error submitting packet to decoder: Invalid data found when processing input"}},
		},
		"a decoder's warning": {
			"[h264 @ 0x55cc] [warning] Application has requested 33 threads.\n",
			Outcome{Last: []string{"h264: Application has requested 33 threads."}},
		},
		"a picture in part made up, 7.1": {
			"[vist#0:0/h264 @ 0x1a] [dec:h264 @ 0x1b] [warning] corrupt decoded frame\n",
			Outcome{Decoder: 1, Last: []string{"dec:h264: corrupt decoded frame"}},
		},
		"a picture in part made up, 5.1": {
			"[warning] /work/source/m.mp4: corrupt decoded frame in stream 0\n",
			Outcome{Decoder: 1, Last: []string{"m.mp4: corrupt decoded frame in stream 0"}},
		},
		"a muxer": {
			"[null @ 0x55cc] [error] Application provided invalid, non monotonically increasing dts to muxer in stream 0: 5 >= 5\n",
			Outcome{Last: []string{"null: Application provided invalid, non monotonically increasing dts to muxer in stream 0: 5 >= 5"}},
		},
		"full disk, 5.1": {
			"[error] Error writing trailer of /work/render/out.mp4: No space left on device\n",
			Outcome{FullDisk: true, Last: []string{"Error writing trailer of out.mp4: No space left on device"}},
		},
		"full disk, 7.1, without an end": {
			"[out#0/mpegts @ 0x5555845eb7c0] [error] Error closing file: No space left on device",
			Outcome{FullDisk: true, Last: []string{"out#0/mpegts: Error closing file: No space left on device"}},
		},
		"memory": {
			"[aost#0:1/aac @ 0x5d80] [error] Task finished with error code: -12 (Cannot allocate memory)\n",
			Outcome{OutOfMemory: true, Last: []string{"aost#0:1/aac: Task finished with error code: -12 (Cannot allocate memory)"}},
		},
		"metadata that quotes an error": {
			"[mov @ 0x1] [warning] title: No space left on device\n",
			Outcome{Last: []string{"mov: title: No space left on device"}},
		},
		"metadata that quotes a warning": {
			"[mov @ 0x1] [warning] title: corrupt decoded frame\n",
			Outcome{Last: []string{"mov: title: corrupt decoded frame"}},
		},
		"no level": {
			"worker: landlock=required\n[what] is this\n[\n[]\n",
			Outcome{Last: []string{"worker: landlock=required", "[what] is this", "[", "[]"}},
		},
		"control characters, addresses and folders": {
			"[error] \x1b[31mred\x07 \u202e at 0x1f /work/source/00001.ts: parser @ 0x55cc\n",
			Outcome{Last: []string{"[31mred  at 0x1f 00001.ts: parser"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			log := &stderr{dirs: []string{"/work/source/", "/work/render"}}
			for line := range strings.Lines(test.log) {
				log.line([]byte(line))
			}
			if !reflect.DeepEqual(log.Outcome, test.want) {
				t.Errorf("%+v, want %+v", log.Outcome, test.want)
			}
		})
	}
}

func TestComplaints_KeepTheLastLines(t *testing.T) {
	log := &stderr{}
	for i := range 9 {
		log.line(fmt.Appendf(nil, "[error] line %d %s", i, strings.Repeat("ü", 200)))
	}
	if len(log.Last) != maxLast || !strings.HasPrefix(log.Last[0], "line 4 ") || !strings.HasPrefix(log.Last[4], "line 8 ") {
		t.Errorf("%q", log.Last)
	}
}

func FuzzComplaints(f *testing.F) {
	f.Add([]byte("[h264 @ 0x55cc] [error] error while decoding MB 9 9"))
	f.Add([]byte("[a @ 0x1] [b @ 0x2] [fatal] x"))
	f.Add([]byte("[[[ @ 0x1] [error] \xff\n\r"))
	f.Fuzz(func(t *testing.T, line []byte) {
		log := &stderr{dirs: []string{"/work"}}
		log.line(line)
		if len(log.Last) > 1 {
			t.Errorf("%d lines", len(log.Last))
		}
		for _, line := range log.Last {
			if len(line) > maxLine+len("…") || strings.ContainsFunc(line, unicode.IsControl) {
				t.Errorf("%q", line)
			}
		}
	})
}
