// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rejected

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
)

func TestStoredBody_RemovesTheQueryOfDownloadURLs(t *testing.T) {
	for body, want := range map[string]string{
		`{"download_url":"https://h/a?Signature=x","job_id":"j?"}`: `{"download_url":"https://h/a","job_id":"j?"}`,
		`{"Download_URL" : "https://h/a?x"}`:                       `{"Download_URL" : "https://h/a"}`,
		`{"download_url":"https://h/a\u003fx=1"}`:                  `{"download_url":"https://h/a"}`,
		`{"download_url":"https://h/\"a?x=\"y"}`:                   `{"download_url":"https://h/\"a"}`,
		`{"download_url":"https://h/a\\?x"}`:                       `{"download_url":"https://h/a\\"}`,
		`{"download_url":"https://h/a?x=\"1\""}`:                   `{"download_url":"https://h/a"}`,
		`{"download_url":"a?x","download_url":"b?y"}`:              `{"download_url":"a","download_url":"b"}`,
		`{"download_url":"https://h/a?Signat`:                      `{"download_url":"https://h/a`,
		`{"download_url":"https://h/a`:                             `{"download_url":"https://h/a`,
		`{"download_url":null,"x":"?"}`:                            `{"download_url":null,"x":"?"}`,
		`{"download_url"`:                                          `{"download_url"`,
		`"download_url`:                                            `"download_url`,
		`{"job_id":"a?b"}`:                                         `{"job_id":"a?b"}`,
		"":                                                         "",
	} {
		got, truncated := storedBody([]byte(body))
		if string(got) != want || truncated {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestStoredBody_IsBounded(t *testing.T) {
	long := bytes.Repeat([]byte("x"), v1alpha1.MaxRejectedBody+1)
	if kept, truncated := storedBody(long); len(kept) != v1alpha1.MaxRejectedBody || !truncated {
		t.Errorf("%d bytes, truncated %t", len(kept), truncated)
	}
	if kept, truncated := storedBody(long[1:]); len(kept) != v1alpha1.MaxRejectedBody || truncated {
		t.Errorf("%d bytes, truncated %t", len(kept), truncated)
	}
	// A long query does not count.
	body := `{"download_url":"https://h/a?` + strings.Repeat("x", 2*v1alpha1.MaxRejectedBody) + `"}`
	if kept, truncated := storedBody([]byte(body)); string(kept) != `{"download_url":"https://h/a"}` || truncated {
		t.Errorf("%d bytes, truncated %t", len(kept), truncated)
	}
}

func TestPlain_IsFitForTheAPI(t *testing.T) {
	if got := newObject(ingest.Delivery{}, v1alpha1.RejectionInvalid, "a\x1b[1m\u009bb\xff"+strings.Repeat("教", 2000)).Spec.Message; got != "a [1m b\ufffd"+strings.Repeat("教", v1alpha1.MaxRejectedMessage-8) {
		t.Errorf("%q", got)
	}
}

// Whatever the body: no query of a download URL is kept, JSON stays JSON, and everything else stays as it was.
func FuzzStoredBody(f *testing.F) {
	f.Add([]byte(`{"download_url":"https://h/a?b","job_id":"c?d"}`))
	f.Add([]byte(`{"download_url":"\\\"?\"`))
	f.Fuzz(func(t *testing.T, body []byte) {
		kept := withoutQuery(body)
		if again := withoutQuery(kept); !bytes.Equal(again, kept) {
			t.Fatalf("%q became %q, then %q", body, kept, again)
		}
		var before, after map[string]any
		if json.Unmarshal(body, &before) != nil {
			return
		}
		if err := json.Unmarshal(kept, &after); err != nil || len(after) != len(before) {
			t.Fatalf("%q became %q: %v", body, kept, err)
		}
	})
}
