// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/testing/rtcserver"
)

func duration(d time.Duration) *metav1.Duration { return &metav1.Duration{Duration: d} }

func clientKey(object client.Object) client.ObjectKey { return client.ObjectKeyFromObject(object) }

func TestReconciler_RegistersURLAndKey(t *testing.T) {
	w := newWorld(t, nil)
	w.expect(t, v1alpha1.ReasonRegistered)
	if got := w.server.Registered(); got.URL != fullURL || got.AuthKey != firstKey {
		t.Errorf("%s is registered, with the key: %v", got.URL, got.AuthKey == firstKey)
	}
	writes := w.writes
	for range 5 {
		w.clock.Step(checkInterval)
		w.expect(t, v1alpha1.ReasonRegistered)
	}
	if w.writes != writes || len(w.server.Updates()) != 1 {
		t.Errorf("%d writes and %d updates although nothing changed", w.writes-writes, len(w.server.Updates())-1)
	}
}

func TestReconciler_RegistersWhatPeopleChange(t *testing.T) {
	w := newWorld(t, nil)
	w.expect(t, v1alpha1.ReasonRegistered)
	w.change(t, func(s *v1alpha1.RecordingSource) { s.Spec.Service.PublicURL = "https://new.example.com:8443/" })
	w.expect(t, v1alpha1.ReasonRegistered)
	if got := w.server.Registered().URL; got != "https://new.example.com:8443/callbacks/media/classroom" {
		t.Error(got)
	}
	secret := keySecretOf(nil)
	if err := w.Get(t.Context(), clientKey(secret), secret); err != nil {
		t.Fatal(err)
	}
	secret.Data["key"] = []byte(strings.Repeat("z", 40))
	if err := w.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
	w.expect(t, v1alpha1.ReasonRegistered)
	if w.server.Registered().AuthKey != strings.Repeat("z", 40) {
		t.Error("the key that a person replaced is not registered")
	}
}

func TestReconciler_FindsDrift(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*rtcserver.Callback)
		fields string
	}{
		"the URL": {func(c *rtcserver.Callback) { c.URL = "https://elsewhere.example.com" }, "another url than"},
		"the key": {func(c *rtcserver.Callback) { c.AuthKey = strings.Repeat("x", 32) }, "another auth_key than"},
		"both":    {func(c *rtcserver.Callback) { *c = rtcserver.Callback{} }, "another url and another auth_key than"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.expect(t, v1alpha1.ReasonRegistered)
			foreign := *w.server.Registered()
			test.change(&foreign)
			w.server.Set(&foreign)
			w.expect(t, v1alpha1.ReasonDrifted, test.fields)
			w.expect(t, v1alpha1.ReasonDrifted)
			if got := *w.server.Registered(); got.URL != foreign.URL || got.AuthKey != foreign.AuthKey {
				t.Error("what somebody else registered was overwritten")
			}
			if strings.Contains(w.condition(t).Message, "elsewhere") {
				t.Error("the condition shows a value of the service")
			}
			w.change(t, func(s *v1alpha1.RecordingSource) { s.Spec.Service.OnDrift = v1alpha1.OnDriftRepair })
			w.expect(t, v1alpha1.ReasonRegistered)
			if got := w.server.Registered(); got.URL != fullURL || got.AuthKey != firstKey {
				t.Error("the drift is not repaired")
			}
		})
	}
}

func TestReconciler_GeneratesAKey(t *testing.T) {
	for name, objects := range map[string][]client.Object{
		"without a Secret":     {credentialsSecret()},
		"in a Secret of other": {credentialsSecret(), keySecretOf(map[string]string{"other": "kept"})},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, objects...)
			w.expect(t, v1alpha1.ReasonRegistered)
			secret := w.secret(t)
			if key := secret["key"]; len(key) != 64 || w.server.Registered().AuthKey != key {
				t.Errorf("the key has %d characters", len(key))
			}
			if len(objects) == 2 && secret["other"] != "kept" {
				t.Error("another entry of the Secret is lost")
			}
			if !strings.Contains(w.events.text.String(), v1alpha1.ReasonKeyGenerated) {
				t.Error("no event says so")
			}
		})
	}
}

