// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package objectstore_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/testing/s3server"
)

var access = objectstore.Access{AccessKeyID: s3server.AccessKeyID, SecretAccessKey: s3server.SecretAccessKey}

func open(t *testing.T, location *v1alpha1.S3Location, with objectstore.Access) *objectstore.Bucket {
	t.Helper()
	opened, err := objectstore.Open(location, with)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(opened.Close)
	return opened
}

// A real server: pages join without a hole, in the order of keys, and nothing but reading goes over the wire.
func TestBucket(t *testing.T) {
	server := s3server.Start(t, "recordings")
	at := time.Date(2021, 4, 28, 8, 58, 3, 0, time.UTC)
	var want []string
	// Keys that a file system and S3 order differently: "-" and "." come before "/", and that before letters.
	for _, key := range []string{"a-b/1.ts", "a.mp4", "a/1.ts", "a/b.ts", "aa/1.ts", "über/x y+%.ts"} {
		want = append(want, "rec/"+key)
	}
	for i := range objectstore.PageSize {
		want = append(want, fmt.Sprintf("rec/many/%04d.ts", i))
	}
	slices.Sort(want)
	for _, key := range append(want, "other/1.ts") {
		server.Put(t, "recordings", key, []byte("0123456789"), at, map[string]string{"Some-Mark": "of " + key[:3]})
	}
	b := open(t, server.Location("recordings", ""), access)
	if err := b.Check(t.Context()); err != nil {
		t.Fatalf("check: %v", err)
	}
	first, err := b.List(t.Context(), "rec/", "")
	if err != nil || len(first) != objectstore.PageSize {
		t.Fatalf("%d objects, %v", len(first), err)
	}
	rest, err := b.List(t.Context(), "rec/", first[len(first)-1].Key)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, object := range append(first, rest...) {
		got = append(got, object.Key)
		if object.Size != 10 || !object.LastModified.Equal(at) {
			t.Errorf("%+v", object)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("listed %d keys, want %d: %.300v", len(got), len(want), got)
	}
	for name, want := range map[string]string{"some-mark": "of rec", "other": ""} {
		if mark, err := b.Mark(t.Context(), "rec/a.mp4", name); mark != want || err != nil {
			t.Errorf("mark %s: %q, %v", name, mark, err)
		}
	}
	for _, test := range []struct {
		offset, length int64
		want           string
	}{{0, 4, "0123"}, {4, 3, "456"}, {8, 100, "89"}, {0, 100, "0123456789"}} {
		if data, err := b.Read(t.Context(), "rec/a.mp4", test.offset, test.length); string(data) != test.want || err != nil {
			t.Errorf("read %d from %d: %q, %v", test.length, test.offset, data, err)
		}
	}
	if methods := server.Methods(); !slices.Equal(methods, []string{http.MethodGet, http.MethodHead}) {
		t.Errorf("methods %v", methods)
	}
}

func TestErrors(t *testing.T) {
	server := s3server.Start(t, "recordings")
	server.Put(t, "recordings", "a.mp4", []byte("x"), time.Now(), nil)
	good := open(t, server.Location("recordings", ""), access)
	unknown := open(t, server.Location("recordings", ""), objectstore.Access{AccessKeyID: "nobody", SecretAccessKey: "secret"})
	refused := open(t, server.Location("recordings", ""), objectstore.Access{AccessKeyID: s3server.AccessKeyID, SecretAccessKey: "wrong"})
	nowhere := open(t, server.Location("elsewhere", ""), access)
	ctx := t.Context()
	list := func(b *objectstore.Bucket) error { _, err := b.List(ctx, "", ""); return err }
	read := func(b *objectstore.Bucket, key string, offset int64) error {
		_, err := b.Read(ctx, key, offset, 1)
		return err
	}
	mark := func(b *objectstore.Bucket, key string) error { _, err := b.Mark(ctx, key, "x"); return err }
	for name, test := range map[string]struct{ got, want error }{
		"check, refused":         {refused.Check(ctx), objectstore.ErrForbidden},
		"list, refused":          {list(refused), objectstore.ErrForbidden},
		"read, refused":          {read(refused, "a.mp4", 0), objectstore.ErrForbidden},
		"mark, refused":          {mark(refused, "a.mp4"), objectstore.ErrForbidden},
		"check, unknown key":     {unknown.Check(ctx), objectstore.ErrForbidden},
		"list, unknown key":      {list(unknown), objectstore.ErrForbidden},
		"mark, unknown key":      {mark(unknown, "a.mp4"), objectstore.ErrForbidden},
		"check, no bucket":       {nowhere.Check(ctx), objectstore.ErrNoBucket},
		"list, no bucket":        {list(nowhere), objectstore.ErrNoBucket},
		"read, no object":        {read(good, "b.mp4", 0), objectstore.ErrNoObject},
		"mark, no object":        {mark(good, "b.mp4"), objectstore.ErrNoObject},
		"read, beyond its end":   {read(good, "a.mp4", 5), objectstore.ErrUnreadable},
		"read, a key of no kind": {read(good, strings.Repeat("k", 1025), 0), objectstore.ErrRejected},
	} {
		if !errors.Is(test.got, test.want) {
			t.Errorf("%s: %v, want %v", name, test.got, test.want)
		}
	}
}

// A server that does not behave: what it says reaches no error, and what it leaves out is never taken for the end.
func TestBucket_HostileServersAreBounded(t *testing.T) {
	const page = `<ListBucketResult><IsTruncated>%t</IsTruncated>%s</ListBucketResult>`
	object := func(key string) string {
		return "<Contents><Key>" + key + "</Key><LastModified>2021-04-28T08:58:03.000Z</LastModified><Size>1</Size></Contents>"
	}
	pages := func(truncated bool, keys ...string) http.HandlerFunc {
		var contents string
		for _, key := range keys {
			contents += object(key)
		}
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, page, truncated, contents) }
	}
	ctx, cancel := context.WithCancel(t.Context())
	tests := []struct {
		name   string
		answer http.HandlerFunc
		want   error
	}{
		{"out of order", pages(false, "ab", "aa"), objectstore.ErrDisorder},
		{"the same page over and over", pages(true, "a"), objectstore.ErrDisorder},
		{"another prefix", pages(false, "b"), objectstore.ErrDisorder},
		{"no XML", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("top secret")) }, objectstore.ErrRejected},
		{"words in an error", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte("<Error><Code>top secret</Code><Message>top secret</Message></Error>"))
		}, objectstore.ErrRejected},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, objectstore.ErrRejected},
		{"silent until nobody waits", func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done() // an answer could come before the cancellation is seen
		}, objectstore.ErrUnreachable},
	}
	for _, test := range tests {
		server := httptest.NewServer(test.answer)
		b := open(t, &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: server.URL, Bucket: "recordings"}, access)
		objects, err := b.List(ctx, "a", "")
		if !errors.Is(err, test.want) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: %v, %v, want %v", test.name, objects, err, test.want)
		}
		server.Close()
	}
}

