// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RecordingPipelineSpec says what follows once a file is recorded.
//
// +kubebuilder:validation:XValidation:rule="self.steps.all(s, !has(s.dependsOn) || s.dependsOn.all(d, d != s.name && self.steps.exists(o, o.name == d)))",message="steps: dependsOn must name other steps of this pipeline",messageExpression="'steps: dependsOn must name other steps of this pipeline; step %s names %s'.format(self.steps.map(s, has(s.dependsOn) && s.dependsOn.exists(d, d == s.name || !self.steps.exists(o, o.name == d)), [s.name, s.dependsOn.filter(d, d == s.name || !self.steps.exists(o, o.name == d))[0]])[0])",fieldPath=".steps"
// +kubebuilder:validation:XValidation:rule="self.steps.all(s, !has(s.input) || s.input.step == 'recording' || (s.input.step != s.name && self.steps.exists(o, o.name == s.input.step)))",message="steps: input.step must name another step of this pipeline, or recording",messageExpression="'steps: input.step must name another step of this pipeline, or recording; step %s names %s'.format(self.steps.map(s, has(s.input) && s.input.step != 'recording' && (s.input.step == s.name || !self.steps.exists(o, o.name == s.input.step)), [s.name, s.input.step])[0])",fieldPath=".steps"
// +kubebuilder:validation:XValidation:rule="self.steps.all(s, !has(s.inputs) || s.inputs.all(i, i.step == 'recording' || (i.step != s.name && self.steps.exists(o, o.name == i.step))))",message="steps: inputs must name other steps of this pipeline, or recording",messageExpression="'steps: inputs must name other steps of this pipeline, or recording; step %s names %s'.format(self.steps.map(s, has(s.inputs) && s.inputs.exists(i, i.step != 'recording' && (i.step == s.name || !self.steps.exists(o, o.name == i.step))), [s.name, s.inputs.filter(i, i.step != 'recording' && (i.step == s.name || !self.steps.exists(o, o.name == i.step)))[0].step])[0])",fieldPath=".steps"
// +kubebuilder:validation:XValidation:rule="self.steps.all(s, !has(s.output) || self.steps.all(o, o.name == s.name || !has(o.output) || o.output != s.output || (has(s.output.path) && s.output.path.contains('{step}'))))",message="steps: two steps cannot publish to the same storageRef and path; put {step} into the path",fieldPath=".steps"
// +kubebuilder:validation:XValidation:rule="!has(self.finally) || self.finally.all(f, !self.steps.exists(s, s.name == f.name))",message="finally: a step of steps has the same name",messageExpression="'finally: a step of steps has the same name: %s'.format([self.finally.filter(f, self.steps.exists(s, s.name == f.name))[0].name])",fieldPath=".finally"
// +kubebuilder:validation:XValidation:rule="!has(self.finally) || self.finally.all(f, !has(f.dependsOn) && (!has(f.input) || f.input.step == 'recording' || self.steps.exists(s, s.name == f.input.step)) && (!has(f.inputs) || f.inputs.all(i, i.step == 'recording' || self.steps.exists(s, s.name == i.step))))",message="finally: a step here runs after all of steps; it has no dependsOn, and input.step and inputs name some of steps, or recording",fieldPath=".finally"
// +kubebuilder:validation:XValidation:rule="!has(self.finally) || self.finally.all(f, !has(f.output) || !has(f.output.path) || f.output.path.contains('{step}'))",message="finally: put {step} into output.path, so that no other step publishes there",fieldPath=".finally"
// +kubebuilder:validation:XValidation:rule="!has(self.finally) || self.finally.all(f, !has(f.approve))",message="finally: an approval here would hold nothing up; put it into steps",fieldPath=".finally"
// +kubebuilder:validation:XValidation:rule="has(self.triggerServiceAccountName) || !(self.steps.exists(s, has(s.trigger)) || (has(self.finally) && self.finally.exists(s, has(s.trigger))))",message="triggerServiceAccountName: a step of kind trigger needs a ServiceAccount whose name begins with recording-trigger",fieldPath=".triggerServiceAccountName"
// +kubebuilder:validation:XValidation:rule="!has(self.concurrency) || !has(self.concurrency.steps) || self.concurrency.steps.all(c, self.steps.exists(s, s.name == c.name) || (has(self.finally) && self.finally.exists(s, s.name == c.name)))",message="concurrency: steps must name steps of this pipeline",messageExpression="'concurrency: steps must name steps of this pipeline, and none is called %s'.format([self.concurrency.steps.filter(c, !self.steps.exists(s, s.name == c.name) && !(has(self.finally) && self.finally.exists(s, s.name == c.name)))[0].name])",fieldPath=".concurrency.steps"
// +kubebuilder:validation:XValidation:rule="!has(self.workloadPriorityClassName) || has(self.queueName)",message="workloadPriorityClassName: needs queueName, since it is Kueue that reads it",fieldPath=".workloadPriorityClassName"
type RecordingPipelineSpec struct {
	// steps to run: in each, exactly one of transcode, archive, thumbnails, trigger, container and approve must be set. Steps
	// run at the same time unless dependsOn, input, inputs or when orders them.
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Steps []Step `json:"steps,omitempty"`

	// finally are steps that run when every step of steps has ended, whatever became of it. They run at the same time. Their
	// when may read outcome, which is 'Succeeded' or 'Failed'.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=4
	Finally []Step `json:"finally,omitempty"`

	// triggerServiceAccountName is the ServiceAccount that steps of kind trigger create their objects with. A person
	// who names it needs the verb impersonate on that account.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^recording-trigger(-[a-z0-9]([-a-z0-9]*[a-z0-9])?)?$`
	TriggerServiceAccountName string `json:"triggerServiceAccountName,omitempty"`

	// defaults for the steps that do not say otherwise, those of finally included.
	// +optional
	Defaults *StepSettings `json:"defaults,omitempty"`

	// concurrency bounds what runs of the pipeline at once. Files that wait are bounded by it as it is now, not as it was
	// when their processing began.
	// +optional
	Concurrency *PipelineConcurrency `json:"concurrency,omitempty"`

	// queueName is a LocalQueue of Kueue in the same namespace: every Job of the pipeline gets the label
	// kueue.x-k8s.io/queue-name, and Kueue says when it runs. The operator never suspends or resumes such a Job, so that
	// spec.suspend of a file only keeps further Jobs from being created.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	QueueName string `json:"queueName,omitempty"`

	// workloadPriorityClassName is a WorkloadPriorityClass of Kueue: the label kueue.x-k8s.io/priority-class of every Job.
	// It decides the order in the queue, and nothing about the pods.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$`
	WorkloadPriorityClassName string `json:"workloadPriorityClassName,omitempty"`

	// ttlAfterFinished is how long a step's finished Job and its logs are kept. What became of the step is kept
	// in the RecordingFile's status.
	// Default: 24h.
	// +optional
	// +kubebuilder:default="24h"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule="self.matches('^([0-9]+([.][0-9]+)?(ns|us|ms|s|m|h))+$') && duration(self) >= duration('10m') && duration(self) <= duration('8760h')",message="ttlAfterFinished must be from 10m to 8760h, in hours, minutes and seconds, for example 36h or 1h30m; a shorter one could remove the Job before its outcome is read"
	TTLAfterFinished *metav1.Duration `json:"ttlAfterFinished,omitempty"`
}