// TestReconciler_SaysWhatIsMissing: each condition has the reason and the field.
func TestReconciler_SaysWhatIsMissing(t *testing.T) {
	unlabeled := keySecretOf(map[string]string{"key": firstKey})
	unlabeled.Labels = nil
	noSecretKey := credentialsSecret()
	delete(noSecretKey.Data, v1alpha1.SecretKeySecretAccessKey)
	wrong := credentialsSecret()
	wrong.Data[v1alpha1.SecretKeySecretAccessKey] = []byte("another")
	good := keySecretOf(map[string]string{"key": firstKey})
	for name, test := range map[string]struct {
		objects []client.Object
		change  func(*world)
		reason  string
		texts   []string
	}{
		"no credentials":     {objects: []client.Object{good}, reason: v1alpha1.ReasonCredentialsMissing, texts: []string{"spec.service.credentialsSecretRef", `"rtc" not found`}},
		"half credentials":   {objects: []client.Object{good, noSecretKey}, reason: v1alpha1.ReasonCredentialsMissing, texts: []string{`"secretAccessKey"`}},
		"wrong credentials":  {objects: []client.Object{good, wrong}, reason: v1alpha1.ReasonRefused, texts: []string{"HTTP 401, APIGW.0301"}},
		"a short key":        {objects: []client.Object{keySecretOf(map[string]string{"key": "short"}), credentialsSecret()}, reason: v1alpha1.ReasonKeyInvalid, texts: []string{"32 to 64 characters"}},
		"a short next key":   {objects: []client.Object{keySecretOf(map[string]string{"key": firstKey, "key.next": "short"}), credentialsSecret()}, reason: v1alpha1.ReasonKeyInvalid, texts: []string{`"key.next"`}},
		"a Secret of others": {objects: []client.Object{unlabeled, credentialsSecret()}, reason: v1alpha1.ReasonKeyNotLabeled, texts: []string{"kubectl -n media label secret callback recording.sparkrtc.dev/callback-key=true"}},
		"a URL that is away": {change: func(w *world) { w.server.Probe = func(context.Context, string) bool { return false } },
			reason: v1alpha1.ReasonURLUnavailable, texts: []string{"spec.service.publicURL", "RTC.00001018"}},
		"a service that is away": {change: func(w *world) { w.server.Before = unavailable }, reason: v1alpha1.ReasonUnavailable, texts: []string{"HTTP 503"}},
		"a denied network":       {change: func(w *world) { w.r.DeniedNetworks = networks.Local() }, reason: v1alpha1.ReasonEndpointDenied, texts: []string{"network that is denied"}},
		"another host":           {change: func(w *world) { w.r.EndpointHosts = []string{"rtc-api.myhuaweicloud.com"} }, reason: v1alpha1.ReasonEndpointDenied, texts: []string{"--service-endpoint-hosts"}},
		"no right to Secrets":    {change: forbid("get"), reason: v1alpha1.ReasonSecretForbidden, texts: []string{"recording-operator-secrets"}},
		"no right to create":     {objects: []client.Object{credentialsSecret()}, change: forbid("create"), reason: v1alpha1.ReasonSecretForbidden, texts: []string{"create", "recording-operator-keys"}},
		"no right to patch":      {objects: []client.Object{credentialsSecret(), keySecretOf(nil)}, change: forbid("patch"), reason: v1alpha1.ReasonSecretForbidden, texts: []string{"patch", "recording-operator-keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil, test.objects...)
			if test.change != nil {
				test.change(w)
			}
			w.expect(t, test.reason, test.texts...)
			if w.server.Registered() != nil {
				t.Error("a callback is registered")
			}
			if wait := w.look(t); wait < retryInterval || wait > checkInterval {
				t.Errorf("it is tried again after %s", wait)
			}
		})
	}
}

func unavailable(w http.ResponseWriter, _ *http.Request) bool {
	w.WriteHeader(http.StatusServiceUnavailable)
	return true
}

// forbid takes the manager a right to Secrets.
func forbid(verb string) func(*world) {
	return func(w *world) {
		no := func(name string) error {
			return apierrors.NewForbidden(schema.GroupResource{Resource: "secrets"}, name, errors.New("no right"))
		}
		limited := interceptor.NewClient(w.WithWatch, interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, object client.Object, options ...client.GetOption) error {
				if _, source := object.(*v1alpha1.RecordingSource); verb == "get" && !source {
					return no(key.Name)
				}
				return c.Get(ctx, key, object, options...)
			},
			Create: func(ctx context.Context, c client.WithWatch, object client.Object, options ...client.CreateOption) error {
				if verb == "create" {
					return no(object.GetName())
				}
				return c.Create(ctx, object, options...)
			},
			Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
				if verb == "patch" {
					return no(object.GetName())
				}
				return c.Patch(ctx, object, patch, options...)
			},
		})
		w.r.Client, w.r.Live = limited, limited
	}
}

// TestReconciler_ServiceEndpointIsTheOperators: who may edit sources has neither the callback key nor the operator's place in
// the network: no request reaches a host that the manager's flag does not name.
func TestReconciler_ServiceEndpointIsTheOperators(t *testing.T) {
	w := newWorld(t, nil)
	reached := false
	w.server.Before = func(http.ResponseWriter, *http.Request) bool { reached = true; return false }
	w.r.EndpointHosts = []string{"rtc-api.myhuaweicloud.com"}
	for _, endpoint := range []string{w.server.URL, "https://kubernetes.default.svc", "https://rtc-api.myhuaweicloud.com.evil.example.com",
		"https://rtc-api.myhuaweicloud.com:6443", "https://169.254.169.254"} {
		w.change(t, func(s *v1alpha1.RecordingSource) { s.Spec.Service.Endpoint = endpoint })
		w.expect(t, v1alpha1.ReasonEndpointDenied, "--service-endpoint-hosts")
	}
	if reached {
		t.Error("the host was asked")
	}
}

