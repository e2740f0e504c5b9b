// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package expression

import (
	"strings"
	"testing"
)

// TestCheck_SaysWhatToWriteInstead: a mistake is answered with what to write, in one line, and not with CEL's words alone.
func TestCheck_SaysWhatToWriteInstead(t *testing.T) {
	router := newRouter(t)
	for expression, want := range map[string]string{
		"recording.duration > 5":                               "duration('5s')",
		"5 < recording.duration":                               "duration('5s')",
		"recording.duration > '5s'":                            "duration('5s')",
		"recording.duration > 5.5":                             "duration('5s')",
		"recording.duration > duration('1d')":                  "in h, m and s",
		"recording.duration.seconds > 5":                       "duration('5s')",
		"recording.duration >= 5s":                             "duration('5s')",
		"recording.format == 'HLS' && recording.duration == 5": "duration('5s')",
		"recording.start > '2026-01-01'":                       "timestamp('2026-01-01T00:00:00Z')",
		"recording.end > timestamp('2026-01-01')":              "timestamp('2026-01-01T00:00:00Z')",
		"recording.end > 1619600282":                           "timestamp('2026-01-01T00:00:00Z')",
		"recording.size > '1'":                                 "without quotes and units",
		"recording.width > 1280.0":                             "without quotes and units",
		"recording.height > 720px":                             "without quotes and units",
		"recording.size > 1MB":                                 "without quotes and units",
		"recording.format == HLS":                              "in quotes",
		"recording.room == 5":                                  "in quotes",
		"recording.room == 'a":                                 "a quote is not closed",
		"format == 'HLS'":                                      "write recording.format",
		"duration > duration('5s')":                            "write recording.duration",
		"recording.fromat == 'HLS'":                            "the fields of recording are source, app,",
		"has(recording.roomID)":                                "the fields of recording are source, app,",
		"recording.room == null":                               "has(recording.room)",
		"recording.format = 'HLS'":                             "equality is written as ==",
		"recording.format == 'HLS' and recording.size > 1":     "&&, || and !",
		"NOT recording.format == 'HLS'":                        "&&, || and !",
		"recording.format == 'HLS' & recording.size > 1":       "&& and ||",
		"recording.room in 'room01'":                           "recording.room in ['room01', 'room02']",
		"recording.room =~ '^a'":                               "recording.room.matches(",
		"recording.room like 'a%'":                             "recording.room.matches(",
		"recording.room.startswith('a')":                       "did you mean 'startsWith'?",
		"recording.format":                                     "compare it, as in recording.format == 'HLS'",
	} {
		err := router.Check(expression)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", expression, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %q has more than one line", expression, err)
		}
	}
}

// TestWarning_FormatInLowerCase: a format is compared in upper case, in whatever way.
func TestWarning_FormatInLowerCase(t *testing.T) {
	router := newRouter(t)
	for expression, want := range map[string]string{
		"recording.format == 'hls'":                                `never has "hls": write "HLS"`,
		"'Mp4' == recording.format":                                `never has "Mp4": write "MP4"`,
		"recording.format != 'mp4' && recording.size > 5":          `write "MP4"`,
		"recording.format in ['HLS', 'mp4']":                       `write "MP4"`,
		"recording.format.startsWith('m')":                         `write "M"`,
		"recording.format == 'HLS'":                                "",
		"recording.room == 'hls' && recording.format == 'HLS'":     "",
		"recording.format.lowerAscii() == 'hls'":                   "",
		"recording.format.matches('^[A-Z0-9]+$')":                  "",
		"recording.format in ['HLS', 'MP4'] || recording.size > 1": "",
	} {
		if err := router.Check(expression); err != nil {
			t.Errorf("%s: %v", expression, err)
		}
		got := router.Warning(expression)
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expression, got, want)
		}
	}
}

// Whatever does not fit keeps its words, and useful expressions get no hint.
func TestHint_IsSilentForWhatIsRight(t *testing.T) {
	router := newRouter(t)
	for _, expression := range []string{
		"recording.format == 'HLS' && recording.duration >= duration('5s')", "recording.size > 1000", "recording.start < recording.end",
		"has(recording.start) && recording.start > timestamp('2026-01-01T00:00:00Z')", "recording.?duration.orValue(duration('0s')) == duration('65s')",
		"['room', 'hall'].exists(prefix, recording.room.startsWith(prefix))", "recording.room == recording.stream", "recording.room in ['a', 'b']",
	} {
		if err := router.Check(expression); err != nil {
			t.Errorf("%s: %v", expression, err)
		}
		if hint := router.compiler.hint(expression); hint != "" {
			t.Errorf("%s: %q", expression, hint)
		}
	}
}
