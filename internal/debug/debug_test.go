// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package debug

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/doctor/gather"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// secretValues are what must not be in the archive.
var secretValues = map[string]string{
	"callback":    "0123456789abcdef0123456789abcdef",
	"access":      "AKIAEXAMPLE",
	"secret":      "wJalr/XUtn+FEMI?K7MDENG&bPxRfiCY \"quoted\"",
	"certificate": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQDFsV8mK1\n-----END PRIVATE KEY-----\n",
	"other":       "hunter2hunter2",
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// withLogs answers for the kubelet, which envtest does not have.
func withLogs(text string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(request *http.Request) (*http.Response, error) {
			if strings.HasSuffix(request.URL.Path, "/log") {
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: request}, nil
			}
			return next.RoundTrip(request)
		})
	}
}

// leaks is every value in every encoding.
func leaks() string {
	var b strings.Builder
	for _, value := range secretValues {
		for _, encode := range encodings {
			b.WriteString("leak " + encode(value) + " end\n")
		}
	}
	return b.String()
}

// refusing refuses to list some resources.
func refusing(resources ...string) func(http.RoundTripper) http.RoundTripper {
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(request *http.Request) (*http.Response, error) {
			if !slices.Contains(resources, path.Base(request.URL.Path)) {
				return next.RoundTrip(request)
			}
			const answer = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Forbidden","code":403}`
			return &http.Response{StatusCode: http.StatusForbidden, Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader(answer)), Request: request}, nil
		})
	}
}

// testMissing: the archive names what it is not about because something else could not be read.
func testMissing(t *testing.T, options gather.Options) {
	t.Helper()
	options.Config = rest.CopyConfig(options.Config)
	options.Config.Wrap(refusing("deployments", "recordingsources", "storagelocations"))
	var out bytes.Buffer
	missing, err := Write(t.Context(), &out, options)
	if err != nil {
		t.Fatal(err)
	}
	written := unpack(t, &out)["missing.txt"]
	for _, what := range []string{"Namespaces with RecordingSources: Forbidden", "Namespaces with StorageLocations: Forbidden", "Logs of the operator: Forbidden"} {
		if !strings.Contains(written, what) || !strings.Contains(strings.Join(missing, "\n"), what) {
			t.Errorf("%q is not told: %v", what, missing)
		}
	}
}

