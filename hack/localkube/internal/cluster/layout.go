// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package cluster runs a single-node Kubernetes as processes of this machine.
package cluster

import (
	"fmt"
	"path/filepath"
)

// What follows is fixed, because only one such cluster can run on a machine: the
// node's ports, its nftables and its routes are the machine's own.
const (
	nodeName     = "localkube"
	podCIDR      = "10.244.0.0/24"
	serviceCIDR  = "10.96.0.0/16"
	apiServiceIP = "10.96.0.1"
	dnsServiceIP = "10.96.0.10"
	dnsPort      = 10053 // not 53, which a resolver of the machine may hold
	dnsReadyPort = 10054
	apiPort      = 6443
	etcdPort     = 2379
	etcdPeerPort = 2380
	kubeletPort  = 10250

	kubeletHealthPort = 10248
	proxyHealthPort   = 10256

	// runDir holds sockets and mounts. Sockets have short names at most, so it is
	// not below the state directory; and a reboot empties it, as it should.
	runDir     = "/run/localkube"
	cgroupName = "localkube"
	cniName    = "localkube"
	nftTable   = "localkube"

	pauseImage = "localhost/localkube/pause:1"
)

// Layout says where the files of a cluster are.
type Layout struct {
	State    string // .localkube in the checkout; all that outlives a reboot
	Binaries string // the cache's directory with this version of Kubernetes
}

func (l Layout) path(parts ...string) string {
	return filepath.Join(append([]string{l.State}, parts...)...)
}

// Kubeconfig is the file for kubectl, with the rights of a cluster admin.
func (l Layout) Kubeconfig() string { return l.path("kubeconfig") }

// LogDir has one file per component.
func (l Layout) LogDir() string { return l.path("logs") }

func (l Layout) pki(name string) string    { return l.path("pki", name) }
func (l Layout) config(name string) string { return l.path("config", name) }
func (l Layout) log(name string) string    { return filepath.Join(l.LogDir(), name+".log") }
func (l Layout) binary(name string) string { return filepath.Join(l.Binaries, name) }
func (l Layout) kubeletRoot() string       { return l.path("kubelet") }
func (l Layout) volumePlugins() string     { return l.path("volume-plugins") }
func (l Layout) podLogs() string           { return l.path("pod-logs") }
func (l Layout) book() string              { return l.path("processes") }
func (l Layout) marker() string            { return l.path("cluster.json") }

func containerdSocket() string { return filepath.Join(runDir, "containerd.sock") }
func cniNetworks() string      { return filepath.Join(runDir, "cni") }
func ownerFile() string        { return filepath.Join(runDir, "owner") }

// checkLength refuses a directory so deep that the kubelet's sockets in it would
// have names longer than Linux allows (107 bytes).
func (l Layout) checkLength() error {
	const longest = "/kubelet/pod-resources/kubelet.sock"
	if n := len(l.State) + len(longest); n > 107 {
		return fmt.Errorf("the state directory %s has a name too long for sockets by %d bytes: give a shorter one with --state-dir", l.State, n-107)
	}
	return nil
}
