// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cli is localkube's command line.
package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/cluster"
	"sparkrtc.dev/recording-operator/hack/localkube/internal/kubebuild"
	"sparkrtc.dev/recording-operator/hack/localkube/internal/progress"
)

// ErrSaid is a failure that the command's own output has told already.
var ErrSaid = errors.New("said already")

// options are the flags of every command, and where it writes.
type options struct {
	repo, stateDir, cacheDir string
	out, errOut              io.Writer // results, progress
}

// New returns the root command.
func New(out, errOut io.Writer) *cobra.Command {
	o := &options{out: out, errOut: errOut}
	root := &cobra.Command{
		Use:   "localkube",
		Short: "A real single-node Kubernetes on a bare Debian machine",
		Long: `localkube builds Kubernetes from its published Go modules and runs it as
processes of this machine: etcd, kube-apiserver, kube-controller-manager,
kube-scheduler, containerd, kubelet, kube-proxy and CoreDNS. It needs root,
Go and Debian's packages; no Docker, no registry of images, no cloud.

  localkube up                     start the cluster (again), or see that it runs
  export KUBECONFIG=$(localkube kubeconfig)
  localkube load-image app.tar     bring an image into it
  localkube status                 what runs, what answers
  localkube down                   end it and leave nothing behind

The node and all that runs on it are called localkube. Pod Security admission is
on, Services and DNS work as everywhere. Not there: a StorageClass (PersistentVolumes
are made by hand, e.g. with hostPath or local), LoadBalancers, and hostPort.
A tag other than "latest" spares a pod the attempt to pull an image that was loaded.`,
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(out)
	root.SetErr(errOut)
	flags := root.PersistentFlags()
	flags.StringVar(&o.repo, "repo", "", "the checkout with hack/localkube (default: found from the working directory upwards)")
	flags.StringVar(&o.stateDir, "state-dir", "", "where the cluster keeps its data (default: .localkube in the checkout)")
	flags.StringVar(&o.cacheDir, "cache-dir", "", "where built binaries are kept (default: recording-operator in $XDG_CACHE_HOME or ~/.cache)")
	for _, name := range []string{"repo", "state-dir", "cache-dir"} {
		if err := root.MarkPersistentFlagDirname(name); err != nil {
			panic(err) // the flag is defined right above
		}
	}
	root.AddCommand(o.up(), o.down(), o.status(), o.loadImage(), o.kubeconfig(), o.build())
	return root
}

// resolve fills in what the flags left open.
func (o *options) resolve() error {
	if o.repo == "" {
		wd, err := os.Getwd()
		if err != nil {
			return fmt.Errorf("find the checkout: %w", err)
		}
		if o.repo, err = findRepo(wd); err != nil {
			return err
		}
	}
	if o.stateDir == "" {
		o.stateDir = filepath.Join(o.repo, ".localkube")
	}
	if o.cacheDir == "" {
		base, err := os.UserCacheDir() // $XDG_CACHE_HOME, or ~/.cache on Linux
		if err != nil {
			// Neither HOME nor XDG_CACHE_HOME, as for some services.
			base = filepath.Join(os.TempDir(), fmt.Sprintf("cache-%d", os.Getuid()))
		}
		o.cacheDir = filepath.Join(base, "recording-operator")
	}
	for _, dir := range []*string{&o.repo, &o.stateDir, &o.cacheDir} {
		abs, err := filepath.Abs(*dir)
		if err != nil {
			return fmt.Errorf("find %s: %w", *dir, err)
		}
		*dir = abs
	}
	return nil
}

// findRepo looks for the checkout from a directory upwards.
func findRepo(dir string) (string, error) {
	for d := dir; ; d = filepath.Dir(d) {
		if _, err := os.Stat(filepath.Join(d, "hack", "localkube", "kube", "go.mod")); err == nil {
			return d, nil
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is not inside a checkout of the recording operator: change into one, or name it with --repo", dir)
		}
	}
}

func (o *options) cluster() (*cluster.Cluster, error) {
	if err := o.resolve(); err != nil {
		return nil, err
	}
	return &cluster.Cluster{
		Layout: cluster.Layout{State: o.stateDir}, Cache: o.cacheDir, Progress: progress.New(o.errOut),
	}, nil
}

func (o *options) builder(p *progress.Printer) kubebuild.Builder {
	return kubebuild.Builder{Repo: o.repo, Cache: o.cacheDir, Progress: p}
}
