// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package security

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// tellRejected has two callbacks rejected whose objects have one name, so that the second replaces the first, and
// replays it.
func tellRejected(t *testing.T, operator *operator, namespace string) {
	t.Helper()
	g := NewWithT(t)
	key, err := sparkrtc.ParseKey([]byte(callbackKey))
	g.Expect(err).NotTo(HaveOccurred())
	body := []byte(event("RECORD_FILE_COMPLETE", "job", `"obs_bucket":0`))
	var name string
	for n, sent := 0, 0; sent < 2; n++ {
		proof, err := sparkrtc.Sign(key, fmt.Sprint(n), fmt.Sprint(time.Now().Unix()), body)
		g.Expect(err).NotTo(HaveOccurred())
		slot, err := strconv.ParseUint(proof.Digest()[:8], 16, 32)
		g.Expect(err).NotTo(HaveOccurred())
		if slot%32 != 7 {
			continue
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, operator.callbacks+"/callbacks/"+namespace+"/classroom", bytes.NewReader(body))
		g.Expect(err).NotTo(HaveOccurred())
		proof.SetHeader(request.Header)
		response, err := http.DefaultClient.Do(request)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(response.Body.Close()).To(Succeed())
		g.Expect(response.StatusCode).To(Equal(http.StatusBadRequest))
		name, sent = "classroom-07", sent+1
	}
	rejected := &v1alpha1.RejectedCallback{ObjectMeta: named(namespace, name)}
	g.Expect(admin.Patch(t.Context(), rejected, client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replay":true}}`)))).To(Succeed())
	g.Eventually(func(g Gomega) {
		g.Expect(admin.Get(t.Context(), client.ObjectKeyFromObject(rejected), rejected)).To(Succeed())
		g.Expect(meta.IsStatusConditionFalse(rejected.Status.Conditions, v1alpha1.ConditionReplayed)).To(BeTrue())
	}, timeout, poll).Should(Succeed())
}

// TestRejectedCallbacks_AreCreatedByTheReceiverAlone: a replay stores with the operator's rights what the object holds, so
// nobody else makes one, whatever RBAC allows.
func TestRejectedCallbacks_AreCreatedByTheReceiverAlone(t *testing.T) {
	g := NewWithT(t)
	const namespace = "rejected"
	create(t, &corev1.Namespace{ObjectMeta: named("", namespace)})
	receiver, err := client.New(receiverAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	manager, err := client.New(managerAccount.config(t), client.Options{Scheme: scheme})
	g.Expect(err).NotTo(HaveOccurred())
	forged := builders.MakeRejectedCallback("classroom-01", "classroom", event("RECORD_FILE_COMPLETE", "job", object)).In(namespace).Replay().Obj()
	g.Eventually(func() error { // the API server has read the policy
		return admin.Create(t.Context(), forged.DeepCopy(), client.DryRunAll)
	}, timeout, poll).Should(And(Satisfy(apierrors.IsForbidden), MatchError(ContainSubstring("only the operator's receiver creates RejectedCallbacks"))))
	g.Expect(receiver.Create(t.Context(), forged.DeepCopy(), client.DryRunAll)).To(Succeed())
	g.Expect(manager.Create(t.Context(), forged.DeepCopy(), client.DryRunAll)).To(Satisfy(apierrors.IsForbidden))
}
