/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

// Command load measures what the door takes beside what the same API server takes in bare creates, in the same run.
// It starts an API server and etcd of its own (KUBEBUILDER_ASSETS) and the manager as a process beside them, and talks
// to nothing but the loopback addresses that these listen on.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

const (
	namespace = "load"
	// bareNamespace is one that the manager does not look at, so that bare creates are the API server's work alone.
	bareNamespace = "bare"
	sourceName    = "source"
	callbackKey   = "0123456789abcdef0123456789abcdef"
)

// options are the flags.
type options struct {
	manager string
	clients int
	number  int
	rounds  int
}

func main() {
	var o options
	flag.StringVar(&o.manager, "manager", "bin/manager", "the manager's binary")
	flag.IntVar(&o.clients, "clients", 32, "how many clients send at once")
	flag.IntVar(&o.number, "n", 8000, "how many callbacks and how many creates there are in a round")
	flag.IntVar(&o.rounds, "rounds", 1, "how many rounds; each measures both, one after the other (a later one runs beside what the operator has left to do of the one before)")
	flag.Usage = func() {
		_, _ = fmt.Fprintln(flag.CommandLine.Output(), "Usage: load [flags] [-- flags of the manager]")
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
	operator, err := startManager(ctx, o.manager, environment.KubeConfig, flag.Args())
	if err != nil {
		return err
	}
	defer operator.stop()

	send := newSender(operator.callbacks)
	var ratios []float64
	fmt.Printf("%d clients, %d requests a phase\n", o.clients, o.number)
	for round := range o.rounds {
		bare, err := measure(ctx, o.clients, o.number, func(ctx context.Context, i int) error {
			return k8s.Create(ctx, bareFile(round, i))
		})
		if err != nil {
			return fmt.Errorf("bare creates: %w", err)
		}
		callbacks, err := measure(ctx, o.clients, o.number, func(ctx context.Context, i int) error {
			return send.complete(ctx, fmt.Sprintf("job-%d-%d", round, i))
		})
		if err != nil {
			return fmt.Errorf("callbacks: %w", err)
		}
		ratios = append(ratios, callbacks.rate()/bare.rate())
		fmt.Printf("round %d  bare creates %s\n         callbacks    %s\n         ratio %.2f, manager %d MiB (peak %d MiB)\n",
			round+1, bare, callbacks, ratios[round], operator.memory("VmRSS"), operator.memory("VmHWM"))
	}
	slices.Sort(ratios)
	fmt.Printf("median ratio %.2f\n", ratios[len(ratios)/2])
	return check(ctx, k8s, o.number*o.rounds)
}

// check counts the files: every callback must have made one, and none two.
func check(ctx context.Context, k8s client.Client, want int) error {
	var files v1alpha1.RecordingFileList
	if err := k8s.List(ctx, &files, client.InNamespace(namespace), client.MatchingLabels{v1alpha1.LabelSource: sourceName}); err != nil {
		return err
	}
	jobs := map[string]int{}
	for _, file := range files.Items {
		jobs[file.Spec.JobID]++
	}
	if len(files.Items) != want || len(jobs) != want {
		return fmt.Errorf("%d files of %d recordings, want %d", len(files.Items), len(jobs), want)
	}
	fmt.Printf("%d callbacks, %d files, none lost, none twice\n", want, len(files.Items))
	return nil
}

func setUp(ctx context.Context, k8s client.Client) error {
	for _, object := range []client.Object{
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}},
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: bareNamespace}},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "callback"}, StringData: map[string]string{"key": callbackKey}},
		&v1alpha1.RecordingSource{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: sourceName},
			Spec: v1alpha1.RecordingSourceSpec{Callback: v1alpha1.CallbackSpec{
				Keys: []v1alpha1.CallbackKey{{SecretRef: v1alpha1.SecretKeyReference{Name: "callback", Key: "key"}}},
			}},
		},
	} {
		if err := k8s.Create(ctx, object); err != nil {
			return fmt.Errorf("create %s: %w", object.GetName(), err)
		}
	}
	return nil
}

// bareFile is the object that a callback makes, field by field.
func bareFile(round, i int) *v1alpha1.RecordingFile {
	end := metav1.NewTime(time.Now().UTC().Truncate(time.Second))
	start := metav1.NewTime(end.Add(-65 * time.Second))
	return &v1alpha1.RecordingFile{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: bareNamespace, Name: fmt.Sprintf("camera-%02d%06d-0", round, i),
			Labels: map[string]string{v1alpha1.LabelSource: sourceName},
		},
		Spec: v1alpha1.RecordingFileSpec{
			SourceRef: v1alpha1.LocalReference{Name: sourceName}, AppID: "app", JobID: fmt.Sprintf("job-%d-%d", round, i),
			RoomID: "room01", StreamName: "camera", Format: "HLS",
			File: &v1alpha1.RecordedFile{
				DownloadURL: "https://recordings.obs.example.com/live/camera/camera.m3u8", SizeBytes: 26254952, DurationSeconds: 65,
				StartTime: &start, EndTime: &end, Width: 1280, Height: 720,
				OBS: &v1alpha1.OBSObject{
					Location: "http://obs.example.com", Bucket: "recordings", Object: fmt.Sprintf("live/job-%d-%d/camera.m3u8", round, i),
				},
			},
		},
	}
}