// PipelineConcurrency bounds what runs of a pipeline at once.
type PipelineConcurrency struct {
	// files is how many files have a Job that runs. A file that has none does not count, whatever it waits for. Absent: as
	// many as the other limits allow.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	Files *int32 `json:"files,omitempty"`

	// steps says of single steps how many of their Jobs run, over all files.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=20
	Steps []StepConcurrency `json:"steps,omitempty"`
}

// StepConcurrency bounds the Jobs of one step.
type StepConcurrency struct {
	// name of the step, in steps or finally.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`
	// jobs is how many of them run at once.
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100000
	Jobs int32 `json:"jobs"`
}

// Step is one thing to do with a file. It runs as one Job, but for approve. Exactly one of transcode, archive, thumbnails,
// trigger, container and approve must be set.
//
// +kubebuilder:validation:XValidation:rule="(has(self.transcode) ? 1 : 0) + (has(self.archive) ? 1 : 0) + (has(self.thumbnails) ? 1 : 0) + (has(self.trigger) ? 1 : 0) + (has(self.container) ? 1 : 0) + (has(self.approve) ? 1 : 0) == 1",message="exactly one of transcode, archive, thumbnails, trigger, container and approve must be set; without settings, write archive: {}"
// +kubebuilder:validation:XValidation:rule="!has(self.archive) || !has(self.input)",message="input: archive keeps the recording itself and takes no input",fieldPath=".input"
// +kubebuilder:validation:XValidation:rule="!has(self.inputs) || has(self.container)",message="inputs: only container works on several inputs; other kinds take input",fieldPath=".inputs"
// +kubebuilder:validation:XValidation:rule="!has(self.inputs) || !has(self.input)",message="input and inputs cannot both be set",fieldPath=".inputs"
// +kubebuilder:validation:XValidation:rule="has(self.output) || has(self.trigger) || has(self.approve)",message="output: say where the results are published",fieldPath=".output"
// +kubebuilder:validation:XValidation:rule="!has(self.trigger) || (!has(self.output) && !has(self.input))",message="trigger reads and publishes no file and takes neither input nor output; give it dependsOn, or read steps.<name> in set",fieldPath=".trigger"
// +kubebuilder:validation:XValidation:rule="!has(self.approve) || !(has(self.output) || has(self.input) || has(self.retries) || has(self.timeout) || has(self.timeoutFactor) || has(self.resources) || has(self.nodeSelector) || has(self.tolerations) || has(self.priorityClassName))",message="approve has neither a Job nor files: beside it only dependsOn, when, optional and background can be set; how long it waits is approve.timeout",fieldPath=".approve"
type Step struct {
	// name of the step, a part of the Job's name; not recording, which as an input is the recording itself.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:XValidation:rule="self != 'recording'",message="recording is the name of the recording itself as an input; give the step another name"
	Name string `json:"name"`

	// transcode makes an MP4 of the recording. Exactly one of transcode, archive, thumbnails, trigger, container and approve
	// must be set.
	// +optional
	Transcode *Transcode `json:"transcode,omitempty"`

	// archive copies the recording as it is; an HLS set whole. It has no fields of its own: write archive: {}.
	// +optional
	Archive *Archive `json:"archive,omitempty"`

	// thumbnails makes still pictures of the recording. At least one of its times, percentages and poster must be set.
	// +optional
	Thumbnails *Thumbnails `json:"thumbnails,omitempty"`

	// trigger creates an object in the cluster, for example an Argo Workflow.
	// +optional
	Trigger *Trigger `json:"trigger,omitempty"`

	// container runs an image of your own, for example to make captions.
	// +optional
	Container *Container `json:"container,omitempty"`

	// approve waits for a person, who decides with "kubectl recordings approve". It has no Job.
	// +optional
	Approve *Approve `json:"approve,omitempty"`

	// dependsOn names the steps that must have ended before this one starts. When one of them has not succeeded, this step
	// is skipped, unless when reads that step and so decides for itself.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=15
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=24
	// +kubebuilder:validation:items:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	DependsOn []string `json:"dependsOn,omitempty"`

	// input says what the step works on; absent: the recording itself.
	// +optional
	Input *StepInput `json:"input,omitempty"`

	// inputs say of a step of kind container that it works on the outputs of several steps, or on the recording and outputs of
	// steps, in this order. Each may lie in a StorageLocation of its own. Absent: input says it.
	// +optional
	// +listType=map
	// +listMapKey=step
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=4
	Inputs []StepInput `json:"inputs,omitempty"`

	// when is a CEL expression over recording and steps; the step is skipped when it is false. recording has the fields that
	// a route has. steps.<name> is a step that is waited for as if dependsOn named it, with state ('Succeeded', 'Failed' or
	// 'Skipped'), reason, integrity ('Intact', 'Damaged', 'Unknown' or ''), and outputs, each with name, uri, bucket, key,
	// mediaType, size, kind and language. For example: steps.remux.state == 'Failed' && steps.remux.reason == 'RecordingChanged'. When the
	// outcome depends on a fact that nobody reported, the step runs.
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	When string `json:"when,omitempty"`

	// output says where the results are published. Every kind of step but trigger needs it.
	// +optional
	Output *StepOutput `json:"output,omitempty"`

	// These replace the pipeline's defaults.
	StepSettings `json:",inline"`

	// optional says that the file succeeds even when this step fails.
	// +optional
	Optional bool `json:"optional,omitempty"`

	// background says that the file is Ready without waiting for this step. The condition Processed waits for it.
	// +optional
	Background bool `json:"background,omitempty"`
}

