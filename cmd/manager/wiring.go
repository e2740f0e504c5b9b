// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	ctrlconfig "sigs.k8s.io/controller-runtime/pkg/config"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/controller"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/leadership"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/pace"
	"sparkrtc.dev/recording-operator/internal/receiver"
	"sparkrtc.dev/recording-operator/internal/routing"
)

const (
	leaderElectionID = "recording-operator.recording.sparkrtc.dev"
	// shutdownGrace is longer than the door takes to answer what it has accepted.
	shutdownGrace = 30 * time.Second
	// reconcileTimeout bounds what one look at an object may wait for the API server and for storage.
	reconcileTimeout = time.Minute
)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// newManager wires the operator together; nothing runs before the manager is started.
func newManager(ctx context.Context, config *rest.Config, o *options) (manager.Manager, error) {
	grace := shutdownGrace
	scheme := newScheme()
	mgr, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  scheme,
		MapperProvider:          func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return newMapper(scheme) },
		Cache:                   cacheOptions(o.namespaces),
		Metrics:                 metricsserver.Options{BindAddress: o.metricsAddress},
		HealthProbeBindAddress:  o.healthAddress,
		PprofBindAddress:        o.pprofAddress,
		Controller:              ctrlconfig.Controller{ReconciliationTimeout: reconcileTimeout},
		GracefulShutdownTimeout: &grace,
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	if err := ingest.SetupIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	if err := controller.SetupIndexes(ctx, mgr.GetFieldIndexer()); err != nil {
		return nil, err
	}
	collectors, err := metrics.New(ctrlmetrics.Registry)
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	if err := controller.WatchMetrics(ctx, mgr.GetCache(), collectors); err != nil {
		return nil, err
	}
	pacer := pace.New(clock.RealClock{})
	if err := addLeadership(mgr, o, collectors, pacer); err != nil {
		return nil, err
	}
	return mgr, addDoor(mgr, o, observer{Metrics: collectors, pacer: pacer})
}

// observer counts what the door answers, and tells the controllers' pacer how long the API server took for it.
type observer struct {
	*metrics.Metrics
	pacer *pace.Pacer
}

// CallbackHandled is told of every answer.
func (o observer) CallbackHandled(namespace, source, outcome string, took time.Duration) {
	o.Metrics.CallbackHandled(namespace, source, outcome, took)
	switch ingest.Outcome(outcome) {
	case ingest.Created, ingest.Claimed, ingest.Grown:
		o.pacer.Written(took)
	default: // nothing was written
	}
}

// addLeadership runs the controllers on the replica that leads. The manager itself elects nobody: it would end with its
// term, and the door with it.
func addLeadership(mgr manager.Manager, o *options, collectors *metrics.Metrics, pacer *pace.Pacer) error {
	router, err := routing.New()
	if err != nil {
		return err
	}
	var lease *leadership.Lease
	if o.leaderElect {
		lease = &leadership.Lease{Namespace: o.leaderNamespace, Name: leaderElectionID, Timing: o.leaseTiming}
	}
	paced, err := pacedClient(mgr, pacer)
	if err != nil {
		return err
	}
	terms, err := leadership.New(mgr, lease, func(term manager.Manager) error {
		return addControllers(term, paced, o, collectors, router)
	})
	if err != nil {
		return err
	}
	if err := mgr.Add(terms); err != nil {
		return fmt.Errorf("add the controllers: %w", err)
	}
	return nil
}

// pacedClient is the controllers' client: it reads from the caches, and its writes give way to callbacks.
func pacedClient(mgr manager.Manager, pacer *pace.Pacer) (client.Client, error) {
	paced, err := client.New(pacer.Config(mgr.GetConfig()), client.Options{
		Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), Cache: &client.CacheOptions{Reader: mgr.GetCache()},
	})
	if err != nil {
		return nil, fmt.Errorf("make the controllers' client: %w", err)
	}
	return paced, nil
}

// addControllers adds the reconcilers of one term.
func addControllers(mgr manager.Manager, paced client.Client, o *options, collectors *metrics.Metrics, router *routing.Router) error {
	recorder := newRecorder(mgr)
	now := clock.RealClock{}
	denied, err := o.denied()
	if err != nil {
		return err
	}
	reconcilers := []interface{ SetupWithManager(ctrl.Manager) error }{
		&controller.FileReconciler{
			Client: paced, Live: mgr.GetAPIReader(), Recorder: recorder, Metrics: collectors, Router: router,
			Clock: now, WorkerImage: o.workerImage, RequireLandlock: o.requireLandlock, Concurrency: o.concurrency, DeniedNetworks: denied,
		},
		&controller.SourceReconciler{
			Client: paced, Secrets: mgr.GetAPIReader(), Recorder: recorder, Router: router, Clock: now,
		},
		&controller.PipelineReconciler{Client: paced, Recorder: recorder, Clock: now},
		&controller.StorageReconciler{
			Client: paced, Live: mgr.GetAPIReader(), Recorder: recorder, Clock: now, DeniedNetworks: denied,
		},
		&controller.SweepReconciler{
			Client: paced, Live: mgr.GetAPIReader(), Files: ingest.New(mgr.GetClient(), mgr.GetAPIReader(), ingest.Options{}),
			Recorder: recorder, Metrics: collectors, Clock: now, DeniedNetworks: denied,
		},
	}
	for _, reconciler := range reconcilers {
		if err := reconciler.SetupWithManager(mgr); err != nil {
			return fmt.Errorf("set up %T: %w", reconciler, err)
		}
	}
	return nil
}

func addDoor(mgr manager.Manager, o *options, watcher receiver.Observer) error {
	spool, err := newSpool(mgr, &o.spool)
	if err != nil {
		return err
	}
	log := mgr.GetLogger().WithName("door")
	keys := receiver.NewKeyStore(mgr.GetAPIReader(), clock.RealClock{}, log)
	server, err := receiver.New(receiver.Config{
		Address: o.callbackAddress, CertDir: o.callbackCertDir,
		TrustedProxies: o.trustedProxies,
		Namespaces:     o.namespaces,
		Sources:        mgr.GetClient(),
		Caches:         mgr.GetCache(),
		Keys:           keys,
		Ingester:       spool,
		DeadLetters:    spool,
		Status:         mgr.GetClient().Status(),
		Observer:       watcher,
		Recorder:       newRecorder(mgr),
		Log:            log,
	})
	if err != nil {
		return err
	}
	if err := mgr.Add(callbacks{door: server, spool: spool}); err != nil {
		return fmt.Errorf("add the callback door: %w", err)
	}
	ahead := &receiver.KeysAhead{Keys: keys, Sources: mgr.GetClient(), Log: log, Clock: clock.RealClock{}}
	if err := mgr.Add(ahead); err != nil {
		return fmt.Errorf("add the reading of keys: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("add health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("callbacks", server.ReadyCheck); err != nil {
		return fmt.Errorf("add ready check: %w", err)
	}
	return nil
}
