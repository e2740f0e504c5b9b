// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
)

// Trigger creates one object in the recording's namespace, for example an Argo Workflow, a Tekton PipelineRun or a Job, with
// the rights of the pipeline's triggerServiceAccountName. Its name is made of those of the file and the step.
//
// +kubebuilder:validation:XValidation:rule="!has(self.set) || self.set.all(s, !s.path.startsWith('/apiVersion') && !s.path.startsWith('/kind') && (!s.path.startsWith('/metadata') || s.path.startsWith('/metadata/labels/') || s.path.startsWith('/metadata/annotations/')))",message="set: a path cannot name apiVersion, kind or metadata other than labels and annotations",fieldPath=".set"
type Trigger struct {
	// object that is created. No text in it is replaced; set puts values into it.
	// +required
	Object *TriggerObject `json:"object,omitempty"`

	// set puts values into the object before it is created, in this order.
	// +optional
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MaxItems=16
	Set []TriggerValue `json:"set,omitempty"`

	// owned makes the RecordingFile an owner of the object, so that it is deleted with the file. Default: false.
	// +optional
	Owned bool `json:"owned,omitempty"`

	// wait says when the step is done. Absent: as soon as the object is created.
	// +optional
	Wait *TriggerWait `json:"wait,omitempty"`
}

// TriggerValue is one value that is put into an object.
type TriggerValue struct {
	// path is a JSON pointer (RFC 6901) to the place, for example /spec/arguments/parameters/0/value. Its parent must be in
	// the object; "-" as the last part appends to a list.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^(/([^/~\x00-\x1f\x7f-\x9f]|~[01])*)+$`
	Path string `json:"path"`

	// value is a CEL expression over recording and steps, as in when. Its value keeps its type: a number stays a number. A
	// step that it reads must have succeeded.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	Value string `json:"value"`
}

// TriggerWait says when the object is done, by CEL expressions over object, which is the object as the API server has it.
// Every field that may not be there yet is read with "?", as in object.?status.?phase.orValue(”).
type TriggerWait struct {
	// success is true when the object has succeeded.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	Success string `json:"success"`

	// failure is true when the object has failed for good. Absent: it never does, and the step ends by its timeout.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	Failure string `json:"failure,omitempty"`

	// message says why the object failed, as a string.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	Message string `json:"message,omitempty"`

	// results are read from an object that has succeeded. Other steps read them as steps.<name>.results.<result>.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Results []TriggerResult `json:"results,omitempty"`
}

// TriggerResult is one value that is read from an object.
type TriggerResult struct {
	// name of the result.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][a-zA-Z0-9_]*$`
	Name string `json:"name"`

	// value is a CEL expression over object that gives a string of at most 1024 bytes.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	Value string `json:"value"`
}

// TriggerObject is an object of any namespaced kind. Its metadata holds labels and annotations alone: the operator names
// the object, in the namespace of the RecordingFile.
//
// +kubebuilder:pruning:PreserveUnknownFields
type TriggerObject struct {
	// apiVersion of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=317
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[a-z0-9]+$`
	APIVersion string `json:"apiVersion"`

	// kind of the object.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9]*$`
	Kind string `json:"kind"`

	// metadata holds labels and annotations. Those with the prefix recording.sparkrtc.dev/ are the operator's.
	// +optional
	// +kubebuilder:validation:MaxProperties=2
	// +kubebuilder:validation:XValidation:rule="self.all(k, k == 'labels' || k == 'annotations')",message="metadata holds labels and annotations alone: the operator names the object, in the namespace of the RecordingFile"
	Metadata map[string]map[string]string `json:"metadata,omitempty"` //nolint:kubeapilinter // it is the metadata of Kubernetes, and anything but maps is refused

	// Fields are all others of the object.
	Fields map[string]runtime.RawExtension `json:"-"`
}

// The fields of a TriggerObject that have a Go field.
const (
	fieldAPIVersion = "apiVersion"
	fieldKind       = "kind"
	fieldMetadata   = "metadata"
)

// plainTriggerObject has no methods.
type plainTriggerObject TriggerObject

// MarshalJSON writes the declared fields and the others.
func (o TriggerObject) MarshalJSON() ([]byte, error) {
	all := make(map[string]any, len(o.Fields)+3)
	for name, value := range o.Fields {
		all[name] = value
	}
	all[fieldAPIVersion], all[fieldKind] = o.APIVersion, o.Kind
	if len(o.Metadata) > 0 {
		all[fieldMetadata] = o.Metadata
	}
	data, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("encode object: %w", err)
	}
	return data, nil
}

// UnmarshalJSON reads the declared fields and the others.
func (o *TriggerObject) UnmarshalJSON(data []byte) error {
	var plain plainTriggerObject
	if err := json.Unmarshal(data, &plain); err != nil {
		return fmt.Errorf("decode object: %w", err)
	}
	if err := json.Unmarshal(data, &plain.Fields); err != nil {
		return fmt.Errorf("decode object: %w", err)
	}
	for _, name := range []string{fieldAPIVersion, fieldKind, fieldMetadata} {
		delete(plain.Fields, name)
	}
	*o = TriggerObject(plain)
	return nil
}
