// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// sweptFile is what a sweep has made of the object o.
func sweptFile(size int64) *builders.RecordingFile {
	return builders.MakeRecordingFile(SweptName(builders.Namespace, testSource, "b", "o"), testSource).Complete("b", "o", size).Swept("2026-01-02T03:04:05Z")
}

func TestSettle(t *testing.T) {
	leaving := file("1").Complete("b", "o", 1).Obj()
	leaving.Finalizers, leaving.DeletionTimestamp = []string{"example.com/wait"}, &metav1.Time{Time: time.Unix(1, 0)}
	byHand := builders.MakeRecordingFile("by-hand", testSource).Complete("b", "o", 1)
	for name, c := range map[string]struct {
		others []client.Object
		// other is the file that the swept one gives way to; empty: none.
		other string
	}{
		"alone":                       {nil, ""},
		"beside the chain's":          {[]client.Object{file("0").Complete("b", "o", 1).Obj()}, testKey.names()[0] + "0"},
		"beside one made by hand":     {[]client.Object{byHand.Obj()}, "by-hand"},
		"beside both":                 {[]client.Object{byHand.Obj(), file("0").Complete("b", "o", 1).Obj()}, testKey.names()[0] + "0"},
		"beside another bucket's":     {[]client.Object{file("0").Complete("c", "o", 1).Obj()}, ""},
		"beside another object's":     {[]client.Object{file("0").Complete("b", "p", 1).Obj()}, ""},
		"beside another source's":     {[]client.Object{builders.MakeRecordingFile("x", "other").Complete("b", "o", 1).Obj()}, ""},
		"beside an open one":          {[]client.Object{file("0").Obj()}, ""},
		"beside one that is deleted":  {[]client.Object{leaving}, ""},
		"beside one that knows more":  {[]client.Object{file("0").Complete("b", "o", 9).Obj()}, testKey.names()[0] + "0"},
		"beside one with other parts": {[]client.Object{byHand.Of("app", "job", "", "").Obj()}, "by-hand"},
	} {
		t.Run(name, func(t *testing.T) {
			swept := sweptFile(5).Obj()
			swept.Spec.JobID, swept.Spec.StreamName = "job", "derived"
			api := fakeAPI(t, interceptor.Funcs{}, append(c.others, swept)...)
			other, err := New(api, api, Options{}).Settle(t.Context(), getFile(t, api, swept.Name))
			if err != nil {
				t.Fatal(err)
			}
			if (other == nil) != (c.other == "") || other != nil && other.Name != c.other {
				t.Fatalf("gave way to %v, want %q", other, c.other)
			}
			err = api.Get(t.Context(), client.ObjectKeyFromObject(swept), &v1alpha1.RecordingFile{})
			if apierrors.IsNotFound(err) != (other != nil) {
				t.Errorf("the swept file: %v", err)
			}
			if other == nil {
				return
			}
			kept := getFile(t, api, other.Name)
			if kept.Spec.File.SizeBytes < 5 || numbered(kept) != (c.other != "by-hand") {
				t.Errorf("ends as %+v %+v", kept.Spec, kept.Spec.File)
			}
			if !numbered(kept) && kept.Spec.StreamName == "" {
				t.Errorf("lacks its identity: %+v", kept.Spec)
			}
		})
	}
}

func TestSwept(t *testing.T) {
	open := sweptFile(1).Obj()
	open.Spec.File = nil
	byURL := sweptFile(1).Obj()
	byURL.Spec.File = &v1alpha1.RecordedFile{DownloadURL: "https://host/o"}
	elsewhere := sweptFile(1).Obj()
	elsewhere.Spec.File.OBS.Object = "p"
	for name, c := range map[string]struct {
		file *v1alpha1.RecordingFile
		want bool
	}{
		"made by a sweep":       {sweptFile(1).Obj(), true},
		"annotated by a person": {builders.MakeRecordingFile("x", testSource).Complete("b", "o", 1).Swept("x").Obj(), false},
		"of a chain":            {file("0").Complete("b", "o", 1).Obj(), false},
		"open":                  {open, false},
		"by URL":                {byURL, false},
		"of another object":     {elsewhere, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Swept(c.file); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
