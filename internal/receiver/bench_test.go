// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// The whole way but the API server. Signing, the request and its recorder are measured too, since each delivery needs its
// own; they are some 40 of the allocations.
func BenchmarkHandler(b *testing.B) {
	for name, sign := range map[string]func(n int) string{
		"fresh":    strconv.Itoa,
		"replayed": func(int) string { return "1" },
	} {
		b.Run(name, func(b *testing.B) {
			h := newFixture(b, func(c *Config) { c.Ingester, c.Observer = nothing{}, nothing{} })
			h.sources.(sources)["media/classroom"].Spec.Callback.RateLimit = &v1alpha1.RateLimit{CallbacksPerSecond: 1e9, Burst: 1e9}
			content, key := fixture(b, "complete-hls.json"), mustKey(b, secret)
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				proof, err := sparkrtc.Sign(key, sign(n), "1619600282", content)
				if err != nil {
					b.Fatal(err)
				}
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, path, bytes.NewReader(content))
				proof.SetHeader(r.Header)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Code)
				}
			}
		})
	}
}
