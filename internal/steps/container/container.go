// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package container is the operator's side of the step kind container, which runs an image of the tenant's on a recording.
package container

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/pipeline"
	"sparkrtc.dev/recording-operator/internal/steps/job"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// Bounds of the values of params, in bytes: of one, and of all of a step. The worker reads all of them from one environment
// variable, which Linux bounds at 128 KiB, and where a byte may take six.
const (
	maxValue  = 4096
	maxValues = 16 << 10
)

// Kind is the kind.
type Kind struct{ job.Observer }

// Name is that of the field in v1alpha1.Step.
func (Kind) Name() string { return "container" }

// Is says whether the step is of this kind.
func (Kind) Is(step *v1alpha1.Step) bool { return step.Container != nil }

// MakesMedia is true when the first output is a video or sound. Whether it can be read shows when it is.
func (Kind) MakesMedia(step *v1alpha1.Step) bool {
	outputs := step.Container.Outputs
	return len(outputs) > 0 && (outputs[0].Kind == v1alpha1.ArtifactVideo || outputs[0].Kind == v1alpha1.ArtifactAudio)
}

// ReadsFiles is true: an image takes whatever it was made for.
func (Kind) ReadsFiles() bool { return true }

// Validate has nothing to add to what the API server checks. What params read is checked with the pipeline.
func (Kind) Validate(*v1alpha1.Step) error { return nil }

// Build builds the Job. The image is likely to write what it reads once more, decoded.
func (k Kind) Build(work *job.Work) (*batchv1.Job, *pipeline.Problem) {
	params, problem := valuesOf(work)
	if problem != nil {
		return nil, problem
	}
	container := work.Step.Container
	return job.Build(work, job.Kind{
		Name: k.Name(), Needs: job.Copying(3),
		Settings: workerapi.ContainerSettings{Outputs: container.Outputs, Results: container.Results, Params: params, Recording: document(work)},
		Main: &job.Main{
			Image: container.Image, Command: literal(container.Command), Args: literal(container.Args),
			Env: environment(container, params), Claims: claims(container.Volumes), User: container.RunAsUser,
		},
	})
}

// valuesOf evaluates the params. A container gets a value as a file and as an environment variable, which holds no NUL.
func valuesOf(work *job.Work) ([]workerapi.ParamValue, *pipeline.Problem) {
	var values []workerapi.ParamValue
	total := 0
	for _, param := range work.Step.Container.Params {
		value, err := work.Value(param.Value)
		if err != nil {
			return nil, refused(param.Name, "%v", err)
		}
		text, isText := value.(string)
		if !isText {
			encoded, err := json.Marshal(value)
			if err != nil {
				return nil, refused(param.Name, "%v", err)
			}
			text = string(encoded)
		}
		switch {
		case len(text) > maxValue:
			return nil, refused(param.Name, "the value has %d bytes; at most %d are allowed", len(text), maxValue)
		case total+len(text) > maxValues:
			return nil, refused(param.Name, "the values of all params have more than %d bytes together", maxValues)
		case strings.ContainsRune(text, 0):
			return nil, refused(param.Name, "the value holds a NUL, which no environment variable can")
		}
		total += len(text)
		values = append(values, workerapi.ParamValue{Name: param.Name, Value: text})
	}
	return values, nil
}

func refused(param, format string, args ...any) *pipeline.Problem {
	return &pipeline.Problem{
		Reason: v1alpha1.ReasonContainerInvalid, Message: fmt.Sprintf("container.params[%s]: "+format, append([]any{param}, args...)...), Final: true,
	}
}

// environment is that of the image: literals, Secrets and params.
func environment(container *v1alpha1.Container, params []workerapi.ParamValue) []corev1.EnvVar {
	var variables []corev1.EnvVar
	for _, variable := range container.Env {
		variables = append(variables, corev1.EnvVar{Name: string(variable.Name), Value: job.Literal(string(variable.Value))})
	}
	for _, secret := range container.Secrets {
		variables = append(variables, corev1.EnvVar{Name: string(secret.Name), ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: secret.SecretRef.Name}, Key: secret.SecretRef.Key,
		}}})
	}
	for _, param := range params {
		variables = append(variables, corev1.EnvVar{Name: workerapi.ParamVariable + strings.ToUpper(param.Name), Value: job.Literal(param.Value)})
	}
	return variables
}

func literal(arguments []v1alpha1.Argument) []string {
	var texts []string
	for _, argument := range arguments {
		texts = append(texts, job.Literal(string(argument)))
	}
	return texts
}

func claims(volumes []v1alpha1.ContainerVolume) []job.Claim {
	var made []job.Claim
	for _, volume := range volumes {
		made = append(made, job.Claim{Name: volume.Name, MountPath: volume.MountPath, ClaimName: volume.PersistentVolumeClaim.ClaimName})
	}
	return made
}

// document is recording.json.
func document(work *job.Work) workerapi.RecordingDocument {
	facts := work.Facts
	made := workerapi.RecordingDocument{
		Version:   workerapi.RecordingDocumentVersion,
		Namespace: work.File.Namespace, Name: work.File.Name, UID: string(work.File.UID), Step: work.Step.Name,
		Source: facts.Source, App: facts.App, Room: facts.Room, Stream: facts.Stream, Format: facts.Format, TaskIDs: facts.TaskIDs,
		Bucket: facts.Object.Bucket, Key: facts.Object.Key,
		StartTime: facts.StartTime, EndTime: facts.EndTime, DurationSeconds: facts.DurationSeconds,
		SizeBytes: facts.SizeBytes, Width: facts.Width, Height: facts.Height,
	}
	if made.Key == "" {
		made.URL = withoutQuery(facts.DownloadURL)
	}
	return made
}

// withoutQuery is a URL without what may be a secret: its query, its user and its fragment.
func withoutQuery(location string) string {
	parsed, err := url.Parse(location)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path, RawPath: parsed.RawPath}).String()
}
