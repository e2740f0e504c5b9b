// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
	"sparkrtc.dev/recording-operator/internal/worker/storage"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// eavesdropper is a server of a tenant's that remembers every byte it is sent.
type eavesdropper struct {
	*httptest.Server
	mu    sync.Mutex
	heard strings.Builder
}

func eavesdrop(t *testing.T) *eavesdropper {
	t.Helper()
	e := &eavesdropper{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		e.mu.Lock()
		_, _ = fmt.Fprintln(&e.heard, r.Method, r.URL, r.Host, r.Header, string(body))
		e.mu.Unlock()
		w.WriteHeader(http.StatusForbidden)
	}))
	t.Cleanup(e.Close)
	return e
}

func (e *eavesdropper) everything() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard.String()
}

// TestPinnedCredentials_ReachNoOtherServer: a tenant who may create StorageLocations, and read no Secret, names a server of
// their own. Of a Secret that says which endpoint it is for, neither the operator nor a step sends anything there. Of any
// other Secret they send the access key ID and the session token, as docs/security.md says, and never the secret access key.
func TestPinnedCredentials_ReachNoOtherServer(t *testing.T) {
	g := NewWithT(t)
	const namespace = "pinned-credentials"
	thief := eavesdrop(t)
	create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})
	grantSecrets(t, namespace)
	for _, name := range []string{"pinned", "loose"} {
		secret := &corev1.Secret{ObjectMeta: named(namespace, name), StringData: map[string]string{
			v1alpha1.SecretKeyAccessKeyID: "id-of-" + name, v1alpha1.SecretKeySecretAccessKey: "secret-of-" + name, v1alpha1.SecretKeySessionToken: "token-of-" + name}}
		if name == "pinned" {
			secret.StringData[v1alpha1.SecretKeyEndpoint] = "https://s3.example.com"
		}
		create(t, secret, builders.MakeStorageLocation(name).In(namespace).S3(thief.URL, "recordings", name).Obj())
	}
	sent := func(whose string, want map[string]bool) {
		t.Helper()
		for text, expected := range want {
			g.Expect(strings.Contains(thief.everything(), text)).To(Equal(expected), "%s sent %s", whose, text)
		}
	}
	want := map[string]bool{"id-of-loose": true, "token-of-loose": true, "of-pinned": false, "secret-of-": false}

	startProcess(t, "manager", managerAccount, "--namespaces="+namespace, "--allow-local-storage-networks",
		"--leader-elect", "--leader-election-namespace="+systemNamespace)
	for name, says := range map[string]string{"pinned": "is not the endpoint that the Secret", "loose": "HTTP 403"} {
		g.Eventually(func(g Gomega) {
			place := &v1alpha1.StorageLocation{}
			g.Expect(admin.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: name}, place)).To(Succeed())
			ready := meta.FindStatusCondition(place.Status.Conditions, v1alpha1.ConditionReady)
			g.Expect(ready).NotTo(BeNil())
			g.Expect(ready.Message).To(ContainSubstring(says))
		}, timeout, poll).Should(Succeed())
	}
	sent("the operator", want)

	for _, name := range []string{"pinned", "loose"} {
		paths := storage.Paths{Credentials: mounted(t, namespace, name)}
		place := workerapi.Storage{Name: name, Spec: builders.MakeStorageLocation(name).S3(thief.URL, "recordings", name).Obj().Spec}
		before := len(thief.everything())
		reader, writer := readAndWrite(t, place, paths)
		g.Expect([]error{reader, writer}).To(HaveEach(HaveOccurred()))
		if quiet := len(thief.everything()) == before; quiet != (name == "pinned") {
			t.Errorf("with the Secret %s a step is silent: %v; %v; %v", name, quiet, reader, writer)
		}
	}
	sent("a step", want)
}

// mounted is a folder with the files that a step's container has of a Secret.
func mounted(t *testing.T, namespace, secret string) string {
	t.Helper()
	dir := t.TempDir()
	step := &v1alpha1.Step{Name: "keep", Archive: &v1alpha1.Archive{}, Output: &v1alpha1.StepOutput{}}
	pod := jobOfStep(t, step, builders.MakeStorageLocation("recordings").In(namespace).S3("https://s3.example.com", "recordings", secret).Obj(),
		builders.MakeStorageLocation("archive").In(namespace).Claim("archive").Obj()).Spec.Template.Spec
	for at, content := range loot(t, namespace, &pod, &pod.InitContainers[0]) {
		if path.Dir(at) == workerapi.SourceCredentialsDir {
			if err := os.WriteFile(filepath.Join(dir, path.Base(at)), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// readAndWrite has a step read an object of a place, and write one there. The place is on this host, which is denied by
// default.
func readAndWrite(t *testing.T, place workerapi.Storage, paths storage.Paths) (read, written error) {
	t.Helper()
	denied, log, dir := []string{"192.0.2.0/24"}, slog.New(slog.DiscardHandler), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "result"), []byte("0"), 0o600); err != nil {
		t.Fatal(err)
	}
	reader, read := storage.NewReader(workerapi.Input{Storage: &place, Artifact: v1alpha1.Artifact{Bucket: "recordings"}}, denied, paths, log)
	if read == nil {
		read = reader.Copy(t.Context(), []storage.Object{{Ref: "a.mp4", File: "a"}}, t.TempDir(), 100, nil)
	}
	writer, written := storage.NewWriter(workerapi.Destination{Storage: place, Path: "x/"}, denied, paths, log)
	if written == nil {
		_, written = writer.Write(t.Context(), dir, []storage.File{{Name: "result"}})
	}
	return read, written
}
