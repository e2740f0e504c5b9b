// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
	"sparkrtc.dev/recording-operator/internal/doctor/gather"
)

const (
	// maxObjects bounds the objects of a kind in a namespace.
	maxObjects = 1000
	// maxLog bounds the log of a container, from its end.
	maxLog      = 4 << 20
	maxLogLines = 5000
	// logTimeout bounds the reading of one log.
	logTimeout = 10 * time.Second
)

const readme = `What "kubectl recordings debug" found. Read it before you send it to anybody.

  doctor.json             what "kubectl recordings doctor" found
  secrets.yaml            names and keys of Secrets, without values
  namespaces/NS/*.yaml    objects, by kind
  logs/POD/CONTAINER.log  logs of the operator
  missing.txt             what could not be read, and is not here

Left out are the values of Secrets wherever they appear, plain or encoded, values of environment variables, annotations of
others, bodies of rejected callbacks, and credentials and queries in URLs. Names of rooms, users and streams, buckets and
hosts are here.
`

// collector reads a cluster into an archive.
type collector struct {
	options  gather.Options
	client   client.Client
	pods     corev1client.CoreV1Interface
	snapshot *doctor.Snapshot
	archive  *archive
	missing  []string
}

// Write writes an archive of an installation to out, as a tar.gz. What cannot be read is left out, and named in the archive and
// in the result. Secrets are read, to search for their values everywhere; those that the user may not read are not found.
func Write(ctx context.Context, out io.Writer, options gather.Options) (missing []string, err error) {
	snapshot, err := gather.Installation(ctx, options)
	if err != nil {
		return nil, err
	}
	c := &collector{options: options, snapshot: snapshot}
	if c.client, err = gather.NewClient(options.Config); err != nil {
		return nil, err
	}
	if c.pods, err = corev1client.NewForConfig(options.Config); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	names, values := c.secrets(ctx)
	now := options.Clock.Now().UTC()
	c.archive = newArchive(out, "recording-debug-"+now.Format("20060102T150405Z"), now, NewRedactor(values))
	if err := cmp.Or(c.write(ctx, names), context.Cause(ctx)); err != nil {
		return nil, err
	}
	return c.missing, c.archive.close()
}

func (c *collector) write(ctx context.Context, secrets []secretNames) error {
	report, err := json.MarshalIndent(doctor.Examine(c.snapshot, doctor.Checks), "", "  ")
	if err != nil {
		return err
	}
	names, err := yaml.Marshal(secrets)
	if err != nil {
		return err
	}
	for _, file := range [][2]string{{"README.txt", readme}, {"doctor.json", string(report)}, {"secrets.yaml", string(names)}} {
		if err := c.archive.add(file[0], file[1]); err != nil {
			return err
		}
	}
	for _, unread := range []struct {
		what string
		err  error
	}{
		{"Namespaces with RecordingSources", c.snapshot.Sources.Err},
		{"Namespaces with StorageLocations", c.snapshot.Locations.Err},
		{"Logs of the operator", c.snapshot.Workloads.Err},
	} {
		if unread.err != nil {
			c.missed(unread.what, unread.err)
		}
	}
	for _, namespace := range c.snapshot.Namespaces {
		if err := c.namespace(ctx, &namespace); err != nil {
			return err
		}
	}
	if err := c.logs(ctx); err != nil {
		return err
	}
	return c.archive.add("missing.txt", strings.Join(append(c.missing, ""), "\n"))
}

// secretNames is what the archive has of a Secret.
type secretNames struct {
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Type      string   `json:"type,omitempty"`
	Keys      []string `json:"keys"`
}

// secrets reads the Secrets of all namespaces that the archive is about.
func (c *collector) secrets(ctx context.Context) (names []secretNames, values [][]byte) {
	for _, namespace := range c.snapshot.Namespaces {
		for _, secret := range c.secretsOf(ctx, namespace.Name) {
			found := secretNames{Namespace: secret.Namespace, Name: secret.Name, Type: string(secret.Type)}
			for key, value := range secret.Data {
				found.Keys = append(found.Keys, key)
				values = append(values, value)
			}
			slices.Sort(found.Keys)
			names = append(names, found)
		}
	}
	return names, values
}

// secretsOf lists the Secrets of a namespace; without the right to list them it reads those that recordings use.
func (c *collector) secretsOf(ctx context.Context, namespace string) []corev1.Secret {
	var list corev1.SecretList
	err := c.client.List(ctx, &list, client.InNamespace(namespace))
	if err == nil {
		return list.Items
	}
	c.missed("Secrets of namespace "+namespace+", whose values were not searched for, but for those that sources and locations name", err)
	var found []corev1.Secret
	for _, name := range c.secretRefs(namespace) {
		secret := corev1.Secret{}
		if err := c.client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &secret); err != nil {
			c.missed("Secret "+namespace+"/"+name, err)
			continue
		}
		found = append(found, secret)
	}
	return found
}

