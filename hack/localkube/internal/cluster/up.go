// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/flock"
	"sparkrtc.dev/recording-operator/hack/localkube/internal/proc"
	"sparkrtc.dev/recording-operator/hack/localkube/internal/progress"
)

// Cluster is one that runs, or shall run, on this machine.
type Cluster struct {
	Layout
	Cache    string
	Progress *progress.Printer
	ended    map[string]<-chan error // of the processes started by this call
}

// lock keeps two commands from changing the machine's one cluster at once.
func (c *Cluster) lock(ctx context.Context) (func(), error) {
	if err := os.MkdirAll(c.Cache, 0o755); err != nil {
		return nil, fmt.Errorf("make the cache: %w", err)
	}
	return flock.Lock(ctx, filepath.Join(c.Cache, "cluster.lock"), func() {
		c.Progress.Linef("another localkube command is at work on this machine; waiting for it")
	})
}

// Up makes the cluster run: it starts what does not run, restarts what changed,
// and leaves the rest alone. binaries is called once the machine proved fit.
func (c *Cluster) Up(ctx context.Context, binaries func(context.Context) (string, error)) error {
	if err := errors.Join(c.checkLength(), checkOwner(c.State)); err != nil {
		return err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return fmt.Errorf("lock the machine's cluster: %w", err)
	}
	defer unlock()
	if err := ensurePackages(ctx, c.Progress); err != nil {
		return err
	}
	if c.Binaries, err = binaries(ctx); err != nil {
		return err
	}
	settings, node, err := c.prepare(ctx)
	if err != nil {
		return err
	}
	if err := c.startAll(ctx, node); err != nil {
		return err
	}
	if err := c.applyObjects(ctx, settings); err != nil {
		return err
	}
	return c.awaitAnswers(ctx)
}

// prepare brings the state directory and the machine into the shape that the
// components expect.
func (c *Cluster) prepare(ctx context.Context) (settings, node, error) {
	if err := os.MkdirAll(c.State, 0o755); err != nil {
		return settings{}, node{}, fmt.Errorf("make the state directory: %w", err)
	}
	n, err := discoverNode(c.Layout)
	if err != nil {
		return settings{}, node{}, err
	}
	m, found, err := c.readMarker()
	if err != nil {
		return settings{}, node{}, err
	}
	switch {
	case !found:
	case m.NodeIP != n.IP:
		c.Progress.Linef("the cluster here was made for the address %q, and now it is %s: starting with a clean one", m.NodeIP, n.IP)
		if err := c.remove(ctx); err != nil {
			return settings{}, node{}, fmt.Errorf("remove the old cluster: %w", err)
		}
		found = false
	case len(c.running()) == 0:
		c.Progress.Linef("found the data of a cluster that does not run any more (after a reboot, say): starting it again with that data")
	}
	if !found {
		m = marker{NodeIP: n.IP, IPForward: readIPForward()}
		if err := c.writeMarker(m); err != nil {
			return settings{}, node{}, err
		}
	}
	for _, dir := range []string{c.LogDir(), c.kubeletRoot(), c.podLogs()} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return settings{}, node{}, fmt.Errorf("make a directory: %w", err)
		}
	}
	if err := c.ensurePKI(n.IP); err != nil {
		return settings{}, node{}, err
	}
	s := c.settings(n)
	if err := c.writeConfig(s); err != nil {
		return settings{}, node{}, err
	}
	if err := c.linkBinaries(); err != nil {
		return settings{}, node{}, err
	}
	return s, n, prepareHost(ctx, c.Layout, s)
}

// linkBinaries gives kubectl a place that does not change with its version.
func (c *Cluster) linkBinaries() error {
	link := c.path("bin", "kubectl")
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return fmt.Errorf("make the directory for kubectl: %w", err)
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("replace the link to kubectl: %w", err)
	}
	return os.Symlink(c.binary("kubectl"), link)
}

