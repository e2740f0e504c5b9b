// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"
	testingclock "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
	"sparkrtc.dev/recording-operator/internal/testing/rtcserver"
)

const (
	app       = "5fcdf5651xxxxxx6f835d0d4"
	firstKey  = "0123456789abcdef0123456789abcdef"
	publicURL = "https://recordings.example.com"
	fullURL   = publicURL + "/callbacks/media/classroom"
)

// errKilled is what a write returns when the manager dies at it.
var errKilled = errors.New("killed")

// world is a namespace, the service, and a manager that looks at the source classroom.
type world struct {
	client.WithWatch
	server *rtcserver.Server
	clock  *testingclock.FakeClock
	// killAt is the number of the write at which the manager dies, from 1 on; before says that it dies before the write.
	killAt, writes int
	before         bool
	events         *recorder
	r              *Reconciler
}

// recorder keeps events, and fails a test that would tell a key.
type recorder struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (r *recorder) Eventf(_ runtime.Object, _ runtime.Object, kind, reason, _, note string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(&r.text, "%s %s %s\n", kind, reason, fmt.Sprintf(note, args...))
}

func (r *recorder) WithLogger(any) events.EventRecorder { return nil }

func source() *v1alpha1.RecordingSource {
	source := builders.MakeRecordingSource("classroom").App(app).Key("callback", "key").Obj()
	source.UID, source.Generation = "uid-classroom", 1
	source.Spec.Service = &v1alpha1.Service{
		ProjectID: rtcserver.ProjectID, CredentialsSecretRef: v1alpha1.SecretReference{Name: "rtc"}, PublicURL: publicURL, OnDrift: v1alpha1.OnDriftReport,
	}
	return source
}

func keySecretOf(data map[string]string) *corev1.Secret {
	secret := &corev1.Secret{Data: map[string][]byte{}}
	secret.Namespace, secret.Name, secret.Labels = "media", "callback", map[string]string{v1alpha1.LabelCallbackKey: "true"}
	for key, value := range data {
		secret.Data[key] = []byte(value)
	}
	return secret
}

func credentialsSecret() *corev1.Secret {
	secret := &corev1.Secret{Data: map[string][]byte{
		v1alpha1.SecretKeyAccessKeyID: []byte(rtcserver.AccessKeyID + "\n"), v1alpha1.SecretKeySecretAccessKey: []byte(rtcserver.SecretAccessKey + "\n")}}
	secret.Namespace, secret.Name = "media", "rtc"
	return secret
}

// newWorld has a source as change makes it, with credentials, a key, and an app that has registered nothing.
func newWorld(t *testing.T, change func(*v1alpha1.RecordingSource), objects ...client.Object) *world {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{corev1.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{clock: testingclock.NewFakeClock(time.Date(2026, 4, 28, 8, 58, 12, 0, time.UTC)), events: &recorder{}}
	w.server = rtcserver.Start(t, app, func() time.Time { return w.clock.Now() })
	s := source()
	s.Spec.Service.Endpoint = w.server.URL
	if change != nil {
		change(s)
	}
	if objects == nil {
		objects = []client.Object{keySecretOf(map[string]string{"key": firstKey + "\n"}), credentialsSecret()}
	}
	w.WithWatch = fake.NewClientBuilder().WithScheme(scheme).WithObjects(append(objects, s)...).WithStatusSubresource(s).
		WithIndex(&v1alpha1.RecordingTask{}, indexKey, keyIndex).WithIndex(&v1alpha1.RecordingFile{}, indexKey, keyIndex).Build()
	w.start()
	return w
}

// start starts another manager.
func (w *world) start() {
	die := func(write func() error) error {
		w.writes++
		if w.writes != w.killAt {
			return write()
		}
		if !w.before {
			if err := write(); err != nil {
				return err
			}
		}
		return errKilled
	}
	mortal := interceptor.NewClient(w.WithWatch, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
			return die(func() error { return c.Create(ctx, object, options...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
			return die(func() error { return c.Patch(ctx, object, patch, options...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, name string, object client.Object, patch client.Patch, options ...client.SubResourcePatchOption) error {
			return die(func() error { return c.SubResource(name).Patch(ctx, object, patch, options...) })
		},
	})
	w.r = &Reconciler{Client: mortal, Live: mortal, Recorder: w.events, Clock: w.clock, RootCAs: w.server.RootCAs(), EndpointHosts: []string{w.server.Host()}}
}

// look lets the manager look once.
func (w *world) look(t *testing.T) time.Duration {
	t.Helper()
	result, err := w.r.Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKey{Namespace: "media", Name: "classroom"}})
	if errors.Is(err, errKilled) {
		w.start()
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return result.RequeueAfter
}

func (w *world) source(t *testing.T) *v1alpha1.RecordingSource {
	t.Helper()
	source := &v1alpha1.RecordingSource{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "classroom"}, source); err != nil {
		t.Fatal(err)
	}
	return source
}

func (w *world) change(t *testing.T, change func(*v1alpha1.RecordingSource)) {
	t.Helper()
	source := w.source(t)
	change(source)
	source.Generation++
	if err := w.Update(t.Context(), source); err != nil {
		t.Fatal(err)
	}
}

func (w *world) secret(t *testing.T) map[string]string {
	t.Helper()
	secret := &corev1.Secret{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "callback"}, secret); err != nil {
		t.Fatal(err)
	}
	data := map[string]string{}
	for key, value := range secret.Data {
		data[key] = strings.TrimSuffix(string(value), "\n")
	}
	return data
}

func (w *world) condition(t *testing.T) metav1.Condition {
	t.Helper()
	condition := meta.FindStatusCondition(w.source(t).Status.Conditions, v1alpha1.ConditionRegistered)
	if condition == nil {
		t.Fatal("there is no condition Registered")
	}
	return *condition
}

// expect looks once and compares the condition.
func (w *world) expect(t *testing.T, reason string, texts ...string) {
	t.Helper()
	w.look(t)
	condition := w.condition(t)
	if condition.Reason != reason || (condition.Status == metav1.ConditionTrue) != (reason == v1alpha1.ReasonRegistered) {
		t.Fatalf("got %s %s: %s, want %s", condition.Status, condition.Reason, condition.Message, reason)
	}
	for _, text := range texts {
		if !strings.Contains(condition.Message, text) {
			t.Errorf("%q is not in: %s", text, condition.Message)
		}
	}
	w.tellsNoSecret(t)
}

// tellsNoSecret looks for keys in everything that people can read.
func (w *world) tellsNoSecret(t *testing.T) {
	t.Helper()
	text := w.events.text.String() + fmt.Sprintf("%+v", w.source(t))
	secrets := []string{rtcserver.SecretAccessKey, rtcserver.AccessKeyID}
	secret := &corev1.Secret{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "callback"}, secret); err == nil {
		for _, value := range secret.Data {
			secrets = append(secrets, strings.TrimSpace(string(value)))
		}
	}
	if registered := w.server.Registered(); registered != nil && registered.AuthKey != "" {
		secrets = append(secrets, registered.AuthKey)
	}
	for _, secret := range secrets {
		if secret != "" && strings.Contains(text, secret) {
			t.Errorf("a secret is told: %s", text)
		}
	}
}
