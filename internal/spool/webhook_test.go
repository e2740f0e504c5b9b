// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
	"sparkrtc.dev/recording-operator/internal/testing/builders"
)

// webhook has all RecordingFiles of a namespace judged by a handler.
func webhook(namespace string, handler http.HandlerFunc) (*httptest.Server, admissionregistrationv1.ValidatingWebhook) {
	server := httptest.NewTLSServer(handler)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return server, admissionregistrationv1.ValidatingWebhook{
		Name:                    namespace + ".example.com",
		ClientConfig:            admissionregistrationv1.WebhookClientConfig{URL: &server.URL, CABundle: authority},
		NamespaceSelector:       &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
		SideEffects:             new(admissionregistrationv1.SideEffectClassNone),
		AdmissionReviewVersions: []string{"v1"},
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.OperationAll},
			Rule: admissionregistrationv1.Rule{
				APIGroups: []string{v1alpha1.GroupVersion.Group}, APIVersions: []string{"*"}, Resources: []string{"recordingfiles", "recordingtasks"},
			},
		}},
	}
}

// countingIngester counts the calls that ended, by namespace.
type countingIngester struct {
	Ingester
	mu    sync.Mutex
	calls map[string]int
}

func (c *countingIngester) Ingest(ctx context.Context, d ingest.Delivery) (ingest.Result, error) {
	result, err := c.Ingester.Ingest(ctx, d)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls[d.Namespace]++
	return result, err
}

func (c *countingIngester) everyNamespace(names []string, calls int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !slices.ContainsFunc(names, func(name string) bool { return c.calls[name] < calls })
}

// Whatever becomes of a namespace's webhook, the API server is there: it refuses those jobs, and takes all others.
func TestSpool_BrokenWebhooksAreNoOutage(t *testing.T) {
	log.SetLogger(logr.Discard())
	server := apiserver.Start(t)
	create := func(object client.Object) {
		if err := server.Client.Create(t.Context(), object); err != nil {
			t.Fatal(err)
		}
	}
	config := &admissionregistrationv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: "tenants"}}
	end := make(chan struct{})
	names := []string{"gives-up", "fails", "is-gone", "hangs", "has-none"}
	for _, name := range names {
		create(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}})
		if name == "has-none" {
			continue
		}
		listener, hook := webhook(name, func(w http.ResponseWriter, r *http.Request) {
			if name == "hangs" || name == "gives-up" {
				<-end
			}
			var review admissionv1.AdmissionReview
			_ = json.NewDecoder(r.Body).Decode(&review)
			review.Response = &admissionv1.AdmissionResponse{
				UID: review.Request.UID, Result: &metav1.Status{Code: http.StatusInternalServerError, Message: "no database"},
			}
			_ = json.NewEncoder(w).Encode(review)
		})
		defer listener.Close()
		switch name {
		case "is-gone":
			listener.Close()
		case "gives-up":
			hook.TimeoutSeconds = new(int32(1))
		}
		config.Webhooks = append(config.Webhooks, hook)
	}
	defer close(end)
	create(config)
	eventually(t, "the API server knows the webhooks", func() bool {
		task := builders.MakeRecordingTask("x", "classroom", "job").Obj()
		task.Namespace = "fails"
		return server.Client.Create(t.Context(), task, client.DryRunAll) != nil
	})

	httpClient, err := rest.HTTPClientFor(server.Config)
	if err != nil {
		t.Fatal(err)
	}
	ready, err := ReadyProbe(server.Config, httpClient)
	if err != nil {
		t.Fatal(err)
	}
	if err := ready(t.Context()); err != nil {
		t.Errorf("the API server is not ready: %v", err)
	}
	tried := &countingIngester{calls: map[string]int{}}
	h := makeHarness(t, t.TempDir(), func(o *Options) {
		tried.Ingester = ingest.New(server.Client, server.Client, ingest.Options{CallTimeout: DrainTimeout})
		o.Ingester, o.DirectTimeout, o.Ready = tried, DefaultDirectTimeout, ready
	})
	stop := h.run(t)
	defer func() { stop() }()
	for _, name := range names {
		d := deliver("job", 1)
		d.Namespace = name
		want := ingest.Spooled
		if name == "has-none" {
			want = ingest.Created
		}
		h.ingest(t, d, want)
		if h.Stats().BreakerOpen {
			t.Errorf("after the first callback of the namespace that %s, the breaker is open", name)
		}
	}
	eventually(t, "each was tried again, and is refused", func() bool { return tried.everyNamespace(names[:4], 2) })
	if stats := h.Stats(); stats.BreakerOpen || stats.Events != 4 {
		t.Errorf("stats %+v", stats)
	}
}
