// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

func fakeAPI(tb testing.TB, hooks interceptor.Funcs, objects ...client.Object) client.WithWatch {
	tb.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		tb.Fatal(err)
	}
	metav1.AddToGroupVersion(scheme, v1alpha1.GroupVersion)
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).WithInterceptorFuncs(hooks).Build()
}

func start(digest string) Delivery {
	return Delivery{Namespace: testNamespace, Source: testSource, Digest: digest, Timestamp: "1619600217",
		Event: sparkrtc.Event{Type: sparkrtc.Start, AppID: "app", TaskID: "task-1", RoomID: "room", StreamName: "stream", Format: "HLS"}}
}

func complete(object string, size int64) Delivery {
	d := start("")
	d.Event.Type = sparkrtc.Complete
	d.Event.File = sparkrtc.File{Bucket: "b", Object: object, SizeBytes: size}
	return d
}

func over() Delivery {
	return Delivery{Namespace: testNamespace, Source: testSource, Event: sparkrtc.Event{Type: sparkrtc.Over, AppID: "app", TaskID: "task-1"}}
}

const (
	digest1 = "00112233445566778899aabbccddeeff"
	digest2 = "ffeeddccbbaa99887766554433221100"
)

// A file that was deleted after it was written is created again.
func TestIngest_CreatesAFileAgainThatIsGone(t *testing.T) {
	c := fakeAPI(t, interceptor.Funcs{})
	i := New(c, c, Options{})
	for range 2 {
		got, err := i.Ingest(t.Context(), complete("o", 1))
		if err != nil || got.Outcome != Created {
			t.Fatalf("got %+v, %v", got, err)
		}
		file := &v1alpha1.RecordingFile{ObjectMeta: metav1.ObjectMeta{Namespace: testNamespace, Name: got.File}}
		if err := c.Delete(t.Context(), file); err != nil {
			t.Fatal(err)
		}
	}
}

// Each event is the write that the package's comment says, and one successful write alone.
func TestIngest_WritesWhatTheEventSays(t *testing.T) {
	var calls []string
	c := fakeAPI(t, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			err := c.Create(ctx, obj, opts...)
			calls = append(calls, fmt.Sprintf("create %s %v", obj.GetName(), err == nil))
			return err
		},
		Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
			calls = append(calls, "get "+key.Name)
			return c.Get(ctx, key, obj, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, obj client.Object, patch client.Patch, opts ...client.PatchOption) error {
			data, err := patch.Data(obj)
			if err != nil {
				return err
			}
			calls = append(calls, fmt.Sprintf("patch %s %s", obj.GetName(), data))
			return c.Patch(ctx, obj, patch, opts...)
		},
	})
	i, other := New(c, c, Options{}), New(c, c, Options{})
	task, file := TaskNames(testSource, "task-1")[0], FileNames(testSource, v1alpha1.ObjectIdentity{Bucket: "b", Key: "o"})[0]
	named := `"sourceRef":{"name":"classroom"},`
	for _, step := range []struct {
		ingester *Ingester
		delivery Delivery
		want     Result
		calls    []string
	}{
		{i, start(digest1), Result{Outcome: Created, Task: task}, []string{
			"patch " + task + ` {"metadata":{"managedFields":[{}]},"spec":{"app":"app","format":"HLS","room":"room",` + named + `"starts":{"0011223344556677":"1619600217"},"stream":"stream","taskID":"task-1"}}`,
			"create " + task + " true"}},
		{i, start(digest2), Result{Outcome: Updated, Task: task}, []string{
			"patch " + task + ` {"metadata":{"managedFields":[{}]},"spec":{"app":"app","format":"HLS","room":"room",` + named + `"starts":{"ffeeddccbbaa9988":"1619600217"},"stream":"stream","taskID":"task-1"}}`}},
		{i, over(), Result{Outcome: Updated, Task: task}, []string{
			"patch " + task + ` {"metadata":{"managedFields":[{}]},"spec":{"app":"app","ended":true,` + named + `"taskID":"task-1"}}`}},
		{i, complete("o", 1), Result{Outcome: Created, File: file}, []string{"create " + file + " true"}},
		{i, complete("o", 2), Result{Outcome: Updated, File: file}, []string{"get " + file,
			"patch " + file + ` {"metadata":{"resourceVersion":"1"},"spec":{"reported":{"sizeBytes":2}}}`}},
		{other, complete("o", 1), Result{Outcome: Duplicate, File: file}, []string{"create " + file + " false", "get " + file}},
		{other, complete("o", 1), Result{Outcome: Duplicate, File: file}, []string{"get " + file}},
	} {
		calls = nil
		got, err := step.ingester.Ingest(t.Context(), step.delivery)
		if err != nil || got != step.want || !slices.Equal(calls, step.calls) {
			t.Errorf("%s: %+v, %v\n got calls %q\nwant calls %q", step.delivery.Event.Type, got, err, calls, step.calls)
		}
	}
	var stored v1alpha1.RecordingTask
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: testNamespace, Name: task}, &stored); err != nil {
		t.Fatal(err)
	}
	if len(stored.Spec.Starts) != 2 || !stored.Spec.Ended || stored.Labels[v1alpha1.LabelSource] != testSource || len(stored.OwnerReferences) != 0 {
		t.Errorf("the task ends as %+v", stored)
	}
}

