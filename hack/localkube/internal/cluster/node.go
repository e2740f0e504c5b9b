// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// node is what was found out about this machine.
type node struct {
	IP          string
	Containerd  string // the binary
	CNIPlugins  string // the directory
	Snapshotter string
	ResolvConf  string
}

func discoverNode(l Layout) (node, error) {
	ip, err := nodeIP()
	if err != nil {
		return node{}, err
	}
	n := node{IP: ip, Containerd: "/usr/bin/containerd", Snapshotter: "overlayfs", ResolvConf: resolvConf()}
	for _, dir := range []string{"/usr/lib/cni", "/opt/cni/bin"} {
		if _, err := os.Stat(filepath.Join(dir, "ptp")); err == nil {
			n.CNIPlugins = dir
			break
		}
	}
	if n.CNIPlugins == "" {
		return node{}, errors.New("the CNI plugin ptp is neither in /usr/lib/cni nor in /opt/cni/bin: install containernetworking-plugins")
	}
	if !overlayWorks(l.State) {
		n.Snapshotter = "native"
	}
	return n, nil
}

// nodeIP is the address from which this machine would talk to the world. Setting
// up a UDP socket asks the routing table and sends nothing.
func nodeIP() (string, error) {
	if c, err := net.Dial("udp4", "198.51.100.1:9"); err == nil {
		defer c.Close()
		return c.LocalAddr().(*net.UDPAddr).IP.String(), nil
	}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return "", fmt.Errorf("find the node's address: %w", err)
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return n.IP.String(), nil
		}
	}
	return "", errors.New("this machine has no IPv4 address but the loopback's; a node needs one that its pods can reach")
}

// resolvConf is the machine's list of real name servers: a stub on 127.0.0.53 is
// of no use in a pod.
func resolvConf() string {
	const behindStub = "/run/systemd/resolve/resolv.conf"
	data, err := os.ReadFile("/etc/resolv.conf")
	if err == nil && strings.Contains(string(data), "127.0.0.53") {
		if _, err := os.Stat(behindStub); err == nil {
			return behindStub
		}
	}
	return "/etc/resolv.conf"
}

// overlayWorks tells whether images can be layered by the kernel below dir, which
// they cannot when dir is itself on an overlay, as in a container.
func overlayWorks(dir string) bool {
	const overlayMagic = 0x794c7630
	var fs syscall.Statfs_t
	return syscall.Statfs(dir, &fs) == nil && fs.Type != overlayMagic
}

// marker is kept in the state directory. It marks the directory as ours, so that
// `down` never removes another, and says what the data in it belongs to.
type marker struct {
	NodeIP    string `json:"nodeIP"`
	IPForward string `json:"ipForward"` // the machine's setting before the cluster
}

func (l Layout) readMarker() (m marker, found bool, err error) {
	data, err := os.ReadFile(l.marker())
	if errors.Is(err, os.ErrNotExist) {
		return marker{}, false, nil
	}
	if err != nil {
		return marker{}, false, fmt.Errorf("read the state: %w", err)
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return marker{}, true, nil // cut off while it was written: nothing in it to keep
	}
	return m, true, nil
}

func (l Layout) writeMarker(m marker) error {
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return writeFile(l.marker(), string(data)+"\n", 0o644)
}

const ipForwardFile = "/proc/sys/net/ipv4/ip_forward"

func readIPForward() string {
	data, err := os.ReadFile(ipForwardFile)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
