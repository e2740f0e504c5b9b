// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
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

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/controller"
	"sparkrtc.dev/recording-operator/internal/expression"
	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/metrics"
	"sparkrtc.dev/recording-operator/internal/networks"
	"sparkrtc.dev/recording-operator/internal/notification"
	"sparkrtc.dev/recording-operator/internal/pace"
	"sparkrtc.dev/recording-operator/internal/process"
	"sparkrtc.dev/recording-operator/internal/progress"
	"sparkrtc.dev/recording-operator/internal/registration"
)

const (
	leaderElectionID = "recording-operator.recording.sparkrtc.dev"
	// reconcileTimeout bounds how long one reconcile may wait for the API server and for storage.
	reconcileTimeout = time.Minute
)

func newScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// newManager wires the controller manager together; nothing runs before it is started.
func newManager(ctx context.Context, config *rest.Config, o *options) (manager.Manager, error) {
	managerOptions := o.ManagerOptions(newScheme(),
		&v1alpha1.RecordingFile{}, &v1alpha1.RecordingTask{}, &v1alpha1.RecordingSource{}, &v1alpha1.RecordingPipeline{}, &v1alpha1.StorageLocation{},
		&v1alpha1.RejectedCallback{},
		&batchv1.Job{}, &corev1.Pod{}, &appsv1.ControllerRevision{}, &corev1.Secret{}, &corev1.PersistentVolumeClaim{},
	)
	managerOptions.Cache.ByObject = controller.CacheByObject()
	managerOptions.Cache.ReaderFailOnMissingInformer = true // controller.SetupCache asks for all of them
	managerOptions.Controller = ctrlconfig.Controller{ReconciliationTimeout: reconcileTimeout}
	o.electLeader(&managerOptions)
	mgr, err := ctrl.NewManager(config, managerOptions)
	if err != nil {
		return nil, fmt.Errorf("create the manager: %w", err)
	}
	if err := mgr.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("add health check: %w", err)
	}
	if err := mgr.AddReadyzCheck("ping", healthz.Ping); err != nil {
		return nil, fmt.Errorf("add ready check: %w", err)
	}
	return mgr, addControllers(ctx, mgr, config, o)
}

// electLeader has the manager elect a leader. The leader gives its Lease back when it is told to stop, so that another
// replica leads at once; the process ends right after that.
func (o *options) electLeader(managerOptions *ctrl.Options) {
	managerOptions.LeaderElection = o.leaderElect
	managerOptions.LeaderElectionID = leaderElectionID
	managerOptions.LeaderElectionNamespace = o.leaderNamespace
	managerOptions.LeaderElectionReleaseOnCancel = true
	if o.leaseDuration > 0 {
		managerOptions.LeaseDuration, managerOptions.RenewDeadline, managerOptions.RetryPeriod = &o.leaseDuration, &o.renewDeadline, &o.retryPeriod
	}
}

