// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import (
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

func TestDecode_Fixtures(t *testing.T) {
	const (
		app, job = "5fcdf5651xxxxxx6f835d0d4", "608196a2fa1xxxxxx515147f32ef463b"
		base     = "Record/Record/5fcdf5651xxxxxx6f835d0d4.SparkRTC.myhuaweicloud.com/live/continuous_record/"
		host     = "https://abc-rtc-bucket2.obs.cn-north-4.myhuaweicloud.com/"
		hls      = base + "hls/mystream_2021-04-28-08-57-07/mystream_2021-04-28-08-57-07.m3u8"
		mp4      = base + "mp4/mystream_2021-04-28-08-57-07/mystream_2021-04-28-08-57-07.mp4"
		room     = "room01"
	)
	facts := func(object, url string) File {
		return File{DownloadURL: url, SizeBytes: 26254952, DurationSeconds: 65, Width: 1280, Height: 720,
			StartTime: at("2021-04-28T08:56:57Z"), EndTime: at("2021-04-28T08:58:02Z"),
			Location: "http://obs.cn-north-4.myhuaweicloud.com", Bucket: "abc-rtc-bucket2", Object: object}
	}
	for name, want := range map[string]Event{
		"start-hls.json": {Type: Start, Name: "RECORD_NEW_FILE_START", AppID: app, TaskID: job, RoomID: room, StreamName: "mystream", Format: "HLS"},
		"complete-hls.json": {Type: Complete, Name: "RECORD_FILE_COMPLETE", AppID: app, TaskID: job, RoomID: room, StreamName: "mystream", Format: "HLS",
			File: facts(hls, host+hls)},
		"complete-mp4.json": {Type: Complete, Name: "RECORD_FILE_COMPLETE", AppID: app, TaskID: job, RoomID: room, StreamName: "mystream", Format: "MP4",
			File: facts(mp4, host+mp4)},
		"complete-unicode.json": {Type: Complete, Name: "RECORD_FILE_COMPLETE", AppID: app, TaskID: job, RoomID: "房间 01/é", StreamName: "教室-一班_张三", Format: "HLS",
			File: facts(base+"hls/教室_2021-04-28-08-57-07/教室_2021-04-28-08-57-07.m3u8",
				host+base+"hls/%E6%95%99%E5%AE%A4_2021-04-28-08-57-07/%E6%95%99%E5%AE%A4_2021-04-28-08-57-07.m3u8")},
		"server-over.json": {Type: Over, Name: "CLOUD_RECORD_SERVER_OVER", AppID: app, TaskID: job, RoomID: room, Detail: "job over"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(fixture(t, name))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, want)
			}
		})
	}
}

// complete is a RECORD_FILE_COMPLETE with the given fields after the least that it needs.
func complete(fields string) string {
	return `{"event_type":"RECORD_FILE_COMPLETE","obs_bucket":"b","obs_object":"o.m3u8"` + fields + `}`
}

