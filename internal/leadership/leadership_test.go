// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package leadership

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/transport"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"sparkrtc.dev/recording-operator/internal/testing/apiserver"
)

var (
	restConfig *rest.Config
	k8s        client.Client
	// quick makes terms that are over in two seconds, the least that a Lease can say.
	quick = Timing{Lease: 2 * time.Second, RenewDeadline: time.Second, RetryPeriod: 100 * time.Millisecond, RequestTimeout: 500 * time.Millisecond}
)

const (
	timeout = 30 * time.Second
	poll    = 20 * time.Millisecond
)

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	apiserver.Main(func(server *apiserver.Server) {
		restConfig, k8s = server.Config, server.Client
		m.Run()
	})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// replica is an operator whose one controller looks at the ConfigMaps of a namespace.
type replica struct {
	t         *testing.T
	namespace string
	lease     *Lease
	// wrap changes what comes of the replica's requests; nil: nothing.
	wrap transport.WrapperFunc
	// working counts the reconciliations that are under way over all replicas.
	working *atomic.Int32
	// failures is how many terms fail before one does not.
	failures int32

	// terms counts the terms that began.
	terms  atomic.Int32
	looked chan string
	stop   func()
}

// slow is a ConfigMap whose reconciliation takes as long as it may.
const slow = "slow"

func (r *replica) start() *replica {
	r.t.Helper()
	r.looked = make(chan string, 1000)
	config := rest.CopyConfig(restConfig)
	config.Wrap(r.wrap)
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Metrics: metricsserver.Options{BindAddress: "0"},
		Cache:   cache.Options{DefaultNamespaces: map[string]cache.Config{r.namespace: {}}},
	})
	must(err)
	terms, err := New(mgr, r.lease, func(mgr manager.Manager) error {
		if r.terms.Add(1) <= r.failures {
			return errors.New("not yet")
		}
		return ctrl.NewControllerManagedBy(mgr).Named("configmap").For(&corev1.ConfigMap{}).Owns(&corev1.Secret{}).Complete(r)
	})
	must(err)
	must(mgr.Add(terms))
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		must(mgr.Start(ctx))
	}()
	r.stop = func() {
		cancel()
		<-stopped
	}
	r.t.Cleanup(r.stop)
	return r
}

// Reconcile notes what it looks at. Only one may be at work at a time: it has one worker, and terms do not overlap.
func (r *replica) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	if n := r.working.Add(1); n != 1 {
		r.t.Errorf("%d reconciliations at one time", n)
	}
	defer r.working.Add(-1)
	r.looked <- request.Name
	if request.Name == slow {
		<-ctx.Done()
	}
	return reconcile.Result{}, nil
}

// seesNew creates a ConfigMap and waits until the replica has looked at it.
func (r *replica) seesNew(name string) {
	r.t.Helper()
	must(k8s.Create(r.t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: r.namespace, Name: name}}))
	r.sees(name)
}

func (r *replica) sees(name string) {
	r.t.Helper()
	NewWithT(r.t).Eventually(r.looked, timeout, poll).Should(Receive(Equal(name)))
}

func newNamespace(t *testing.T) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "leadership-"}}
	must(k8s.Create(t.Context(), namespace))
	return namespace.Name
}

