// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/cluster"
	"sparkrtc.dev/recording-operator/hack/localkube/internal/kubebuild"
	"sparkrtc.dev/recording-operator/hack/localkube/internal/progress"
)

func (o *options) up() *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Start the cluster, or see that it runs",
		Long: `up starts the cluster and returns when it serves: the node is ready, and DNS and
Services answer. It may be called at any time: it starts what does not run,
restarts what changed, and returns within seconds when all is well. After a
reboot it goes on with the data that was there.

It installs the Debian packages that are missing, and says which. The first time it
builds Kubernetes, for about 10 minutes; from then on the binaries come from the cache.
One cluster is all that a machine can run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cluster.CheckHost(); err != nil {
				return err
			}
			c, err := o.cluster()
			if err != nil {
				return err
			}
			err = c.Up(cmd.Context(), func(ctx context.Context) (string, error) {
				return o.builder(c.Progress).Ensure(ctx, kubebuild.Cluster)
			})
			if err != nil {
				return err
			}
			c.Progress.Linef("the cluster is up; to use it:")
			fmt.Fprintf(o.errOut, "         export KUBECONFIG=%s\n         %s/bin/kubectl get nodes\n", c.Kubeconfig(), o.stateDir)
			return nil
		},
	}
}

func (o *options) down() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the cluster and remove its data",
		Long: `down ends every process and pod of the cluster and removes what it put on the
machine: mounts, network links, nftables tables, cgroups, and its data with the
kubeconfig. The cache of binaries stays, and so do Debian's packages.
It also clears up after a cluster that was cut off half-way.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := cluster.CheckHost(); err != nil {
				return err
			}
			c, err := o.cluster()
			if err != nil {
				return err
			}
			if err := c.Down(cmd.Context()); err != nil {
				return err
			}
			left, err := c.Leftovers(cmd.Context())
			if err != nil {
				return err
			}
			if len(left) > 0 {
				return fmt.Errorf("these are left of the cluster: %q; run `localkube down` once more", left)
			}
			c.Progress.Linef("the cluster is down, and nothing of it is left")
			return nil
		},
	}
}

func (o *options) status() *cobra.Command {
	var leftovers bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell what runs and what answers",
		Long: `status lists the cluster's processes and asks the API server, the node, Services
and DNS whether they answer. Its exit code is 0 only when all is well.

With --leftovers it lists what a cluster has put on this machine instead, and its
exit code is 0 only when there is nothing, as after localkube down.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := o.cluster()
			if err != nil {
				return err
			}
			if leftovers {
				return o.printLeftovers(cmd.Context(), c)
			}
			return o.printStatus(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&leftovers, "leftovers", false, "list what a cluster has put on this machine")
	return cmd
}

func (o *options) printLeftovers(ctx context.Context, c *cluster.Cluster) error {
	left, err := c.Leftovers(ctx)
	if err != nil {
		return err
	}
	for _, l := range left {
		fmt.Fprintln(o.out, l)
	}
	if len(left) > 0 {
		return ErrSaid
	}
	fmt.Fprintln(o.out, "nothing of a cluster is on this machine")
	return nil
}

func (o *options) printStatus(ctx context.Context, c *cluster.Cluster) error {
	s, err := c.Status(ctx)
	if err != nil {
		return err
	}
	if !s.Exists {
		fmt.Fprintf(o.out, "there is no cluster (no state in %s); start one with `localkube up`\n", o.stateDir)
		return ErrSaid
	}
	w := tabwriter.NewWriter(o.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COMPONENT\tSTATE\tPID\tLOG")
	for _, comp := range s.Components {
		state, pid := "not running", "-"
		if comp.Running {
			state, pid = "running", fmt.Sprint(comp.PID)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", comp.Name, state, pid, comp.Log)
	}
	fmt.Fprintln(w, "\t\t\t\nCHECK\tRESULT\t\t")
	for _, check := range s.Checks {
		result := "ok"
		if check.Err != nil {
			result = check.Err.Error()
		}
		fmt.Fprintf(w, "%s\t%s\n", check.Name, result)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(o.out, "\nkubeconfig: %s\n", c.Kubeconfig())
	if !s.Healthy() {
		fmt.Fprintln(o.out, "not healthy: `localkube up` starts what is missing")
		return ErrSaid
	}
	return nil
}

func (o *options) loadImage() *cobra.Command {
	return &cobra.Command{
		Use:   "load-image FILE...",
		Short: "Bring images from files into the cluster",
		Long: `load-image takes archives as "docker save" writes them, or
"buildah push IMAGE docker-archive:FILE:IMAGE". The image gets the name it was saved
with; "manager:dev" and "docker.io/library/manager:dev" are the same one.
Pods find it with any imagePullPolicy but Always (which "latest" implies).`,
		Example: "  docker save manager:dev -o manager.tar && localkube load-image manager.tar",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			if err := cluster.CheckHost(); err != nil {
				return err
			}
			return cluster.LoadImages(cmd.Context(), progress.New(o.errOut), files)
		},
	}
}

func (o *options) kubeconfig() *cobra.Command {
	return &cobra.Command{
		Use:     "kubeconfig",
		Short:   "Print the kubeconfig's path",
		Long:    "kubeconfig prints where the kubeconfig of the cluster is. It has the rights of a cluster admin.",
		Example: "  export KUBECONFIG=$(localkube kubeconfig)",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			c, err := o.cluster()
			if err != nil {
				return err
			}
			fmt.Fprintln(o.out, c.Kubeconfig())
			return nil
		},
	}
}

func (o *options) build() *cobra.Command {
	var only string
	cmd := &cobra.Command{
		Use:   "build",
		Short: "Build Kubernetes into the cache",
		Long: `build builds what a cluster runs, and prints the directory with the binaries as its
last line of output. What is in the cache is not built again; two at once are safe.

With --only envtest it builds no more than tests with controller-runtime's envtest
need (kube-apiserver, etcd and kubectl), for use as KUBEBUILDER_ASSETS. It needs
neither root nor Linux.`,
		Example: "  export KUBEBUILDER_ASSETS=$(localkube build --only envtest)",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			what := kubebuild.Cluster
			switch only {
			case "":
			case string(kubebuild.Envtest):
				what = kubebuild.Envtest
			default:
				return fmt.Errorf("--only knows envtest, not %q", only)
			}
			if err := o.resolve(); err != nil {
				return err
			}
			dir, err := o.builder(progress.New(o.errOut)).Ensure(cmd.Context(), what)
			if err != nil {
				return err
			}
			fmt.Fprintln(o.out, dir)
			return nil
		},
	}
	cmd.Flags().StringVar(&only, "only", "", "build a part only: envtest")
	if err := cmd.RegisterFlagCompletionFunc("only", cobra.FixedCompletions([]string{"envtest"}, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // the flag is defined right above
	}
	return cmd
}
