// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Thousands of histories take seconds, so rapid's hundred are not enough. `-rapid.checks` still has the last word.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "3000"); err != nil {
		panic(err)
	}
	flag.Parse()
	os.Exit(m.Run())
}

const (
	testNamespace = "media"
	testSource    = "classroom"
)

var (
	fileResource = schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "recordingfiles"}
	taskResource = schema.GroupResource{Group: v1alpha1.GroupVersion.Group, Resource: "recordingtasks"}
)

// world is an API server in memory. What it stores goes through JSON, as in a real one.
type world struct {
	revision int
	files    map[string]*v1alpha1.RecordingFile
	tasks    map[string]*v1alpha1.RecordingTask
	// maxStarts is how many starts a task may have.
	maxStarts int
	// before is called before every call, and says how it fails.
	before func(call string) fault
	calls  int
}

// fault is how a call fails.
type fault int

const (
	faultNone fault = iota
	// faultLost is a request that never arrived.
	faultLost
	// faultUnheard is a write that was done, with its answer lost.
	faultUnheard
)

var errFault = errors.New("the API server is away")

func newWorld() *world {
	return &world{files: map[string]*v1alpha1.RecordingFile{}, tasks: map[string]*v1alpha1.RecordingTask{}, maxStarts: v1alpha1.MaxStarts,
		before: func(string) fault { return faultNone }}
}

// stored is an object as it comes back out of JSON.
func stored[T any](w *world, object *T, meta *metav1.ObjectMeta) *T {
	w.revision++
	meta.ResourceVersion = strconv.Itoa(w.revision)
	encoded, err := json.Marshal(object)
	if err != nil {
		panic(err)
	}
	decoded := new(T)
	if err := json.Unmarshal(encoded, decoded); err != nil {
		panic(err)
	}
	return decoded
}

func (w *world) storeFile(file *v1alpha1.RecordingFile) {
	file = file.DeepCopy()
	w.files[file.Name] = stored(w, file, &file.ObjectMeta)
}

func (w *world) storeTask(task *v1alpha1.RecordingTask) {
	task = task.DeepCopy()
	w.tasks[task.Name] = stored(w, task, &task.ObjectMeta)
}

// call does a call, unless it fails.
func (w *world) call(name string, do func() error) error {
	w.calls++
	fails := w.before(name)
	if fails == faultLost {
		return errFault
	}
	if err := do(); err != nil {
		return err
	}
	if fails == faultUnheard {
		return errFault
	}
	return nil
}

func (w *world) getFile(_ context.Context, _, name string) (file *v1alpha1.RecordingFile, err error) {
	err = w.call("get", func() error {
		known, ok := w.files[name]
		if !ok {
			return apierrors.NewNotFound(fileResource, name)
		}
		file = known.DeepCopy()
		return nil
	})
	return file, err
}

func (w *world) getTask(_ context.Context, _, name string) (task *v1alpha1.RecordingTask, err error) {
	err = w.call("get", func() error {
		known, ok := w.tasks[name]
		if !ok {
			return apierrors.NewNotFound(taskResource, name)
		}
		task = known.DeepCopy()
		return nil
	})
	return task, err
}

// ingester is one whose tasks have as many starts as the world's.
func (w *world) ingester() *Ingester {
	i := newIngester(w, Options{})
	i.maxStarts = w.maxStarts
	return i
}

func (w *world) create(_ context.Context, object client.Object) error {
	return w.call("create", func() error {
		switch object := object.(type) {
		case *v1alpha1.RecordingFile:
			if _, taken := w.files[object.Name]; taken {
				return apierrors.NewAlreadyExists(fileResource, object.Name)
			}
			w.storeFile(object)
		case *v1alpha1.RecordingTask:
			if _, taken := w.tasks[object.Name]; taken {
				return apierrors.NewAlreadyExists(taskResource, object.Name)
			}
			w.storeTask(object)
		}
		return nil
	})
}