func getLease(t *testing.T, namespace string) *coordinationv1.Lease {
	t.Helper()
	lease := &coordinationv1.Lease{}
	must(k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lease"}, lease))
	return lease
}

// steal gives the Lease to a holder that never renews it.
func steal(t *testing.T, namespace string) {
	t.Helper()
	NewWithT(t).Eventually(func() error {
		lease := getLease(t, namespace)
		lease.Spec.HolderIdentity = new("thief")
		return k8s.Update(t.Context(), lease)
	}, timeout, poll).Should(Succeed())
}

func TestTermsFollowEachOther(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	r := (&replica{t: t, namespace: namespace, lease: &Lease{Namespace: namespace, Name: "lease", Timing: quick}, working: &atomic.Int32{}}).start()
	// The reconciliation that is under way when a term ends must not reach into the next one.
	r.seesNew(slow)
	var goroutines int
	for term := int32(1); term <= 4; term++ {
		g.Expect(r.terms.Load()).To(Equal(term))
		steal(t, namespace)
		r.sees(slow)
		if term == 1 {
			// By now everything that is made only once has been made.
			goroutines = runtime.NumGoroutine()
		}
	}
	// A handler that stayed would be two goroutines more in each term, a controller or an election many.
	g.Eventually(runtime.NumGoroutine, timeout, poll).Should(BeNumerically("<=", goroutines+2))
}

func TestLeaseIsHandedOver(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	lease := &Lease{Namespace: namespace, Name: "lease"} // of the usual time, which nobody has to wait for
	working := &atomic.Int32{}
	first := (&replica{t: t, namespace: namespace, lease: lease, working: working}).start()
	first.seesNew(slow)
	second := (&replica{t: t, namespace: namespace, lease: lease, working: working}).start()
	begin := time.Now()
	first.stop()
	second.sees(slow)
	g.Expect(time.Since(begin)).To(BeNumerically("<", DefaultTiming.Lease))
	second.stop()
	g.Expect(getLease(t, namespace).Spec.HolderIdentity).To(HaveValue(BeEmpty()))
}

// roundTrips is an http.RoundTripper.
type roundTrips func(*http.Request) (*http.Response, error)

func (f roundTrips) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }

// A leader that cannot renew its Lease works on until it notices. The Lease must not be free before that, nor while the
// API server's word on giving it back is still on its way.
func TestALeaseThatCannotBeRenewedIsNotFreeTooEarly(t *testing.T) {
	g := NewWithT(t)
	namespace := newNamespace(t)
	working, failing := &atomic.Int32{}, &atomic.Bool{}
	lease := &Lease{Namespace: namespace, Name: "lease", Timing: quick}
	host, err := os.Hostname()
	must(err)
	wrap := func(next http.RoundTripper) http.RoundTripper {
		return roundTrips(func(request *http.Request) (*http.Response, error) {
			if request.Method != http.MethodPut || !failing.Load() {
				return next.RoundTrip(request)
			}
			body, err := io.ReadAll(request.Body)
			must(err)
			if bytes.Contains(body, []byte(host+"_")) { // who holds it
				return nil, errors.New("no renewal comes through")
			}
			request.Body = io.NopCloser(bytes.NewReader(body))
			if response, err := next.RoundTrip(request); err == nil {
				_ = response.Body.Close()
			}
			<-request.Context().Done()
			return nil, request.Context().Err()
		})
	}
	first := (&replica{t: t, namespace: namespace, lease: lease, working: working, wrap: wrap}).start()
	first.seesNew(slow)
	second := (&replica{t: t, namespace: namespace, lease: lease, working: working}).start()
	failing.Store(true)
	second.sees(slow)
	g.Expect(first.terms.Load()).To(Equal(int32(1)))
}

func TestDeletedLeaseIsTakenAgain(t *testing.T) {
	namespace := newNamespace(t)
	r := (&replica{t: t, namespace: namespace, lease: &Lease{Namespace: namespace, Name: "lease", Timing: quick}, working: &atomic.Int32{}}).start()
	r.seesNew("first")
	must(k8s.Delete(t.Context(), getLease(t, namespace)))
	NewWithT(t).Eventually(func() error {
		return k8s.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "lease"}, &coordinationv1.Lease{})
	}, timeout, poll).Should(Succeed())
	r.seesNew("second")
}

func TestFailedTermIsFollowedByAnother(t *testing.T) {
	r := (&replica{t: t, namespace: newNamespace(t), working: &atomic.Int32{}, failures: 1}).start()
	r.seesNew("first")
	NewWithT(t).Expect(r.terms.Load()).To(Equal(int32(2)))
}

// TestLateHandlersAreRefused: a controller adds its handlers in the background, maybe when its term is over.
func TestLateHandlersAreRefused(t *testing.T) {
	shared := &handlers{}
	must(shared.remove())
	_, err := (&informer{handlers: shared}).AddEventHandler(nil)
	NewWithT(t).Expect(err).To(MatchError(errTermOver))
}
