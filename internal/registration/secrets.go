// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/rtcapi"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
)

const (
	fieldKey    = "spec.callback.keys[0].secretRef"
	fieldAccess = "spec.service.credentialsSecretRef"
)

// keySecret is the Secret of a source's callback key, as it is in the API server.
type keySecret struct {
	object *corev1.Secret
	// entry is where the key is, and entry + NextKeySuffix where the next one is.
	entry         string
	current, next sparkrtc.Key
	rotating      bool
}

// keys reads the source's callback key, and makes one where there is none. The error is a finding when a person has to do
// something.
func (r *Reconciler) keys(ctx context.Context, source *v1alpha1.RecordingSource) (*keySecret, error) {
	ref := source.Spec.Callback.Keys[0].SecretRef
	secret, err := r.readSecret(ctx, fieldKey, source.Namespace, ref.Name)
	switch {
	case err != nil:
		return nil, err
	case secret == nil:
		secret, err = r.createSecret(ctx, source, ref)
	case secret.Labels[v1alpha1.LabelCallbackKey] != "true":
		// Without it, who may edit sources could have any entry of any Secret sent to the service, or overwritten.
		return nil, problem(v1alpha1.ReasonKeyNotLabeled, "%s: Secret %q is not labeled as one whose key may be registered: "+
			"kubectl -n %s label secret %s %s=true", fieldKey, ref.Name, source.Namespace, ref.Name, v1alpha1.LabelCallbackKey)
	case len(secret.Data[ref.Key]) == 0:
		err = r.generate(ctx, source, secret, ref.Key)
	}
	if err != nil {
		return nil, err
	}
	return parseSecret(secret, ref.Key)
}

// parseSecret takes the keys out of a Secret.
func parseSecret(secret *corev1.Secret, entry string) (*keySecret, error) {
	k := &keySecret{object: secret, entry: entry}
	var err error
	if k.current, err = sparkrtc.ParseKey(secret.Data[entry]); err != nil {
		return nil, problem(v1alpha1.ReasonKeyInvalid, "%s: key %q of Secret %q: %v", fieldKey, entry, secret.Name, err)
	}
	next, rotating := secret.Data[entry+v1alpha1.NextKeySuffix]
	if !rotating {
		return k, nil
	}
	if k.next, err = sparkrtc.ParseKey(next); err != nil {
		return nil, problem(v1alpha1.ReasonKeyInvalid, "%s: key %q of Secret %q: %v; remove it to end the rotation", fieldKey, entry+v1alpha1.NextKeySuffix, secret.Name, err)
	}
	k.rotating = true
	return k, nil
}

// createSecret creates the Secret with a new key. It belongs to nobody: a source that is deleted and created again finds its key.
func (r *Reconciler) createSecret(ctx context.Context, source *v1alpha1.RecordingSource, ref v1alpha1.SecretKeyReference) (*corev1.Secret, error) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: source.Namespace, Name: ref.Name, Labels: map[string]string{
			v1alpha1.LabelManagedBy: v1alpha1.ManagedBy, v1alpha1.LabelCallbackKey: "true"}},
		Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{ref.Key: sparkrtc.GenerateKey()},
	}
	if err := r.Client.Create(ctx, secret); err != nil {
		return nil, writeProblem(err, "create", secret)
	}
	r.tell(source, v1alpha1.ReasonKeyGenerated, "Secret %s has a new callback key", ref.Name)
	return secret, nil
}

// generate adds a key to a Secret that has none.
func (r *Reconciler) generate(ctx context.Context, source *v1alpha1.RecordingSource, secret *corev1.Secret, entry string) error {
	if err := r.patchSecret(ctx, secret, func(data map[string][]byte) { data[entry] = sparkrtc.GenerateKey() }); err != nil {
		return err
	}
	r.tell(source, v1alpha1.ReasonKeyGenerated, "Secret %s has a new callback key", secret.Name)
	return nil
}

// begin writes a next key into the Secret.
func (r *Reconciler) begin(ctx context.Context, source *v1alpha1.RecordingSource, keys *keySecret) error {
	if err := r.patchSecret(ctx, keys.object, func(data map[string][]byte) {
		data[keys.entry+v1alpha1.NextKeySuffix] = sparkrtc.GenerateKey()
	}); err != nil {
		return err
	}
	r.tell(source, v1alpha1.ReasonKeyRotating, "Secret %s has the next callback key", keys.object.Name)
	return nil
}

