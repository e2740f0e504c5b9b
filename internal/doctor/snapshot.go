// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// Read is a part of a snapshot, or the reason why it could not be read.
type Read[T any] struct {
	Value T
	Err   error
}

// UnreadError says why a part of a snapshot could not be read, and what would make it readable.
type UnreadError struct {
	Reason string
	// Fix is a command, or empty.
	Fix string
}

func (e *UnreadError) Error() string { return e.Reason }

// Snapshot is what a cluster looked like at one time. It holds no Secret.
type Snapshot struct {
	// Now is this machine's time.
	Now time.Time
	// Plugin is the version of the plugin.
	Plugin string
	// OperatorNamespace is where the operator runs.
	OperatorNamespace string
	// Manifests are what this version installs.
	Manifests Manifests

	Server      Read[Server]
	Definitions Read[[]Definition]
	Workloads   Read[[]Workload]
	// StepImages are those of the ConfigMap recording-operator-images, by its keys.
	StepImages Read[map[string]string]
	// Lease is the leader's; nil: nobody leads.
	Lease    Read[*coordinationv1.Lease]
	Policies Read[[]Policy]
	// Rights are those that the operator's accounts should have, and SecretRights that to read Secrets in each namespace
	// with recordings.
	Rights, SecretRights Read[[]Right]

	Sources   Read[[]v1alpha1.RecordingSource]
	Locations Read[[]v1alpha1.StorageLocation]
	Pipelines Read[[]v1alpha1.RecordingPipeline]
	// Unfinished are RecordingFiles that are not done. Where there are more than MaxUnfinished, it has those, and Err says so.
	Unfinished Read[[]v1alpha1.RecordingFile]
	// Rejected counts the RejectedCallbacks that are not stored yet, by RecordingSource. It is bounded as Unfinished is.
	Rejected Read[map[types.NamespacedName]int]
	Keys     []Key
	// Namespaces are that of the operator, and those that have sources or locations.
	Namespaces []Namespace
	Webhooks   Read[[]Webhook]

	// ServiceCallbacks went through the Service, URLCallbacks to the public URL. Sources that no key signs for are not among
	// them: Keys says why.
	ServiceCallbacks, URLCallbacks []Callback
	// Metrics are those of the receiver's replicas.
	Metrics Read[[]PodMetrics]

	// Installer are the rights that installing needs, and Nodes those that pods can run on. Both are read before installing
	// alone.
	Installer Read[[]Right]
	Nodes     Read[[]Node]
}

// MaxUnfinished bounds how many RecordingFiles, and how many RejectedCallbacks, a snapshot is made of.
const MaxUnfinished = 5000

// Manifests are what a version of the operator installs.
type Manifests struct {
	Definitions []Definition
	// Policies are the names of the admission policies.
	Policies []string
}

// Server is the API server.
type Server struct {
	// Version is such as v1.37.2; Minor is its second number.
	Version string
	Minor   int
	// Skew is the API server's clock minus this machine's, in whole seconds.
	Skew time.Duration
}

// Definition is a CustomResourceDefinition.
type Definition struct {
	// Name is such as recordingfiles.recording.sparkrtc.dev.
	Name string
	// Established says that the API server serves it; Problem says why it does not.
	Established bool
	Problem     string
	// Served says that the version of this plugin is served, and Fields are the paths of its fields, sorted.
	Served bool
	Fields []string
}

// Component is a process of the operator: the value of the label app.kubernetes.io/component.
type Component string

const (
	// Manager is the controller manager.
	Manager Component = "manager"
	// Receiver takes callbacks.
	Receiver Component = "receiver"
)

// Workload is the Deployment or StatefulSet of a process.
type Workload struct {
	Component Component
	// Kind is Deployment or StatefulSet.
	Kind, Name string
	Image      string
	// Namespaces are those that the process works in; empty means all.
	Namespaces []string
	// TLS says that a receiver serves HTTPS itself.
	TLS bool
	// Wanted and Ready count replicas.
	Wanted, Ready int32
	Pods          []Pod
}

// Pod is a replica of a process.
type Pod struct {
	Name string
	// Problem says why it is not ready, in Kubernetes' words; empty when it is.
	Problem string
	// Restarts are those of its containers together.
	Restarts int32
}

// Policy is a ValidatingAdmissionPolicy.
type Policy struct {
	Name string
	// Denies says that a binding enforces it.
	Denies bool
}

// Right is something that an account should be allowed.
type Right struct {
	// Account is that of a service account, as NAMESPACE/NAME; empty for the plugin's user.
	Account string
	// Namespace is empty for the whole cluster.
	Namespace             string
	Verb, Group, Resource string
	// Name is that of the one object that it is about; empty for all.
	Name    string
	Allowed bool
}

// KeyState is what a callback key is found to be.
type KeyState string

const (
	// KeyUsable means that callbacks can be verified with it.
	KeyUsable KeyState = "Usable"
	// KeyNoSecret means that its Secret does not exist.
	KeyNoSecret KeyState = "NoSecret"
	// KeyMissing means that its Secret does not have it.
	KeyMissing KeyState = "Missing"
	// KeyInvalid means that it cannot be a key of the service's.
	KeyInvalid KeyState = "Invalid"
)

// Key is a callback key of a source. It does not hold the key itself.
type Key struct {
	Source types.NamespacedName
	// Index is its place in spec.callback.keys.
	Index int
	Ref   v1alpha1.SecretKeyReference
	State Read[KeyState]
	// Problem says what is wrong with an invalid key, without telling any of it.
	Problem string
}

// Namespace is one that the operator has to do with.
type Namespace struct {
	Name string
	// Operator says that the operator runs there. Recordings says that there are sources or locations.
	Operator, Recordings bool
	Labels               Read[map[string]string]
	Quotas               Read[[]corev1.ResourceQuota]
}

// Webhook is an admission webhook that is called for the operator's kinds.
type Webhook struct {
	// Kind and Name are those of its configuration, and Webhook is its name therein.
	Kind, Name, Webhook string
	Timeout             time.Duration
	// Required says that a request fails when the webhook does not answer.
	Required bool
}

// Callback is a signed callback that stores nothing, and what came back.
type Callback struct {
	Source types.NamespacedName
	// Target is where it was sent.
	Target string
	Code   int
	// Operator says that it was the operator that answered; Result is its word.
	Operator bool
	Result   string
	// Skew is the answerer's clock minus this machine's, in whole seconds; nil when it did not say.
	Skew *time.Duration
	Took time.Duration
	Err  error
}

// PodMetrics are some metrics of a pod.
type PodMetrics struct {
	Pod string
	// Values are the sums over the series of a metric, by its name.
	Values map[string]float64
	Err    error
}

// Node is a node that pods can run on.
type Node struct{ Name, OS, Architecture string }