// secretRefs are the names of the Secrets that sources and locations of a namespace use.
func (c *collector) secretRefs(namespace string) []string {
	var names []string
	for i := range c.snapshot.Sources.Value {
		source := &c.snapshot.Sources.Value[i]
		for _, key := range source.Spec.Callback.Keys {
			if source.Namespace == namespace {
				names = append(names, key.SecretRef.Name)
			}
		}
	}
	for i := range c.snapshot.Locations.Value {
		location := &c.snapshot.Locations.Value[i]
		if location.Namespace == namespace && location.Spec.S3 != nil {
			names = append(names, location.Spec.S3.CredentialsSecretRef.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func (c *collector) missed(what string, err error) {
	c.missing = append(c.missing, fmt.Sprintf("%s: %v", what, err))
}

// What a namespace's folder has: of those of the operator the labeled objects, and of those with recordings all of our kinds.
var (
	operatorKinds = []schema.GroupVersionKind{
		{Group: "apps", Version: "v1", Kind: "Deployment"}, {Group: "apps", Version: "v1", Kind: "StatefulSet"},
		{Version: "v1", Kind: "Pod"}, {Version: "v1", Kind: "Service"}, {Version: "v1", Kind: "ConfigMap"},
	}
	stepKinds = []schema.GroupVersionKind{{Group: "batch", Version: "v1", Kind: "Job"}, {Version: "v1", Kind: "Pod"}}
	ourKinds  = []string{"RecordingSource", "RecordingTask", "RecordingFile", "RecordingPipeline", "StorageLocation", "RejectedCallback"}
)

func (c *collector) namespace(ctx context.Context, namespace *doctor.Namespace) error {
	folder := "namespaces/" + namespace.Name + "/"
	if namespace.Operator {
		for _, kind := range operatorKinds {
			if err := c.objects(ctx, folder, namespace.Name, kind, client.MatchingLabels{"app.kubernetes.io/name": "recording-operator"}); err != nil {
				return err
			}
		}
		if err := c.objects(ctx, folder, namespace.Name, schema.GroupVersionKind{Group: "coordination.k8s.io", Version: "v1", Kind: "Lease"}); err != nil {
			return err
		}
	}
	if namespace.Recordings {
		for _, kind := range ourKinds {
			if err := c.objects(ctx, folder, namespace.Name, v1alpha1.GroupVersion.WithKind(kind)); err != nil {
				return err
			}
		}
		for _, kind := range stepKinds {
			if err := c.objects(ctx, folder+"step-", namespace.Name, kind, client.MatchingLabels{v1alpha1.LabelManagedBy: v1alpha1.ManagedBy}); err != nil {
				return err
			}
		}
		if err := c.objects(ctx, folder, namespace.Name, schema.GroupVersionKind{Version: "v1", Kind: "ResourceQuota"}); err != nil {
			return err
		}
	}
	return c.objects(ctx, folder, namespace.Name, schema.GroupVersionKind{Version: "v1", Kind: "Event"})
}

// objects writes the objects of a kind into one file.
func (c *collector) objects(ctx context.Context, folder, namespace string, kind schema.GroupVersionKind, options ...client.ListOption) error {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	err := c.client.List(ctx, list, append(options, client.InNamespace(namespace), client.Limit(maxObjects))...)
	if err != nil {
		c.missed(fmt.Sprintf("%ss of namespace %s", kind.Kind, namespace), err)
		return nil
	}
	if list.GetContinue() != "" {
		c.missing = append(c.missing, fmt.Sprintf("%ss of namespace %s: more than %d, the others are left out", kind.Kind, namespace, maxObjects))
	}
	var text strings.Builder
	for i := range list.Items {
		c.archive.redactor.Object(list.Items[i].Object)
		document, err := yaml.Marshal(list.Items[i].Object)
		if err != nil {
			return err
		}
		text.WriteString("---\n")
		text.Write(document)
	}
	return c.archive.add(folder+strings.ToLower(kind.Kind)+"s.yaml", text.String())
}

// logs writes the logs of the operator's containers, and of those that they replaced.
func (c *collector) logs(ctx context.Context) error {
	for _, workload := range c.snapshot.Workloads.Value {
		for _, pod := range workload.Pods {
			container := string(workload.Component)
			if err := c.log(ctx, pod.Name, container, false); err != nil {
				return err
			}
			if pod.Restarts > 0 {
				if err := c.log(ctx, pod.Name, container, true); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *collector) log(ctx context.Context, pod, container string, previous bool) error {
	ctx, cancel := context.WithTimeout(ctx, logTimeout)
	defer cancel()
	name := "logs/" + pod + "/" + container
	if previous {
		name += "-previous"
	}
	options := &corev1.PodLogOptions{Container: container, Previous: previous, Timestamps: true, TailLines: new(int64(maxLogLines)), LimitBytes: new(int64(maxLog))}
	content, err := c.pods.Pods(c.options.OperatorNamespace).GetLogs(pod, options).DoRaw(ctx)
	if err != nil {
		if !apierrors.IsNotFound(err) {
			c.missed(name, err)
		}
		return nil
	}
	return c.archive.add(name+".log", string(content))
}
