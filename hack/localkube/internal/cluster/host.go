// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/progress"
)

const otherWays = "other ways to a cluster: CLUSTER=kind (needs Docker and kind) or CLUSTER=current (the cluster of your kubeconfig)"

// CheckHost says whether this machine can run a cluster at all.
func CheckHost() error {
	if runtime.GOOS != "linux" {
		return fmt.Errorf("Kubernetes runs as processes of a Linux machine here, and this is %s; %s", runtime.GOOS, otherWays)
	}
	if os.Geteuid() != 0 {
		return errors.New("starting containers and setting up networks takes root: run this with sudo; " + otherWays)
	}
	return nil
}

// requirements maps Debian's packages to the files that are needed of them.
var requirements = map[string][]string{
	"containerd":                  {"/usr/bin/containerd", "/usr/bin/ctr", "/usr/bin/containerd-shim-runc-v2"},
	"runc":                        {"/usr/sbin/runc"},
	"containernetworking-plugins": {"/usr/lib/cni/ptp", "/usr/lib/cni/host-local", "/usr/lib/cni/loopback"},
	"nftables":                    {"/usr/sbin/nft"},
	"iproute2":                    {"/bin/ip"},
	"mount":                       {"/bin/mount", "/bin/umount"},
}

func missingPackages() []string {
	var missing []string
	for pkg, files := range requirements {
		if slices.ContainsFunc(files, func(f string) bool { return !installed(f) }) {
			missing = append(missing, pkg)
		}
	}
	slices.Sort(missing)
	return missing
}

// installed also accepts what a person put elsewhere in the path or with the CNI plugins.
func installed(file string) bool {
	if _, err := os.Stat(file); err == nil {
		return true
	}
	name := filepath.Base(file)
	if _, err := os.Stat(filepath.Join("/opt/cni/bin", name)); err == nil {
		return true
	}
	_, err := exec.LookPath(name)
	return err == nil
}

// ensurePackages installs what is missing, with Debian's apt.
func ensurePackages(ctx context.Context, p *progress.Printer) error {
	missing := missingPackages()
	if len(missing) == 0 {
		return nil
	}
	list := strings.Join(missing, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("missing here: %s (Debian's names), and there is no apt-get to install them with: install them, or use another way; %s", list, otherWays)
	}
	done := p.Long("installing Debian packages: %s", list)
	defer done()
	install := append([]string{"install", "--yes", "--no-install-recommends"}, missing...)
	if _, err := aptGet(ctx, install...); err == nil {
		return nil
	}
	// Mostly because the lists of packages are missing or old.
	if out, err := aptGet(ctx, "update"); err != nil {
		return fmt.Errorf("refresh the lists of Debian packages: %w\n%s", err, out)
	}
	if out, err := aptGet(ctx, install...); err != nil {
		return fmt.Errorf("install %s: %w\n%s", list, err, out)
	}
	return nil
}

func aptGet(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run runs a tool of the machine; its words are part of the error.
func run(ctx context.Context, stdin string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, strings.TrimSpace(errOut.String()))
	}
	return out.String(), nil
}

// prepareHost makes what lies outside of the state directory; `down` undoes it.
func prepareHost(ctx context.Context, l Layout, s settings) error {
	if err := os.MkdirAll(cniNetworks(), 0o755); err != nil {
		return fmt.Errorf("make the runtime directory: %w", err)
	}
	if err := writeFile(ownerFile(), l.State+"\n", 0o644); err != nil {
		return err
	}
	if readIPForward() != "1" {
		if err := os.WriteFile(ipForwardFile, []byte("1"), 0o644); err != nil {
			return fmt.Errorf("let the kernel forward the pods' packets (net.ipv4.ip_forward): %w", err)
		}
	}
	if err := makeCgroups(); err != nil {
		return err
	}
	if _, err := run(ctx, "", "nft", "list", "table", "ip", nftTable); err == nil {
		return nil
	}
	rules, err := render("nftables.nft", s)
	if err != nil {
		return err
	}
	if _, err := run(ctx, rules, "nft", "-f", "-"); err != nil {
		return fmt.Errorf("masquerade the pods' packets (needs nftables in the kernel): %w", err)
	}
	return nil
}
