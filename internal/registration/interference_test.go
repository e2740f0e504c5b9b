// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package registration

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/patch"
	"sparkrtc.dev/recording-operator/internal/testing/rtcserver"
)

// These tests have others act between two looks: people at the Secret and in the console, other sources, and a service that
// throttles.

const nextEntry = "key" + v1alpha1.NextKeySuffix

// edit is a person at the Secret of the key.
func (w *world) edit(t *testing.T, change func(data map[string][]byte)) {
	t.Helper()
	secret := keySecretOf(nil)
	if err := w.Get(t.Context(), clientKey(secret), secret); err != nil {
		t.Fatal(err)
	}
	change(secret.Data)
	if err := w.Update(t.Context(), secret); err != nil {
		t.Fatal(err)
	}
}

// TestRotation_NextKeyThatIsReplacedSettlesAgain: when the next key is registered and a person replaces it, receivers have to read
// the replacement before it is registered. Until then the service signs with the key that all of them have.
func TestRotation_NextKeyThatIsReplacedSettlesAgain(t *testing.T) {
	s := registeredSender(t)
	s.silent = true
	s.ask(t, "1")
	s.run(t, 10*time.Minute)
	if s.server.Registered().AuthKey != s.secret(t)[nextEntry] {
		t.Fatal("the next key is not registered")
	}
	another := strings.Repeat("y", 40)
	s.edit(t, func(data map[string][]byte) { data[nextEntry] = []byte(another) })
	s.expect(t, v1alpha1.ReasonRegistered)
	if s.server.Registered().AuthKey != firstKey {
		t.Error("a key is registered that receivers have not read")
	}
	s.silent, s.read = false, nil // from here on, every callback has to verify
	s.run(t, time.Hour)
	s.checkRotated(t, firstKey)
	if s.secret(t)["key"] != another {
		t.Error("the replacement is lost")
	}
}

// TestRotation_KeepsEditsOfTheSecret: a person edits the Secret between the manager's read and its write. The manager writes
// nothing, reads again, and goes on with what the person wrote.
func TestRotation_KeepsEditsOfTheSecret(t *testing.T) {
	mine := strings.Repeat("m", 40)
	for name, at := range map[string]int{"when the next key is written": 1, "when the old one is removed": 2} {
		t.Run(name, func(t *testing.T) {
			s := registeredSender(t)
			patches := 0
			meddled := interceptor.NewClient(s.WithWatch, interceptor.Funcs{
				Patch: func(ctx context.Context, c client.WithWatch, object client.Object, patch client.Patch, options ...client.PatchOption) error {
					if _, ok := object.(*corev1.Secret); ok {
						if patches++; patches == at {
							s.edit(t, func(data map[string][]byte) { data["note"] = []byte(mine) })
						}
					}
					return c.Patch(ctx, object, patch, options...)
				},
			})
			s.r.Client = meddled
			s.ask(t, "1")
			if wait := s.look(t); at == 1 && wait != patch.ConflictDelay {
				t.Errorf("after a conflict it is looked at again after %s", wait)
			}
			s.run(t, time.Hour)
			secret := s.secret(t)
			if secret["note"] != mine || len(secret) != 2 || secret["key"] == firstKey || s.server.Registered().AuthKey != secret["key"] {
				t.Errorf("the Secret has %d entries; the old key: %v, the registered one: %v", len(secret), secret["key"] == firstKey, s.server.Registered().AuthKey == secret["key"])
			}
		})
	}
}

// TestRotation_StolenKeyIsReplacedAtOnce: as docs/registration.md says, a person replaces the key and asks for a rotation, which
// has the manager look now.
func TestRotation_StolenKeyIsReplacedAtOnce(t *testing.T) {
	s := registeredSender(t)
	mine := strings.Repeat("m", 40)
	s.edit(t, func(data map[string][]byte) { data["key"] = []byte(mine) })
	s.ask(t, "1")
	s.expect(t, v1alpha1.ReasonRegistered)
	if s.server.Registered().AuthKey != mine {
		t.Error("the key that replaces the stolen one is not registered")
	}
	s.read = nil
	s.run(t, time.Hour)
	s.checkRotated(t, mine)
}

// TestRotation_OutlastsAServiceThatThrottles: whenever the service refuses to serve for a while, the rotation stays where it is,
// and both keys stay usable.
func TestRotation_OutlastsAServiceThatThrottles(t *testing.T) {
	for name, after := range map[string]time.Duration{
		"before the next key is written": 0, "before it is registered": 2 * time.Minute, "before it is used": 4 * time.Minute, "before the old one goes": 10 * time.Minute,
	} {
		for status, method := range map[int]string{http.StatusTooManyRequests: "", http.StatusServiceUnavailable: http.MethodPut} {
			t.Run(name+" "+http.StatusText(status)+method, func(t *testing.T) {
				s := registeredSender(t)
				s.ask(t, "1")
				s.run(t, after)
				began, asked := s.clock.Now(), 0
				s.server.Before = func(w http.ResponseWriter, r *http.Request) bool {
					if s.clock.Since(began) > 45*time.Minute || method != "" && r.Method != method {
						return false
					}
					asked++
					w.WriteHeader(status)
					return true
				}
				s.run(t, 45*time.Minute)
				if asked > 12 {
					t.Errorf("the service was asked %d times in 45 minutes", asked)
				}
				s.run(t, 90*time.Minute)
				s.checkRotated(t, firstKey)
			})
		}
	}
}

