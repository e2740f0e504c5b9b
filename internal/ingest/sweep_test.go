// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	testclock "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

func found(object string, size int64) Found {
	return Found{Namespace: builders.Namespace, Source: testSource, Format: "HLS", StreamName: "derived",
		File: sparkrtc.File{Bucket: "b", Object: object, SizeBytes: size}}
}

func sweep(t *testing.T, i *Ingester, f Found) Result {
	t.Helper()
	result, err := i.Sweep(t.Context(), f)
	if err != nil {
		t.Fatalf("sweep: %v", err)
	}
	return result
}

// What a sweep finds becomes a file of its own; the COMPLETE that comes after all says whose it is.
func TestSweptFileIsFilledIn(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := fakeAPI(t, interceptor.Funcs{})
	i, name := New(c, c, Options{Clock: testclock.NewFakeClock(now)}), SweptName(builders.Namespace, testSource, "b", "o")
	if known, err := i.Known(t.Context(), builders.Namespace, testSource, "b", "o"); known != nil || err != nil {
		t.Errorf("known before: %+v, %v", known, err)
	}
	if got := sweep(t, i, found("o", 1)); got != (Result{Created, name}) {
		t.Errorf("first: %+v", got)
	}
	if known, err := i.Known(t.Context(), builders.Namespace, testSource, "b", "o"); known == nil || known.SizeBytes != 1 || err != nil {
		t.Errorf("known after: %+v, %v", known, err)
	}
	file := getFile(t, c, name)
	if want := SweptFile(found("o", 1), now); want.Name != name || !apiequality.Semantic.DeepEqual(want.Spec, file.Spec) ||
		!maps.Equal(want.Annotations, file.Annotations) || !maps.Equal(want.Labels, file.Labels) {
		t.Errorf("created %+v %+v, want %+v", file.ObjectMeta, file.Spec, want)
	}
	if file.Labels[v1alpha1.LabelSource] != testSource || file.Annotations[v1alpha1.AnnotationSwept] != "2026-01-02T03:04:05Z" ||
		file.Spec.StreamName != "derived" || file.Spec.Format != "HLS" || file.Spec.JobID+file.Spec.AppID+file.Spec.RoomID != "" {
		t.Errorf("created %+v %+v", file.ObjectMeta, file.Spec)
	}
	if got := sweep(t, i, found("o", 1)); got != (Result{Duplicate, name}) {
		t.Errorf("again: %+v", got)
	}
	if got := sweep(t, i, found("o", 2)); got != (Result{Grown, name}) {
		t.Errorf("grown: %+v", got)
	}
	if got := ingestAll(t, i, complete("o", 3)); got != (Result{Grown, name}) {
		t.Errorf("COMPLETE: %+v", got)
	}
	file = getFile(t, c, name)
	if _, swept := file.Annotations[v1alpha1.AnnotationSwept]; swept || file.Labels[v1alpha1.LabelSource] != testSource {
		t.Errorf("reported: %+v", file.ObjectMeta)
	}
	if spec := file.Spec; spec.AppID != "app" || spec.JobID != "job" || spec.RoomID != "room" || spec.StreamName != "derived" || spec.File.SizeBytes != 3 {
		t.Errorf("reported: %+v", spec)
	}
	if got := ingestAll(t, i, complete("o", 3)); got != (Result{Duplicate, name}) {
		t.Errorf("COMPLETE again: %+v", got)
	}
	// It is nobody's next file.
	if got := ingestAll(t, i, start("d"), complete("p", 1)); got != (Result{Claimed, testKey.names()[0] + "0"}) {
		t.Errorf("next: %+v", got)
	}
}