func (c *Cluster) startAll(ctx context.Context, n node) error {
	client, err := c.api()
	if err != nil {
		return err
	}
	// What must answer before the next component can start usefully.
	answers := map[string]func(context.Context) error{
		"containerd":     func(ctx context.Context) error { _, err := ctr(ctx, "version"); return err },
		"kube-apiserver": client.ready,
	}
	c.ended = map[string]<-chan error{}
	for _, comp := range c.components(n) {
		if err := c.startOne(comp); err != nil {
			return err
		}
		if check := answers[comp.name]; check != nil {
			if err := c.await(ctx, comp.name, 90*time.Second, check); err != nil {
				return err
			}
		}
		if comp.name == "containerd" {
			if err := ensurePauseImage(ctx, c.Layout); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Cluster) startOne(comp component) error {
	spec, err := c.spec(comp)
	if err != nil {
		return err
	}
	book := proc.Book(c.book())
	old, err := book.Get(comp.name)
	if err != nil {
		return err
	}
	if old.Alive() {
		if old.Hash == spec.Hash() {
			return nil
		}
		c.Progress.Linef("%s changed: restarting it", comp.name)
		if err := book.Stop(comp.name, 10*time.Second); err != nil {
			return err
		}
	}
	if err := portFree(comp.port); err != nil {
		return fmt.Errorf("%s needs port %d, and another program has it: find it with `ss -ltnp 'sport = :%d'` and end it (%w)", comp.name, comp.port, comp.port, err)
	}
	started, ended, err := book.Start(spec)
	if err != nil {
		return err
	}
	c.ended[comp.name] = ended
	c.Progress.Linef("started %s (pid %d)", comp.name, started.PID)
	return nil
}

func portFree(port int) error {
	if port == 0 {
		return nil
	}
	l, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
	if err != nil {
		return err
	}
	return l.Close()
}

func (c *Cluster) applyObjects(ctx context.Context, s settings) error {
	objects, err := render("objects.yaml", s)
	if err != nil {
		return err
	}
	apply := func(ctx context.Context) error {
		_, err := run(ctx, objects, c.binary("kubectl"), "--kubeconfig="+c.Kubeconfig(), "--cache-dir="+c.path("kubectl-cache"),
			"apply", "--server-side", "--force-conflicts", "--field-manager=localkube", "-f", "-")
		return err
	}
	// kube-system is made by the API server itself, soon after it is ready.
	return c.await(ctx, "the API server to take the DNS Service", 30*time.Second, apply)
}

func (c *Cluster) awaitAnswers(ctx context.Context) error {
	client, err := c.api()
	if err != nil {
		return err
	}
	for _, check := range client.checks() {
		if err := c.await(ctx, check.name, 90*time.Second, check.ask); err != nil {
			return err
		}
	}
	return nil
}

// check is a question whose answer says that the cluster serves.
type check struct {
	name string
	ask  func(context.Context) error
}

func (a *api) checks() []check {
	return []check{
		{"API server", a.ready},
		// The API server's word on the node may be older than the kubelet that runs now.
		{"kubelet", a.healthy(kubeletHealthPort)},
		{"node", a.nodeReady},
		{"kube-proxy", a.healthy(proxyHealthPort)},
		{"Services", a.serviceAnswers},
		{"DNS", dnsAnswers},
		// Pods cannot be made before a namespace has its service account.
		{"service accounts", func(ctx context.Context) error {
			_, err := a.get(ctx, apiURL("/api/v1/namespaces/default/serviceaccounts/default"))
			return err
		}},
	}
}

// await asks until the answer is good. It gives up when time is over, or at once
// when a process of the cluster ended, because then no answer will come.
func (c *Cluster) await(ctx context.Context, what string, limit time.Duration, ask func(context.Context) error) error {
	began := time.Now()
	err := ask(ctx)
	if err == nil {
		return nil
	}
	done := c.Progress.Long("waiting for %s", what)
	defer done()
	for time.Since(began) < limit {
		if err := c.deaths(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
		if err = ask(ctx); err == nil {
			return nil
		}
	}
	return fmt.Errorf("%s: no good answer within %s: %w; the components' logs are in %s; `localkube down` and `localkube up` start afresh",
		what, limit, err, c.LogDir())
}

// deaths reports a process that was started by this call and is gone.
func (c *Cluster) deaths() error {
	for name, ended := range c.ended {
		select {
		case <-ended:
			return fmt.Errorf("%s ended; the end of its log, %s:\n%s", name, c.log(name), logTail(c.log(name), 15))
		default:
		}
	}
	return nil
}

func logTail(file string, lines int) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// running names the components that run.
func (l Layout) running() []string {
	var names []string
	for _, name := range componentNames() {
		if r, err := proc.Book(l.book()).Get(name); err == nil && r.Alive() {
			names = append(names, name)
		}
	}
	return names
}

// checkOwner refuses when the machine's cluster belongs to another state directory.
func checkOwner(state string) error {
	data, err := os.ReadFile(ownerFile())
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("see whose cluster this machine runs: %w", err)
	}
	if owner := strings.TrimSpace(string(data)); owner != state {
		return fmt.Errorf("this machine has a cluster already, with its state in %s (one is all that a machine can run): end it with `localkube down --state-dir %s`", owner, owner)
	}
	return nil
}
