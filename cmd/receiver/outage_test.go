// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/sparkrtc"
	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
)

const (
	timeout     = time.Minute
	poll        = 50 * time.Millisecond
	callbackKey = "0123456789abcdef0123456789abcdef"
)

// wire is the connection to the API server, which can be cut.
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

func (w *wire) repair() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.isCut = false
}

// scenario is a receiver, wired as in main, and the API server beside it.
type scenario struct {
	t    *testing.T
	k8s  client.Client
	o    *options
	wire *wire
	// config is for the API server itself.
	config *rest.Config
	// stop ends the receiver and returns when it has ended.
	stop func()
}

// newScenario starts a receiver that cannot reach the API server yet.
func newScenario(t *testing.T) *scenario {
	t.Helper()
	ctrl.SetLogger(logr.Discard())
	server := apiserver.Start(t)
	s := &scenario{t: t, k8s: server.Client, wire: &wire{}, o: &options{address: freeAddress(t), stateDir: t.TempDir()}}
	s.o.HealthAddress, s.o.MetricsAddress, s.o.Namespaces = freeAddress(t), "0", []string{"default"}
	s.o.spool = spoolOptions{dir: t.TempDir(), maxBytes: resource.QuantityValue{Quantity: resource.MustParse("16Mi")}}
	s.wire.cut()
	s.config = server.Config
	s.start()
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

// start runs the receiver, as a container that starts does.
func (s *scenario) start() {
	s.t.Helper()
	config := rest.CopyConfig(s.config)
	config.Dial = s.wire.dial
	s.o.registry = prometheus.NewRegistry()
	ctx, cancel := context.WithCancel(context.Background())
	r, err := newReceiver(ctx, config, s.o)
	if err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- r.run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the receiver ended with %v", err)
		}
	})
	s.t.Cleanup(s.stop)
}

func (s *scenario) probe(path string) int {
	response, err := http.Get("http://" + s.o.HealthAddress + path)
	if err != nil {
		return 0
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// createSource creates a source with a key.
func (s *scenario) createSource(name string) {
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

// call sends the START of a job and returns the response's code.
func (s *scenario) call(source, job string) int {
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
		fmt.Sprintf("http://%s/callbacks/default/%s", s.o.address, source), bytes.NewReader(body))
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

// isRecorded waits until a START has its one task.
func (s *scenario) isRecorded(job string) {
	s.t.Helper()
	NewWithT(s.t).Eventually(func(g Gomega) {
		tasks := &v1alpha1.RecordingTaskList{}
		g.Expect(s.k8s.List(s.t.Context(), tasks, client.InNamespace("default"), client.MatchingFields{"spec.taskID": job})).To(Succeed())
		g.Expect(tasks.Items).To(HaveLen(1))
	}, timeout, poll).Should(Succeed())
}

func TestReceiver_OutlivesTheAPIServer(t *testing.T) {
	g := NewWithT(t)
	s := newScenario(t)
	s.createSource("first")

	// A receiver that starts during an outage is alive, but not ready: it knows no source yet.
	g.Eventually(func() int { return s.probe("/healthz") }, timeout, poll).Should(Equal(http.StatusOK))
	g.Expect(s.probe("/readyz")).NotTo(Equal(http.StatusOK))
	s.wire.repair()
	g.Eventually(func() int { return s.probe("/readyz") }, timeout, poll).Should(Equal(http.StatusOK))
	g.Expect(s.call("first", "before")).To(Equal(http.StatusOK))

	for outage := range 2 {
		s.wire.cut()
		job := fmt.Sprintf("during-%d", outage)
		g.Expect(s.call("first", job)).To(Equal(http.StatusOK))
		// The Service routes to ready pods only, and the kubelet restarts a container that is not alive.
		g.Expect(s.probe("/readyz")).To(Equal(http.StatusOK))
		g.Expect(s.probe("/healthz")).To(Equal(http.StatusOK))
		s.wire.repair()
		s.isRecorded(job)
		source := fmt.Sprintf("after-%d", outage)
		s.createSource(source)
		g.Eventually(func() int { return s.call(source, "job") }, timeout, poll).Should(Equal(http.StatusOK))
	}
}

// TestReceiver_RestartsDuringAnOutage: a container that restarts while the API server is away serves with the sources and
// keys of the one before, and what it stores is written when the API server is back.
func TestReceiver_RestartsDuringAnOutage(t *testing.T) {
	g := NewWithT(t)
	s := newScenario(t)
	s.createSource("first")
	s.wire.repair()
	g.Eventually(func() int { return s.probe("/readyz") }, timeout, poll).Should(Equal(http.StatusOK))
	g.Expect(s.call("first", "before")).To(Equal(http.StatusOK))
	g.Eventually(func() (string, error) {
		content, err := os.ReadFile(filepath.Join(s.o.stateDir, "state.json"))
		return string(content), err
	}, timeout, poll).Should(ContainSubstring(base64.StdEncoding.EncodeToString([]byte(callbackKey))))

	s.wire.cut()
	s.stop()
	s.start()
	g.Eventually(func() int { return s.probe("/readyz") }, timeout, poll).Should(Equal(http.StatusOK))
	g.Expect(s.call("first", "during")).To(Equal(http.StatusOK))
	g.Expect(s.call("second", "during")).To(Equal(http.StatusUnauthorized))
	s.wire.repair()
	s.isRecorded("during")
	s.createSource("second")
	g.Eventually(func() int { return s.call("second", "after") }, timeout, poll).Should(Equal(http.StatusOK))
}