// Whatever bears the object already is enough, whoever made it; another source's file is not.
func TestSweepLeavesKnownObjectsAlone(t *testing.T) {
	c := fakeAPI(t, interceptor.Funcs{},
		file("0").Complete("b", "o", 1).Obj(),
		builders.MakeRecordingFile("by-hand", testSource).Complete("b", "p", 1).Obj(),
		builders.MakeRecordingFile("elsewhere", "other").Complete("b", "q", 1).Obj())
	i := New(c, c, Options{})
	for object, want := range map[string]Result{
		"o": {Duplicate, testKey.names()[0] + "0"},
		"p": {Duplicate, "by-hand"},
		"q": {Created, SweptName(builders.Namespace, testSource, "b", "q")},
	} {
		if got := sweep(t, i, found(object, 1)); got != want {
			t.Errorf("%s: %+v, want %+v", object, got, want)
		}
	}
}

// A sweep whose cache is behind finds by the name what another has made, and lets it grow.
func TestSweepWithAStaleCache(t *testing.T) {
	live := fakeAPI(t, interceptor.Funcs{})
	stale := fakeAPI(t, interceptor.Funcs{
		Create: func(ctx context.Context, _ client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return live.Create(ctx, obj, opts...)
		},
		Patch: func(ctx context.Context, _ client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return live.Patch(ctx, obj, patch, opts...)
		},
	})
	i, name := New(stale, live, Options{Clock: instant{}}), SweptName(builders.Namespace, testSource, "b", "o")
	for _, step := range []struct {
		size int64
		want Result
	}{{1, Result{Created, name}}, {1, Result{Duplicate, name}}, {2, Result{Grown, name}}} {
		if got := sweep(t, i, found("o", step.size)); got != step.want {
			t.Errorf("size %d: %+v, want %+v", step.size, got, step.want)
		}
	}
	// So does a COMPLETE of a source that is swept; of one that is not, it trusts the cache.
	swept := complete("o", 2)
	swept.Sweeps = true
	if got := ingestAll(t, i, swept); got != (Result{Grown, name}) {
		t.Errorf("COMPLETE: %+v", got)
	}
	if got := ingestAll(t, i, complete("o", 2)); got != (Result{Created, testKey.names()[0] + "0"}) {
		t.Errorf("COMPLETE that does not look: %+v", got)
	}
}

// A look that fails is no leave to make a second file.
func TestNoSecondFileWithoutALook(t *testing.T) {
	away := errors.New("connection refused")
	live := fakeAPI(t, interceptor.Funcs{Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
		return away
	}})
	d := complete("o", 1)
	d.Sweeps = true
	_, err := New(live, live, Options{Clock: instant{}}).Ingest(t.Context(), d)
	if !errors.Is(err, away) || IsInvalid(err) {
		t.Errorf("got %v", err)
	}
	var list v1alpha1.RecordingFileList
	if err := live.List(t.Context(), &list); err != nil || len(list.Items) != 0 {
		t.Errorf("%d files, %v", len(list.Items), err)
	}
}

// Names of swept files are names; the object alone decides.
func TestSweptNames(t *testing.T) {
	name := SweptName("media", "classroom", "bucket", "Record/a.m3u8")
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 || !strings.HasPrefix(name, "swept-") {
		t.Errorf("%s: %v", name, problems)
	}
	for _, other := range []string{
		SweptName("media2", "classroom", "bucket", "Record/a.m3u8"), SweptName("media", "classroo", "mbucket", "Record/a.m3u8"),
		SweptName("media", "classroom", "bucketR", "ecord/a.m3u8"), SweptName("media", "classroom", "bucket", "Record/b.m3u8"),
	} {
		if other == name {
			t.Errorf("%s is given twice", name)
		}
	}
}

// One that is being deleted has no say.
func TestCompleteBesideADeletedSweptFile(t *testing.T) {
	swept := builders.MakeRecordingFile(SweptName(builders.Namespace, testSource, "b", "o"), testSource).Complete("b", "o", 1).Obj()
	swept.Finalizers = []string{"example.com/wait"}
	swept.DeletionTimestamp = &metav1.Time{Time: time.Unix(1, 0)}
	c := fakeAPI(t, interceptor.Funcs{}, swept)
	d := complete("o", 1)
	d.Sweeps = true
	if got := ingestAll(t, New(c, c, Options{}), d); got != (Result{Created, testKey.names()[0] + "0"}) {
		t.Errorf("got %+v", got)
	}
}
