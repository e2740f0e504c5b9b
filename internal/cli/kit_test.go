// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	testclock "k8s.io/utils/clock/testing"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const (
	// testKey is in every fake cluster, and in no output.
	testKey  = "0123456789abcdef0123456789abcdef"
	otherKey = "ffffffffffffffffeeeeeeeeeeeeeeee"

	recordings = "/apis/recording.sparkrtc.dev/v1alpha1/namespaces/media/"
	secrets    = "/api/v1/namespaces/media/secrets/"
)

var testNow = time.Date(2021, 4, 28, 8, 58, 12, 0, time.UTC)

// fakeAPI is an API server that knows a few objects.
type fakeAPI struct {
	*httptest.Server
	// objects by their path, or functions that answer with them; nil: forbidden.
	objects map[string]any

	mu sync.Mutex
	// created are the bodies of POSTs, by path.
	created map[string][][]byte
	// patched are the paths and bodies of PATCHes.
	patched []string
	// logs are those of containers, by pod/container.
	logs map[string]string
}

func newFakeAPI(t *testing.T) *fakeAPI {
	t.Helper()
	f := &fakeAPI{objects: map[string]any{}, created: map[string][][]byte{}, logs: map[string]string{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	source := builders.MakeRecordingSource("classroom").App("5fcdf5651xxxxxx6f835d0d4").Key("classroom-callback", "key").Obj()
	source.Status.CallbackPath = "/callbacks/media/classroom"
	f.putSource(source)
	f.putSecret("classroom-callback", map[string]string{"key": testKey + "\n"})
	return f
}

func (f *fakeAPI) putSource(source *v1alpha1.RecordingSource) {
	f.objects[recordings+"recordingsources/"+source.Name] = source
}

func (f *fakeAPI) putSecret(name string, data map[string]string) {
	secret := &corev1.Secret{Data: map[string][]byte{}}
	secret.Name, secret.Namespace = name, "media"
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	f.objects[secrets+name] = secret
}

func (f *fakeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	resource := schema.GroupResource{Resource: filepath.Base(filepath.Dir(r.URL.Path))}
	object, known := f.objects[r.URL.Path]
	switch {
	case known && object == nil:
		f.fail(w, apierrors.NewForbidden(resource, filepath.Base(r.URL.Path), errors.New("no right")))
	case r.URL.Path == "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectAccessReview","status":{"allowed":true}}`)
	case r.URL.Path == "/apis/authentication.k8s.io/v1/selfsubjectreviews":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview","status":{"userInfo":{"username":"alice"}}}`)
	case strings.HasSuffix(r.URL.Path, "/log"):
		pod := filepath.Base(filepath.Dir(r.URL.Path))
		_, _ = io.WriteString(w, f.logs[pod+"/"+r.URL.Query().Get("container")])
	case r.Method == http.MethodPatch && known:
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.patched = append(f.patched, r.URL.Path+" "+string(body))
		f.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(object)
	case r.Method == http.MethodPost:
		body, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.created[r.URL.Path] = append(f.created[r.URL.Path], body)
		f.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(body)
	case !known:
		f.fail(w, apierrors.NewNotFound(resource, filepath.Base(r.URL.Path)))
	default:
		if answer, ok := object.(func(*http.Request) any); ok {
			object = answer(r)
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(object)
	}
}

func (f *fakeAPI) fail(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(status.Code))
	_ = json.NewEncoder(w).Encode(status)
}

// ran is what a run of the plugin left.
type ran struct {
	code     int
	out, err string
}

// run runs the plugin against the fake cluster. No output may hold a key, in any of the ways that keys are written.
func (f *fakeAPI) run(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	return run(t, stdin, append(args, "--server", f.URL, "--kubeconfig", os.DevNull, "--namespace", "media")...)
}

func run(t *testing.T, stdin string, args ...string) ran {
	t.Helper()
	var out, errOut bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	code := Run(ctx, Environment{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &out, ErrOut: &errOut},
		Clock:     testclock.NewFakeClock(testNow), Version: "v1.2.3",
	}, args)
	checkNoKey(t, out.String()+errOut.String())
	return ran{code: code, out: out.String(), err: errOut.String()}
}

func checkNoKey(t *testing.T, text string) {
	t.Helper()
	for _, key := range []string{testKey, otherKey} {
		for _, written := range []string{key, strings.ToUpper(key), base64Of(key), base64Of(key + "\n"), hexOf(key)} {
			if strings.Contains(text, written) {
				t.Errorf("the key is told:\n%s", text)
			}
		}
	}
}

// golden compares with testdata/<name>.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got), go test -update rewrites it:\n%s", diff)
	}
}

// String shows a run as in a terminal.
func (r ran) String() string {
	var b strings.Builder
	b.WriteString(r.out)
	if r.err != "" {
		b.WriteString("--- standard error\n" + r.err)
	}
	b.WriteString("--- exit code " + string(rune('0'+r.code)) + "\n")
	return b.String()
}

// write puts a text into a file of the test's.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
