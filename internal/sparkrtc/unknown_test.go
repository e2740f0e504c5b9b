// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package sparkrtc

import "testing"

func TestDecode_UnknownEventMayNameAFile(t *testing.T) {
	for body, want := range map[string]bool{
		`{"obs_bucket":"b","obs_object":"o"}`:                                      true,
		`{"event_type":"RECORD_COMPLETED","obs_bucket":"b","obs_object":"o"}`:      true,
		`{"event_type":"RECORD_COMPLETED","download_url":"https://example.com/o"}`: true,
		`{"event_type":"RECORD_COMPLETED","obs_bucket":"b"}`:                       false,
		`{"event_type":"RECORD_COMPLETED","obs_bucket":"b","obs_object":null}`:     false,
		`{"event_type":"RECORD_PAUSED","job_id":"j","download_url":""}`:            false,
		`{}`: false,
		`{"event_type":"RECORD_FILE_COMPLETE","obs_bucket":"b","obs_object":"o"}`: false,
	} {
		event, err := Decode([]byte(body))
		if err != nil || event.NamesFile != want {
			t.Errorf("%s: %t, %v", body, event.NamesFile, err)
		}
	}
}
