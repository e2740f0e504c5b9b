// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/process"
	"sparkrtc.dev/recording-operator/internal/receiver"
	"sparkrtc.dev/recording-operator/internal/rejected"
	"sparkrtc.dev/recording-operator/internal/spool"
)

// The receiver's rights. config/rbac/receiver is generated from these markers; the right to get Secrets is apart from
// them, in config/rbac/secrets_role.yaml, so that it can be granted for one namespace at a time.

// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingsources,verbs=list;watch
// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=recordingfiles;recordingtasks,verbs=create;get;patch
// +kubebuilder:rbac:groups=recording.sparkrtc.dev,resources=rejectedcallbacks,verbs=create;get;delete
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// newScheme knows what the receiver reads and writes, and nothing else.
func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// receiving is the receiver as a process: a manager that holds the cache, metrics and probes, and the server of
// callbacks with its spool beside it.
type receiving struct {
	manager  manager.Manager
	state    *receiver.StateCache
	server   *receiver.Server
	rejecter *rejected.Store
	spool    *spool.Spool
}

// newReceiver wires the receiver together; nothing runs before it is run.
func newReceiver(ctx context.Context, config *rest.Config, o *options) (*receiving, error) {
	mgr, err := ctrl.NewManager(config, o.ManagerOptions(newScheme(), &v1alpha1.RecordingSource{}, &v1alpha1.RecordingFile{}, &v1alpha1.RecordingTask{},
		&v1alpha1.RejectedCallback{}, &corev1.Secret{}))
	if err != nil {
		return nil, fmt.Errorf("create the manager: %w", err)
	}
	collectors, err := metrics.NewCallbacks(o.registry)
	if err != nil {
		return nil, err
	}
	log := mgr.GetLogger().WithName("receiver")
	state := &receiver.StateCache{
		Dir: o.stateDir, Cached: mgr.GetClient(), Synced: mgr.GetCache().WaitForCacheSync,
		Keys: receiver.NewKeyStore(mgr.GetAPIReader(), clock.RealClock{}, log), Log: log, Clock: clock.RealClock{},
	}
	prefetcher := &receiver.KeyPrefetcher{
		Keys: state.Keys, Sources: mgr.GetClient(), Changed: make(chan struct{}, 1), Log: log, Clock: clock.RealClock{},
	}
	if err := watchSources(ctx, mgr.GetCache(), collectors, prefetcher); err != nil {
		return nil, err
	}
	for _, runnable := range []manager.Runnable{prefetcher, state} {
		if err := mgr.Add(runnable); err != nil {
			return nil, fmt.Errorf("add %T: %w", runnable, err)
		}
	}
	rejecter, err := newRejectedStore(mgr, state, o)
	if err != nil {
		return nil, err
	}
	spool, err := newSpool(ctx, mgr, o, rejecter)
	if err != nil {
		return nil, err
	}
	r := &receiving{manager: mgr, state: state, rejecter: rejecter, spool: spool}
	return r, r.addServer(o, collectors)
}

// watchSources removes the metrics of deleted sources, and has the keys of others read when they are new or have changed.
func watchSources(ctx context.Context, informers cache.Cache, collectors *metrics.Callbacks, prefetcher *receiver.KeyPrefetcher) error {
	informer, err := informers.GetInformer(ctx, &v1alpha1.RecordingSource{})
	if err != nil {
		return fmt.Errorf("get the informer of recording sources: %w", err)
	}
	if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { prefetcher.SourceChanged() },
		UpdateFunc: func(any, any) { prefetcher.SourceChanged() },
		DeleteFunc: func(object any) {
			if tombstone, ok := object.(toolscache.DeletedFinalStateUnknown); ok {
				object = tombstone.Obj
			}
			if source, ok := object.(client.Object); ok {
				collectors.SourceDeleted(source.GetNamespace(), source.GetName())
			}
		},
	}); err != nil {
		return fmt.Errorf("watch recording sources: %w", err)
	}
	return nil
}

func (r *receiving) addServer(o *options, collectors *metrics.Callbacks) error {
	server, err := receiver.New(receiver.Config{
		Address: o.address, CertDir: o.certDir,
		TrustedProxies: o.trustedProxies,
		Namespaces:     o.Namespaces,
		Sources:        r.state,
		WaitForSources: r.state.Wait,
		Keys:           r.state.Keys,
		Ingester:       r.spool,
		Rejecter:       r.rejecter,
		Observer:       collectors,
		Recorder:       process.NewRecorder(r.manager),
		Log:            r.state.Log,
	})
	if err != nil {
		return err
	}
	r.server = server
	if err := r.manager.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return fmt.Errorf("add health check: %w", err)
	}
	if err := r.manager.AddReadyzCheck("callbacks", server.ReadyCheck); err != nil {
		return fmt.Errorf("add ready check: %w", err)
	}
	return nil
}

// run serves until the context ends. The server and its spool are not the manager's: the manager starts nothing before
// its caches are synced, and the server has to open without the API server. The manager ends last, so that probes,
// cache and events work until the last response is sent.
func (r *receiving) run(ctx context.Context) error {
	group, failed := errgroup.WithContext(context.WithoutCancel(ctx))
	managing, stopManager := context.WithCancel(failed)
	group.Go(func() error { return process.Run(managing, r.manager) })
	group.Go(func() error {
		defer stopManager()
		serving, stop := context.WithCancel(ctx)
		defer stop()
		defer context.AfterFunc(failed, stop)()
		return callbacks{server: r.server, spool: r.spool}.Start(serving)
	})
	if err := group.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
