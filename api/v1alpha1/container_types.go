// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package v1alpha1

// Container runs an image of your own on a recording or on what another step has published, without credentials for either:
// the operator's worker fetches before it and publishes after it. A person who writes it needs the right to create pods in
// the namespace.
//
// The container finds /recording/input/<n>-<step>/, /recording/recording.json, /recording/inputs.json and /recording/params/
// (read-only), and writes its files to /recording/output/ and its results to /recording/results/<name>. It may write to /tmp
// as well. Exit code 0 means done, 65 that another attempt cannot succeed, 77 that there is nothing to do; anything else is
// tried again. The last lines of its log become the step's message when it fails.
//
// +kubebuilder:validation:XValidation:rule="!has(self.env) || !has(self.secrets) || self.env.all(e, !self.secrets.exists(s, s.name == e.name))",message="secrets: env has the same name",fieldPath=".secrets"
// +kubebuilder:validation:XValidation:rule="!has(self.volumes) || self.volumes.all(v, self.volumes.exists_one(o, o.mountPath == v.mountPath))",message="volumes: two volumes cannot have the same mountPath",fieldPath=".volumes"
type Container struct {
	// image that runs, with its tag or digest. Private registries need imagePullSecrets in the namespace's ServiceAccount
	// default.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:Pattern=`^[a-zA-Z0-9]([-a-zA-Z0-9._/:@]*[a-zA-Z0-9])?$`
	Image string `json:"image"`

	// command replaces the image's entrypoint. No text in it is replaced, $(NAME) neither.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=32
	Command []Argument `json:"command,omitempty"`

	// args are the arguments, instead of the image's. No text in them is replaced, $(NAME) neither.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Args []Argument `json:"args,omitempty"`

	// env are environment variables. No text in their values is replaced.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=32
	Env []ContainerVariable `json:"env,omitempty"`

	// params are values of the recording and of other steps. Each is a file /recording/params/<name> and an environment
	// variable RECORDING_PARAM_<NAME>, in upper case.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Params []ContainerParam `json:"params,omitempty"`

	// secrets are environment variables from Secrets of the namespace.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=16
	Secrets []ContainerSecret `json:"secrets,omitempty"`

	// volumes that the container reads, for example models.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Volumes []ContainerVolume `json:"volumes,omitempty"`

	// outputs are the files that the container writes below /recording/output and the step publishes, in this order. Any other
	// file there, and anything that is no regular file, fails the step.
	// +required
	// +listType=map
	// +listMapKey=path
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Outputs []ContainerOutput `json:"outputs,omitempty"`

	// results are short texts that the container writes to /recording/results/<name>. Other steps read them as
	// steps.<name>.results.<result>.
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=8
	Results []ContainerResult `json:"results,omitempty"`

	// runAsUser is the user that the container runs as, never root. Its group is 65532, which may write the outputs.
	// Default: 65532.
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=2147483647
	RunAsUser *int64 `json:"runAsUser,omitempty"`
}

// Argument is one argument of a command.
//
// +kubebuilder:validation:MaxLength=4096
// +kubebuilder:validation:Pattern=`^[^\x00-\x08\x0b-\x1f\x7f-\x9f]*$`
type Argument string

// VariableName is the name of an environment variable. Those that begin with RECORDING_ are the operator's.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=64
// +kubebuilder:validation:Pattern=`^[A-Za-z_][A-Za-z0-9_]*$`
// +kubebuilder:validation:XValidation:rule="!self.startsWith('RECORDING_')",message="must not begin with RECORDING_: the operator sets these variables"
type VariableName string

// ContainerVariable is an environment variable.
type ContainerVariable struct {
	// name of the variable.
	// +required
	Name VariableName `json:"name"`

	// value of the variable, as it is.
	// +optional
	Value Argument `json:"value,omitempty"`
}