// TestIngest_MarksWhatARotatingKeySigned: the mark costs no write of its own, and says nothing of the recording.
func TestIngest_MarksWhatARotatingKeySigned(t *testing.T) {
	writes := 0
	count := interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			writes++
			return c.Create(ctx, object, options...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			if err := c.Patch(ctx, object, patch, options...); err != nil {
				return err
			}
			writes++
			return nil
		},
	}
	api := fakeAPI(t, count)
	ingester := New(api, api, Options{})
	deliver := func(d Delivery, keyID string) Result {
		t.Helper()
		d.KeyID = keyID
		result, err := ingester.Ingest(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	task := func(name string) map[string]string {
		t.Helper()
		var found v1alpha1.RecordingTask
		if err := api.Get(t.Context(), client.ObjectKey{Namespace: testNamespace, Name: name}, &found); err != nil {
			t.Fatal(err)
		}
		return found.Annotations
	}
	name := deliver(start("0123456789abcdef0"), "").Task
	if got := task(name); len(got) != 0 {
		t.Errorf("a key that does not rotate leaves %v", got)
	}
	deliver(over(), "fedcba9876543210")
	if got := task(name)[v1alpha1.AnnotationKeyID]; got != "fedcba9876543210" {
		t.Errorf("the task is marked with %q", got)
	}
	var file v1alpha1.RecordingFile
	key := client.ObjectKey{Namespace: testNamespace, Name: deliver(complete("a.m3u8", 1), "fedcba9876543210").File}
	if err := api.Get(t.Context(), key, &file); err != nil {
		t.Fatal(err)
	}
	if got := file.Annotations[v1alpha1.AnnotationKeyID]; got != "fedcba9876543210" {
		t.Errorf("the file is marked with %q", got)
	}
	if writes != 3 {
		t.Errorf("%d writes for 3 callbacks", writes)
	}
}

// An event that names no task, and one of an unknown type, are answered and not stored.
func TestIngest_StoresNothingWithoutATask(t *testing.T) {
	c := fakeAPI(t, interceptor.Funcs{})
	nameless, ended := start(digest1), over()
	nameless.Event.TaskID, ended.Event.TaskID = "", ""
	for _, step := range []struct {
		delivery Delivery
		want     Outcome
	}{{nameless, Unnamed}, {ended, Unnamed}, {Delivery{Event: sparkrtc.Event{Name: "NEW"}}, Ignored}} {
		if got, err := New(c, c, Options{}).Ingest(t.Context(), step.delivery); err != nil || got != (Result{Outcome: step.want}) {
			t.Errorf("got %+v, %v; want %s", got, err, step.want)
		}
	}
	var tasks v1alpha1.RecordingTaskList
	if err := c.List(t.Context(), &tasks); err != nil || len(tasks.Items) > 0 {
		t.Errorf("%d tasks, %v", len(tasks.Items), err)
	}
}

// A COMPLETE without a task is a file without one.
func TestIngest_FileMayHaveNoTask(t *testing.T) {
	c := fakeAPI(t, interceptor.Funcs{})
	d := complete("o", 1)
	d.Event.TaskID = ""
	result, err := New(c, c, Options{}).Ingest(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	var file v1alpha1.RecordingFile
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: testNamespace, Name: result.File}, &file); err != nil || len(file.Spec.TaskIDs) != 0 {
		t.Errorf("%+v, %v", file.Spec, err)
	}
}

// STARTs that nobody signed are told apart by what they say.
func TestDelivery_UnsignedStartsAreToldApart(t *testing.T) {
	one, same, other := start(sparkrtc.Unsigned), start(sparkrtc.Unsigned), start(sparkrtc.Unsigned)
	other.Event.RoomID = "other"
	if one.startKey() != same.startKey() || one.startKey() == other.startKey() || len(one.startKey()) != startKeyLength {
		t.Errorf("%s, %s, %s", one.startKey(), same.startKey(), other.startKey())
	}
}

