// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Command load measures what the receiver takes beside what the same API server takes in bare creates, in the same run.
// It starts an API server and etcd of its own (KUBEBUILDER_ASSETS) and receiver and manager as processes beside them, and talks
// to nothing but the loopback addresses that these listen on. docs/performance.md says how to read what it prints.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/testing/callbacks"
)

const (
	namespace = "load"
	// bareNamespace is one that the operator does not look at, so that bare creates are the API server's work alone.
	bareNamespace = "bare"
	sourceName    = "source"
)

// options are the flags.
type options struct {
	receiver string
	manager  string
	clients  int
	requests int
	alone    int
	rounds   int
	files    int
	json     bool
	profiles string
}

func main() {
	var o options
	flag.StringVar(&o.receiver, "receiver", "bin/receiver", "the receiver's binary")
	flag.StringVar(&o.manager, "manager", "bin/manager", "the manager's binary")
	flag.IntVar(&o.clients, "clients", 32, "how many clients send at once")
	flag.IntVar(&o.requests, "n", 1000, "how many requests each phase of a round has with all clients")
	flag.IntVar(&o.alone, "alone", 250, "how many requests each phase of a round has with one client; 0 for no such phases")
	flag.IntVar(&o.rounds, "rounds", 9, "how often bare creates, lean creates and callbacks take turns")
	flag.IntVar(&o.files, "files", 0, "how many RecordingFiles there are before the operator starts")
	flag.BoolVar(&o.json, "json", false, "print JSON")
	flag.StringVar(&o.profiles, "profiles", "", "a folder for CPU profiles of the API server, the receiver and the manager, from the first 5 s of each phase with all clients")
	flag.Usage = func() {
		_, _ = fmt.Fprintln(flag.CommandLine.Output(), "Usage: load [flags] [-- flags of the receiver and the manager]")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.WriteTo(os.Stderr)))
	if err := o.run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func (o *options) run(ctx context.Context) (err error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	environment := &envtest.Environment{
		CRDDirectoryPaths: []string{filepath.Join("config", "crd", "bases")}, ErrorIfCRDPathMissing: true, Scheme: scheme,
	}
	config, err := environment.Start()
	if err != nil {
		return fmt.Errorf("start the API server: %w", err)
	}
	defer func() { err = errors.Join(err, environment.Stop()) }()
	config.QPS = -1
	k8s, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		return err
	}
	if err := setUp(ctx, k8s); err != nil {
		return err
	}
	if err := fill(ctx, environment.ControlPlane.Etcd.URL.String(), o.files); err != nil {
		return fmt.Errorf("make %d files: %w", o.files, err)
	}
	started, err := startOperator(ctx, o, environment.KubeConfig, flag.Args())
	if err != nil {
		return err
	}
	defer started.stop()
	found, err := o.measure(ctx, k8s, config, started)
	if err != nil {
		return err
	}
	if o.json {
		return json.NewEncoder(os.Stdout).Encode(found)
	}
	found.print(os.Stdout)
	return nil
}

// measure runs all rounds, and counts the files in the end.
func (o *options) measure(ctx context.Context, k8s client.Client, config *rest.Config, started *operated) (*report, error) {
	found := &report{Machine: machine(), Files: o.files, StartSeconds: started.StartTook.Seconds(), Start: started.Memory("VmRSS")}
	if err := started.settle(ctx, o.files); err != nil {
		return nil, err
	}
	found.Settled = started.Memory("VmRSS")
	lean, err := newLeanCreator(config, k8s)
	if err != nil {
		return nil, err
	}
	jobs, err := runner{operator: started}.jobs(ctx, config, k8s.Scheme(), newCaller(processedSource, processedRoom).completes(func(i int) string { return fmt.Sprint(i) }))
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	found.Jobs = jobs.phase()
	caller := newCaller(sourceName, callbackRoom)
	for _, run := range []runner{
		{clients: 1, requests: o.alone, rounds: o.rounds, operator: started},
		{clients: o.clients, requests: o.requests, rounds: o.rounds, operator: started, profiles: o.profilesOf(config)},
	} {
		if run.requests == 0 {
			continue
		}
		id := func(i int) string { return fmt.Sprintf("%d-%d", run.clients, i) }
		run.files = o.files + jobsMeasured + found.Callbacks
		compared, err := run.compare(ctx, bareCreates(k8s, id), lean.creates(id), caller.completes(id))
		if err != nil {
			return nil, err
		}
		found.Callbacks += compared.Requests
		found.Comparisons = append(found.Comparisons, compared)
		// The tasks that come next have more starts than tasks usually have.
		found.End, found.Peak = started.Memory("VmRSS"), started.Memory("VmHWM")
		if run.clients == 1 {
			continue
		}
		completed := func(i int) string { return id(i % compared.Requests) }
		if found.Others, err = run.measureOthers(ctx, k8s, caller, completed); err != nil {
			return nil, err
		}
	}
	return found, check(ctx, k8s, found.Callbacks)
}

// profilesOf saves profiles of phases, when that is wished.
func (o *options) profilesOf(config *rest.Config) func(context.Context, string) error {
	return func(ctx context.Context, phase string) error {
		if o.profiles == "" {
			return nil
		}
		if err := os.MkdirAll(o.profiles, 0o750); err != nil {
			return fmt.Errorf("make the folder for profiles: %w", err)
		}
		return saveProfiles(ctx, config, filepath.Join(o.profiles, phase))
	}
}

// check counts the files: every callback must have made one, and none two.
func check(ctx context.Context, k8s client.Client, want int) error {
	var files v1alpha1.RecordingFileList
	if err := k8s.List(ctx, &files, client.InNamespace(namespace), client.MatchingFields{"spec.reported.room": callbackRoom}); err != nil {
		return err
	}
	tasks := map[string]int{}
	for _, file := range files.Items {
		tasks[strings.Join(file.Spec.TaskIDs, " ")]++
	}
	if len(files.Items) != want || len(tasks) != want {
		return fmt.Errorf("%d files of %d tasks, want %d", len(files.Items), len(tasks), want)
	}
	return nil
}

func setUp(ctx context.Context, k8s client.Client) error {
	for _, object := range append([]client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: bareNamespace}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "callback"}, StringData: map[string]string{"key": callbacks.Key}},
		&v1alpha1.RecordingSource{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: sourceName},
			Spec: v1alpha1.RecordingSourceSpec{Callback: v1alpha1.CallbackSpec{
				Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}},
				// What is measured is the receiver, not its limit.
				RateLimit: &v1alpha1.RateLimit{CallbacksPerSecond: 100_000},
			}},
		},
	}, processing()...) {
		if err := k8s.Create(ctx, object); err != nil {
			return fmt.Errorf("create %s: %w", object.GetName(), err)
		}
	}
	return nil
}
