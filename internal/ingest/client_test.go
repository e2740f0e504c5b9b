// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

func testScheme(tb testing.TB) *runtime.Scheme {
	tb.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		tb.Fatal(err)
	}
	return scheme
}

// fakeAPI is controller-runtime's fake client, with the index and the selectable field.
func fakeAPI(tb testing.TB, hooks interceptor.Funcs, objects ...client.Object) client.WithWatch {
	tb.Helper()
	return fake.NewClientBuilder().WithScheme(testScheme(tb)).WithObjects(objects...).WithInterceptorFuncs(hooks).
		WithIndex(&v1alpha1.RecordingFile{}, IndexChain, IndexFunc).
		WithIndex(&v1alpha1.RecordingFile{}, IndexObject, IndexObjectFunc).
		WithIndex(&v1alpha1.RecordingFile{}, fieldJob, func(obj client.Object) []string {
			return []string{obj.(*v1alpha1.RecordingFile).Spec.JobID}
		}).
		WithIndex(&v1alpha1.RecordingFile{}, fieldObject, func(obj client.Object) []string {
			if file := obj.(*v1alpha1.RecordingFile).Spec.File; file != nil && file.OBS != nil {
				return []string{file.OBS.Object}
			}
			return nil
		}).Build()
}

func ingestAll(t *testing.T, i *Ingester, deliveries ...Delivery) (last Result) {
	t.Helper()
	for _, d := range deliveries {
		var err error
		if last, err = i.Ingest(t.Context(), d); err != nil {
			t.Fatalf("%s: %v", d.Event.Type, err)
		}
	}
	return last
}

func getFile(t *testing.T, c client.Reader, name string) *v1alpha1.RecordingFile {
	t.Helper()
	file := &v1alpha1.RecordingFile{}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: builders.Namespace, Name: name}, file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestLifeOfAFile(t *testing.T) {
	var patches []string
	c := fakeAPI(t, interceptor.Funcs{Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
		data, err := patch.Data(obj)
		patches = append(patches, string(patch.Type())+" "+string(data))
		if err != nil {
			return err
		}
		return c.Patch(ctx, obj, patch, opts...)
	}})
	i, name := New(c, c, Options{}), testKey.names()[0]+"0"

	if got := ingestAll(t, i, start("d")); got != (Result{Created, name}) {
		t.Errorf("START: %+v", got)
	}
	file := getFile(t, c, name)
	if file.Labels[v1alpha1.LabelSource] != testSource || file.Annotations[v1alpha1.AnnotationStartDelivery] != "d" ||
		len(file.Labels)+len(file.Annotations) != 2 || len(file.OwnerReferences) != 0 {
		t.Errorf("created with %+v", file.ObjectMeta)
	}
	over := start("o")
	over.Event = sparkrtc.Event{Type: sparkrtc.Over, AppID: "app", JobID: "job"}
	if got := ingestAll(t, i, over); got != (Result{JobOver, name}) || !getFile(t, c, name).Spec.JobOver {
		t.Errorf("OVER: %+v", got)
	}
	if got := ingestAll(t, i, over); got != (Result{Outcome: Duplicate}) {
		t.Errorf("OVER again: %+v", got)
	}
	if got := ingestAll(t, i, complete("o", 1)); got != (Result{Claimed, name}) {
		t.Errorf("COMPLETE: %+v", got)
	}
	if got := ingestAll(t, i, complete("o", 2)); got != (Result{Grown, name}) {
		t.Errorf("COMPLETE, grown: %+v", got)
	}
	if got := ingestAll(t, i, complete("o", 1)); got != (Result{Duplicate, name}) {
		t.Errorf("COMPLETE again: %+v", got)
	}
	if spec := getFile(t, c, name).Spec; spec.JobOver || spec.File.SizeBytes != 2 {
		t.Errorf("ends as %+v", spec)
	}
	want := []string{
		`application/merge-patch+json {"metadata":{"resourceVersion":"1"},"spec":{"jobOver":true}}`,
		`application/merge-patch+json {"metadata":{"resourceVersion":"2"},"spec":{"file":{"obs":{"bucket":"b","object":"o"},"sizeBytes":1},"jobOver":null}}`,
		`application/merge-patch+json {"metadata":{"resourceVersion":"3"},"spec":{"file":{"sizeBytes":2}}}`,
	}
	if strings.Join(patches, "\n") != strings.Join(want, "\n") {
		t.Errorf("patches\n%s\nwant\n%s", strings.Join(patches, "\n"), strings.Join(want, "\n"))
	}
	if got := ingestAll(t, i, Delivery{Event: sparkrtc.Event{Name: "NEW"}}); got != (Result{Outcome: Ignored}) {
		t.Errorf("unknown: %+v", got)
	}
}