// When other objects hold both names, no later attempt helps.
func TestIngest_BothNamesTaken(t *testing.T) {
	w := newWorld()
	object := v1alpha1.ObjectIdentity{Bucket: "b", Key: "o"}
	for n := range 2 {
		w.storeFile(newFile(fileKey{testNamespace, "other", object}, FileNames(testSource, object)[n], report{}))
		w.storeTask(newTask(taskKey{testNamespace, "other", "x"}, TaskNames(testSource, "task-1")[n], taskUpdate{}))
	}
	for _, d := range []Delivery{complete("o", 1), start(digest1)} {
		if _, err := w.ingester().Ingest(t.Context(), d); !IsInvalid(err) || !errors.Is(err, ErrNameTaken) {
			t.Errorf("%s: got %v", d.Event.Type, err)
		}
	}
}

// A person may have a recording processed before it is reported: the report goes to the file that is there, under either
// name, and what the person set stays.
func TestIngest_JoinsTheFileThatAPersonMade(t *testing.T) {
	object := v1alpha1.ObjectIdentity{Bucket: "b", Key: "o"}
	for n, name := range FileNames(testSource, object) {
		w := newWorld()
		if n == 1 {
			w.storeFile(newFile(fileKey{testNamespace, "other", object}, FileNames(testSource, object)[0], report{}))
		}
		made := newFile(fileKey{testNamespace, testSource, object}, name, report{})
		made.Spec.PipelineRef, made.Spec.Room = &v1alpha1.LocalReference{Name: "mine"}, "room"
		w.storeFile(made)
		ingester := w.ingester()
		if found, err := ingester.Find(t.Context(), testNamespace, testSource, object); err != nil || found == nil || found.Name != name {
			t.Errorf("found %v, %v", found, err)
		}
		for _, want := range []Outcome{Updated, Duplicate} {
			if result, err := ingester.Ingest(t.Context(), complete("o", 1)); err != nil || result.Outcome != want || result.File != name {
				t.Errorf("got %+v, %v, want %s in %s", result, err, want, name)
			}
		}
		joined, err := w.getFile(t.Context(), testNamespace, name)
		if err != nil || joined.Spec.Reported == nil || joined.Spec.Reported.SizeBytes != 1 || joined.Spec.PipelineRef == nil || joined.Spec.Room != "room" {
			t.Errorf("the file is %+v, %v", joined, err)
		}
		if len(w.files) != n+1 {
			t.Errorf("%d files", len(w.files))
		}
	}
}

// Only what the API server refuses for good is Invalid; and only its silence looks as if it were away.
func TestIngest_ClassifiesErrors(t *testing.T) {
	forbidden := apierrors.NewForbidden(fileResource, "x", errors.New("exceeded quota"))
	for name, test := range map[string]struct {
		err     error
		invalid bool
	}{
		"invalid":     {apierrors.NewInvalid(v1alpha1.GroupVersion.WithKind("RecordingFile").GroupKind(), "x", nil), true},
		"bad request": {apierrors.NewBadRequest("no"), true},
		"too large":   {apierrors.NewRequestEntityTooLargeError("no"), true},
		"forbidden":   {forbidden, false},
		"no answer":   {errors.New("connection refused"), false},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			c := fakeAPI(t, interceptor.Funcs{Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error {
				calls++
				return test.err
			}})
			_, err := New(c, c, Options{}).Ingest(t.Context(), complete("o", 1))
			if !errors.Is(err, test.err) || IsInvalid(err) != test.invalid || calls != 1 {
				t.Errorf("got %v after %d calls", err, calls)
			}
		})
	}
	for _, err := range []error{ErrBusy, ErrBeingDeleted} {
		var status apierrors.APIStatus
		if !errors.As(err, &status) || status.Status().Code >= http.StatusInternalServerError {
			t.Errorf("%v looks as if the API server were away", err)
		}
	}
}

// A call that hangs ends by its own deadline.
func TestIngest_CallsHaveDeadlines(t *testing.T) {
	c := fakeAPI(t, interceptor.Funcs{Create: func(ctx context.Context, _ client.WithWatch, _ client.Object, _ ...client.CreateOption) error {
		<-ctx.Done()
		return ctx.Err()
	}})
	_, err := New(c, c, Options{CallTimeout: time.Millisecond}).Ingest(t.Context(), complete("o", 1))
	if !errors.Is(err, context.DeadlineExceeded) || IsInvalid(err) {
		t.Errorf("got %v", err)
	}
}
