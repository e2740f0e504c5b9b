// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/proc"
)

// Down ends the cluster and removes all that it put on the machine but the
// binaries' cache. It works on what it finds, so also on half a cluster.
func (c *Cluster) Down(ctx context.Context) error {
	if err := checkOwner(c.State); err != nil {
		return err
	}
	unlock, err := c.lock(ctx)
	if err != nil {
		return fmt.Errorf("lock the machine's cluster: %w", err)
	}
	defer unlock()
	return c.remove(ctx)
}

func (c *Cluster) remove(ctx context.Context) error {
	m, ours, err := c.readMarker()
	if err != nil {
		return err
	}
	if err := endProcesses(c.State); err != nil {
		return err
	}
	c.Progress.Linef("ended the cluster's processes and pods")
	if err := errors.Join(
		unmountAll(runDir, c.State),
		removeCgroups(),
		removeTables(ctx),
		removeLinks(ctx),
		removeFiles(sharedFiles(c.podLogs())),
		os.RemoveAll(runDir),
	); err != nil {
		return fmt.Errorf("remove what the cluster put on this machine: %w", err)
	}
	removeEmptyShared()
	if m.IPForward == "0" {
		if err := os.WriteFile(ipForwardFile, []byte("0"), 0o644); err != nil {
			return fmt.Errorf("put net.ipv4.ip_forward back to 0: %w", err)
		}
	}
	if !ours {
		return removeUnmarked(c.State)
	}
	if still := mountPoints(c.State); len(still) > 0 {
		return fmt.Errorf("not removing %s: something is still mounted in it: %s", c.State, strings.Join(still, ", "))
	}
	if err := os.RemoveAll(c.State); err != nil {
		return fmt.Errorf("remove the state directory: %w", err)
	}
	c.Progress.Linef("removed %s", c.State)
	return nil
}

// removeUnmarked removes a state directory without our mark only when it is empty:
// a mistyped --state-dir must not cost anybody's data.
func removeUnmarked(dir string) error {
	err := os.Remove(dir)
	if errors.Is(err, syscall.ENOTEMPTY) {
		return fmt.Errorf("%s is left as it is, because it lacks the file that marks a cluster's state: if it is that, remove it by hand", dir)
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the state directory: %w", err)
	}
	return nil
}

// endProcesses ends the kubelet first, so that it restarts nothing, and
// containerd with its shims last.
func endProcesses(state string) error {
	isKubelet := func(f found) bool { return f.program == "kubelet" }
	isRuntime := func(f found) bool { return strings.HasPrefix(f.program, "containerd") }
	if err := endAll(state, 5*time.Second, isKubelet); err != nil {
		return err
	}
	if err := endAll(state, 3*time.Second, func(f found) bool { return !isRuntime(f) }); err != nil {
		return err
	}
	for _, cgroup := range ourCgroups() {
		for _, pid := range pidsIn(cgroup) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	}
	// Twice, because a containerd that is being ended may still start a shim.
	for range 2 {
		if err := endAll(state, 3*time.Second, isRuntime); err != nil {
			return err
		}
	}
	return nil
}

func endAll(state string, grace time.Duration, which func(found) bool) error {
	var wg sync.WaitGroup
	all := slices.DeleteFunc(findProcesses(state), func(f found) bool { return !which(f) })
	failed := make([]error, len(all))
	for i, f := range all {
		wg.Go(func() { failed[i] = proc.Terminate(f.Record, grace) })
	}
	wg.Wait()
	return errors.Join(failed...)
}

func unmountAll(dirs ...string) error {
	var failed []error
	for _, point := range mountPoints(dirs...) {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) {
			failed = append(failed, fmt.Errorf("unmount %s: %w", point, err))
		}
	}
	return errors.Join(failed...)
}

// ourTables are the nftables tables of a cluster.
func ourTables(ctx context.Context) ([]string, error) {
	if !installed("/usr/sbin/nft") {
		return nil, nil
	}
	out, err := run(ctx, "", "nft", "list", "tables")
	if err != nil {
		return nil, fmt.Errorf("list the nftables tables: %w", err)
	}
	return parseTables(out), nil
}

func parseTables(out string) []string {
	var tables []string
	for line := range strings.Lines(out) {
		switch table := strings.TrimPrefix(strings.TrimSpace(line), "table "); table {
		case "ip " + nftTable, "ip kube-proxy", "ip6 kube-proxy":
			tables = append(tables, table)
		}
	}
	return tables
}

func removeTables(ctx context.Context) error {
	tables, err := ourTables(ctx)
	if err != nil {
		return err
	}
	for _, table := range tables {
		if _, err := run(ctx, "", "nft", append([]string{"delete", "table"}, strings.Fields(table)...)...); err != nil {
			return fmt.Errorf("remove a table of nftables: %w", err)
		}
	}
	return nil
}

// ourLinks are the host's ends of the pods' networks. They go with the pods'
// namespaces, unless something else holds those.
func ourLinks() []string {
	_, pods, err := net.ParseCIDR(podCIDR)
	if err != nil {
		return nil
	}
	interfaces, _ := net.Interfaces()
	var names []string
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		if slices.ContainsFunc(addrs, func(a net.Addr) bool {
			n, ok := a.(*net.IPNet)
			return ok && pods.Contains(n.IP)
		}) {
			names = append(names, i.Name)
		}
	}
	return names
}

func removeLinks(ctx context.Context) error {
	// The kernel takes a namespace down, and its links with it, in its own time.
	for range 20 {
		if len(ourLinks()) == 0 {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	for _, name := range ourLinks() {
		if _, err := run(ctx, "", "ip", "link", "delete", name); err != nil && !strings.Contains(err.Error(), "Cannot find device") {
			return fmt.Errorf("remove a pod's link: %w", err)
		}
	}
	return nil
}

func removeFiles(files []string) error {
	var failed []error
	for _, f := range files {
		if err := os.Remove(f); err != nil && !errors.Is(err, os.ErrNotExist) {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// Leftovers lists what a cluster left on this machine; nothing after a Down.
func (c *Cluster) Leftovers(ctx context.Context) ([]string, error) {
	var all []string
	add := func(kind string, names ...string) {
		for _, n := range names {
			all = append(all, kind+" "+n)
		}
	}
	for _, f := range findProcesses(c.State) {
		add("process", fmt.Sprintf("%s (pid %d)", f.program, f.PID))
	}
	for _, cgroup := range ourCgroups() {
		add("cgroup", cgroup)
	}
	add("mount", mountPoints(runDir, c.State)...)
	add("network link", ourLinks()...)
	tables, err := ourTables(ctx)
	if err != nil {
		return nil, err
	}
	add("nftables table", tables...)
	add("file", sharedFiles(c.podLogs())...)
	for _, dir := range []string{runDir, c.State} {
		if _, err := os.Stat(dir); err == nil {
			add("directory", dir)
		}
	}
	return all, nil
}
