// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"sparkrtc.dev/recording-operator/internal/process"
)

const longHelp = `The receiver of the recording operator serves SparkRTC's recording callbacks at

    POST /callbacks/{namespace}/{recordingsource}

It verifies each callback with the keys of its RecordingSource, and responds with
200 only after the callback is stored: in the API server, or, while that is away,
on disk, from where it is written later.

Every replica serves. The receiver processes nothing and can create no workload;
that is the controller manager's task. It runs in a pod with the rights of
config/rbac/receiver, or elsewhere with KUBECONFIG or --kubeconfig.`

const examples = `  # In a pod (config/receiver does this), behind an ingress that terminates TLS
  receiver --spool-dir=/var/spool/recording-operator

  # On your own machine, against the cluster of your kubeconfig, for one namespace
  receiver --namespaces=media --log-devel`

// heapHeadroom keeps the receiver's memory small. Hardly anything that it makes outlives a callback, so that a collection,
// after each hundred callbacks or so, has little to look at.
const heapHeadroom = 2 << 20

type options struct {
	process.Options
	address        string
	certDir        string
	trustedProxies networkList
	stateDir       string
	spool          spoolOptions
	// registry is controller-runtime's, which serves /metrics; tests have their own.
	registry prometheus.Registerer
}

func newCommand() *cobra.Command {
	o := options{registry: ctrlmetrics.Registry}
	command := &cobra.Command{
		Use:           "receiver",
		Short:         "Receive SparkRTC's recording callbacks",
		Long:          longHelp,
		Example:       examples,
		Version:       version,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(command *cobra.Command, _ []string) error {
			if err := errors.Join(o.Validate(), o.validateState(), o.spool.validate()); err != nil {
				return err
			}
			return o.run(command.Context())
		},
	}
	flags := command.Flags()
	flags.SortFlags = false
	flags.StringVar(&o.address, "callback-bind-address", ":8090", "`address` that serves callbacks")
	flags.StringVar(&o.certDir, "callback-cert-dir", "", "`folder` with tls.crt and tls.key, which are read again when they change; empty means plain HTTP, for use behind an ingress that terminates TLS")
	flags.Var(&o.trustedProxies, "trusted-proxies", "`networks` of the proxies in front of the receiver, for example 10.0.0.0/8, separated by commas, whose X-Forwarded-For header is trusted; empty trusts none")
	flags.StringVar(&o.stateDir, "state-dir", "", "`folder` in memory (tmpfs) that keeps sources and callback keys for a container that restarts while the API server is away; empty means that it waits for the API server")
	o.spool.add(flags)
	o.AddFlags(flags)
	return command
}

func (o *options) run(ctx context.Context) error {
	config, err := o.Connect("recording-operator-receiver/"+version, heapHeadroom)
	if err != nil {
		return err
	}
	r, err := newReceiver(ctx, config, o)
	if err != nil {
		return err
	}
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("run the receiver: %w", err)
	}
	return nil
}
