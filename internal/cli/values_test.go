// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

func TestValues_TakeWhatPeopleWrite(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"48h": 48 * time.Hour, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute, "0": 0, "-1h": -time.Hour,
	} {
		var value durationValue
		if err := value.Set(text); err != nil || time.Duration(value) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(value), err)
		}
	}
	for text, want := range map[string]int64{"65": 65, "65s": 65, "5m": 300, "1h5m": 3900, "1500ms": 1, "1d": 86400, "-1": -1} {
		var value secondsValue
		if err := value.Set(text); err != nil || int64(value) != want {
			t.Errorf("%s: %d, %v", text, value, err)
		}
	}
	for text, want := range map[string]int64{
		"1048576": 1 << 20, "16MB": 16e6, "16M": 16e6, "16MiB": 16 << 20, "16Mi": 16 << 20, "1.5GiB": 3 << 29, "1 kB": 1000, "2KiB": 2048, "7B": 7, "1PiB": 1 << 50, "-1": -1,
	} {
		var value sizeValue
		if err := value.Set(text); err != nil || int64(value) != want {
			t.Errorf("%s: %d, %v", text, value, err)
		}
	}
}

// TestFlags_SayWhatToWrite: a wrong value of any flag is answered with what to write, and with nothing of Go's.
func TestFlags_SayWhatToWrite(t *testing.T) {
	f := newFakeAPI(t)
	f.putSource(builders.MakeRecordingSource("classroom").Key("classroom-callback", "key").Obj())
	complete := []string{"send", "complete", "classroom", "--bucket", "b", "--object", "o"}
	for _, test := range []struct {
		command     []string
		flag, value string
		says        string
	}{
		{[]string{"discover", "classroom"}, "--since", "2 days", "must be a duration such as 90m, 48h or 2d"},
		{[]string{"discover", "classroom"}, "--since", "1w", "must be a duration such as 90m, 48h or 2d"},
		{[]string{"discover", "classroom"}, "--since", "d", "must be a duration such as 90m, 48h or 2d"},
		{[]string{"discover", "classroom"}, "--since", "2d-1h", "must be a duration such as 90m, 48h or 2d"},
		{[]string{"discover", "classroom"}, "--since", "yesterday", "must be a duration such as 90m, 48h or 2d"},
		{[]string{"discover", "classroom"}, "--since", "48", "must be a duration such as 90m, 48h or 2d"},
		{[]string{"discover", "classroom", "--since", "1h"}, "--min-age", "half", "must be a duration such as 90m, 48h or 2d"},
		{[]string{"discover", "classroom"}, "--from", "01.04.2026", "must be a time such as 2026-04-01T08:00:00Z or a date such as 2026-04-01"},
		{[]string{"discover", "classroom", "--from", "2026-04-01"}, "--to", "2026-04-31", "must be a time such as 2026-04-01T08:00:00Z or a date such as 2026-04-01"},
		{[]string{"replay", "--all"}, "--timeout", "1 minute", "must be a duration such as 90m, 48h or 2d"},
		{complete, "--duration", "5 min", "must be a number of seconds, or a duration such as 65s or 5m"},
		{complete, "--duration", "1:05", "must be a number of seconds, or a duration such as 65s or 5m"},
		{complete, "--size", "16 megabytes", "must be a number of bytes, or a size such as 16MB or 1.5GiB"},
		{complete, "--size", "16mb", "must be a number of bytes, or a size such as 16MB or 1.5GiB"},
		{complete, "--size", "2PiB", "must be a number of bytes, or a size such as 16MB or 1.5GiB, and at most 1 PiB"},
		{complete, "--width", "1280px", "must be a whole number"},
		{complete, "--height", "720.5", "must be a whole number"},
		{complete, "--start-time", "8 o'clock", "must be a time such as 2026-04-01T08:00:00Z"},
		{complete, "--end-time", "1619600282", "must be a time such as 2026-04-01T08:00:00Z"},
		{[]string{"send", "over", "classroom", "--task", "t"}, "--key-index", "first", "must be a whole number"},
	} {
		got := f.run(t, "", append(append([]string{}, test.command...), test.flag, test.value)...)
		if got.code != ExitUsage || !strings.Contains(got.err, test.flag+" "+test.says) {
			t.Errorf("%s %s: %v, want %q", test.flag, test.value, got, test.says)
		}
		for _, foreign := range []string{"strconv", "parsing", "unknown unit", "invalid duration", "2006"} {
			if strings.Contains(got.err, foreign) {
				t.Errorf("%s %s: %v has Go's words %q", test.flag, test.value, got, foreign)
			}
		}
	}
}
