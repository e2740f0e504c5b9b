//go:build e2e

// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package e2e

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor"
)

// seededFault is one thing that is wrong in the cluster, and the finding that it must lead to.
type seededFault struct {
	name string
	// seed makes the fault, and returns what repairs it; nil: the doctor's command does.
	seed func(*clinic) (repair func())
	// arguments are the doctor's, where the fault is in them.
	arguments func(*clinic) string
	// check and level are those of the finding; object and message are parts of its texts, and fix of its command.
	check                string
	level                doctor.Level
	object, message, fix string
	// shows is a part of what the command prints. elsewhere says that the command is not for this machine.
	shows     string
	elsewhere bool
}

// is says whether a finding is the fault's.
func (f seededFault) is(found doctor.Finding) bool {
	return found.Check == f.check && found.Level == f.level && strings.Contains(found.Object, f.object) && strings.Contains(found.Message, f.message)
}

const system = operatorNamespace

// command is a fault that one kubectl command makes. NAMESPACE stands for the room's.
func command(arguments string) func(*clinic) func() {
	return func(c *clinic) func() {
		c.kubectl(strings.ReplaceAll(arguments, "NAMESPACE", c.namespace))
		return nil
	}
}

// commands is a fault that one kubectl command makes and another repairs.
func commands(seed, repair string) func(*clinic) func() {
	return func(c *clinic) func() {
		c.kubectl(strings.ReplaceAll(seed, "NAMESPACE", c.namespace))
		return func() { c.kubectl(strings.ReplaceAll(repair, "NAMESPACE", c.namespace)) }
	}
}

// objects is a fault that objects are, and that is repaired when they are gone.
func objects(build func(*room) []client.Object) func(*clinic) func() {
	return func(c *clinic) func() {
		made := build(c.room)
		c.create(made...)
		return func() {
			for _, object := range made {
				c.must(k8s.Delete(context.WithoutCancel(c.t.Context()), object))
			}
		}
	}
}

// location is a storage location with something wrong in it.
func location(spoil func(*v1alpha1.S3Location)) func(*clinic) func() {
	return objects(func(r *room) []client.Object {
		location := r.storage("recordings", "s3-credentials")
		location.Name = "wrong"
		spoil(location.Spec.S3)
		return []client.Object{location}
	})
}

// source is another source with something wrong in it.
func source(spoil func(*v1alpha1.RecordingSourceSpec)) func(*clinic) func() {
	return objects(func(r *room) []client.Object {
		source := &v1alpha1.RecordingSource{ObjectMeta: r.meta("wrong"), Spec: v1alpha1.RecordingSourceSpec{
			AppID:    "another",
			Callback: v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}}},
		}}
		spoil(&source.Spec)
		return []client.Object{source}
	})
}

// webhook is called for RecordingFiles of the namespaces with the label. Nothing answers it.
func webhook(r *room, timeout int32, label string) *admissionregistrationv1.ValidatingWebhookConfiguration {
	none, fail := admissionregistrationv1.SideEffectClassNone, admissionregistrationv1.Fail
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{Webhooks: []admissionregistrationv1.ValidatingWebhook{{
		Name: "files.example.com", TimeoutSeconds: &timeout, SideEffects: &none, FailurePolicy: &fail, AdmissionReviewVersions: []string{"v1"},
		ClientConfig:      admissionregistrationv1.WebhookClientConfig{URL: new("https://127.0.0.1:1/")},
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": label}},
		Rules: []admissionregistrationv1.RuleWithOperations{{Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
			Rule: admissionregistrationv1.Rule{APIGroups: []string{v1alpha1.GroupVersion.Group}, APIVersions: []string{"*"}, Resources: []string{"recordingfiles"}}}},
	}}}
	config.Name = r.namespace
	return config
}

// answering is a server that is not the operator.
func answering(c *clinic) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>Welcome") }))
	c.t.Cleanup(server.Close)
	return "--url " + server.URL
}