// An answer that does not end, or that would become a hundred times as large once it is decoded, ends the question before
// it fills the memory that the operator has.
func TestBucket_EndlessAnswersAreCutOff(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 72 MiB")
	}
	tests := map[string]struct{ begin, forever string }{
		"objects":          {"<ListBucketResult>", strings.Repeat("<Contents/>", 1000)},
		"a key":            {"<ListBucketResult><Contents><Key>", strings.Repeat("k", 10_000)},
		"words of no kind": {"<ListBucketResult>", strings.Repeat("<a><b/></a>", 1000)},
	}
	for name, test := range tests {
		sent := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte(test.begin))
			for r.Context().Err() == nil && sent < 24<<20 {
				n, _ := w.Write([]byte(test.forever))
				sent += n
			}
		}))
		b := open(t, &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: server.URL, Bucket: "recordings"}, access)
		if _, err := b.List(t.Context(), "", ""); !errors.Is(err, objectstore.ErrRejected) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
		if sent > 16<<20 { // a part is still in the buffers of the connection
			t.Errorf("%s: %d bytes were taken", name, sent)
		}
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := range 20_000 {
			w.Header().Set(fmt.Sprintf("X-Amz-Meta-%d", i), "")
		}
	}))
	defer server.Close()
	b := open(t, &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: server.URL, Bucket: "recordings"}, access)
	if err := b.Check(t.Context()); !errors.Is(err, objectstore.ErrUnreachable) {
		t.Errorf("headers: %v", err)
	}
}

// The largest page that S3 may give is not too large.
func TestBucket_LargestPageIsRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>`)
		for i := range objectstore.PageSize {
			_, _ = fmt.Fprintf(w, "<Contents><Key>%04d%s</Key><LastModified>2021-04-28T08:58:03.000Z</LastModified><ETag>&quot;0123456789abcdef0123456789abcdef-1000&quot;</ETag>"+
				"<ChecksumAlgorithm>CRC64NVME</ChecksumAlgorithm><ChecksumType>FULL_OBJECT</ChecksumType><Size>1</Size><Owner><ID>%s</ID><DisplayName>%s</DisplayName></Owner>"+
				"<Type>0</Type><StorageClass>STANDARD</StorageClass></Contents>", i, strings.Repeat("%E5", 1020), strings.Repeat("i", 64), strings.Repeat("n", 255))
		}
		_, _ = fmt.Fprint(w, "</ListBucketResult>")
	}))
	defer server.Close()
	b := open(t, &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: server.URL, Bucket: "recordings"}, access)
	if objects, err := b.List(t.Context(), "", ""); err != nil || len(objects) != objectstore.PageSize {
		t.Errorf("%d objects, %v", len(objects), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	location := &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: "https://s3.example.com", Bucket: "recordings"}
	if _, err := objectstore.Open(location, objectstore.Access{CA: []byte("no certificate")}); !errors.Is(err, objectstore.ErrCA) {
		t.Errorf("%v", err)
	}
}
