// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func checkRoundTrip(t *testing.T, body []byte) {
	t.Helper()
	event, err := Decode(body)
	if err != nil || event.Type == Unknown {
		return
	}
	encoded, err := Encode(event)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(encoded)
	if err != nil || !reflect.DeepEqual(again, event) {
		t.Errorf("got  %+v, %v\nwant %+v", again, err, event)
	}
}

func TestEncode_DecodesToTheSameEvent(t *testing.T) {
	for _, name := range []string{"start-hls.json", "complete-hls.json", "complete-mp4.json", "complete-unicode.json", "server-over.json"} {
		checkRoundTrip(t, fixture(t, name))
	}
	for _, detail := range []string{`<&>`, `a\nb`, "\xff", `"\\`, "\\u2028"} {
		checkRoundTrip(t, fmt.Appendf(nil, `{"event_type":"CLOUD_RECORD_OVER","job_id":"j","detail_message":"%s"}`, detail))
	}
}

// Every field is carried: the ignored ones stay ignored, and a format that was derived stays derived.
func TestEncode_KeepsIgnoredFields(t *testing.T) {
	optional := []string{"job_id", "room_id", "stream_name", "record_format", "download_url", "file_size", "record_duration",
		"start_time", "end_time", "width", "height", "obs_location"}
	var all strings.Builder
	for _, field := range optional {
		bad := fmt.Sprintf(`,%q:{"x":1}`, field)
		all.WriteString(bad)
		checkRoundTrip(t, fmt.Appendf(nil, `{"event_type":"RECORD_FILE_COMPLETE","app_id":"a","obs_bucket":"b","obs_object":"o.m3u8"%s}`, bad))
	}
	body := `{"event_type":"RECORD_FILE_COMPLETE","app_id":"a","obs_bucket":"b","obs_object":"o.m3u8"` + all.String() + `}`
	event, err := Decode([]byte(body))
	if err != nil || len(event.IgnoredFields) != len(optional) {
		t.Fatalf("%+v, %v", event, err)
	}
	checkRoundTrip(t, []byte(body))
}

// Whatever fields a callback has, and whichever of them cannot be read: the event is the same again.
func TestEncode_RoundTripsAnyEvent(t *testing.T) {
	values := []string{``, `null`, `""`, `"x"`, `7`, `"7"`, `7.0`, `-1`, `true`, `["x"]`, `"\ud800"`, `"a\u0000"`, `"https://h/o.mp4?q=1"`,
		`"2021-04-28T08:56:57Z"`, `"2021-04-28t08:56:60.5+01:00"`, `"hls"`, `"\u003c\u2028🎬"`}
	fields := []string{"app_id", "job_id", "room_id", "stream_name", "record_format", "detail_message", "download_url", "file_size",
		"record_duration", "start_time", "end_time", "width", "height", "obs_location", "obs_bucket", "obs_object"}
	rapid.Check(t, func(rt *rapid.T) {
		body := fmt.Sprintf(`{"event_type":%q`, rapid.SampledFrom([]string{"RECORD_NEW_FILE_START", "RECORD_FILE_COMPLETE", "CLOUD_RECORD_OVER"}).Draw(rt, "type"))
		for _, field := range fields {
			if value := rapid.SampledFrom(values).Draw(rt, field); value != "" {
				body += fmt.Sprintf(`,%q:%s`, field, value)
			}
		}
		checkRoundTrip(t, []byte(body+"}"))
	})
}

// The largest event that Decode takes has a bounded body, however it was written.
func TestEncode_IsBounded(t *testing.T) {
	const widest = "\U0001f3ac"
	field := func(name string, length int) string {
		return fmt.Sprintf(`,%q:%q`, name, strings.Repeat(widest, length))
	}
	body := `{"event_type":"RECORD_FILE_COMPLETE"` + field("app_id", maxID) + field("job_id", maxID) + field("room_id", maxName) +
		field("stream_name", maxName) + field("record_format", maxFormat) + field("detail_message", maxDetail) +
		fmt.Sprintf(`,"download_url":"https://h/%s"`, strings.Repeat(widest, maxURL-10)) +
		field("obs_location", maxLocation) + field("obs_bucket", maxBucket) + field("obs_object", maxObject) + `}`
	event, err := Decode([]byte(strings.Repeat(" ", 100_000) + body))
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := Encode(event)
	if err != nil || len(encoded) > 34<<10 {
		t.Errorf("%d bytes, %v", len(encoded), err)
	}
	checkRoundTrip(t, []byte(body))
}

func FuzzEncode(f *testing.F) {
	for _, name := range []string{"start-hls.json", "complete-hls.json", "complete-unicode.json", "server-over.json"} {
		f.Add(fixture(f, name))
	}
	f.Fuzz(checkRoundTrip)
}