func addControllers(ctx context.Context, mgr manager.Manager, config *rest.Config, o *options) error {
	if err := controller.SetupCache(ctx, mgr.GetCache()); err != nil {
		return err
	}
	now := clock.RealClock{}
	collectors, err := metrics.New(ctrlmetrics.Registry, now)
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	if err := controller.WatchMetrics(ctx, mgr.GetCache(), collectors); err != nil {
		return err
	}
	pacer := pace.New(now)
	if err := controller.WatchArrivals(ctx, mgr.GetCache(), pacer); err != nil {
		return err
	}
	router, err := expression.NewRouter()
	if err != nil {
		return err
	}
	conditions, err := expression.NewConditions()
	if err != nil {
		return err
	}
	reachable, err := o.reachable()
	if err != nil {
		return err
	}
	traces, err := o.Trace(ctx, mgr, "recording-operator-manager", version)
	if err != nil {
		return err
	}
	recorder := process.NewRecorder(mgr)
	wake, taskFiles, board := controller.NewWake(), &controller.TaskFiles{}, progress.NewBoard()
	if err := mgr.Add(&controller.Progress{
		Client: mgr.GetClient(), Asker: progress.NewAsker(networks.Local(), 0), Board: board, Clock: now, Wake: wake, Pacer: pacer,
	}); err != nil {
		return fmt.Errorf("add the questions for progress: %w", err)
	}
	notifications := notification.New(notification.Config{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, Metrics: collectors, Router: router, Clock: now, Pacer: pacer,
		Hosts: reachable.notificationHosts, Sender: notification.NewSender(reachable.denied, nil, now),
	})
	if err := addDone(mgr, config, o, controller.Walk{
		Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Clock: now, Metrics: collectors, Pacer: pacer, Wake: wake, TaskFiles: taskFiles,
		Notifications: notifications, Namespaces: o.Namespaces,
	}); err != nil {
		return err
	}
	slots := controller.NewStepSlots(o.limits(), mgr.GetClient(), mgr.GetAPIReader(), now, o.Namespaces)
	if err := slots.Watch(ctx, mgr.GetCache()); err != nil {
		return err
	}
	if err := metrics.RegisterQueue(ctrlmetrics.Registry, slots.Counts); err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	reconcilers := []interface{ SetupWithManager(ctrl.Manager) error }{
		&controller.FileReconciler{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, Metrics: collectors, Router: router, Conditions: conditions,
			Pacer: pacer, Wake: wake, Slots: slots, TaskFiles: taskFiles, Progress: board, Traces: traces, Clock: now, WorkerImage: o.workerImage, TriggerImage: o.triggerImage,
			RequireLandlock: o.requireLandlock, Concurrency: o.concurrency, DeniedNetworks: reachable.deniedToSteps,
		},
		&controller.TaskReconciler{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, Clock: now, Pacer: pacer, Wake: wake, TaskFiles: taskFiles,
			Router: router,
		},
		notifications,
		&controller.SourceReconciler{
			Client: mgr.GetClient(), Secrets: mgr.GetAPIReader(), Recorder: recorder, Router: router, Clock: now,
		},
		&registration.Reconciler{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, Clock: now,
			EndpointHosts: reachable.serviceHosts, DeniedNetworks: reachable.denied,
		},
		&controller.PipelineReconciler{Client: mgr.GetClient(), Recorder: recorder, Conditions: conditions, Clock: now},
		&controller.StorageReconciler{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Recorder: recorder, Clock: now, DeniedNetworks: reachable.denied,
		},
		&controller.DiscoveryReconciler{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Files: ingest.New(mgr.GetClient(), mgr.GetAPIReader(), ingest.Options{}),
			Recorder: recorder, Metrics: collectors, Clock: now, DeniedNetworks: reachable.denied,
		},
		&controller.RejectedReconciler{
			Client: mgr.GetClient(), Live: mgr.GetAPIReader(), Ingester: ingest.New(mgr.GetClient(), mgr.GetAPIReader(), ingest.Options{}),
			Recorder: recorder, Clock: now,
		},
	}
	for _, reconciler := range reconcilers {
		if err := reconciler.SetupWithManager(mgr); err != nil {
			return fmt.Errorf("set up %T: %w", reconciler, err)
		}
	}
	return nil
}

// addDone adds what looks after files and tasks that are done, which the cache does not hold.
func addDone(mgr manager.Manager, config *rest.Config, o *options, walk controller.Walk) error {
	watcher, err := client.NewWithWatch(config, client.Options{Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper(), HTTPClient: mgr.GetHTTPClient()})
	if err != nil {
		return fmt.Errorf("make a client that watches: %w", err)
	}
	walker := controller.NewWalk(walk)
	doneWatch := &controller.DoneWatch{Client: watcher, Clock: walk.Clock, Wake: walk.Wake, Walk: walker, Namespaces: o.Namespaces}
	for _, runnable := range []manager.Runnable{walker, doneWatch} {
		if err := mgr.Add(runnable); err != nil {
			return fmt.Errorf("add %T: %w", runnable, err)
		}
	}
	return nil
}
