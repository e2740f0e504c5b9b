// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
)

const floodSource = "flood"

// beginCallbacks makes a source with the highest rate that there is.
func (a *attacker) beginCallbacks(ctx context.Context) error {
	return createAll(ctx, a.k8s, signedSource(attackerNamespace, floodSource, v1alpha1.RecordingSourceSpec{
		Callback: v1alpha1.CallbackSpec{RateLimit: &v1alpha1.RateLimit{CallbacksPerSecond: 100_000}},
	}))
}

// flood sends authentic callbacks as fast as they are answered: about new files and known ones, as large as they can be,
// and such that cannot be decoded.
func (a *attacker) flood(ctx context.Context) {
	blanks := bytes.Repeat([]byte(" "), 60<<10)
	sender := newSender(attackerNamespace, floodSource, "127.0.0.2")
	var next atomic.Int64
	var running sync.WaitGroup
	for range a.options.clients {
		running.Go(func() {
			for ctx.Err() == nil {
				n := next.Add(1)
				body := completeEvent(fmt.Sprintf("flood-%d", n))
				switch n % 8 {
				case 0:
					body = completeEvent("flood-again")
				case 1:
					body = append(body, blanks...)
				case 2:
					undecodable := callbacks.Complete(fmt.Sprint(n), room, time.Now())
					undecodable["file_size"] = "large"
					body = encode(undecodable)
				case 3:
					body = startEvent("flood-task")
				}
				if code, _, err := sender.Send(ctx, body); err == nil && code == http.StatusOK {
					a.written.Add(1)
				}
			}
		})
	}
	running.Wait()
}

// beginWebhook has what is written to the attacker's namespace wait for a webhook that never answers, for as long as the
// API server lets it.
func (a *attacker) beginWebhook(ctx context.Context) error {
	if err := a.beginCallbacks(ctx); err != nil {
		return err
	}
	return a.admin.Create(ctx, &admissionregistrationv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: attackerNamespace},
		Webhooks: []admissionregistrationv1.ValidatingWebhook{{
			Name:                    "hangs.example.com",
			ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &a.hanging.webhook, CABundle: a.hanging.authority},
			NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: attackerNamespace}},
			SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
			TimeoutSeconds:          new(int32(30)),
			AdmissionReviewVersions: []string{"v1"},
			// The attacker's own writes are not to hang: they are the other attacks.
			MatchConditions: []admissionregistrationv1.MatchCondition{{Name: "operator", Expression: "request.userInfo.username.startsWith('system:serviceaccount:')"}},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.OperationAll},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{"*"}, APIVersions: []string{"*"}, Resources: []string{"*/*"}},
			}},
		}},
	})
}

// hangingServers take connections and requests and never respond.
type hangingServers struct {
	storage, webhook string
	authority        []byte
	end              chan struct{}
	servers          []*httptest.Server
}

func newHangingServers() *hangingServers {
	h := &hangingServers{end: make(chan struct{})}
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-h.end:
		case <-r.Context().Done():
		}
	})
	plain, secure := httptest.NewServer(hang), httptest.NewTLSServer(hang)
	h.servers = []*httptest.Server{plain, secure}
	h.storage, h.webhook = plain.URL, secure.URL
	h.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	return h
}

func (h *hangingServers) close() {
	close(h.end)
	for _, server := range h.servers {
		server.Close()
	}
}
