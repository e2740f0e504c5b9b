// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package trigger is what runs in the pod of a step of kind trigger: it creates one object with the rights of the pod's
// ServiceAccount, and waits until that object is done. It can die at any time and start over: the object's name is the
// lock, and an annotation says whose it is.
package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Kind is the name of the kind.
const Kind = "trigger"

// Trigger does one step's work.
type Trigger struct {
	// Step says what to do.
	Step workerapi.StepSpec
	// API is the API server.
	API API
	// Changed returns when the object may have changed, or after a while, or when ctx ends, whose cause it then returns.
	Changed func(ctx context.Context, object *unstructured.Unstructured) error
	// Log gets what happens.
	Log *slog.Logger
}

// API creates and reads one object. Its errors are failure.Errors, but for those of ctx.
type API interface {
	// Create creates an object, and returns it; nil: one of that name exists.
	Create(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error)
	// Get reads the object; nil: there is none.
	Get(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error)
}

// Settings reads the settings of a step.
func Settings(spec *workerapi.StepSpec) (*workerapi.TriggerSettings, *unstructured.Unstructured, error) {
	invalid := func(format string, args ...any) error {
		return failure.Permanent(workerapi.ReasonInvalidStep, format, args...)
	}
	if spec.Kind != Kind {
		return nil, nil, invalid("this program has no step kind %.40q; the operator and the trigger image must be of the same version", spec.Kind)
	}
	settings := &workerapi.TriggerSettings{}
	decoder := json.NewDecoder(bytes.NewReader(spec.Settings))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(settings); err != nil {
		return nil, nil, invalid("decode the settings: %w", err)
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(settings.Object); err != nil {
		return nil, nil, invalid("decode the object: %w", err)
	}
	if object.GetName() == "" || object.GetNamespace() == "" || settings.TriggeredBy == "" {
		return nil, nil, invalid("the object has no name or no namespace, or triggeredBy is empty")
	}
	return settings, object, nil
}

// Run creates the object, and waits for it.
func (t *Trigger) Run(ctx context.Context) (workerapi.Result, error) {
	settings, wanted, err := Settings(&t.Step)
	if err != nil {
		return workerapi.Result{}, err
	}
	object, err := t.create(ctx, wanted, settings.TriggeredBy)
	if err != nil {
		return workerapi.Result{}, err
	}
	result := workerapi.Result{Object: &v1alpha1.ObjectReference{
		APIVersion: object.GetAPIVersion(), Kind: object.GetKind(), Name: object.GetName(),
	}}
	if settings.Wait == nil {
		return result, nil
	}
	objects, err := expression.NewObjects()
	if err != nil {
		return result, err
	}
	if object, err = t.wait(ctx, objects, object, settings.Wait); err != nil {
		return result, err
	}
	result.Results, err = results(objects, object, settings.Wait.Results)
	return result, err
}

// create creates the object, or finds the one that an earlier attempt has created.
func (t *Trigger) create(ctx context.Context, wanted *unstructured.Unstructured, triggeredBy string) (*unstructured.Unstructured, error) {
	created, err := t.API.Create(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if created != nil {
		t.Log.Info("Created the object", "kind", created.GetKind(), "name", created.GetName(), "uid", created.GetUID())
		return created, nil
	}
	existing, err := t.API.Get(ctx, wanted)
	switch {
	case err != nil:
		return nil, err
	case existing == nil:
		return nil, failure.Transient(workerapi.ReasonObjectDeleted, "%s exists, and then does not", describe(wanted))
	case existing.GetAnnotations()[v1alpha1.AnnotationTriggeredBy] != triggeredBy:
		return nil, failure.Permanent(workerapi.ReasonObjectTaken,
			"%s exists, and this step did not create it: its annotation %s is another; delete it", describe(wanted), v1alpha1.AnnotationTriggeredBy)
	}
	t.Log.Info("Found the object that an earlier attempt has created", "kind", existing.GetKind(), "name", existing.GetName(), "uid", existing.GetUID())
	return existing, nil
}

// wait returns the object once it has succeeded.
func (t *Trigger) wait(ctx context.Context, objects *expression.Objects, object *unstructured.Unstructured, conditions *v1alpha1.TriggerWait) (*unstructured.Unstructured, error) {
	for uid := object.GetUID(); ; {
		done, err := isDone(objects, object, conditions)
		if err != nil {
			return nil, err
		}
		if done {
			return object, nil
		}
		if err := t.Changed(ctx, object); err != nil {
			return nil, err
		}
		if object, err = t.read(ctx, object, uid); err != nil {
			return nil, err
		}
	}
}

// read reads the object again. Another one of its name is not what was triggered.
func (t *Trigger) read(ctx context.Context, object *unstructured.Unstructured, uid types.UID) (*unstructured.Unstructured, error) {
	read, err := t.API.Get(ctx, object)
	if err != nil {
		return nil, err
	}
	if read == nil || read.GetUID() != uid {
		return nil, failure.Permanent(workerapi.ReasonObjectDeleted, "%s was deleted before it was done", describe(object))
	}
	return read, nil
}

// isDone says whether the object has succeeded. Its failure is an error.
func isDone(objects *expression.Objects, object *unstructured.Unstructured, conditions *v1alpha1.TriggerWait) (bool, error) {
	failed, err := objects.Bool(conditions.Failure, object.Object)
	if err != nil {
		return false, invalidExpression("failure", err)
	}
	if failed {
		said, err := objects.String(conditions.Message, object.Object)
		if err != nil {
			said = "wait.message: " + err.Error()
		}
		if said == "" {
			said = "it has failed"
		}
		return false, failure.Permanent(workerapi.ReasonObjectFailed, "%s: %s", describe(object), said)
	}
	succeeded, err := objects.Bool(conditions.Success, object.Object)
	if err != nil {
		return false, invalidExpression("success", err)
	}
	return succeeded, nil
}

// results reads the results from an object that has succeeded.
func results(objects *expression.Objects, object *unstructured.Unstructured, wanted []v1alpha1.TriggerResult) ([]v1alpha1.StepResult, error) {
	var read []v1alpha1.StepResult
	for _, result := range wanted {
		value, err := objects.String(result.Value, object.Object)
		if err != nil {
			return nil, invalidExpression("results["+result.Name+"].value", err)
		}
		if len(value) > workerapi.MaxResultValue {
			return nil, failure.Permanent(workerapi.ReasonResultTooLarge, "wait.results[%s] has %d bytes; at most %d are allowed", result.Name, len(value), workerapi.MaxResultValue)
		}
		read = append(read, v1alpha1.StepResult{Name: result.Name, Value: value})
	}
	encoded, err := json.Marshal(read)
	if err != nil {
		return nil, fmt.Errorf("encode the results: %w", err)
	}
	if len(encoded) > workerapi.MaxResults {
		return nil, failure.Permanent(workerapi.ReasonResultTooLarge, "wait.results have %d bytes together; at most %d are allowed", len(encoded), workerapi.MaxResults)
	}
	return read, nil
}

func invalidExpression(field string, err error) error {
	return failure.Permanent(workerapi.ReasonExpressionFailed, `wait.%s: %w; read a field that may not be there with "?", as in object.?status.?phase.orValue('')`, field, err)
}

// describe names an object for a person.
func describe(object *unstructured.Unstructured) string {
	return fmt.Sprintf("%s %q", object.GetKind(), object.GetName())
}

// pollInterval is how often an object is read that cannot be watched.
const pollInterval = 10 * time.Second