// What another chain holds under the short hash is left alone; every replica then finds the same longer name.
func TestHashCollision(t *testing.T) {
	stranger := builders.MakeRecordingFile(testKey.names()[0]+"0", testSource).Of("app", "job", "other", "HLS").Obj()
	c := fakeAPI(t, interceptor.Funcs{}, stranger)
	name := testKey.names()[1] + "0"
	for _, want := range []Result{{Created, name}, {Duplicate, name}} {
		if got := ingestAll(t, New(c, c, Options{}), complete("o", 1)); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	// A replica whose cache is empty finds it by name.
	stale := fakeAPI(t, interceptor.Funcs{Create: func(ctx context.Context, _ client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		return c.Create(ctx, obj, opts...)
	}})
	if got := ingestAll(t, New(stale, c, Options{}), complete("o", 1)); got != (Result{Duplicate, name}) {
		t.Errorf("stale: %+v", got)
	}
	if getFile(t, c, stranger.Name).Spec.File != nil {
		t.Error("the stranger was claimed")
	}
}

// A START that finds an open file in a stale cache looks again: the file may be complete.
func TestStartLooksAgain(t *testing.T) {
	name := testKey.names()[0] + "0"
	stale := fakeAPI(t, interceptor.Funcs{}, file("0").Started("d").Obj())
	live := fakeAPI(t, interceptor.Funcs{}, file("0").Started("d").Complete("b", "o", 1).Obj())
	writes := interceptor.NewClient(stale, interceptor.Funcs{Create: func(ctx context.Context, _ client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
		return live.Create(ctx, obj, opts...)
	}})
	if got := ingestAll(t, New(writes, live, Options{}), start("e")); got != (Result{Created, testKey.names()[0] + "1"}) {
		t.Errorf("stale: %+v", got)
	}
	if got := ingestAll(t, New(stale, stale, Options{}), start("e")); got != (Result{Duplicate, name}) {
		t.Errorf("open: %+v", got)
	}
}

func TestErrors(t *testing.T) {
	resource, kind := v1alpha1.GroupVersion.WithResource("recordingfiles").GroupResource(), v1alpha1.GroupVersion.WithKind("RecordingFile").GroupKind()
	for name, c := range map[string]struct {
		err     error
		invalid bool
		calls   int
	}{
		"unprocessable": {apierrors.NewInvalid(kind, "x", field.ErrorList{field.Required(field.NewPath("spec"), "")}), true, 1},
		"bad request":   {apierrors.NewBadRequest("x"), true, 1},
		"too large":     {&apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusRequestEntityTooLarge}}, true, 1},
		"forbidden":     {apierrors.NewForbidden(resource, "x", errors.New("quota")), false, attempts},
		"away":          {errors.New("connection refused"), false, attempts},
		"server error":  {apierrors.NewInternalError(errors.New("x")), false, attempts},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			api := fakeAPI(t, interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
				calls++
				return c.err
			}})
			i := New(api, api, Options{Clock: instant{}})
			_, err := i.Ingest(t.Context(), complete("o", 1))
			if err == nil || IsInvalid(err) != c.invalid || !errors.Is(err, c.err) || calls != c.calls {
				t.Errorf("%d calls, %v (invalid: %t)", calls, err, IsInvalid(err))
			}
		})
	}
}

// A call that hangs is given up, and a caller who has no more time is heeded.
func TestDeadlines(t *testing.T) {
	api := fakeAPI(t, interceptor.Funcs{Create: func(ctx context.Context, _ client.WithWatch, _ client.Object, _ ...client.CreateOption) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	began := time.Now()
	_, err := New(api, api, Options{CallTimeout: time.Millisecond}).Ingest(t.Context(), complete("o", 1))
	if !errors.Is(err, context.DeadlineExceeded) || IsInvalid(err) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := New(api, api, Options{}).Ingest(ctx, complete("o", 1)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
}

// What the API server has answered says more than that the time was over when it was asked again.
func TestAnAnswerOutlivesTheDeadline(t *testing.T) {
	webhook := apierrors.NewInternalError(errors.New("failed calling webhook"))
	for name, hangs := range map[string]bool{"in a call": true, "between two": false} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			asked := false
			api := fakeAPI(t, interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
				if asked == hangs {
					cancel()
				}
				if asked {
					return ctx.Err()
				}
				asked = true
				return webhook
			}})
			if _, err := New(api, api, Options{}).Ingest(ctx, complete("o", 1)); !errors.Is(err, webhook) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Deliveries really at one time: for the race detector, and as the fake client sees it.
func TestConcurrentDeliveries(t *testing.T) {
	c := fakeAPI(t, interceptor.Funcs{})
	var queue []Delivery
	const objects = 20
	for n := range objects {
		queue = append(queue, start(fmt.Sprintf("d%d", n)), complete(fmt.Sprintf("o%d", n), 1), complete(fmt.Sprintf("o%d", n), 2))
	}
	queue = append(queue, queue...)
	rand.Shuffle(len(queue), func(a, b int) { queue[a], queue[b] = queue[b], queue[a] })
	jobs := make(chan Delivery)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			i := New(c, c, Options{})
			for d := range jobs {
				for {
					if _, err := i.Ingest(t.Context(), d); err == nil {
						break
					}
				}
			}
		})
	}
	for _, d := range queue {
		jobs <- d
	}
	close(jobs)
	workers.Wait()
	var list v1alpha1.RecordingFileList
	if err := c.List(t.Context(), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != objects {
		t.Errorf("%d files, want %d", len(list.Items), objects)
	}
	for _, file := range list.Items {
		if file.Spec.File == nil || file.Spec.File.SizeBytes != 2 {
			t.Errorf("%s: %+v", file.Name, file.Spec.File)
		}
	}
}