// testInterrupted: an archive that was interrupted is none.
func testInterrupted(t *testing.T, options gather.Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Write(ctx, io.Discard, options); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// TestDebug_HoldsNoSecret: no value of a Secret is in the archive, wherever it leaked to.
func TestDebug_HoldsNoSecret(t *testing.T) {
	log.SetLogger(logr.Discard())
	server := apiserver.Start(t)
	seed(t, server.Client)
	config := rest.CopyConfig(server.Config)
	config.Wrap(withLogs(leaks()))
	options := gather.Options{Config: config, Clock: clock.RealClock{}, Plugin: "v1", OperatorNamespace: "recording-system"}
	var out bytes.Buffer
	missing, err := Write(t.Context(), &out, options)
	if err != nil || len(missing) > 0 {
		t.Fatalf("%v; missing %v", err, missing)
	}
	files := unpack(t, &out)
	for name, content := range files {
		checkNoSecret(t, name, content)
	}
	for name, has := range map[string]string{
		"doctor.json":                                  `"definitions"`,
		"secrets.yaml":                                 "name: storage",
		"namespaces/media/recordingsources.yaml":       "secretRef",
		"namespaces/media/rejectedcallbacks.yaml":      "classroom-01",
		"namespaces/media/events.yaml":                 "Leaked",
		"namespaces/recording-system/pods.yaml":        "name: PASSWORD",
		"namespaces/recording-system/deployments.yaml": "recording-operator-receiver",
		"logs/receiver-0/receiver.log":                 redacted,
		"namespaces/media/recordingfiles.yaml":         "camera",
		"namespaces/recording-system/configmaps.yaml":  redacted,
		"README.txt": "Read it before you send it",
	} {
		if !strings.Contains(files[name], has) {
			t.Errorf("%s has no %q:\n%s", name, has, files[name])
		}
	}
	if strings.Contains(files["namespaces/media/recordingsources.yaml"], "last-applied-configuration: '{") {
		t.Error("last-applied-configuration is there")
	}
	t.Run("without rights", func(t *testing.T) { testMissing(t, options) })
	t.Run("interrupted", func(t *testing.T) { testInterrupted(t, options) })
}

func checkNoSecret(t *testing.T, name, content string) {
	t.Helper()
	for _, value := range secretValues {
		whole := []string{value, strings.TrimSpace(value)}
		for line := range strings.SplitSeq(strings.TrimSpace(value), "\n") {
			whole = append(whole, line)
		}
		for _, part := range whole {
			for encoding, encode := range encodings {
				if encoding == "basic auth" || encoding == "in a manifest" {
					continue // held by TestRedactor_LeavesNoValue: what stands beside the value remains
				}
				if strings.Contains(content, encode(part)) {
					t.Errorf("%s holds %q (%s)", name, part, encoding)
				}
			}
		}
	}
	if strings.Contains(content, base64.StdEncoding.EncodeToString([]byte("the room's users"))) {
		t.Errorf("%s holds the body of a rejected callback", name)
	}
}

// seed makes an installation that leaks.
func seed(t *testing.T, c client.Client) {
	t.Helper()
	labels := map[string]string{"app.kubernetes.io/name": "recording-operator", "app.kubernetes.io/component": "receiver"}
	template := corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: labels}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
		Name: "receiver", Image: "recording-operator:v1", Env: []corev1.EnvVar{{Name: "PASSWORD", Value: secretValues["secret"]}, {Name: "NOT_KNOWN", Value: "not in any Secret"}},
		Args: []string{"--key=" + secretValues["callback"]},
	}}}}
	annotations := map[string]string{"kubectl.kubernetes.io/last-applied-configuration": `{"data":"` + leaks() + `"}`, "recording.sparkrtc.dev/note": leaks()}
	source := builders.MakeRecordingSource("classroom").Key("callback", "key").Obj()
	source.Annotations = annotations
	file := builders.MakeRecordingFile("camera", "classroom").Object("abc-rtc", "camera.m3u8").Obj()
	file.Annotations = annotations
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "recording-system"}}, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: builders.Namespace}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: "callback"}, StringData: map[string]string{"key": secretValues["callback"]}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: "storage", Annotations: annotations}, StringData: map[string]string{
			"accessKeyID": secretValues["access"], "secretAccessKey": secretValues["secret"], "tls.key": secretValues["certificate"]}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "recording-system", Name: "other"}, StringData: map[string]string{"x": secretValues["other"]}},
		&appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "recording-system", Name: "recording-operator-receiver", Labels: labels},
			Spec: appsv1.DeploymentSpec{Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: template}},
		&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "recording-system", Name: "receiver-0", Labels: labels}, Spec: template.Spec},
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "recording-system", Name: "recording-operator-images", Labels: labels}, Data: map[string]string{"worker": leaks()}},
		&corev1.Event{ObjectMeta: metav1.ObjectMeta{Namespace: builders.Namespace, Name: "leak"}, Reason: "Leaked", Message: "key " + secretValues["callback"],
			InvolvedObject: corev1.ObjectReference{Namespace: builders.Namespace, Kind: "RecordingSource", Name: "classroom"}},
		source, file, builders.MakeRejectedCallback("classroom-01", "classroom", "the room's users").Obj(),
	} {
		if err := c.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	file.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: "Failed",
		Message: "cannot sign with " + secretValues["secret"], LastTransitionTime: metav1.Now()}}
	if err := c.Status().Update(t.Context(), file); err != nil {
		t.Fatal(err)
	}
}

func unpack(t *testing.T, archive io.Reader) map[string]string {
	t.Helper()
	zip, err := gzip.NewReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for unpacked := tar.NewReader(zip); ; {
		header, err := unpacked.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(unpacked)
		if err != nil {
			t.Fatal(err)
		}
		_, name, _ := strings.Cut(header.Name, "/")
		files[name] = string(content)
	}
}
