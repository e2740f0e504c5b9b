// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package notification

import (
	"errors"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// condition is NotificationsDelivered, after a look at the source.
func (w *world) condition(t *testing.T) *metav1.Condition {
	t.Helper()
	w.clock.Step(writePause)
	if _, err := w.r.reconcileSource(t.Context(), request("media", "classroom")); err != nil {
		t.Fatal(err)
	}
	source := &v1alpha1.RecordingSource{}
	if err := w.Get(t.Context(), client.ObjectKey{Namespace: "media", Name: "classroom"}, source); err != nil {
		t.Fatal(err)
	}
	return meta.FindStatusCondition(source.Status.Conditions, v1alpha1.ConditionNotificationsDelivered)
}

// TestSourceCondition_SaysWhatIsWrong with a notification before anything is sent, and what a sink did with the last event.
func TestSourceCondition_SaysWhatIsWrong(t *testing.T) {
	g := NewWithT(t)
	sink := serve(t)
	source := binary("media", sink)
	source.Spec.Notifications[0].When = "recording.format"
	source.Spec.Notifications[0].Signing = &v1alpha1.NotificationSigning{SecretRef: v1alpha1.SecretKeyReference{Name: "signing", Key: "key"}}
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "media", Name: "signing"}, Data: map[string][]byte{"other": nil}}
	w := newWorld(t, nil, source, fileWith("media", "a", noon, v1alpha1.EventFileReady))
	expect := func(status metav1.ConditionStatus, reason, text string) {
		t.Helper()
		condition := w.condition(t)
		g.Expect(condition).NotTo(BeNil())
		g.Expect(condition.Status).To(Equal(status), condition.Message)
		g.Expect(condition.Reason).To(Equal(reason), condition.Message)
		g.Expect(condition.Message).To(ContainSubstring(text))
	}
	expect(metav1.ConditionFalse, v1alpha1.ReasonSinkNotAllowed, "spec.notifications[0] (lms): sink.uri: the manager has no --notification-hosts")
	w.r.Hosts, _ = ParseHosts([]string{sink.URL})
	expect(metav1.ConditionFalse, v1alpha1.ReasonExpressionInvalid, "when: the notification is never sent")
	change := func(object client.Object, change func()) {
		t.Helper()
		g.Expect(w.Get(t.Context(), client.ObjectKeyFromObject(object), object)).To(Succeed())
		change()
		g.Expect(w.Update(t.Context(), object)).To(Succeed())
	}
	change(source, func() { source.Spec.Notifications[0].When = "" })
	expect(metav1.ConditionFalse, v1alpha1.ReasonKeyNotFound, `signing.secretRef: Secret "signing" not found`)
	w.look(t, "media", "a")
	g.Expect(sink.ids()).To(BeEmpty(), "nothing is sent unsigned")
	g.Expect(w.Create(t.Context(), secret)).To(Succeed())
	expect(metav1.ConditionFalse, v1alpha1.ReasonKeyNotFound, `has no key "key"`)
	change(secret, func() { secret.Data = map[string][]byte{"key": []byte(secretText)} })
	expect(metav1.ConditionFalse, v1alpha1.ReasonKeyInvalid, "each line must be whsec_")
	g.Expect(w.condition(t).Message).NotTo(ContainSubstring(secretText))
	change(secret, func() { secret.Data["key"] = []byte(whsec(1)) })
	expect(metav1.ConditionTrue, v1alpha1.ReasonDelivered, "No sink refused")

	sink.status.Store(http.StatusForbidden)
	w.clock.Step(maxSettingsBackoff)
	w.look(t, "media", "a")
	expect(metav1.ConditionFalse, v1alpha1.ReasonSinkRefused, "responds with HTTP 403")
	w.r.sinks = sinks{}
	expect(metav1.ConditionFalse, v1alpha1.ReasonSinkRefused, "responds with HTTP 403") // a manager that starts knows no better
	sink.status.Store(0)
	w.clock.Step(time.Minute)
	w.look(t, "media", "a")
	g.Expect(sink.ids()).To(HaveLen(1))
	expect(metav1.ConditionTrue, v1alpha1.ReasonDelivered, "")

	change(source, func() { source.Spec.Notifications = nil })
	g.Expect(w.condition(t)).To(BeNil())
	g.Expect(w.r.sinks.known).To(BeEmpty())
}

// TestSourceCondition_IsWrittenSparingly: a sink that takes every other event does not have the source written each time.
func TestSourceCondition_IsWrittenSparingly(t *testing.T) {
	g := NewWithT(t)
	source := sourceTo("media", "http://a.example.com")
	w := newWorld(t, []string{"http://a.example.com"}, source)
	writes := 0
	w.beforePatch = func() error { writes++; return nil }
	key := keyOf(source, &source.Spec.Notifications[0])
	for i := range 1000 {
		var fault *Fault
		if i%2 == 0 {
			fault = &Fault{Reason: v1alpha1.ReasonSinkRefused, scope: ofEvent, text: "refused"}
		}
		w.r.sinks.end(key, fault, w.clock.Now())
		_, err := w.r.reconcileSource(t.Context(), request("media", "classroom"))
		g.Expect(err).NotTo(HaveOccurred())
		w.clock.Step(100 * time.Millisecond)
	}
	g.Expect(writes).To(BeNumerically("~", 10, 1), "in 100 seconds")
}

// TestSourceCondition_FailedWriteIsRepeated without the pause between two conditions: the first one was never written.
func TestSourceCondition_FailedWriteIsRepeated(t *testing.T) {
	g := NewWithT(t)
	source := sourceTo("media", "http://a.example.com")
	w := newWorld(t, []string{"http://a.example.com"}, source)
	g.Expect(w.condition(t).Status).To(Equal(metav1.ConditionTrue))
	w.clock.Step(writePause)
	w.r.sinks.end(keyOf(source, &source.Spec.Notifications[0]), &Fault{Reason: v1alpha1.ReasonSinkRefused, scope: ofEvent, text: "refused"}, w.clock.Now())
	writes := 0
	w.beforePatch = func() error {
		if writes++; writes == 1 {
			return errors.New("no connection")
		}
		return nil
	}
	_, err := w.r.reconcileSource(t.Context(), request("media", "classroom"))
	g.Expect(err).To(MatchError(ContainSubstring("no connection")))
	_, err = w.r.reconcileSource(t.Context(), request("media", "classroom"))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(writes).To(Equal(2))
}