// InputRecording names, among the inputs of a step, the recording itself. No step has this name.
const InputRecording = "recording"

// InputNames name what the step works on, in its order: steps, or InputRecording. None: the step says nothing, and if it
// reads files, it works on the recording.
func (s *Step) InputNames() []string {
	var names []string
	if s.Input != nil {
		names = append(names, s.Input.Step)
	}
	for i := range s.Inputs {
		names = append(names, s.Inputs[i].Step)
	}
	return names
}

// InputSteps are the steps whose outputs the step works on, in their order.
func (s *Step) InputSteps() []string {
	return slices.DeleteFunc(s.InputNames(), func(name string) bool { return name == InputRecording })
}

// ReadsRecording says that the step, if it reads files, works on the recording itself, alone or among others.
func (s *Step) ReadsRecording() bool {
	names := s.InputNames()
	return len(names) == 0 || slices.Contains(names, InputRecording)
}

// ValueExpressions are the CEL expressions whose values the step needs before it starts.
func (s *Step) ValueExpressions() []string {
	var expressions []string
	if s.Trigger != nil {
		for i := range s.Trigger.Set {
			expressions = append(expressions, s.Trigger.Set[i].Value)
		}
	}
	if s.Container != nil {
		for i := range s.Container.Params {
			expressions = append(expressions, s.Container.Params[i].Value)
		}
	}
	return expressions
}

