// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/util/validation"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"sparkrtc.dev/recording-operator/internal/leadership"
	"sparkrtc.dev/recording-operator/internal/networks"
)

const longHelp = `The recording operator takes SparkRTC's recording callbacks and reconciles what follows.

Every replica serves callbacks at

    POST /callbacks/{namespace}/{recordingsource}

and answers 200 only when the event is written to the API server as a
RecordingFile, or synced to disk to be written later. One replica, the leader,
reconciles RecordingFiles through their RecordingPipelines, in Jobs that run the
worker image.

It runs in a pod with the rights of config/rbac, and outside of one with
KUBECONFIG or --kubeconfig.`

const examples = `  # In a pod (config/manager does this)
  manager --leader-elect --worker-image=registry.example.com/recording-worker:v1

  # On your own machine, against the cluster of your kubeconfig, for one namespace
  manager --namespaces=media --log-devel`

// options are the flags.
type options struct {
	callbackAddress string
	callbackCertDir string
	trustedProxies  networkList
	metricsAddress  string
	healthAddress   string
	pprofAddress    string
	leaderElect     bool
	leaderNamespace string
	// leaseTiming is no flag; tests have less time.
	leaseTiming leadership.Timing
	namespaces  []string
	// deniedNetworks are kept as texts, so that the flag replaces its default.
	deniedNetworks []string
	workerImage    string
	// requireLandlock is passed to the steps.
	requireLandlock bool
	concurrency     int
	spool           spoolOptions
	log             zap.Options
}

func newCommand() *cobra.Command {
	o := options{log: zap.Options{TimeEncoder: zapcore.RFC3339TimeEncoder}}
	command := &cobra.Command{
		Use:           "manager",
		Short:         "Take SparkRTC's recording callbacks and process the recordings in Kubernetes Jobs",
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
			return o.start(command.Context())
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.callbackAddress, "callback-bind-address", ":8090", "`address` that callbacks are taken at")
	flags.StringVar(&o.callbackCertDir, "callback-cert-dir", "", "`folder` with tls.crt and tls.key, read again when they change; empty: plain HTTP, for use behind an ingress that ends TLS")
	flags.Var(&o.trustedProxies, "trusted-proxies", "`networks` of the proxies in front of the door, as 10.0.0.0/8, separated by commas, whose X-Forwarded-For says where a callback comes from; none: the connection does")
	flags.StringVar(&o.metricsAddress, "metrics-bind-address", ":8080", "`address` of the metrics at /metrics; 0 switches them off")
	flags.StringVar(&o.healthAddress, "health-probe-bind-address", ":8081", "`address` of /healthz and /readyz; 0 switches them off")
	flags.StringVar(&o.pprofAddress, "pprof-bind-address", "", "`address` of Go's profiles at /debug/pprof; empty: off")
	o.spool.add(flags)
	flags.BoolVar(&o.leaderElect, "leader-elect", false, "elect the one replica that reconciles; needed with more than one replica")
	flags.StringVar(&o.leaderNamespace, "leader-election-namespace", "", "`namespace` of the leader's Lease; empty: that of the pod")
	flags.StringSliceVar(&o.namespaces, "namespaces", nil, "`namespaces` to work in, separated by commas; none: all")
	flags.StringSliceVar(&o.deniedNetworks, "storage-denied-networks", texts(networks.Local()), "`networks` that the operator does not connect to, whatever endpoint a StorageLocation names, nor a step, whatever bucket or URL it reads from; those of pods and Services may be added where no S3 server is among them, and \"\" denies none")
	flags.StringVar(&o.workerImage, "worker-image", "recording-worker:dev", "`image` that runs the steps")
	flags.BoolVar(&o.requireLandlock, "require-landlock", false, "fail steps on nodes whose kernel has no Landlock, which keeps ffmpeg from all files but the recording; without it, such nodes run ffmpeg behind seccomp alone")
	flags.IntVar(&o.concurrency, "concurrency", 1, "how many RecordingFiles are reconciled at once; one leaves nearly all of the API server to callbacks while they pour in, and catches up with about a hundred a second afterwards")

	flags.AddGoFlagSet(logFlags(&o.log))
	// controller-runtime registers --kubeconfig with the standard library.
	if kubeconfig := flag.CommandLine.Lookup("kubeconfig"); kubeconfig != nil {
		flags.AddGoFlag(kubeconfig)
	}
	return command
}

// logFlags are zap's flags under names that say what they are for: --log-level, not --zap-log-level.
func logFlags(options *zap.Options) *flag.FlagSet {
	theirs := flag.NewFlagSet("", flag.ContinueOnError)
	options.BindFlags(theirs)
	ours := flag.NewFlagSet("", flag.ContinueOnError)
	theirs.VisitAll(func(f *flag.Flag) {
		ours.Var(f.Value, "log-"+strings.TrimPrefix(strings.TrimPrefix(f.Name, "zap-"), "log-"), f.Usage)
	})
	return ours
}

// validate names the flag that is wrong.
func (o *options) validate() error {
	var problems []error
	if o.workerImage == "" {
		problems = append(problems, errors.New("--worker-image must name the image that runs the steps, for example recording-worker:dev"))
	}
	if o.concurrency < 1 {
		problems = append(problems, fmt.Errorf("--concurrency must be at least 1, not %d", o.concurrency))
	}
	if _, err := o.denied(); err != nil {
		problems = append(problems, fmt.Errorf("--storage-denied-networks: %w", err))
	}
	for _, namespace := range o.namespaces {
		if invalid := validation.IsDNS1123Label(namespace); len(invalid) > 0 {
			problems = append(problems, fmt.Errorf("--namespaces: %q is no name of a namespace: %s", namespace, strings.Join(invalid, "; ")))
		}
	}
	return errors.Join(append(problems, o.spool.validate())...)
}

// start runs the operator until the context ends.
func (o *options) start(ctx context.Context) error {
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log)))
	config, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the cluster (in a pod, or by KUBECONFIG or --kubeconfig): %w", err)
	}
	if os.Getenv("GOGC") == "" {
		keepHeadroom()
	}
	// client-go's own limits are off: the API server's priority and fairness governs.
	config.QPS = -1
	config.UserAgent = "recording-operator/" + version
	manager, err := newManager(ctx, config, o)
	if err != nil {
		return err
	}
	if err := run(ctx, manager); err != nil {
		return fmt.Errorf("run: %w", err)
	}
	return nil
}

// run starts the manager and returns when it has ended. One that is stopped before its caches are synced, because the
// API server is away, has nothing to end, and controller-runtime would wait for the caches without an end.
func run(ctx context.Context, manager manager.Manager) error {
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case <-manager.Elected(): // it elects nobody: this only says that it came past its caches
		return <-ended
	default:
		return nil
	}
}
