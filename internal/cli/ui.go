// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sparkrtc.dev/recording-operator/internal/ui"
)

const uiHelp = `Show recordings in the browser: tasks, files, steps and their progress, outputs, and why something waits.

The page follows every change. It is read-only, has your rights in the cluster, loads nothing from elsewhere,
and is there until you press Ctrl-C.

It is served on 127.0.0.1 alone, and only to a browser that was given the token in the printed address. Keep
the address to yourself: who has it, on this machine, sees what you may see.

From another machine, forward the same port: ssh -L 8090:127.0.0.1:8090 HOST, with --port 8090 there.

You need the right to list and watch recordingfiles and recordingtasks. A file that is opened also shows its
Jobs, pods and events, which are left out where you may not list them.`

const uiExample = `  # The recordings of the namespace, or of all of them
  kubectl recordings ui
  kubectl recordings ui --all-namespaces

  # Open the browser as well
  kubectl recordings ui --open`

// uiOptions are the command `ui`.
type uiOptions struct {
	env     Environment
	access  *access
	cluster *cluster
	// context is the name of the kubeconfig's context; empty: there is none.
	context string

	port                int
	allNamespaces, open bool
	// openBrowser opens a file in the person's browser.
	openBrowser func(ctx context.Context, path string) error
	// opened is the folder of that file; empty: there is none.
	opened string
}

func newUI(env Environment, a *access) *cobra.Command {
	o := &uiOptions{env: env, access: a, openBrowser: openBrowser}
	command := &cobra.Command{
		Use:                   "ui [flags]",
		DisableFlagsInUseLine: true,
		Short:                 "Show recordings in the browser",
		Long:                  uiHelp,
		Example:               uiExample,
		Args:                  exactArgs(),
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE:                  runs(o),
	}
	flags := command.Flags()
	flags.BoolVarP(&o.allNamespaces, "all-namespaces", "A", false, "the recordings of all namespaces")
	flags.IntVar(&o.port, "port", 0, "the port of 127.0.0.1 to serve on; 0 is a free one")
	flags.BoolVar(&o.open, "open", false, "open the page in your browser")
	_ = command.RegisterFlagCompletionFunc("port", cobra.NoFileCompletions)
	return command
}

func (o *uiOptions) complete(*cobra.Command, []string) error {
	var err error
	if o.cluster, err = o.access.connectForWatch(); err != nil {
		return err
	}
	if o.allNamespaces {
		o.cluster.namespace = metav1.NamespaceAll
	}
	// It is shown and nothing else: a kubeconfig without contexts is as good.
	if config, err := o.access.flags.ToRawKubeConfigLoader().RawConfig(); err == nil {
		o.context = cmp.Or(*o.access.flags.Context, config.CurrentContext)
	}
	return nil
}

func (o *uiOptions) validate() error {
	if o.port < 0 || o.port > 65535 {
		return usagef("--port must be 1 to 65535, or 0 for a free one, not %d", o.port)
	}
	return nil
}

func (o *uiOptions) run(ctx context.Context) error {
	listener, err := ui.Listen(ctx, o.port)
	if err != nil {
		return fmt.Errorf("serve the page: %w", err)
	}
	listed := make(chan string, 1)
	server, err := ui.New(ui.Config{
		Client: o.cluster, Clock: o.env.Clock, Namespace: o.cluster.namespace, Context: o.context, Timeout: o.cluster.config.Timeout,
		Explain: o.explain, Ready: func(url string) { listed <- url },
	}, listener)
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(o.opened) }()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	select {
	case err := <-served:
		return err
	case url := <-listed:
		if err := o.announce(ctx, url); err != nil {
			stop()
			return errors.Join(err, <-served)
		}
	}
	return <-served
}

func (o *uiOptions) explain(err error, verb, resource, namespace string) error {
	if isNoSuchKind(err) {
		return fmt.Errorf("the cluster knows no recordings: install the operator first, or choose another --context: %w", err)
	}
	return o.cluster.explain(err, verb, resource, namespace)
}

// announce prints the address, and opens the page if that was asked for. A browser that cannot be opened is no error: the
// address is there.
func (o *uiOptions) announce(ctx context.Context, url string) error {
	if _, err := fmt.Fprintf(o.env.Out, "%s\n", url); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, _ = fmt.Fprintln(o.env.ErrOut, "Open this address in your browser, and keep it to yourself. Ctrl-C ends it.")
	if !o.open {
		return nil
	}
	if err := o.openPage(ctx, url); err != nil {
		_, _ = fmt.Fprintf(o.env.ErrOut, "cannot open a browser: %v\n", err)
	}
	return nil
}

// openPage opens the page by a file that leads to it, and not by the address itself: other users of this machine can read the
// arguments of programs. The file is removed at the end.
func (o *uiOptions) openPage(ctx context.Context, url string) error {
	var err error
	if o.opened, err = os.MkdirTemp("", "kubectl-recordings-"); err != nil {
		return err
	}
	path := filepath.Join(o.opened, "open.html")
	page := fmt.Sprintf("<!doctype html><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"0; url=%s\"><title>Recordings</title>\n", url)
	if err := os.WriteFile(path, []byte(page), 0o600); err != nil {
		return err
	}
	return o.openBrowser(ctx, path)
}

func openBrowser(ctx context.Context, path string) error {
	arguments := []string{"xdg-open", path}
	switch runtime.GOOS {
	case "darwin":
		arguments = []string{"open", path}
	case "windows":
		arguments = []string{"rundll32", "url.dll,FileProtocolHandler", path}
	}
	return exec.CommandContext(ctx, arguments[0], arguments[1:]...).Run() //nolint:gosec // the path is of the file that was just written
}