// StepInput says what a step works on.
type StepInput struct {
	// step whose output is the input; it is waited for as if dependsOn named it. Or recording: the recording itself.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=24
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Step string `json:"step"`
}

// StepOutput says where a step's results are published.
type StepOutput struct {
	// storageRef names the StorageLocation that results are written to.
	// +required
	StorageRef LocalReference `json:"storageRef,omitzero"`

	// path is the folder within the StorageLocation. {namespace}, {source}, {app}, {task}, {room}, {stream}, {format},
	// {file} (the RecordingFile's name), {step}, {start} (20210428T085657Z) and {date} (2021-04-28) are replaced;
	// what cannot stand in a path is replaced by an underscore. A folder that holds another recording's output is never
	// written to.
	// What is not known becomes "unknown". Default: {room}/{stream}/{start}-{file}/{step}/.
	// +optional
	// +kubebuilder:default="{room}/{stream}/{start}-{file}/{step}/"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && !self.contains('\\\\') && self.split('/').all(p, p != '..' && p != '.')",message="path must be relative, without . and .. and backslashes"
	// +kubebuilder:validation:XValidation:rule="self.matches('^([^{}]|[{](namespace|source|app|task|room|stream|format|file|step|start|date)[}])*$')",message="path has an unknown {placeholder}; known are namespace, source, app, task, room, stream, format, file, step, start, date"
	// +kubebuilder:validation:XValidation:rule="!self.matches('\\\\p{Cc}')",message="must not contain control characters"
	Path string `json:"path,omitempty"`
}

// RecordingPipelineStatus is what the operator found about a pipeline.
type RecordingPipelineStatus struct {
	// conditions of the pipeline. Ready says whether its steps can be run in some order and its storage locations exist.
	// +optional
	// +listType=map
	// +listMapKey=type
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the generation that the status speaks of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`
}

// RecordingPipeline says what follows once a file is recorded.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=rpl,categories=recordings-all
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Status",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="self.metadata.name.size() <= 63",message="metadata.name: must be at most 63 characters, because it becomes a label"
type RecordingPipeline struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says what follows once a file is recorded.
	// +required
	Spec RecordingPipelineSpec `json:"spec,omitzero"`
	// status is what the operator found about the pipeline.
	// +optional
	Status RecordingPipelineStatus `json:"status,omitempty,omitzero"`
}

// RecordingPipelineList is a list of RecordingPipelines.
//
// +kubebuilder:object:root=true
type RecordingPipelineList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []RecordingPipeline `json:"items"`
}