func TestDecode(t *testing.T) {
	least := Event{Type: Complete, Name: "RECORD_FILE_COMPLETE", Format: "HLS", File: File{Bucket: "b", Object: "o.m3u8"}}
	with := func(change func(*Event)) Event { e := least; change(&e); return e }
	for name, c := range map[string]struct {
		body string
		want Event
	}{
		"the least":              {complete(``), least},
		"space around":           {"\r\n\t " + complete(``) + " \n", least},
		"nulls and empty values": {complete(`,"app_id":null,"file_size":null,"width":"","start_time":"","end_time":null,"detail_message":null`), least},
		"unknown fields":         {complete(`,"future":{"deep":[1,{"x":null}]},"obs_objects":7`), least},
		"numbers as strings":     {complete(`,"file_size":"65","width":" 7 "`), with(func(e *Event) { e.File.SizeBytes, e.File.Width = 65, 7 })},
		"floats without fraction": {complete(`,"file_size":65.0,"record_duration":"65.0","height":1e2`), with(func(e *Event) {
			e.File.SizeBytes, e.File.DurationSeconds, e.File.Height = 65, 65, 100
		})},
		"the greatest": {complete(`,"file_size":1125899906842624,"record_duration":2147483647,"width":65536`), with(func(e *Event) {
			e.File.SizeBytes, e.File.DurationSeconds, e.File.Width = 1<<50, 1<<31-1, 65536
		})},
		"the last one wins": {complete(`,"job_id":"a","job_id":"b"`), with(func(e *Event) { e.TaskID = "b" })},
		"format in any case": {complete(`,"record_format":"mp4"`), with(func(e *Event) {
			e.Format = "MP4"
		})},
		"another zone, a fraction": {complete(`,"end_time":"2021-04-28T10:58:02.9+02:00"`), with(func(e *Event) { e.File.EndTime = at("2021-04-28T08:58:02Z") })},
		"the longest room": {complete(`,"room_id":"` + strings.Repeat("房", 256) + `"`), with(func(e *Event) {
			e.RoomID = strings.Repeat("房", 256)
		})},
		"a replacement character as sent":     {complete(`,"room_id":"\ufffd` + "\uFFFD" + `"`), with(func(e *Event) { e.RoomID = "\uFFFD\uFFFD" })},
		"a pair of surrogates":                {complete(`,"room_id":"\ud83d\ude00"`), with(func(e *Event) { e.RoomID = "😀" })},
		"a detail that is cut in a character": {complete(`,"detail_message":"caf` + "\xc3" + `"`), with(func(e *Event) { e.Detail = "caf\uFFFD" })},
		"a long detail is cut":                {complete(`,"detail_message":"` + strings.Repeat("é", 2000) + `"`), with(func(e *Event) { e.Detail = strings.Repeat("é", maxDetail) })},
		"a detail of another type":            {complete(`,"detail_message":{"code":7}`), least},
		"MP4 from the ending": {`{"event_type":"RECORD_FILE_COMPLETE","obs_bucket":"b","obs_object":"o.MP4"}`,
			Event{Type: Complete, Name: "RECORD_FILE_COMPLETE", Format: "MP4", File: File{Bucket: "b", Object: "o.MP4"}}},
		"no format from an ending": {`{"event_type":"RECORD_FILE_COMPLETE","obs_bucket":"b","obs_object":"o.ts"}`,
			Event{Type: Complete, Name: "RECORD_FILE_COMPLETE", File: File{Bucket: "b", Object: "o.ts"}}},
		"a URL names the file": {`{"event_type":"RECORD_FILE_COMPLETE","obs_object":"o.mp4","obs_location":"l","download_url":"https://h/p.m3u8?x=y"}`,
			Event{Type: Complete, Name: "RECORD_FILE_COMPLETE", Format: "HLS", File: File{DownloadURL: "https://h/p.m3u8?x=y"}}},
		"a START names its stream":  {`{"event_type":"RECORD_NEW_FILE_START","stream_name":"s"}`, Event{Type: Start, Name: "RECORD_NEW_FILE_START", StreamName: "s"}},
		"a START of facts":          {`{"event_type":"RECORD_NEW_FILE_START","job_id":"j","file_size":-1}`, Event{Type: Start, Name: "RECORD_NEW_FILE_START", TaskID: "j"}},
		"the other spelling":        {`{"event_type":"CLOUD_RECORD_OVER","job_id":"j"}`, Event{Type: Over, Name: "CLOUD_RECORD_OVER", TaskID: "j"}},
		"unknown, whatever follows": {`{"event_type":"NEW","file_size":"x","job_id":7,"app_id":"a","end_time":[]}`, Event{Name: "NEW", AppID: "a"}},
		"unknown with a bad app":    {`{"event_type":"NEW","app_id":[]}`, Event{Name: "NEW"}},
		"IDs as integers":           {complete(`,"app_id":0,"job_id":12345678901234567890,"room_id":-7,"stream_name":8`), with(func(e *Event) { e.AppID, e.TaskID, e.RoomID, e.StreamName = "0", "12345678901234567890", "-7", "8" })},
		"a fraction of a second":    {complete(`,"record_duration":65.4`), with(func(e *Event) { e.File.DurationSeconds = 65 })},
		"a fraction as a string":    {complete(`,"record_duration":"65.999"`), with(func(e *Event) { e.File.DurationSeconds = 65 })},
		"a time in small letters":   {complete(`,"end_time":"2021-04-28t08:58:02z"`), with(func(e *Event) { e.File.EndTime = at("2021-04-28T08:58:02Z") })},
		"a time with a blank":       {complete(`,"end_time":"2021-04-28 10:58:02+02:00"`), with(func(e *Event) { e.File.EndTime = at("2021-04-28T08:58:02Z") })},
		"a leap second":             {complete(`,"end_time":"2016-12-31T23:59:60.5Z"`), with(func(e *Event) { e.File.EndTime = at("2017-01-01T00:00:00Z") })},
		"a START of nothing":        {`{"event_type":"RECORD_NEW_FILE_START","room_id":"r"}`, Event{Type: Start, Name: "RECORD_NEW_FILE_START", RoomID: "r"}},
		"an OVER of nothing":        {`{"event_type":"CLOUD_RECORD_SERVER_OVER"}`, Event{Type: Over, Name: "CLOUD_RECORD_SERVER_OVER"}},
		"several fields ignored": {complete(`,"width":1280.5,"height":720,"file_size":-1,"room_id":{},"job_id":[]`), with(func(e *Event) {
			e.File.Height, e.IgnoredFields = 720, []string{"file_size", "job_id", "room_id", "width"}
		})},
		"no event_type":   {`{}`, Event{}},
		"event_type null": {`{"event_type":null}`, Event{}},
		"a long unknown":  {`{"event_type":"` + strings.Repeat("x", 300) + `"}`, Event{Name: strings.Repeat("x", maxEventName)}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode([]byte(c.body))
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("got  %+v, %v\nwant %+v", got, err, c.want)
			}
		})
	}
}