// end has the next key replace the current one, in one write.
func (r *Reconciler) end(ctx context.Context, source *v1alpha1.RecordingSource, keys *keySecret) error {
	if err := r.patchSecret(ctx, keys.object, func(data map[string][]byte) {
		data[keys.entry] = []byte(keys.next.Text())
		delete(data, keys.entry+v1alpha1.NextKeySuffix)
	}); err != nil {
		return err
	}
	r.tell(source, v1alpha1.ReasonKeyRotated, "The old callback key is removed from Secret %s", keys.object.Name)
	return nil
}

// patchSecret changes the data of a Secret, provided that it is still as it was read.
func (r *Reconciler) patchSecret(ctx context.Context, secret *corev1.Secret, change func(data map[string][]byte)) error {
	before := secret.DeepCopy()
	if secret.Data == nil {
		secret.Data = map[string][]byte{}
	}
	change(secret.Data)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Patch(ctx, secret, patch); err != nil {
		return writeProblem(err, "patch", secret)
	}
	return nil
}

// writeProblem says which right is missing, if that is why. An API server's error holds no data.
func writeProblem(err error, verb string, secret *corev1.Secret) error {
	if apierrors.IsForbidden(err) {
		return problem(v1alpha1.ReasonSecretForbidden, "%s: the manager may not %s Secrets in this namespace, or not Secret %q: "+
			"bind the ClusterRole recording-operator-keys in it, as docs/registration.md describes, or write the key yourself", fieldKey, verb, secret.Name)
	}
	return fmt.Errorf("%s secret %s: %w", verb, secret.Name, err)
}

// readCredentials reads the access key, and checks that it may be used as the source says.
func (r *Reconciler) readCredentials(ctx context.Context, source *v1alpha1.RecordingSource) (rtcapi.Credentials, error) {
	service := source.Spec.Service
	name := service.CredentialsSecretRef.Name
	secret, err := r.readSecret(ctx, fieldAccess, source.Namespace, name)
	if err != nil {
		return rtcapi.Credentials{}, err
	}
	if secret == nil {
		return rtcapi.Credentials{}, problem(v1alpha1.ReasonCredentialsMissing, "%s: Secret %q not found", fieldAccess, name)
	}
	// A Secret made by hand often ends in a newline; no access key does.
	value := func(key string) string { return strings.TrimSpace(string(secret.Data[key])) }
	for _, key := range []string{v1alpha1.SecretKeyAccessKeyID, v1alpha1.SecretKeySecretAccessKey} {
		if value(key) == "" {
			return rtcapi.Credentials{}, problem(v1alpha1.ReasonCredentialsMissing, "%s: Secret %q has no key %q", fieldAccess, name, key)
		}
	}
	for _, limit := range []struct{ key, is string }{{v1alpha1.SecretKeyEndpoint, service.Endpoint}, {v1alpha1.SecretKeyPublicURL, service.PublicURL}} {
		if only := value(limit.key); only != "" && strings.TrimSuffix(only, "/") != strings.TrimSuffix(limit.is, "/") {
			return rtcapi.Credentials{}, problem(v1alpha1.ReasonCredentialsMissing, "%s: Secret %q is for another %s than spec.service.%s", fieldAccess, name, limit.key, limit.key)
		}
	}
	return rtcapi.Credentials{AccessKeyID: value(v1alpha1.SecretKeyAccessKeyID), SecretAccessKey: value(v1alpha1.SecretKeySecretAccessKey)}, nil
}

// readSecret is the Secret; nil: there is none.
func (r *Reconciler) readSecret(ctx context.Context, field, namespace, name string) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	err := r.Live.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, nil //nolint:nilnil // absence is an answer here, not an error
	case apierrors.IsForbidden(err):
		return nil, problem(v1alpha1.ReasonSecretForbidden, "%s: the operator may not read Secrets in this namespace: "+
			"bind the ClusterRole recording-operator-secrets in it, as docs/security.md describes", field)
	case err != nil:
		return nil, fmt.Errorf("get secret %s: %w", name, err)
	default:
		return secret, nil
	}
}
