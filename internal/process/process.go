// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package process is what the receiver and the controller manager share as processes: common flags, the connection to
// the cluster, static resource mapping, memory, events, and a shutdown that waits for nothing that never started.
package process

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	goruntime "runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"
	uberzap "go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"sparkrtc.dev/recording-operator/internal/slim"
	"sparkrtc.dev/recording-operator/internal/tracing"
)

// Options are the flags that both commands have.
type Options struct {
	// MetricsAddress, HealthAddress and PprofAddress are the addresses to listen on; "0" switches metrics or probes off,
	// "" the profiles.
	MetricsAddress string
	HealthAddress  string
	PprofAddress   string
	// Namespaces are the namespaces to work in; none means all.
	Namespaces []string
	// TraceEndpoint is the URL of the OTLP collector that traces are sent to; empty means none.
	TraceEndpoint string

	log zap.Options
}

// AddFlags adds the flags with their defaults. --kubeconfig is controller-runtime's own flag.
func (o *Options) AddFlags(flags *pflag.FlagSet) {
	flags.StringVar(&o.MetricsAddress, "metrics-bind-address", ":8080", "`address` that serves metrics at /metrics; 0 turns them off")
	flags.StringVar(&o.HealthAddress, "health-probe-bind-address", ":8081", "`address` that serves /healthz and /readyz; 0 turns them off")
	flags.StringVar(&o.PprofAddress, "pprof-bind-address", "", "`address` that serves Go profiles at /debug/pprof; empty turns them off")
	flags.StringSliceVar(&o.Namespaces, "namespaces", nil, "`namespaces` to work in, separated by commas; empty means all")
	flags.StringVar(&o.TraceEndpoint, "otlp-endpoint", "", "`URL` of an OpenTelemetry collector that takes traces by OTLP over HTTP, for example http://collector.observability:4318; empty sends none. OTEL_EXPORTER_OTLP_HEADERS and OTEL_TRACES_SAMPLER in the environment are heard")
	o.log.TimeEncoder = zapcore.RFC3339TimeEncoder
	flags.AddGoFlagSet(logFlags(&o.log))
	if kubeconfig := flag.CommandLine.Lookup("kubeconfig"); kubeconfig != nil {
		flags.AddGoFlag(kubeconfig)
	}
}

// logFlags are controller-runtime's logging flags, named --log-* instead of --zap-*.
func logFlags(options *zap.Options) *flag.FlagSet {
	theirs := flag.NewFlagSet("", flag.ContinueOnError)
	options.BindFlags(theirs)
	ours := flag.NewFlagSet("", flag.ContinueOnError)
	theirs.VisitAll(func(f *flag.Flag) {
		ours.Var(f.Value, "log-"+strings.TrimPrefix(strings.TrimPrefix(f.Name, "zap-"), "log-"), f.Usage)
	})
	return ours
}

// Validate returns an error that names each flag that is wrong.
func (o *Options) Validate() error {
	var problems []error
	for _, namespace := range o.Namespaces {
		if invalid := validation.IsDNS1123Label(namespace); len(invalid) > 0 {
			problems = append(problems, fmt.Errorf("--namespaces: %q is not a valid namespace name: %s", namespace, strings.Join(invalid, "; ")))
		}
	}
	if err := tracing.Validate(o.TraceEndpoint); err != nil {
		problems = append(problems, fmt.Errorf("--otlp-endpoint: %w", err))
	}
	return errors.Join(problems...)
}

// Trace gives the process the Tracer that --otlp-endpoint asks for; nil, which records nothing, without it. The manager
// has it send what is left in the end.
func (o *Options) Trace(ctx context.Context, mgr manager.Manager, service, version string) (*tracing.Tracer, error) {
	tracer, err := tracing.New(ctx, tracing.Options{
		Endpoint: o.TraceEndpoint, Service: service, Version: version, Log: mgr.GetLogger().WithName("tracing"),
	})
	if err != nil || tracer == nil {
		return nil, err
	}
	if err := mgr.Add(tracer); err != nil {
		return nil, fmt.Errorf("add the tracer: %w", err)
	}
	return tracer, nil
}

// Connect sets up logging and memory, and returns the configuration for the cluster's API server. The heap grows by
// headroom, in bytes, between two garbage collections, unless GOGC is set in the environment.
func (o *Options) Connect(userAgent string, headroom uint64) (*rest.Config, error) {
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&o.log), zap.RawZapOpts(uberzap.WrapCore(deferValues))))
	config, err := ctrl.GetConfig()
	if err != nil {
		return nil, fmt.Errorf("find the cluster (in a pod, or by KUBECONFIG or --kubeconfig): %w", err)
	}
	if o.PprofAddress == "" {
		goruntime.MemProfileRate = 0 // nobody can ask for a heap profile, which takes 1 to 2 MiB
	}
	if os.Getenv("GOGC") == "" {
		keepHeadroom(headroom)
	}
	// client-go's own limit is off: the API server's priority and fairness governs.
	config.QPS = -1
	config.UserAgent = userAgent
	return config, nil
}

// ManagerOptions are those of a controller-runtime manager that knows the scheme and the kinds of the given objects.
func (o *Options) ManagerOptions(scheme *runtime.Scheme, objects ...client.Object) ctrl.Options {
	caching := cache.Options{DefaultTransform: slim.Object}
	if len(o.Namespaces) > 0 {
		caching.DefaultNamespaces = map[string]cache.Config{}
		for _, namespace := range o.Namespaces {
			caching.DefaultNamespaces[namespace] = cache.Config{}
		}
	}
	return ctrl.Options{
		Scheme:                 scheme,
		MapperProvider:         func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return NewMapper(scheme, objects...) },
		Cache:                  caching,
		Metrics:                metricsserver.Options{BindAddress: o.MetricsAddress},
		HealthProbeBindAddress: o.HealthAddress,
		PprofBindAddress:       o.PprofAddress,
	}
}

// startingGrace is how long Run waits for a manager that is not elected yet, and may hold the Lease already: it counts as elected when its
// controllers have started. It gives the Lease back within milliseconds when the API server answers.
const startingGrace = 5 * time.Second

// Run runs the manager until the context ends. A manager that still waits for its caches, because the API server is
// away, does not return when its context ends: Run waits for such a manager for 5 s. A manager without leader election elects itself
// after its caches are synced.
func Run(ctx context.Context, mgr manager.Manager) error {
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), startingGrace)
	defer cancel()
	select {
	case <-mgr.Elected():
		return <-ended
	case err := <-ended:
		return err
	case <-grace.Done():
		return nil
	}
}