// A field that identifies the recording can refuse a callback: half of it would be another recording.
func TestDecode_RefusesWrongIdentity(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	start := func(fields string) string { return `{"event_type":"RECORD_NEW_FILE_START"` + fields + `}` }
	over := func(fields string) string { return `{"event_type":"CLOUD_RECORD_OVER"` + fields + `}` }
	for name, c := range map[string]struct{ body, field string }{
		"nothing":                              {``, "body"},
		"null":                                 {`null`, "body"},
		"a list":                               {`[]`, "body"},
		"a string":                             {`"x"`, "body"},
		"half an object":                       {`{"event_type":`, "body"},
		"two objects":                          {`{}{}`, "body"},
		"too deep":                             {`{"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`, "body"},
		"a form":                               {`event_type=x`, "body"},
		"an object for an app":                 {complete(`,"app_id":{}`), "app_id"},
		"a long app":                           {complete(`,"app_id":"` + long(129) + `"`), "app_id"},
		"a START of a list":                    {start(`,"job_id":[]`), "job_id"},
		"a START of 1.5":                       {start(`,"job_id":1.5`), "job_id"},
		"a START of a newline":                 {start(`,"job_id":"a\nb"`), "job_id"},
		"an OVER of much":                      {over(`,"job_id":"` + long(129) + `"`), "job_id"},
		"a long bucket":                        {complete(`,"obs_bucket":"` + long(256) + `"`), "obs_bucket"},
		"a bucket of bytes":                    {complete(`,"obs_bucket":"` + "\xff" + `"`), "obs_bucket"},
		"a long object":                        {complete(`,"obs_object":"` + long(1025) + `"`), "obs_object"},
		"an object of lines":                   {complete(`,"obs_object":"a\nb"`), "obs_object"},
		"a number for an object, beside a URL": {`{"event_type":"RECORD_FILE_COMPLETE","obs_bucket":"b","obs_object":7,"download_url":"https://h/p"}`, "obs_object"},
		"a COMPLETE of no file":                {`{"event_type":"RECORD_FILE_COMPLETE","obs_object":"o"}`, "obs_bucket, obs_object, download_url"},
		"a URL that is none":                   {`{"event_type":"RECORD_FILE_COMPLETE","download_url":"o"}`, "download_url"},
		"a URL of a file":                      {`{"event_type":"RECORD_FILE_COMPLETE","download_url":"file:///etc/passwd"}`, "download_url"},
		"a long URL alone":                     {`{"event_type":"RECORD_FILE_COMPLETE","download_url":"https://h/` + long(4097) + `"}`, "download_url"},
		"event_type a number":                  {`{"event_type":7}`, "event_type"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode([]byte(c.body))
			problem, ok := errors.AsType[*FieldError](err)
			if !ok || problem.Field != c.field {
				t.Fatalf("got %+v, %v; want an error of %s", got, err, c.field)
			}
			if !reflect.DeepEqual(got, Event{}) {
				t.Errorf("an event came with the error: %+v", got)
			}
			if len(err.Error()) > 200 {
				t.Errorf("error of %d bytes", len(err.Error()))
			}
		})
	}
}

