// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Some places are fixed in containerd and the kubelet, and shared with any other
// that this machine may have. What is ours there is told by its content.
const (
	cniResults      = "/var/lib/cni/results"
	containerLogs   = "/var/log/containers"
	devicePlugins   = "/var/lib/kubelet/device-plugins"
	deviceSocket    = devicePlugins + "/kubelet.sock"
	containerdShims = "/run/containerd/s"
)

// sharedFiles lists our files in shared places.
func sharedFiles(podLogs string) []string {
	var files []string
	// containerd's notes about the pods' networks name the network namespace.
	notes, _ := filepath.Glob(filepath.Join(cniResults, "*"))
	for _, f := range notes {
		if data, err := os.ReadFile(f); err == nil && bytes.Contains(data, []byte(`"`+runDir+`/`)) {
			files = append(files, f)
		}
	}
	// The kubelet links to the pods' logs.
	links, _ := filepath.Glob(filepath.Join(containerLogs, "*.log"))
	for _, f := range links {
		if target, err := os.Readlink(f); err == nil && strings.HasPrefix(target, podLogs+"/") {
			files = append(files, f)
		}
	}
	if abandoned(deviceSocket) {
		files = append(files, deviceSocket)
	}
	return files
}

// abandoned is true for a socket that nobody listens at any more. A machine has one
// kubelet at most, and this one was ours if it has ended.
func abandoned(socket string) bool {
	if _, err := os.Stat(socket); err != nil {
		return false
	}
	c, err := net.DialTimeout("unix", socket, time.Second)
	if err != nil {
		return true
	}
	c.Close()
	return false
}

// removeEmptyShared removes the shared directories that nobody else has anything in.
func removeEmptyShared() {
	for _, dir := range []string{containerLogs, cniResults, devicePlugins, containerdShims} {
		if os.Remove(dir) == nil && dir != containerLogs {
			_ = os.Remove(filepath.Dir(dir))
		}
	}
}