func (w *world) patchFile(_ context.Context, read *v1alpha1.RecordingFile, to report) (answer *metav1.PartialObjectMetadata, err error) {
	err = w.call("patch", func() error {
		file, ok := w.files[read.Name]
		switch {
		case !ok:
			return apierrors.NewNotFound(fileResource, read.Name)
		case file.ResourceVersion != read.ResourceVersion:
			return apierrors.NewConflict(fileResource, read.Name, errors.New("it has changed"))
		}
		changed := file.DeepCopy()
		changed.Spec.TaskIDs, changed.Spec.Reported, changed.Spec.Discovered = to.taskIDs, to.reported, to.discovered
		if causes := smaller(identityOrZero(file.Spec.Reported), identityOrZero(changed.Spec.Reported), "spec.reported."); len(causes) > 0 {
			return refused(causes...)
		}
		w.storeFile(changed)
		answer = &metav1.PartialObjectMetadata{ObjectMeta: w.files[read.Name].ObjectMeta}
		return nil
	})
	return answer, err
}

func identityOrZero(reported *v1alpha1.ReportedRecording) v1alpha1.RecordingIdentity {
	if reported == nil {
		return v1alpha1.RecordingIdentity{}
	}
	return reported.RecordingIdentity
}

// patchTask is a merge patch with the rules of the definition.
func (w *world) patchTask(_ context.Context, _, name, resourceVersion, _ string, spec map[string]any) (answer *metav1.PartialObjectMetadata, err error) {
	err = w.call("patch", func() error {
		task, ok := w.tasks[name]
		if !ok {
			return apierrors.NewNotFound(taskResource, name)
		}
		if resourceVersion != "" && resourceVersion != task.ResourceVersion {
			return apierrors.NewConflict(taskResource, name, errors.New("it has changed"))
		}
		changed := task.DeepCopy()
		starts := maps.Clone(task.Spec.Starts)
		encoded, err := json.Marshal(spec)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(encoded, &changed.Spec); err != nil {
			return err
		}
		if starts != nil {
			maps.Copy(starts, changed.Spec.Starts)
			changed.Spec.Starts = starts
		}
		if len(changed.Spec.Starts) > w.maxStarts {
			return refused("spec.starts") // and no other rule is looked at
		}
		causes := smaller(task.Spec.RecordingIdentity, changed.Spec.RecordingIdentity, "spec.")
		if changed.Spec.SourceRef != task.Spec.SourceRef {
			causes = append(causes, "spec.sourceRef")
		}
		if changed.Spec.TaskID != task.Spec.TaskID {
			causes = append(causes, "spec.taskID")
		}
		if len(causes) > 0 {
			return refused(causes...)
		}
		w.storeTask(changed)
		answer = &metav1.PartialObjectMetadata{ObjectMeta: w.tasks[name].ObjectMeta}
		return nil
	})
	return answer, err
}

// smaller names the fields that a change makes smaller.
func smaller(before, after v1alpha1.RecordingIdentity, path string) (fields []string) {
	for _, field := range identityFields {
		if *field.of(&after) < *field.of(&before) {
			fields = append(fields, path+field.name)
		}
	}
	return fields
}

func refused(fields ...string) error {
	status := metav1.Status{Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid, Details: &metav1.StatusDetails{}}
	for _, field := range fields {
		status.Details.Causes = append(status.Details.Causes, metav1.StatusCause{Type: metav1.CauseTypeFieldValueInvalid, Field: field})
	}
	return &apierrors.StatusError{ErrStatus: status}
}

// metas are the metadata of all objects, files first, in the order of their names.
func (w *world) metas() []*metav1.ObjectMeta {
	var all []*metav1.ObjectMeta
	for _, name := range slices.Sorted(maps.Keys(w.files)) {
		all = append(all, &w.files[name].ObjectMeta)
	}
	for _, name := range slices.Sorted(maps.Keys(w.tasks)) {
		all = append(all, &w.tasks[name].ObjectMeta)
	}
	return all
}