// A field that only describes the recording never costs the callback: the service does not send it again.
func TestDecode_IgnoresWrongDescription(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	for name, c := range map[string]struct{ field, value string }{
		"a list for a task":         {"job_id", `[]`},
		"a long task":               {"job_id", `"` + long(129) + `"`},
		"an object for a room":      {"room_id", `{}`},
		"a fraction for a room":     {"room_id", `7.5`},
		"a long room":               {"room_id", `"` + long(257) + `"`},
		"a control character":       {"room_id", `"a\u0000b"`},
		"invalid UTF-8":             {"room_id", `"` + "\xff" + `"`},
		"half a pair":               {"room_id", `"\ud800"`},
		"a long stream":             {"stream_name", `"` + long(257) + `"`},
		"a long URL":                {"download_url", `"https://h/` + long(4097) + `"`},
		"a URL that is none":        {"download_url", `"x"`},
		"a long location":           {"obs_location", `"` + long(1025) + `"`},
		"a negative size":           {"file_size", `-1`},
		"a negative float":          {"file_size", `-1.5e300`},
		"a negative overflow":       {"file_size", `-99999999999999999999`},
		"a negative duration":       {"record_duration", `-1`},
		"a little less than none":   {"record_duration", `-0.5`},
		"an overflow":               {"file_size", `9223372036854775808`},
		"an overflow of a float":    {"file_size", `1e400`},
		"a float beyond precision":  {"file_size", `1e18`},
		"a fraction of a byte":      {"file_size", `65.5`},
		"a long number":             {"file_size", strings.Repeat("9", 100_000)},
		"a number that is none":     {"file_size", `"0x41"`},
		"infinity":                  {"file_size", `"Inf"`},
		"a truth for a number":      {"file_size", `true`},
		"a list for a number":       {"file_size", `[]`},
		"half a pixel":              {"width", `1280.5`},
		"too wide":                  {"width", `65537`},
		"too high":                  {"height", `"99999"`},
		"a duration of ages":        {"record_duration", `9223372036854775807`},
		"a duration of 69 years":    {"record_duration", `2147483648`},
		"more than a pebibyte":      {"file_size", `1125899906842625`},
		"a size that overflows":     {"file_size", `2305843009213693952`},
		"a time that is none":       {"start_time", `"yesterday"`},
		"a time as a number":        {"end_time", `1619600282`},
		"the thirtieth of February": {"end_time", `"2021-02-30T00:00:00Z"`},
		"the year 0":                {"end_time", `"0000-01-01T00:00:00Z"`},
		"the year 10000":            {"end_time", `"9999-12-31T23:59:59-01:00"`},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := Decode([]byte(complete(``)))
			if err != nil {
				t.Fatal(err)
			}
			want.IgnoredFields = []string{c.field}
			got, err := Decode([]byte(complete(`,"` + c.field + `":` + c.value)))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, %v; want only %s ignored", got, err, c.field)
			}
		})
	}
	// A format that cannot be read follows from the ending.
	got, err := Decode([]byte(complete(`,"record_format":"` + long(33) + `"`)))
	if err != nil || got.Format != "HLS" || !slices.Equal(got.IgnoredFields, []string{"record_format"}) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Names come from anybody who opens a room. What no schema, log or terminal can hold is dropped, and refused where it is
