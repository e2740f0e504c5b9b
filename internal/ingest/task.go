// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package ingest

import (
	"context"
	"errors"
	"maps"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

// taskKey is the identity of a RecordingTask.
type taskKey struct{ namespace, source, taskID string }

// taskUpdate is what STARTs and OVERs add to a task. Updates of one task are joined like reports.
type taskUpdate struct {
	identity v1alpha1.RecordingIdentity
	starts   map[string]v1alpha1.StartTimestamp
	ended    bool
	// keyID is that of a delivery, or the one that sorts last of several.
	keyID string
}

func updateOf(d Delivery) taskUpdate {
	u := taskUpdate{identity: identityOf(d.Event), ended: d.Event.Type == sparkrtc.Over, keyID: d.KeyID}
	if d.Event.Type == sparkrtc.Start {
		timestamp := d.Timestamp
		if text(timestamp, maxTimestamp) != timestamp {
			timestamp = "" // it is a hint for people only
		}
		u.starts = map[string]v1alpha1.StartTimestamp{d.startKey(): v1alpha1.StartTimestamp(timestamp)}
	}
	return u
}

// join joins two updates of one task.
func (u taskUpdate) join(other taskUpdate) taskUpdate {
	starts := maps.Clone(u.starts)
	if starts == nil {
		starts = map[string]v1alpha1.StartTimestamp{}
	}
	for key, timestamp := range other.starts {
		starts[key] = max(starts[key], timestamp)
	}
	return taskUpdate{identity: joinIdentity(u.identity, other.identity), starts: starts, ended: u.ended || other.ended,
		keyID: max(u.keyID, other.keyID)}
}

// spec is the merge patch of the task's spec. It names the task again: the API server refuses the patch when the name is
// another task's, because neither field can change.
func (u taskUpdate) spec(key taskKey) map[string]any {
	spec := map[string]any{"sourceRef": map[string]any{"name": key.source}, "taskID": key.taskID}
	for _, field := range identityFields {
		if value := *field.of(&u.identity); value != "" {
			spec[field.name] = value
		}
	}
	if len(u.starts) > 0 {
		spec["starts"] = u.starts
	}
	if u.ended {
		spec["ended"] = true
	}
	return spec
}

// beyond is what an update adds to a task that was read. It says whether starts were dropped because the task has as
// many as are kept.
func (u taskUpdate) beyond(spec *v1alpha1.RecordingTaskSpec, maxStarts int) (added taskUpdate, saturated bool) {
	added = taskUpdate{identity: u.identity, starts: map[string]v1alpha1.StartTimestamp{}, ended: u.ended && !spec.Ended, keyID: u.keyID}
	for _, field := range identityFields {
		if *field.of(&u.identity) <= *field.of(&spec.RecordingIdentity) {
			*field.of(&added.identity) = ""
		}
	}
	for key, timestamp := range u.starts {
		if _, known := spec.Starts[key]; !known {
			added.starts[key] = timestamp
		}
	}
	if saturated = len(spec.Starts)+len(added.starts) > maxStarts; saturated {
		added.starts = nil
	}
	return added, saturated
}

func (u taskUpdate) empty() bool {
	return u.identity == v1alpha1.RecordingIdentity{} && len(u.starts) == 0 && !u.ended
}

// identityFields are the fields that the API server joins: it lets a larger string in and refuses a smaller one.
var identityFields = []struct {
	name string
	of   func(*v1alpha1.RecordingIdentity) *string
}{
	{"app", func(i *v1alpha1.RecordingIdentity) *string { return &i.App }},
	{"room", func(i *v1alpha1.RecordingIdentity) *string { return &i.Room }},
	{"stream", func(i *v1alpha1.RecordingIdentity) *string { return &i.Stream }},
	{"format", func(i *v1alpha1.RecordingIdentity) *string { return &i.Format }},
}

// writeTask patches the task, and creates it when there is none.
func (i *Ingester) writeTask(ctx context.Context, key taskKey, update taskUpdate) (Result, error) {
	budget := calls{timeout: i.timeout}
	for _, name := range TaskNames(key.source, key.taskID) {
		outcome, err := i.writeTaskNamed(ctx, &budget, key, name, update)
		if err == errOtherIdentity { //nolint:errorlint // never wrapped
			continue
		}
		if err != nil {
			return Result{}, err
		}
		return Result{Outcome: outcome, Task: name}, nil
	}
	return Result{}, &Error{Kind: Invalid, Err: ErrNameTaken}
}

// errTooManyStarts says that the starts of several deliveries do not fit in together; some of them may.
var errTooManyStarts = errors.New("the starts do not fit in together")

// writeTaskNamed is writeTask for one of the names. On the ordinary path it patches without reading. When the API server
// refuses that (a string is smaller than the one it has, the task is saturated, or it is another one), the task is read,
// and what it lacks is added to just that task.
func (i *Ingester) writeTaskNamed(ctx context.Context, budget *calls, key taskKey, name string, update taskUpdate) (Outcome, error) {
	exists := true
	var refusal error
	for budget.left() {
		var outcome Outcome
		var err error
		switch {
		case !exists:
			outcome, err = Created, budget.do(ctx, func(ctx context.Context) error { return i.store.create(ctx, newTask(key, name, update)) })
		case refusal != nil:
			outcome, err = i.addToTask(ctx, budget, key, name, update, refusal)
		default:
			outcome, err = Updated, i.patchTask(ctx, budget, key, name, "", update)
		}
		switch {
		case err == nil:
			return outcome, nil
		case apierrors.IsAlreadyExists(err):
			exists = true
		case apierrors.IsNotFound(err) && exists:
			exists, refusal = false, nil
		case apierrors.IsConflict(err):
		case apierrors.IsInvalid(err) && exists && refusal == nil:
			refusal = err
		case err == errOtherIdentity, err == errTooManyStarts: //nolint:errorlint // never wrapped
			return "", err
		default:
			return "", classify(err)
		}
	}
	return "", &Error{Kind: Unavailable, Err: ErrBusy}
}

// addToTask reads the task and adds what it lacks.
func (i *Ingester) addToTask(ctx context.Context, budget *calls, key taskKey, name string, update taskUpdate, refusal error) (Outcome, error) {
	var task *v1alpha1.RecordingTask
	err := budget.do(ctx, func(ctx context.Context) error {
		var err error
		task, err = i.store.getTask(ctx, key.namespace, name)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case !task.DeletionTimestamp.IsZero():
		return "", ErrBeingDeleted
	case task.Spec.SourceRef.Name != key.source || task.Spec.TaskID != key.taskID:
		return "", errOtherIdentity
	}
	added, saturated := update.beyond(&task.Spec, i.maxStarts)
	outcome := Updated
	if saturated {
		outcome = Saturated
	}
	switch {
	case saturated && len(update.starts) > 1:
		return "", errTooManyStarts
	case added.empty():
		return outcome, nil
	case !budget.left():
		return "", ErrBusy
	}
	err = i.patchTask(ctx, budget, key, name, task.ResourceVersion, added)
	if apierrors.IsInvalid(err) {
		return "", &Error{Kind: Invalid, Err: errors.Join(err, refusal)}
	}
	return outcome, err
}

// patchTask adds to the task, provided that it is still as it was read when it was.
func (i *Ingester) patchTask(ctx context.Context, budget *calls, key taskKey, name, resourceVersion string, update taskUpdate) error {
	return budget.do(ctx, func(ctx context.Context) error {
		answer, err := i.store.patchTask(ctx, key.namespace, name, resourceVersion, update.keyID, update.spec(key))
		if err == nil && !answer.DeletionTimestamp.IsZero() {
			return ErrBeingDeleted
		}
		return err
	})
}

// newTask is the task that is created for an update.
func newTask(key taskKey, name string, update taskUpdate) *v1alpha1.RecordingTask {
	task := &v1alpha1.RecordingTask{
		ObjectMeta: metav1.ObjectMeta{Namespace: key.namespace, Name: name, Labels: map[string]string{v1alpha1.LabelSource: key.source}, Annotations: keyMark(update.keyID)},
		Spec: v1alpha1.RecordingTaskSpec{
			SourceRef: v1alpha1.LocalReference{Name: key.source}, TaskID: key.taskID,
			RecordingIdentity: update.identity, Ended: update.ended,
		},
	}
	if len(update.starts) > 0 {
		task.Spec.Starts = update.starts
	}
	return task
}

// NewTask is the task that the controller creates for a file whose task is not known. It says nothing else: the spec of
// a task must follow from its STARTs and OVERs alone.
func NewTask(namespace, source, taskID string) *v1alpha1.RecordingTask {
	return newTask(taskKey{namespace, source, taskID}, TaskNames(source, taskID)[0], taskUpdate{})
}