var seededFaults = []seededFault{
	{name: "no Secret", seed: command("-n NAMESPACE delete secret callback"),
		check: "keys", level: doctor.Error, message: `Secret "callback" not found`, fix: "create secret generic callback"},
	{name: "Secret without the key", seed: command("-n NAMESPACE create secret generic callback --from-literal=other=x --dry-run=client -o yaml | kubectl replace -f -"),
		check: "keys", level: doctor.Error, message: `has no key "key"`, fix: "--from-file=key="},
	{name: "key is too short", seed: command("-n NAMESPACE create secret generic callback --from-literal=key=short --dry-run=client -o yaml | kubectl replace -f -"),
		check: "keys", level: doctor.Error, message: "it must have 32 to 64 characters", fix: "--from-file=key="},
	{name: "source accepts anybody's callbacks", seed: source(func(s *v1alpha1.RecordingSourceSpec) {
		s.Callback = v1alpha1.CallbackSpec{Authentication: v1alpha1.AuthenticationNone}
	}), check: "keys", level: doctor.Warning, object: "/wrong", message: "nobody signed", fix: "explain recordingsource", shows: "authentication"},
	{name: "Secrets are not granted", seed: command(`-n NAMESPACE patch rolebinding recording-operator-secrets --type=json -p '[{"op": "remove", "path": "/subjects/0"}]'`),
		check: "secret-rights", level: doctor.Error, object: "recording-operator-receiver", message: "may not get Secrets in namespace", fix: "create rolebinding"},
	{name: "route is wrong", seed: source(func(s *v1alpha1.RecordingSourceSpec) {
		s.Routes = []v1alpha1.Route{{When: "recording.size == 'large'", PipelineRef: v1alpha1.LocalReference{Name: "lecture"}}}
	}), check: "sources", level: doctor.Error, object: "/wrong", message: "RouteInvalid: spec.routes[0].when", fix: "describe recordingsource", shows: "RouteInvalid"},
	{name: "pipeline is missing", seed: source(func(s *v1alpha1.RecordingSourceSpec) {
		s.Routes = []v1alpha1.Route{{PipelineRef: v1alpha1.LocalReference{Name: "lectures"}}}
	}), check: "sources", level: doctor.Error, object: "/wrong", message: `RecordingPipeline "lectures" not found`, fix: "describe recordingsource", shows: "PipelineNotFound"},
	{name: "callback is not registered", seed: source(func(s *v1alpha1.RecordingSourceSpec) {
		s.Service = &v1alpha1.Service{ProjectID: "p", CredentialsSecretRef: v1alpha1.SecretReference{Name: "sparkrtc-api"}, PublicURL: "https://recordings.example.com"}
	}), check: "registration", level: doctor.Error, object: "/wrong", message: "KeyNotLabeled", fix: "describe recordingsource", shows: "label secret callback"},
	{name: "discovery finds no bucket", seed: objects(func(r *room) []client.Object {
		location := r.storage("nobody-made-it", "s3-credentials")
		return []client.Object{location, &v1alpha1.RecordingSource{ObjectMeta: r.meta("wrong"), Spec: v1alpha1.RecordingSourceSpec{
			Callback:   v1alpha1.CallbackSpec{Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}}},
			StorageRef: &v1alpha1.LocalReference{Name: location.Name}, Discovery: &v1alpha1.Discovery{},
		}}}
	}), check: "discovery", level: doctor.Warning, object: "/wrong", message: "Discovery fails, ScanFailed", fix: "describe recordingsource", shows: "ScanFailed"},
	{name: "bucket does not exist", seed: location(func(s *v1alpha1.S3Location) { s.Bucket = "nobody-made-it" }),
		check: "storage", level: doctor.Error, object: "/wrong", message: "BucketNotFound", fix: "describe storagelocation", shows: "BucketNotFound"},
	{name: "host does not exist", seed: location(func(s *v1alpha1.S3Location) { s.Endpoint = "http://s4.e2e.svc:7070" }),
		check: "storage", level: doctor.Error, object: "/wrong", message: "Unreachable", fix: "describe storagelocation", shows: "Unreachable"},
	{name: "credentials are wrong", seed: objects(func(r *room) []client.Object {
		location := r.storage("recordings", "wrong")
		location.Name = "wrong"
		return []client.Object{&corev1.Secret{ObjectMeta: r.meta("wrong"), StringData: map[string]string{"accessKeyID": "nobody", "secretAccessKey": "knows"}}, location}
	}), check: "storage", level: doctor.Error, object: "/wrong", message: "does not know the accessKeyID", fix: "describe storagelocation", shows: "accessKeyID"},
	{name: "credentials are missing", seed: location(func(s *v1alpha1.S3Location) { s.CredentialsSecretRef.Name = "nobody-made-it" }),
		check: "storage", level: doctor.Error, object: "/wrong", message: "CredentialsNotFound", fix: "describe storagelocation", shows: "CredentialsNotFound"},
	{name: "pipeline writes nowhere", seed: objects(func(r *room) []client.Object {
		step := r.remux()
		step.Output.StorageRef.Name = "nobody-made-it"
		return []client.Object{&v1alpha1.RecordingPipeline{ObjectMeta: r.meta("wrong"), Spec: v1alpha1.RecordingPipelineSpec{Steps: []v1alpha1.Step{step}}}}
	}), check: "pipelines", level: doctor.Error, object: "/wrong", message: `StorageLocation "nobody-made-it" not found`, fix: "describe recordingpipeline", shows: "nobody-made-it"},
	{name: "quota is used up", seed: commands("-n NAMESPACE create quota steps --hard=count/jobs.batch=0", "-n NAMESPACE delete quota steps"),
		check: "quota", level: doctor.Error, object: "/steps", message: "0 of 0 are used of count/jobs.batch: no step can start", fix: "describe resourcequota steps", shows: "count/jobs.batch"},
	{name: "namespace enforces nothing", seed: command("label namespace NAMESPACE pod-security.kubernetes.io/enforce-"),
		check: "pod-security", level: doctor.Warning, object: "Namespace e2e-", message: "enforces no level", fix: "kubectl label"},
	{name: "callback was rejected", seed: func(c *clinic) func() {
		if code, answer := sign(c.t, c.path(), map[string]any{"event_type": "RECORD_FILE_COMPLETE", "app_id": "app"}).send(c.t); code != http.StatusBadRequest {
			c.t.Fatalf("%d %s", code, answer)
		}
		return func() { c.kubectl("-n " + c.namespace + " delete rejectedcallbacks --all") }
	}, check: "rejected", level: doctor.Warning, object: "/classroom", message: "1 signed callbacks could not be stored", fix: "get rejectedcallbacks", shows: "obs_bucket"},
	{name: "slow webhook", seed: func(c *clinic) func() {
		config := webhook(c.room, 30, "no-such-namespace")
		c.create(config)
		c.t.Cleanup(func() { _ = k8s.Delete(context.WithoutCancel(c.t.Context()), config) })
		return nil
	}, check: "webhooks", level: doctor.Warning, message: "files.example.com is called for kinds of the operator, and may take 30s", fix: "kubectl edit"},
	{name: "callbacks wait on disk", seed: func(c *clinic) func() {
		config := webhook(c.room, 5, c.namespace)
		c.create(config)
		repair := func() { _ = k8s.Delete(context.WithoutCancel(c.t.Context()), config) }
		c.t.Cleanup(repair)
		c.eventuallyRefused()
		c.complete("job", "camera", c.folder+"/spooled.m3u8", 2).mustSend(c.t)
		return repair
	}, check: "spool", level: doctor.Warning, object: "Pod " + system, message: "1 callbacks wait on the disk", fix: "logs recording-operator-receiver"},
	{name: "recording does not end", seed: objects(func(r *room) []client.Object {
		return []client.Object{&v1alpha1.RecordingFile{ObjectMeta: r.meta("waiting"), Spec: v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "waiting.m3u8"},
			ProcessingSpec: v1alpha1.ProcessingSpec{PipelineRef: &v1alpha1.LocalReference{Name: "nobody-made-it"}},
		}}}
	}), arguments: func(c *clinic) string { return "--server " + skewedServer(c.t, 25*time.Hour) },
		check: "unfinished", level: doctor.Warning, object: "/waiting", message: "for more than a day", fix: "tree waiting", shows: "nobody-made-it"},
	{name: "clock is wrong", arguments: func(c *clinic) string { return "--server " + skewedServer(c.t, -10*time.Minute) },
		check: "clock", level: doctor.Error, message: "clock is 10 minutes behind", fix: "timedatectl", elsewhere: true},
	{name: "URL leads elsewhere", arguments: answering,
		check: "url", level: doctor.Error, message: "it is not the operator that answers there", fix: "get ingress"},
	{name: "URL leads nowhere", arguments: func(*clinic) string { return "--url http://127.0.0.1:1" },
		check: "url", level: doctor.Error, message: "connection refused", fix: "get ingress"},
	{name: "installer has no rights", arguments: func(*clinic) string { return "--pre --as jane" },
		check: "installer", level: doctor.Error, message: "You may not create customresourcedefinitions", fix: "kubectl auth can-i --list"},
	{name: "definition is of an older version", seed: command(`patch crd recordingsources.recording.sparkrtc.dev --type=json -p '[{"op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/ttlAfterFinished"}]'`),
		check: "definitions", level: doctor.Error, object: "recordingsources", message: "it lacks spec.ttlAfterFinished", fix: "kubectl apply --server-side --force-conflicts -f crds.yaml"},
	{name: "definition is of a newer version", seed: commands(
		`patch crd recordingsources.recording.sparkrtc.dev --type=json -p '[{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/later", "value": {"type": "string"}}]'`,
		`patch crd recordingsources.recording.sparkrtc.dev --type=json -p '[{"op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/later"}]'`),
		check: "definitions", level: doctor.Warning, object: "recordingsources", message: "it adds spec.later", fix: "make install-plugin", elsewhere: true},
	{name: "role was changed", seed: command("create clusterrole recording-operator-manager --verb=get --resource=jobs.batch --dry-run=client -o yaml | kubectl replace -f -"),
		check: "rights", level: doctor.Error, object: system + "/recording-operator-controller-manager", message: "The account may not get persistentvolumeclaims", fix: "kubectl apply -f install.yaml"},
	{name: "binding is missing", seed: command("delete clusterrolebinding recording-operator-receiver"),
		check: "rights", level: doctor.Error, object: system + "/recording-operator-receiver", message: "may not", fix: "kubectl apply -f install.yaml"},
	{name: "policy is not bound", seed: command("delete validatingadmissionpolicybinding recording-operator-reports"),
		check: "policies", level: doctor.Warning, object: "recording-operator-reports", message: "No binding enforces", fix: "kubectl apply -f install.yaml"},
	{name: "no trigger image", seed: command("-n " + system + ` patch configmap recording-operator-images --type=json -p '[{"op": "remove", "path": "/data/trigger"}]'`),
		check: "versions", level: doctor.Error, object: "recording-operator-images", message: "no image for trigger", fix: "kubectl apply -f install.yaml"},
	{name: "worker is of another version", seed: command("-n " + system + ` patch configmap recording-operator-images --type=merge -p '{"data": {"worker": "recording-worker:v9.9.9"}}'`),
		check: "versions", level: doctor.Warning, object: "recording-operator-images", message: "worker image has version v9.9.9", fix: "kubectl apply -f install.yaml"},
	{name: "Service leads nowhere", seed: command("-n " + system + ` patch service recording-operator-callback --type=merge -p '{"spec": {"selector": {"app.kubernetes.io/component": "nobody"}}}'`),
		check: "service", level: doctor.Error, object: "/classroom", message: "gets no answer: no endpoints available", fix: "kubectl apply -f install.yaml"},
	{name: "receivers are scaled to zero", seed: command("-n " + system + " scale deployment/recording-operator-receiver --replicas=0"),
		check: "workloads", level: doctor.Error, object: "recording-operator-receiver", message: "It is scaled to 0 replicas", fix: "scale deployment/recording-operator-receiver --replicas=2"},
	{name: "nobody leads", seed: commands("-n "+system+" scale deployment/recording-operator-controller-manager --replicas=0", "-n "+system+" scale deployment/recording-operator-controller-manager --replicas=2"),
		check: "leader", level: doctor.Error, message: "No manager leads", fix: "logs -l app.kubernetes.io/component=manager"},
	{name: "image cannot be pulled", seed: commands("-n "+system+" set image deployment/recording-operator-receiver receiver=registry.invalid/recording-operator:dev", "-n "+system+" rollout undo deployment/recording-operator-receiver"),
		check: "workloads", level: doctor.Warning, object: "recording-operator-receiver", message: "ErrImagePull", fix: "describe pods -l app.kubernetes.io/component=receiver", shows: "registry.invalid"},
}

// eventuallyRefused waits until the API server calls the webhook: it reads configurations in the background.
func (c *clinic) eventuallyRefused() {
	c.t.Helper()
	file := &v1alpha1.RecordingFile{ObjectMeta: c.meta("refused"), Spec: v1alpha1.RecordingFileSpec{
		SourceRef: v1alpha1.LocalReference{Name: "classroom"}, Object: v1alpha1.ObjectIdentity{Bucket: "recordings", Key: "refused.m3u8"}}}
	NewWithT(c.t).Eventually(func() error { return k8s.Create(c.t.Context(), file.DeepCopy(), client.DryRunAll) }, time.Minute, poll).
		Should(MatchError(ContainSubstring("failed calling webhook")))
}