// the object's key; what is merely strange is kept as it was sent.
func TestDecode_HostileNames(t *testing.T) {
	for name, c := range map[string]struct {
		// sent is between the quotes of JSON, kept is what becomes of it; empty for dropped or refused.
		sent, kept string
	}{
		"NUL":                        {`a\u0000b`, ""},
		"an escape sequence":         {`\u001b[2J`, ""},
		"a carriage return":          {`a\rb`, ""},
		"a tab":                      {`a\tb`, ""},
		"DEL":                        {"a\u007fb", ""},
		"a C1 control (CSI)":         {"a\u009bb", ""},
		"a raw newline":              {"a\nb", ""},
		"invalid UTF-8":              {"a\xff", ""},
		"an overlong slash":          {"a\xc0\xaf", ""},
		"a surrogate in UTF-8":       {"a\xed\xa0\x80", ""},
		"a lone high surrogate":      {`\ud800`, ""},
		"a lone low surrogate":       {`\udc00`, ""},
		"surrogates the wrong way":   {`\udc00\ud800`, ""},
		"a high one and a letter":    {`\ud800A`, ""},
		"a pair and a lone one":      {`\ud83d\ude00\ude00`, ""},
		"a right-to-left override":   {"a\u202egpj.4pm", "a\u202egpj.4pm"},
		"an isolate":                 {"\u2066a\u2069", "\u2066a\u2069"},
		"a right-to-left name":       {"غرفة\u200f", "غرفة\u200f"},
		"a zero-width joiner":        {"👩\u200d🏫", "👩\u200d🏫"},
		"a byte order mark":          {"\ufeffa", "\ufeffa"},
		"a line separator":           {"a\u2028b", "a\u2028b"},
		"a noncharacter":             {"\uffff", "\uffff"},
		"a path that climbs":         {"../../etc/passwd", "../../etc/passwd"},
		"a label's and a template's": {`a=b,c\n`, ""},
		"a template's braces":        {"{room}/$(x)`y`", "{room}/$(x)`y`"},
		"a formula":                  {"=1+1;<script>", "=1+1;<script>"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, field := range []string{"room_id", "stream_name", "obs_object"} {
				event, err := Decode([]byte(complete(`,"` + field + `":"` + c.sent + `"`)))
				got := map[string]string{"room_id": event.RoomID, "stream_name": event.StreamName, "obs_object": event.File.Object}[field]
				dropped := err != nil || slices.Equal(event.IgnoredFields, []string{field})
				if problem, ok := errors.AsType[*FieldError](err); ok && problem.Field == field && field != "obs_object" {
					t.Errorf("%s: refused the callback: %v", field, err)
				}
				if dropped != (c.kept == "") || got != c.kept {
					t.Errorf("%s: kept %q, %v; want %q", field, got, err, c.kept)
				}
				if err != nil && strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Errorf("%s: the error holds what was sent: %q", field, err)
				}
			}
		})
	}
}

// Every text of up to four of these pieces is read as JSON means it, or dropped because it holds half a surrogate pair.
func TestDecode_AnySurrogates(t *testing.T) {
	// A piece as it is sent, and its units of UTF-16.
	pieces := []struct {
		sent  string
		units []uint16
	}{
		{`a`, []uint16{'a'}}, {`\\`, []uint16{'\\'}}, {`ufffd`, []uint16{'u', 'f', 'f', 'f', 'd'}}, {`\"`, []uint16{'"'}}, {`\/`, []uint16{'/'}},
		{`\u005c`, []uint16{'\\'}}, {`\ufffd`, []uint16{0xfffd}}, {`\uFFfD`, []uint16{0xfffd}}, {"\uFFFD", []uint16{0xfffd}},
		{`\ud83d`, []uint16{0xd83d}}, {`\uDE00`, []uint16{0xde00}}, {"\U0001F600", []uint16{0xd83d, 0xde00}},
	}
	var try func(sent string, units []uint16, left int)
	try = func(sent string, units []uint16, left int) {
		want := string(utf16.Decode(units))
		whole := slices.Equal(utf16.Encode([]rune(want)), units)
		event, err := Decode([]byte(complete(`,"room_id":"` + sent + `"`)))
		if err != nil || whole == (event.IgnoredFields != nil) || (whole && event.RoomID != want) {
			t.Errorf("%s: read as %q, %v", sent, event.RoomID, err)
		}
		if left == 0 {
			return
		}
		for _, piece := range pieces {
			try(sent+piece.sent, slices.Concat(units, piece.units), left-1)
		}
	}
	try("", nil, 4)
}

// The biggest body that the receiver lets in must not cost more than a few times its size.
func TestDecode_AllocatesInProportion(t *testing.T) {
	const size = 64 << 10
	for name, unit := range map[string]string{
		"unknown fields":  `"x":1,`,
		"one known field": `"job_id":"` + strings.Repeat("j", 100) + `",`,
		"lists":           `"x":[[[[[[[[[[]]]]]]]]]],`,
		"escapes":         `"room_id":"` + strings.Repeat(`\u0041`, 50) + `",`,
		"no UTF-8":        `"room_id":"` + strings.Repeat("\xea", 50) + `",`,
		"a long name":     `"` + strings.Repeat("\xea", size-10) + `":1,`,
		"a long text":     `"event_type":"` + strings.Repeat("\xea", size-20) + `",`,
	} {
		t.Run(name, func(t *testing.T) {
			body := []byte(`{` + strings.Repeat(unit, size/len(unit)) + `"event_type":"X"}`)
			if spent := cost(body); spent > 6*size {
				t.Errorf("a body of %d bytes cost %d", len(body), spent)
			}
		})
	}
}

