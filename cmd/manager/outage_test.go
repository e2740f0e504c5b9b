// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/leadership"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
)

const (
	timeout     = time.Minute
	poll        = 50 * time.Millisecond
	callbackKey = "0123456789abcdef0123456789abcdef"
)

// wire is the way to the API server, which can be cut.
type wire struct {
	mu    sync.Mutex
	isCut bool
	open  []net.Conn
}

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isCut {
		return nil, errors.New("the wire is cut")
	}
	var dialer net.Dialer
	connection, err := dialer.DialContext(ctx, network, address)
	if err == nil {
		w.open = append(w.open, connection)
	}
	return connection, err
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = true
	for _, connection := range w.open {
		_ = connection.Close()
	}
	w.open = nil
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

// story is a manager, wired as in main, and the API server beside it.
type story struct {
	t    *testing.T
	k8s  client.Client
	o    *options
	wire *wire
}

func newStory(t *testing.T) *story {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	server := apiserver.Start(t)
	s := &story{t: t, k8s: server.Client, wire: &wire{}}
	s.o = &options{
		callbackAddress: freeAddress(t), healthAddress: freeAddress(t), metricsAddress: "0",
		namespaces: []string{"default"}, leaderElect: true, leaderNamespace: "default", workerImage: "worker:test", concurrency: 1,
		leaseTiming: leadership.Timing{Lease: 2 * time.Second, RenewDeadline: time.Second, RetryPeriod: 200 * time.Millisecond, RequestTimeout: 500 * time.Millisecond},
	}
	s.o.spool = spoolOptions{dir: t.TempDir(), maxBytes: resource.QuantityValue{Quantity: resource.MustParse("1Mi")}, adminAddress: adminOff}
	s.start(server.Config)
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// start runs the manager, with the wire cut.
func (s *story) start(config *rest.Config) {
	s.t.Helper()
	s.wire.cut()
	config = rest.CopyConfig(config)
	config.Dial = s.wire.dial
	ctx, cancel := context.WithCancel(context.Background())
	manager, err := newManager(ctx, config, s.o)
	if err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, manager) }()
	s.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the manager ended with %v", err)
		}
	})
}

func (s *story) probe(path string) int {
	response, err := http.Get("http://" + s.o.healthAddress + path)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// createSource creates a source with a key.
func (s *story) createSource(name string) {
	s.t.Helper()
	meta := metav1.ObjectMeta{Namespace: "default", Name: name}
	for _, object := range []client.Object{
		&corev1.Secret{ObjectMeta: meta, StringData: map[string]string{"key": callbackKey}},
		&v1alpha1.RecordingSource{ObjectMeta: meta, Spec: v1alpha1.RecordingSourceSpec{Callback: v1alpha1.CallbackSpec{
			Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: name, Key: "key"}}},
		}}},
	} {
		if err := s.k8s.Create(s.t.Context(), object); err != nil {
			s.t.Fatal(err)
		}
	}
}

// isReconciled waits until a source has a status: then somebody leads.
func (s *story) isReconciled(name string) {
	s.t.Helper()
	NewWithT(s.t).Eventually(func(g Gomega) {
		source := &v1alpha1.RecordingSource{}
		g.Expect(s.k8s.Get(s.t.Context(), client.ObjectKey{Namespace: "default", Name: name}, source)).To(Succeed())
		g.Expect(source.Status.Conditions).NotTo(BeEmpty())
	}, timeout, poll).Should(Succeed())
}

// call sends the START of a job and returns the answer's code.
func (s *story) call(source, job string) int {
	s.t.Helper()
	body, err := json.Marshal(map[string]string{"event_type": "RECORD_NEW_FILE_START", "job_id": job, "stream_name": "camera", "record_format": "HLS"})
	if err != nil {
		s.t.Fatal(err)
	}
	key, err := sparkrtc.ParseKey([]byte(callbackKey))
	if err != nil {
		s.t.Fatal(err)
	}
	proof, err := sparkrtc.Sign(key, rand.Text(), strconv.FormatInt(time.Now().Unix(), 10), body)
	if err != nil {
		s.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost,
		fmt.Sprintf("http://%s/callbacks/default/%s", s.o.callbackAddress, source), bytes.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	proof.SetHeader(request.Header)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Log(err)
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// leads says whether the manager believes that it leads.
func leads(t *testing.T) bool {
	t.Helper()
	families, err := ctrlmetrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "leader_election_master_status" {
			return family.GetMetric()[0].GetGauge().GetValue() == 1
		}
	}
	return false
}

// isRecorded waits until a job has its one file.
func (s *story) isRecorded(job string) {
	s.t.Helper()
	NewWithT(s.t).Eventually(func(g Gomega) {
		files := &v1alpha1.RecordingFileList{}
		g.Expect(s.k8s.List(s.t.Context(), files, client.InNamespace("default"), client.MatchingFields{"spec.jobID": job})).To(Succeed())
		g.Expect(files.Items).To(HaveLen(1))
	}, timeout, poll).Should(Succeed())
}

// TestDoorOutlivesTheAPIServer: an API server that is away costs the leader its Lease, but no replica its door, and what
// comes in meanwhile is kept.
func TestDoorOutlivesTheAPIServer(t *testing.T) {
	g := NewWithT(t)
	s := newStory(t)
	s.createSource("first")

	// A replica that starts meanwhile is alive, and not ready: it knows no source yet.
	g.Eventually(func() int { return s.probe("/healthz") }, timeout, poll).Should(Equal(http.StatusOK))
	g.Expect(s.probe("/readyz")).NotTo(Equal(http.StatusOK))
	s.wire.mend()
	g.Eventually(func() int { return s.probe("/readyz") }, timeout, poll).Should(Equal(http.StatusOK))
	s.isReconciled("first")
	g.Expect(s.call("first", "before")).To(Equal(http.StatusOK))

	for outage := range 2 {
		g.Eventually(func() bool { return leads(t) }, timeout, poll).Should(BeTrue())
		s.wire.cut()
		g.Eventually(func() bool {
			// The Service sends callbacks to what is ready, and the kubelet restarts what is not alive.
			g.Expect(s.probe("/readyz")).To(Equal(http.StatusOK))
			g.Expect(s.probe("/healthz")).To(Equal(http.StatusOK))
			return leads(t)
		}, timeout, poll).Should(BeFalse())
		job := fmt.Sprintf("during-%d", outage)
		g.Expect(s.call("first", job)).To(Equal(http.StatusOK))
		s.wire.mend()
		s.isRecorded(job)
		source := fmt.Sprintf("after-%d", outage)
		s.createSource(source)
		s.isReconciled(source)
		g.Eventually(func() int { return s.call(source, "job") }, timeout, poll).Should(Equal(http.StatusOK))
	}
}
