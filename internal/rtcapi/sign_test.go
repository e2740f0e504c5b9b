// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package rtcapi

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSign_MakesTheSDKsSignatures: the official SDK (v0.1.207) made these. test/rtcsdk compares many more with it.
func TestSign_MakesTheSDKsSignatures(t *testing.T) {
	const url = "https://rtc-api.myhuaweicloud.com/v2/apps/5fcdf5651xxxxxx6f835d0d4/record-callback"
	for _, test := range []struct{ method, body, signature string }{
		{http.MethodGet, "", "6ab76381da891d8448a0226498b2aad3555c0b66f6019bdea332bbff8474079a"},
		{http.MethodPut, `{"url":"https://recordings.example.com/callbacks/media/classroom","auth_key":"0123456789abcdef0123456789abcdef"}`,
			"05ee062a45e5640d7b38b0a8a9a55693363ba122a27ba279d8cf8dc6fec850cc"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, url, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(headerProject, "0a1b2c3d4e5f60718293a4b5c6d7e8f9")
		sign(request, []byte(test.body), "TESTACCESSKEYID00000", "test-secret-access-key-of-the-service", time.Date(2026, 4, 28, 16, 58, 12, 0, time.FixedZone("CST", 8*3600)))
		want := "SDK-HMAC-SHA256 Access=TESTACCESSKEYID00000, SignedHeaders=host;x-project-id;x-sdk-date, Signature=" + test.signature
		if got := request.Header.Get(headerAuthorization); got != want {
			t.Errorf("%s: got %s, want %s", test.method, got, want)
		}
	}
}
