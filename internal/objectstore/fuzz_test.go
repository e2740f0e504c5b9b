// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package objectstore_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
)

// FuzzListing: whatever a server says lies in a bucket, what is listed is in order and below the prefix.
func FuzzListing(f *testing.F) {
	const object = "<Contents><Key>a/1.m3u8</Key><LastModified>2021-04-28T08:58:03.000Z</LastModified><Size>1</Size></Contents>"
	for _, seed := range []string{
		"", "top secret", "<ListBucketResult/>", "<ListBucketResult>" + object + "</ListBucketResult>", "<ListBucketResult>" + object + object + "</ListBucketResult>",
		"<ListBucketResult><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType>" + strings.ReplaceAll(object, "a/1", "a%2F%00") + "</ListBucketResult>",
		"<ListBucketResult>" + strings.ReplaceAll(object, ">1<", ">-9223372036854775808<") + "</ListBucketResult>",
	} {
		f.Add(seed)
	}
	var answer atomic.Pointer[string]
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(*answer.Load())) }))
	f.Cleanup(server.Close)
	bucket, err := objectstore.Open(&v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: server.URL, Bucket: "recordings"}, access)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, page string) {
		answer.Store(&page)
		objects, err := bucket.List(t.Context(), "a/", "a/0")
		if err != nil {
			return
		}
		last := "a/0"
		for _, object := range objects {
			if !strings.HasPrefix(object.Key, "a/") || object.Key <= last {
				t.Errorf("%q comes after %q", object.Key, last)
			}
			last = object.Key
		}
	})
}
