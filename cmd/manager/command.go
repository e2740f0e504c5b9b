// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"sparkrtc.dev/recording-operator/internal/process"
	"sparkrtc.dev/recording-operator/internal/scheduler"
)

const longHelp = `The controller manager of the recording operator reconciles RecordingFiles through
their RecordingPipelines, in Jobs that run the worker image, and discovers
recordings whose callbacks never came.

With --leader-elect, one of several replicas works and the others stand by. A
replica that loses the lease exits, and its container starts again.

Callbacks are the receiver's task, a process of its own with fewer rights. The
manager runs in a pod with the rights of config/rbac/manager, or elsewhere with
KUBECONFIG or --kubeconfig.`

const examples = `  # In a pod (config/manager does this)
  manager --leader-elect --worker-image=registry.example.com/recording-worker:v1

  # On your own machine, against the cluster of your kubeconfig, for one namespace
  manager --namespaces=media --log-devel`

// heapHeadroom is a trade of memory for time: with less of it, watching what comes in a burst costs collections. With
// 10 MiB live, a collection takes some 10 ms of CPU time; under the heaviest load three follow in a second. Half as much again
// saves a hundredth of a callback's CPU time, and costs 10 MiB beside 100,000 files.
const heapHeadroom = 8 << 20

const (
	// defaultMaxActive is what some ten nodes work on at once. More pods that are pending make nothing faster, and cost the
	// control plane: 10,000 discovered recordings would be as many.
	defaultMaxActive = 500
	// defaultMaxActivePerNamespace leaves slots free for a namespace more while two have all that they may: its first step
	// starts at once, and not when one of their transcodings ends.
	defaultMaxActivePerNamespace = 200
)

// defaultServiceHost is that of the API's default of spec.service.endpoint.
const defaultServiceHost = "rtc-api.myhuaweicloud.com"

type options struct {
	process.Options
	leaderElect     bool
	leaderNamespace string
	// leaseDuration, renewDeadline and retryPeriod are not flags. Zero means controller-runtime's default; tests are
	// faster.
	leaseDuration, renewDeadline, retryPeriod time.Duration
	// deniedNetworks are denied besides the local ones.
	deniedNetworks []string
	// serviceHosts are the hosts that spec.service.endpoint may name.
	serviceHosts []string
	// notificationHosts are the hosts that sinks of notifications may be at.
	notificationHosts []string
	allowLocal        bool
	workerImage       string
	triggerImage      string
	requireLandlock   bool
	concurrency       int
	// maxActive and maxActivePerNamespace bound the Jobs that run at once; 0: nothing does.
	maxActive, maxActivePerNamespace int
	namespaceWeights                 map[string]int
}

func newCommand() *cobra.Command {
	_, command := newOptions()
	return command
}

// newOptions are the options that the flags of the command set.
func newOptions() (*options, *cobra.Command) {
	o := &options{}
	command := &cobra.Command{
		Use:           "manager",
		Short:         "Process recordings in Kubernetes Jobs",
		Long:          longHelp,
		Example:       examples,
		Version:       version,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return o.run(command.Context())
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "elect the one replica that reconciles; required with more than one replica")
	flags.StringVar(&o.leaderNamespace, "leader-election-namespace", "", "`namespace` of the leader election Lease; empty means the pod's own")
	flags.StringVar(&o.workerImage, "worker-image", "recording-worker:dev", "`image` that runs the steps")
	flags.StringVar(&o.triggerImage, "trigger-image", "recording-trigger:dev", "`image` that runs the steps of kind trigger")
	flags.BoolVar(&o.requireLandlock, "require-landlock", false, "fail steps on nodes whose kernel has no Landlock, which confines ffmpeg to the files of the recording; without this flag, seccomp alone confines ffmpeg on such nodes")
	flags.IntVar(&o.concurrency, "concurrency", 8, "how many RecordingFiles are reconciled at the same time; those of one namespace have at most half of that")
	flags.IntVar(&o.maxActive, "max-active", defaultMaxActive, "how many Jobs of steps run at the same time, in all namespaces; 0 means any number")
	flags.IntVar(&o.maxActivePerNamespace, "max-active-per-namespace", defaultMaxActivePerNamespace, "how many Jobs of steps run at the same time in each namespace; 0 means any number")
	flags.StringToIntVar(&o.namespaceWeights, "namespace-weights", nil, "how many turns the steps of a `namespace=n` have for one of another while they wait for --max-active; 1 by default")
	flags.StringSliceVar(&o.deniedNetworks, "storage-denied-networks", nil, "`networks` that neither the manager nor a step connects to, whatever a StorageLocation, a bucket, a URL or a service endpoint names, besides loopback, link-local and metadata services, which are always denied; name those of pods, Services and nodes where no S3 server is among them")
	flags.BoolVar(&o.allowLocal, "allow-local-storage-networks", false, "let the manager itself connect to loopback, link-local and metadata services: for tests, with an S3 server on the same machine; steps never do")
	flags.StringSliceVar(&o.serviceHosts, "service-endpoint-hosts", []string{defaultServiceHost}, "`hosts`, each with its port unless that is 443, that spec.service.endpoint of a RecordingSource may name; the manager sends callback keys there, so name only SparkRTC's own")
	flags.StringSliceVar(&o.notificationHosts, "notification-hosts", nil, "`hosts`, each with its port unless that is 443, that spec.notifications of a RecordingSource may send events to, over https, or over http where the host is given as http://host; empty means none. --storage-denied-networks and the networks that are always denied hold for them too")
	o.AddFlags(flags)
	return o, command
}

func (o *options) validate() error {
	problems := []error{o.Validate()}
	if o.workerImage == "" {
		problems = append(problems, errors.New("--worker-image must name the image that runs the steps, for example recording-worker:dev"))
	}
	if o.triggerImage == "" {
		problems = append(problems, errors.New("--trigger-image must name the image that runs the steps of kind trigger, for example recording-trigger:dev"))
	}
	if o.concurrency < 1 {
		problems = append(problems, fmt.Errorf("--concurrency must be at least 1, not %d", o.concurrency))
	}
	for _, limit := range []struct {
		flag string
		n    int
	}{{"--max-active", o.maxActive}, {"--max-active-per-namespace", o.maxActivePerNamespace}} {
		if limit.n < 0 {
			problems = append(problems, fmt.Errorf("%s must be at least 0, not %d", limit.flag, limit.n))
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(o.namespaceWeights)) {
		if weight := o.namespaceWeights[namespace]; weight < 1 {
			problems = append(problems, fmt.Errorf("--namespace-weights: the weight of %s must be at least 1, not %d", namespace, weight))
		}
	}
	_, err := o.reachable()
	return errors.Join(append(problems, err)...)
}

// limits are what bounds the Jobs that run at once.
func (o *options) limits() scheduler.Limits {
	return scheduler.Limits{MaxActive: o.maxActive, MaxActivePerNamespace: o.maxActivePerNamespace, Weights: o.namespaceWeights}
}

func (o *options) run(ctx context.Context) error {
	config, err := o.Connect("recording-operator-manager/"+version, heapHeadroom)
	if err != nil {
		return err
	}
	mgr, err := newManager(ctx, config, o)
	if err != nil {
		return err
	}
	if err := process.Run(ctx, mgr); err != nil {
		return fmt.Errorf("run the manager: %w", err)
	}
	return nil
}