// cost is what Decode allocates for a body, in bytes.
func cost(body []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = Decode(body)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// allocated is what this process has allocated, to within some spans of the allocator: cheap enough for every input of
// a fuzzer.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"start-hls.json", "complete-hls.json", "complete-mp4.json", "complete-unicode.json", "server-over.json"} {
		f.Add(fixture(f, name))
	}
	for _, body := range []string{``, `null`, `{}`, `{"event_type":7}`, complete(`,"file_size":"65.0","width":1e2`), complete(`,"room_id":"\ud800"`),
		complete(`,"end_time":"2021-04-28T10:58:02.9+02:00"`), `{"event_type":"RECORD_FILE_COMPLETE","download_url":"https://h/p.m3u8?x"}`,
		`{"event_type":"CLOUD_RECORD_OVER","job_id":"j"}`, `{"event_type":"RECORD_NEW_FILE_START","stream_name":"s"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := allocated()
		event, err := Decode(body)
		// What seems too much is measured exactly, since others allocate too.
		if most := uint64(16<<10 + 8*len(body)); allocated()-before > most {
			if spent := cost(body); spent > most {
				t.Errorf("a body of %d bytes cost %d", len(body), spent)
			}
		}
		if err != nil {
			if _, ok := errors.AsType[*FieldError](err); !ok || len(err.Error()) > 200 {
				t.Errorf("error is %T of %d bytes", err, len(err.Error()))
			}
			return
		}
		holds(t, event)
	})
}

// holds checks what every decoded event promises to those who store it.
func holds(t *testing.T, event Event) {
	t.Helper()
	for text, limit := range map[string]int{event.AppID: maxID, event.TaskID: maxID, event.RoomID: maxName, event.StreamName: maxName, event.Format: maxFormat,
		event.File.DownloadURL: maxURL, event.File.Location: maxLocation, event.File.Bucket: maxBucket, event.File.Object: maxObject} {
		if !utf8.ValidString(text) || utf8.RuneCountInString(text) > limit || strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("%q is invalid, longer than %d or holds a control character", text, limit)
		}
	}
	if !slices.IsSorted(event.IgnoredFields) || len(event.IgnoredFields) > 16 {
		t.Errorf("ignored fields are %q", event.IgnoredFields)
	}
	file := event.File
	if file.SizeBytes < 0 || file.DurationSeconds < 0 || file.Width < 0 || file.Height < 0 || file.Width > maxPixels || file.Height > maxPixels {
		t.Errorf("facts out of range: %+v", file)
	}
	if (file.Bucket == "") != (file.Object == "") {
		t.Errorf("half a place: %+v", file)
	}
	if event.Type == Complete && file.Object == "" && file.DownloadURL == "" {
		t.Errorf("a COMPLETE that names no file: %+v", event)
	}
	if event.Type != Complete && file != (File{}) {
		t.Errorf("facts with %s: %+v", event.Type, file)
	}
}

func BenchmarkDecode(b *testing.B) {
	body := fixture(b, "complete-hls.json")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerify(b *testing.B) {
	key, body := mustKey(b, secret), fixture(b, "complete-hls.json")
	proof, err := Sign(key, "5577006791947779410", "1619600282", body)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Verify([]Key{key}, proof, body); err != nil {
			b.Fatal(err)
		}
	}
}

func TestDecode_TypeIsComparedWithoutCaseAndBlanks(t *testing.T) {
	for name, want := range map[string]Type{
		"record_file_complete": Complete, " RECORD_FILE_COMPLETE\t": Complete, "RECORD_ FILE_COMPLETE": Complete,
		"Record_New_File_Start": Start, "cloud_record_over": Over, "CLOUD_RECORD_SERVER_OVER\u00a0": Over,
		"RECORD_FILE_COMPLETED": Unknown, "": Unknown,
		"RECORD_FILE_COMPLETE" + strings.Repeat(" ", 100): Unknown,
	} {
		body, err := json.Marshal(map[string]string{"event_type": name, "job_id": "j", "obs_bucket": "b", "obs_object": "o.m3u8"})
		if err != nil {
			t.Fatal(err)
		}
		event, err := Decode(body)
		if err != nil || event.Type != want {
			t.Errorf("%q: %v, %v; want %v", name, event.Type, err, want)
		}
	}
}
