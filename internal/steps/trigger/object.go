// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package trigger

import (
	"encoding/json"
	"fmt"
	"maps"

	"github.com/go-openapi/jsonpointer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps/job"
)

// maxObject bounds the object, in bytes of JSON: it is part of the pod's environment.
const maxObject = 64 << 10

func refused(format string, args ...any) *pipeline.Problem {
	return &pipeline.Problem{Reason: v1alpha1.ReasonTriggerInvalid, Message: fmt.Sprintf(format, args...), Final: true}
}

// build makes the object that the pod creates: the pipeline's, with the values, and with the name and marks that are ours.
func build(work *job.Work) (json.RawMessage, *pipeline.Problem) {
	trigger := work.Step.Trigger
	encoded, err := json.Marshal(trigger.Object)
	if err != nil {
		return nil, refused("trigger.object: %v", err)
	}
	fields := map[string]any{}
	if err := utiljson.Unmarshal(encoded, &fields); err != nil {
		return nil, refused("trigger.object: %v", err)
	}
	if problem := setValues(work, fields); problem != nil {
		return nil, problem
	}
	object := &unstructured.Unstructured{Object: fields}
	mark(work, object)
	finished, err := json.Marshal(object.Object)
	if err != nil {
		return nil, refused("trigger.object: %v", err)
	}
	if len(finished) > maxObject {
		return nil, refused("trigger.object has %d bytes with its values; at most %d are allowed", len(finished), maxObject)
	}
	return finished, nil
}

// setValues puts the values in. They keep their types, so that whatever they hold stays data.
func setValues(work *job.Work, fields map[string]any) *pipeline.Problem {
	for _, set := range work.Step.Trigger.Set {
		value, err := work.Value(set.Value)
		if err != nil {
			return refused("trigger.set[%s].value: %v", set.Path, err)
		}
		pointer, err := jsonpointer.New(set.Path)
		if err == nil {
			_, err = pointer.Set(fields, value)
		}
		if err != nil {
			return refused("trigger.set[%s].path: %v", set.Path, err)
		}
	}
	return nil
}

// mark gives the object its name, and says whom it belongs to. The API server refuses a metadata with more than labels and
// annotations; what else may be there is dropped here too.
func mark(work *job.Work, object *unstructured.Unstructured) {
	labels, annotations := object.GetLabels(), object.GetAnnotations()
	delete(object.Object, "metadata")
	object.SetName(name(work))
	object.SetNamespace(work.File.Namespace)
	object.SetLabels(with(labels, map[string]string{
		v1alpha1.LabelFile: work.File.Name, v1alpha1.LabelStep: work.Step.Name,
	}))
	object.SetAnnotations(with(annotations, map[string]string{v1alpha1.AnnotationTriggeredBy: triggeredBy(work)}))
	if work.Step.Trigger.Owned {
		object.SetOwnerReferences([]metav1.OwnerReference{{
			APIVersion: v1alpha1.GroupVersion.String(), Kind: "RecordingFile", Name: work.File.Name, UID: work.File.UID,
			// The account may lack the right to the file's finalizers, which a blocking owner would need.
			BlockOwnerDeletion: new(false),
		}})
	}
}

// name is another one than that of the step's own Job: the object may be a Job too. A step that is tried again finds the
// object that it created before.
func name(work *job.Work) string {
	return job.Name(work.File, &pipeline.Start{Step: work.Step, Run: work.Run, InputDigest: "object of " + work.InputDigest})
}

// triggeredBy tells one step of one run of one file from all others. The pod finds the object that an earlier attempt
// created by it.
func triggeredBy(work *job.Work) string {
	return fmt.Sprintf("%s/%s/%d/%s", work.File.UID, work.Step.Name, work.Run, work.InputDigest)
}

// with is a copy of a map with more in it.
func with(one, more map[string]string) map[string]string {
	all := maps.Clone(one)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, more)
	return all
}
