// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package trigger_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/worker/trigger"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

var (
	server     *apiserver.Server
	namespaces atomic.Int64
)

func TestMain(m *testing.M) {
	apiserver.Main(func(started *apiserver.Server) {
		server = started
		m.Run()
	})
}

// account is a user of a namespace who may do these things with ConfigMaps.
func account(t *testing.T, verbs ...string) (namespace string, config *rest.Config) {
	t.Helper()
	namespace = fmt.Sprintf("trigger-%d", namespaces.Add(1))
	user, err := server.AddUser(envtest.User{Name: "account-of-" + namespace}, nil)
	if err != nil {
		t.Fatal(err)
	}
	objects := []client.Object{&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}}
	if len(verbs) > 0 {
		name := metav1.ObjectMeta{Namespace: namespace, Name: "account"}
		objects = append(objects,
			&rbacv1.Role{ObjectMeta: name, Rules: []rbacv1.PolicyRule{{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: verbs}}},
			&rbacv1.RoleBinding{ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "account"},
				Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "account-of-" + namespace}}})
	}
	for _, object := range objects {
		if err := server.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	return namespace, user.Config()
}

const mark = "uid/captions/1/facts"

func configMap(namespace string) map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "captions", "namespace": namespace, "annotations": map[string]any{v1alpha1.AnnotationTriggeredBy: mark}},
		"data":     map[string]any{"room": "}}'\"; rm -rf / # {{workflow.name}}"},
	}
}

// step is a step that creates an object.
func step(t *testing.T, object map[string]any, wait *v1alpha1.TriggerWait) workerapi.StepSpec {
	t.Helper()
	encoded, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := json.Marshal(workerapi.TriggerSettings{Object: encoded, TriggeredBy: mark, Wait: wait})
	if err != nil {
		t.Fatal(err)
	}
	return workerapi.StepSpec{Kind: trigger.Kind, Settings: settings}
}

// run does a step as the pod does, with short pauses.
func run(ctx context.Context, t *testing.T, config *rest.Config, spec workerapi.StepSpec) (workerapi.Result, error) {
	t.Helper()
	_, object, err := trigger.Settings(&spec)
	if err != nil {
		return workerapi.Result{}, err
	}
	api, err := trigger.NewClient(ctx, rest.CopyConfig(config), object, func(ctx context.Context, _ time.Duration) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.NewTimer(10 * time.Millisecond).C:
			return nil
		}
	})
	if err != nil {
		return workerapi.Result{}, err
	}
	one := trigger.Trigger{Step: spec, API: api, Changed: api.Changed, Log: slog.New(slog.DiscardHandler)}
	return one.Run(ctx)
}

func wantFailure(t *testing.T, err error, reason string, permanent bool, message string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", reason)
	}
	if found := failure.Of(err); found.Reason != reason || found.Permanent != permanent || !strings.Contains(err.Error(), message) {
		t.Errorf("got %s (permanent: %t): %v; want %s with %q", found.Reason, found.Permanent, err, reason, message)
	}
}

func read(t *testing.T, namespace string) *corev1.ConfigMap {
	t.Helper()
	object := &corev1.ConfigMap{}
	if err := server.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "captions"}, object); err != nil {
		t.Fatal(err)
	}
	return object
}

func TestTrigger_CreatesOnceAndAdopts(t *testing.T) {
	namespace, config := account(t, "create", "get")
	for range 2 {
		result, err := run(t.Context(), t, config, step(t, configMap(namespace), nil))
		if err != nil {
			t.Fatal(err)
		}
		want := &v1alpha1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Name: "captions"}
		if diff := cmp.Diff(want, result.Object); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	if got := read(t, namespace).Data["room"]; got != "}}'\"; rm -rf / # {{workflow.name}}" {
		t.Errorf("the value arrived as %q", got)
	}
}

func TestTrigger_ObjectOfOthersIsLeftAlone(t *testing.T) {
	namespace, config := account(t, "create", "get")
	other := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "captions"}, Data: map[string]string{"a": "b"}}
	if err := server.Client.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	_, err := run(t.Context(), t, config, step(t, configMap(namespace), nil))
	wantFailure(t, err, workerapi.ReasonObjectTaken, true, `ConfigMap "captions" exists, and this step did not create it`)
	if read(t, namespace).Data["a"] != "b" {
		t.Error("the other's object was changed")
	}
}

func TestTrigger_SaysWhatIsWrong(t *testing.T) {
	namespace, config := account(t)
	allowed, allowedConfig := account(t, "create", "get")
	cluster := map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "x", "namespace": namespace}}
	unknown := map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": map[string]any{"name": "x", "namespace": namespace}}
	wrong, misspelled := configMap(allowed), configMap(allowed)
	wrong["data"], misspelled["date"] = map[string]any{"a/b c": "x"}, map[string]any{}
	for name, test := range map[string]struct {
		config    *rest.Config
		object    map[string]any
		reason    string
		permanent bool
		message   string
	}{
		"no right":             {config, configMap(namespace), workerapi.ReasonForbidden, false, `cannot create resource "configmaps"`},
		"another's namespace":  {allowedConfig, configMap(namespace), workerapi.ReasonForbidden, false, "cannot create"},
		"a cluster-wide kind":  {config, cluster, workerapi.ReasonObjectInvalid, true, "kind Namespace is not namespaced"},
		"a kind that is not":   {config, unknown, workerapi.ReasonKindNotFound, false, "no kind Workflow in argoproj.io/v1alpha1"},
		"what is refused":      {allowedConfig, wrong, workerapi.ReasonObjectInvalid, true, "data[a/b c]"},
		"a field that is not":  {allowedConfig, misspelled, workerapi.ReasonObjectInvalid, true, `unknown field "date"`},
		"an object of nothing": {config, map[string]any{"apiVersion": "v1", "kind": "ConfigMap"}, workerapi.ReasonInvalidStep, true, "no name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := run(t.Context(), t, test.config, step(t, test.object, nil))
			wantFailure(t, err, test.reason, test.permanent, test.message)
		})
	}
}