// ContainerParam is a value that a container reads.
type ContainerParam struct {
	// name of the param, in lower case.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z][a-z0-9_]*$`
	Name string `json:"name"`

	// value is a CEL expression over recording and steps, as in when. A string stays as it is, anything else becomes JSON; at
	// most 4096 bytes. A step that it reads must have succeeded.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule="!self.matches('[\\\\x00-\\\\x08\\\\x0b-\\\\x1f\\\\x7f-\\\\x9f]')",message="must not contain control characters but tabs and newlines"
	Value string `json:"value"`
}

// ContainerSecret is an environment variable from a Secret.
type ContainerSecret struct {
	// name of the variable.
	// +required
	Name VariableName `json:"name"`

	// secretRef names the key of a Secret.
	// +required
	SecretRef SecretKeyReference `json:"secretRef,omitzero"`
}

// ContainerVolume is a volume that a container reads.
type ContainerVolume struct {
	// name of the volume.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Name string `json:"name"`

	// mountPath is where the container finds the volume.
	// +required
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^(/[^/:\x00-\x1f\x7f-\x9f]+)+$`
	// +kubebuilder:validation:XValidation:rule="self.split('/').all(p, p != '..' && p != '.')",message="mountPath must be without . and .."
	// +kubebuilder:validation:XValidation:rule="self != '/tmp' && ['/recording', '/proc', '/sys', '/dev'].all(p, self != p && !self.startsWith(p + '/'))",message="mountPath cannot be /tmp, and cannot lie in /recording, /proc, /sys or /dev"
	MountPath string `json:"mountPath"`

	// persistentVolumeClaim that is mounted read-only.
	// +required
	PersistentVolumeClaim ContainerClaim `json:"persistentVolumeClaim,omitzero"`
}

// ContainerClaim names a PersistentVolumeClaim.
type ContainerClaim struct {
	// claimName is the name of the PersistentVolumeClaim in the pipeline's namespace.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	ClaimName string `json:"claimName"`
}

// ContainerOutput are files that a container writes.
type ContainerOutput struct {
	// path below /recording/output, for example captions.vtt. In it, * stands for any characters but a slash, and ? for one:
	// words-*.json.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[^\x00-\x1f\x7f-\x9f\\\[\]]+$`
	// +kubebuilder:validation:XValidation:rule="!self.startsWith('/') && self.split('/').all(p, p != '..' && p != '.' && p != '')",message="path must be relative, without . and .. and empty parts"
	// +kubebuilder:validation:XValidation:rule="self != 'manifest.json' && self != '.recording-claim'",message="path: the step publishes a file of this name itself"
	Path string `json:"path"`

	// kind of the files: Video, Audio, Image, Subtitles or Data. Transcode and thumbnails take a Video or Audio as their
	// input; a step of kind container takes any.
	// +required
	Kind ArtifactKind `json:"kind,omitempty"`

	// language of the files as a BCP 47 tag, for example en or zh-Hans.
	// +optional
	// +kubebuilder:validation:MaxLength=35
	// +kubebuilder:validation:Pattern=`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`
	Language string `json:"language,omitempty"`

	// optional says that the step succeeds without such a file.
	// +optional
	Optional bool `json:"optional,omitempty"`
}

// ContainerResult is a short text that a container writes.
type ContainerResult struct {
	// name of the result, and of its file. The text has at most 1024 bytes of UTF-8; line breaks at its end are dropped.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:Pattern=`^[a-zA-Z][a-zA-Z0-9_]*$`
	Name string `json:"name"`
}

// ArtifactKind says what a file is for.
// +kubebuilder:validation:Enum=Video;Audio;Image;Subtitles;Data
type ArtifactKind string

// Kinds of artifacts.
const (
	// ArtifactVideo has a moving picture, with or without sound.
	ArtifactVideo ArtifactKind = "Video"
	// ArtifactAudio is sound alone.
	ArtifactAudio ArtifactKind = "Audio"
	// ArtifactImage is a still picture.
	ArtifactImage ArtifactKind = "Image"
	// ArtifactSubtitles are subtitles or captions.
	ArtifactSubtitles ArtifactKind = "Subtitles"
	// ArtifactData is anything else.
	ArtifactData ArtifactKind = "Data"
)