// TestReconciler_CredentialsAreForTheirURLAlone: who may edit sources, but not read Secrets, has callbacks sent nowhere else
// where the Secret says which URL its credentials are for; and never to the path of another source.
func TestReconciler_CredentialsAreForTheirURLAlone(t *testing.T) {
	for key, only := range map[string]string{v1alpha1.SecretKeyPublicURL: "https://recordings.example.org", v1alpha1.SecretKeyEndpoint: "https://rtc.example.org"} {
		pinned := credentialsSecret()
		pinned.Data[key] = []byte(only)
		w := newWorld(t, nil, pinned, keySecretOf(map[string]string{"key": firstKey}))
		w.expect(t, v1alpha1.ReasonCredentialsMissing, "is for another "+key)
		if w.server.Shows() > 0 {
			t.Error("the credentials were used all the same")
		}
	}
	both := credentialsSecret()
	both.Data[v1alpha1.SecretKeyEndpoint], both.Data[v1alpha1.SecretKeyPublicURL] = []byte("https://rtc.example.org"), []byte("https://recordings.example.org")
	for range 20 { // a message that changed from look to look would be written, and told in an event, each time
		newWorld(t, nil, both.DeepCopy(), keySecretOf(map[string]string{"key": firstKey})).
			expect(t, v1alpha1.ReasonCredentialsMissing, "is for another endpoint")
	}
	same := credentialsSecret()
	same.Data[v1alpha1.SecretKeyPublicURL] = []byte(publicURL + "/\n")
	w := newWorld(t, nil, same, keySecretOf(map[string]string{"key": firstKey}))
	w.expect(t, v1alpha1.ReasonRegistered)
	if got := w.server.Registered().URL; got != fullURL {
		t.Errorf("%s is not the path of the source", got)
	}
}

// TestReconciler_KeysOfOtherSecretsStay: without the label, no entry of a Secret is sent to the service or overwritten.
func TestReconciler_KeysOfOtherSecretsStay(t *testing.T) {
	w := newWorld(t, func(s *v1alpha1.RecordingSource) {
		s.Spec.Callback.Keys[0].SecretRef = v1alpha1.SecretKeyReference{Name: "rtc", Key: v1alpha1.SecretKeySecretAccessKey}
		s.Spec.Service.RotateKey = "1"
	})
	w.expect(t, v1alpha1.ReasonKeyNotLabeled)
	if w.server.Registered() != nil || w.writes > 1 {
		t.Error("the Secret was used")
	}
}

func TestReconciler_OneSourceRegistersAnApp(t *testing.T) {
	w := newWorld(t, nil)
	rival := source()
	rival.Name, rival.UID = "another", "uid-another"
	rival.CreationTimestamp = metav1.NewTime(w.clock.Now().Add(-time.Hour))
	w.change(t, func(s *v1alpha1.RecordingSource) { s.CreationTimestamp = metav1.NewTime(w.clock.Now()) })
	if err := w.Create(t.Context(), rival); err != nil {
		t.Fatal(err)
	}
	w.expect(t, v1alpha1.ReasonAppTaken, `"another"`)
}

func TestReconciler_ClearsWhatItSaid(t *testing.T) {
	w := newWorld(t, nil)
	w.expect(t, v1alpha1.ReasonRegistered)
	w.change(t, func(s *v1alpha1.RecordingSource) { s.Spec.Service = nil })
	if wait := w.look(t); wait != 0 {
		t.Errorf("it is looked at again after %s", wait)
	}
	status := w.source(t).Status
	if status.Registration != nil || meta.FindStatusCondition(status.Conditions, v1alpha1.ConditionRegistered) != nil {
		t.Errorf("the status is %+v", status)
	}
	if w.server.Registered() == nil {
		t.Error("the registration is removed")
	}
}

// TestReconciler_EventsSayWhatIsWritten: a status that could not be written, since others wrote it meanwhile, is in no event.
// The look after that says it, once.
func TestReconciler_EventsSayWhatIsWritten(t *testing.T) {
	w := newWorld(t, nil)
	w.r.Client = interceptor.NewClient(w.WithWatch, interceptor.Funcs{
		SubResourcePatch: func(context.Context, client.Client, string, client.Object, client.Patch, ...client.SubResourcePatchOption) error {
			return apierrors.NewConflict(schema.GroupResource{}, "classroom", errors.New("changed"))
		},
	})
	if wait := w.look(t); wait != patch.ConflictDelay {
		t.Errorf("after a conflict it is looked at again after %s", wait)
	}
	w.start()
	w.look(t)
	if text := w.events.text.String(); strings.Count(text, v1alpha1.ReasonRegistered+" ") != 1 {
		t.Errorf("the events are:\n%s", text)
	}
}