var wait = &v1alpha1.TriggerWait{
	Success: "object.?data.?phase.orValue('') == 'Succeeded'",
	Failure: "object.?data.?phase.orValue('') in ['Failed', 'Error']",
	Message: "object.?data.?message.orValue('')",
	Results: []v1alpha1.TriggerResult{{Name: "vtt", Value: "object.data.vtt"}},
}

// whenCreated changes the object once the step has created it.
func whenCreated(t *testing.T, namespace string, change func(*corev1.ConfigMap) error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		for {
			object := &corev1.ConfigMap{}
			err := server.Client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "captions"}, object)
			if err == nil {
				done <- change(object)
				return
			}
			if t.Context().Err() != nil {
				done <- t.Context().Err()
				return
			}
		}
	}()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func set(t *testing.T, data map[string]string) func(*corev1.ConfigMap) error {
	t.Helper()
	return func(object *corev1.ConfigMap) error {
		object.Data = data
		return server.Client.Update(context.WithoutCancel(t.Context()), object)
	}
}

func TestTrigger_WaitsForTheObject(t *testing.T) {
	for name, verbs := range map[string][]string{"by watching": {"create", "get", "list", "watch"}, "by reading": {"create", "get"}} {
		t.Run(name, func(t *testing.T) {
			namespace, config := account(t, verbs...)
			whenCreated(t, namespace, set(t, map[string]string{"phase": "Succeeded", "vtt": "s3://b/a.vtt"}))
			result, err := run(t.Context(), t, config, step(t, configMap(namespace), wait))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]v1alpha1.StepResult{{Name: "vtt", Value: "s3://b/a.vtt"}}, result.Results); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTrigger_EndsAsTheObjectDoes(t *testing.T) {
	remove := func(t *testing.T) func(*corev1.ConfigMap) error {
		t.Helper()
		return func(object *corev1.ConfigMap) error {
			return server.Client.Delete(context.WithoutCancel(t.Context()), object)
		}
	}
	for name, test := range map[string]struct {
		change          func(t *testing.T) func(*corev1.ConfigMap) error
		reason, message string
	}{
		"it fails": {func(t *testing.T) func(*corev1.ConfigMap) error {
			t.Helper()
			return set(t, map[string]string{"phase": "Error", "message": "no GPU"})
		}, workerapi.ReasonObjectFailed, `ConfigMap "captions": no GPU`},
		"it is deleted": {remove, workerapi.ReasonObjectDeleted, "was deleted before it was done"},
		"a result is missing": {func(t *testing.T) func(*corev1.ConfigMap) error {
			t.Helper()
			return set(t, map[string]string{"phase": "Succeeded"})
		}, workerapi.ReasonExpressionFailed, "wait.results[vtt].value"},
		"a result is long": {func(t *testing.T) func(*corev1.ConfigMap) error {
			t.Helper()
			return set(t, map[string]string{"phase": "Succeeded", "vtt": strings.Repeat("x", 1025)})
		}, workerapi.ReasonResultTooLarge, "1025 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			namespace, config := account(t, "create", "get", "list", "watch")
			whenCreated(t, namespace, test.change(t))
			result, err := run(t.Context(), t, config, step(t, configMap(namespace), wait))
			wantFailure(t, err, test.reason, true, test.message)
			if result.Object == nil {
				t.Error("the object is not said")
			}
		})
	}
}

// TestTrigger_StopsWhenItIsStopped and says so, whatever it waits for.
func TestTrigger_StopsWhenItIsStopped(t *testing.T) {
	stopped := errors.New("stopped")
	for name, verbs := range map[string][]string{"watching": {"create", "get", "list", "watch"}, "reading": {"create", "get"}} {
		t.Run(name, func(t *testing.T) {
			namespace, config := account(t, verbs...)
			ctx, cancel := context.WithCancelCause(t.Context())
			whenCreated(t, namespace, func(*corev1.ConfigMap) error {
				cancel(stopped)
				return nil
			})
			if _, err := run(ctx, t, config, step(t, configMap(namespace), wait)); err == nil || ctx.Err() == nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestTrigger_ObjectIsBounded: an object of any size costs the pod no more than a response may have.
func TestTrigger_ObjectIsBounded(t *testing.T) {
	namespace, config := account(t, "create", "get")
	big := &unstructured.Unstructured{Object: configMap(namespace)}
	if err := unstructured.SetNestedField(big.Object, strings.Repeat("x", 1<<20-1024), "data", "big"); err != nil {
		t.Fatal(err)
	}
	// A response has what the API server adds, such as managedFields.
	annotations := big.GetAnnotations()
	annotations["fat"] = strings.Repeat("y", 200<<10)
	big.SetAnnotations(annotations)
	if err := server.Client.Create(t.Context(), big); err != nil {
		t.Fatal(err)
	}
	_, err := run(t.Context(), t, config, step(t, configMap(namespace), nil))
	wantFailure(t, err, workerapi.ReasonTooLarge, true, "larger than 1048576 bytes")
}