// TestRotation_RepairsDrift: what somebody registers while a key rotates is replaced where onDrift says so, and the rotation
// ends as it would have.
func TestRotation_RepairsDrift(t *testing.T) {
	for name, after := range map[string]time.Duration{"before the next key is registered": time.Minute, "after": 5 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			s := registeredSender(t)
			s.change(t, func(source *v1alpha1.RecordingSource) { source.Spec.Service.OnDrift = v1alpha1.OnDriftRepair })
			s.silent = true
			s.ask(t, "1")
			s.run(t, after)
			s.server.Set(&rtcserver.Callback{URL: "https://elsewhere.example.com", AuthKey: strings.Repeat("x", 32)})
			s.run(t, 15*time.Minute)
			if got := s.server.Registered(); got.URL != fullURL || got.AuthKey == strings.Repeat("x", 32) {
				t.Errorf("%s is registered", got.URL)
			}
			s.silent = false
			s.run(t, time.Hour)
			s.checkRotated(t, firstKey)
		})
	}
}

// TestReconciler_TakesAnAppOver: a source that gave its app up to an older one registers it again when that one is gone. What the
// older one had registered is no drift.
func TestReconciler_TakesAnAppOver(t *testing.T) {
	w := newWorld(t, nil)
	w.change(t, func(s *v1alpha1.RecordingSource) { s.CreationTimestamp = metav1.NewTime(w.clock.Now()) })
	w.expect(t, v1alpha1.ReasonRegistered)
	rival := source()
	rival.Name, rival.UID = "another", "uid-another"
	rival.CreationTimestamp = metav1.NewTime(w.clock.Now().Add(-time.Hour))
	if err := w.Create(t.Context(), rival); err != nil {
		t.Fatal(err)
	}
	w.expect(t, v1alpha1.ReasonAppTaken, `"another"`)
	w.server.Set(&rtcserver.Callback{URL: publicURL + "/callbacks/media/another", AuthKey: strings.Repeat("x", 32)})
	w.expect(t, v1alpha1.ReasonAppTaken)
	if err := w.Delete(t.Context(), rival); err != nil {
		t.Fatal(err)
	}
	w.expect(t, v1alpha1.ReasonRegistered)
	if got := w.server.Registered(); got.URL != fullURL || got.AuthKey != firstKey {
		t.Errorf("%s is registered", got.URL)
	}
}

// TestReconciler_OneOfTwoOfTheSameAge: of two sources that were created in the same second, one registers the app, the same at each look.
func TestReconciler_OneOfTwoOfTheSameAge(t *testing.T) {
	w := newWorld(t, nil)
	rival := source()
	rival.Name, rival.UID = "zoo", "uid-zoo"
	rival.CreationTimestamp = w.source(t).CreationTimestamp
	if err := w.Create(t.Context(), rival); err != nil {
		t.Fatal(err)
	}
	w.expect(t, v1alpha1.ReasonRegistered)
	if older(rival, w.source(t)) || !older(w.source(t), rival) {
		t.Error("both or none register the app")
	}
}

// TestReconciler_SourcesOfTwoNamespacesDoNotTakeTurns: an app whose callback goes to a source of another namespace is that
// one's, as long as it is there, and not taken back every ten minutes.
func TestReconciler_SourcesOfTwoNamespacesDoNotTakeTurns(t *testing.T) {
	w := newWorld(t, func(s *v1alpha1.RecordingSource) { s.Spec.Service.OnDrift = v1alpha1.OnDriftRepair })
	w.expect(t, v1alpha1.ReasonRegistered)
	rival := source()
	rival.Namespace, rival.UID = "studio", "uid-studio"
	if err := w.Create(t.Context(), rival); err != nil {
		t.Fatal(err)
	}
	theirs := &rtcserver.Callback{URL: publicURL + "/callbacks/studio/classroom", AuthKey: strings.Repeat("x", 32)}
	w.server.Set(theirs)
	w.expect(t, v1alpha1.ReasonDrifted, "of another namespace")
	if got := w.server.Registered(); got.URL != theirs.URL {
		t.Errorf("%s is registered", got.URL)
	}
	if err := w.Delete(t.Context(), rival); err != nil {
		t.Fatal(err)
	}
	w.expect(t, v1alpha1.ReasonRegistered)
	if got := w.server.Registered(); got.URL != fullURL {
		t.Errorf("%s is registered", got.URL)
	}
}
