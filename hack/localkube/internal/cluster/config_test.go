// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var testNode = node{
	IP: "192.0.2.7", Containerd: "/usr/bin/containerd", CNIPlugins: "/usr/lib/cni",
	Snapshotter: "overlayfs", ResolvConf: "/etc/resolv.conf",
}

func TestEveryTemplateRenders(t *testing.T) {
	s := (Layout{State: "/state"}).settings(testNode)
	for name, wants := range map[string][]string{
		"containerd.toml": {`address = "/run/localkube/containerd.sock"`, `snapshotter = "overlayfs"`, `bin_dir = "/usr/lib/cni"`, `root = "/state/containerd"`},
		"kubelet.yaml":    {"address: 192.0.2.7", "port: 10250", `clusterDNS: ["10.96.0.10"]`, "cgroupRoot: /localkube"},
		"kube-proxy.yaml": {"mode: nftables", "clusterCIDR: 10.244.0.0/24", "maxPerCore: 0"},
		"Corefile":        {".:10053 {", "bind 192.0.2.7", "forward . /etc/resolv.conf"},
		"nftables.nft":    {"table ip localkube", "ip saddr 10.244.0.0/24"},
		"objects.yaml":    {"clusterIP: 10.96.0.10", `addresses: ["192.0.2.7"]`},
	} {
		text, err := render(name, s)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
	}
}

func TestCNIConfig(t *testing.T) {
	text, err := render("cni.conflist", (Layout{State: "/state"}).settings(testNode))
	if err != nil {
		t.Fatal(err)
	}
	var conf struct {
		Name    string
		Plugins []struct {
			Type   string
			IPMasq *bool
			IPAM   struct {
				DataDir string
				Ranges  [][]struct{ Subnet string }
			}
		}
	}
	if err := json.Unmarshal([]byte(text), &conf); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	p := conf.Plugins[0]
	// Masquerading by the plugin would take iptables, and leave rules behind.
	if conf.Name != cniName || p.Type != "ptp" || p.IPMasq == nil || *p.IPMasq {
		t.Errorf("unexpected: %+v", conf)
	}
	if p.IPAM.Ranges[0][0].Subnet != podCIDR || !strings.HasPrefix(p.IPAM.DataDir, runDir+"/") {
		t.Errorf("unexpected addresses: %+v", p.IPAM)
	}
}

func TestWriteFileLeavesTheSameContentAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := writeFile(path, "a", 0o600); err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, past, past); err != nil {
		t.Fatal(err)
	}
	if err := writeFile(path, "a", 0o600); err != nil {
		t.Fatal(err)
	}
	if info, _ := os.Stat(path); time.Since(info.ModTime()) < time.Minute {
		t.Error("the file was written although nothing changed")
	}
	if err := writeFile(path, "b", 0o600); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(path); string(data) != "b" {
		t.Errorf("the file holds %q", data)
	}
}

func TestComponents(t *testing.T) {
	l := Layout{State: "/state", Binaries: "/cache/v1"}
	args := map[string]string{}
	var names []string
	for _, c := range l.components(testNode) {
		names = append(names, c.name)
		args[c.name] = strings.Join(c.args, " ")
		// Without its state directory in the command line `down` could not find it.
		cmdline := []byte(strings.Join(c.args, "\x00") + "\x00")
		if !isOurs(cmdline, "/state") {
			t.Errorf("%s is not recognized as ours", c.name)
		}
		if isOurs(cmdline, "/another") {
			t.Errorf("%s passes for another cluster's", c.name)
		}
	}
	if !slices.Equal(names, componentNames()) {
		t.Errorf("names %v and %v differ", names, componentNames())
	}
	for name, want := range map[string]string{
		"kube-apiserver": "--authorization-mode=Node,RBAC",
		"kubelet":        "--node-ip=192.0.2.7",
		"etcd":           "--client-cert-auth",
	} {
		if !strings.Contains(args[name], want) {
			t.Errorf("%s lacks %s: %s", name, want, args[name])
		}
	}
}

func TestPKI(t *testing.T) {
	l := Layout{State: t.TempDir()}
	if err := l.ensurePKI("192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	pool := func(file string) *x509.CertPool {
		data, err := os.ReadFile(l.pki(file))
		if err != nil {
			t.Fatal(err)
		}
		p := x509.NewCertPool()
		p.AppendCertsFromPEM(data)
		return p
	}
	load := func(name string) *x509.Certificate {
		pair, err := tls.LoadX509KeyPair(l.pki(name+".crt"), l.pki(name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		return pair.Leaf
	}
	api := load("kube-apiserver")
	for _, name := range []string{"127.0.0.1", "192.0.2.7", apiServiceIP, "kubernetes.default.svc"} {
		if _, err := api.Verify(x509.VerifyOptions{Roots: pool("ca.crt"), DNSName: name}); err != nil {
			t.Errorf("the API server's certificate for %s: %v", name, err)
		}
	}
	asClientOf := func(ca string) x509.VerifyOptions {
		return x509.VerifyOptions{Roots: pool(ca), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	}
	for _, user := range kubeconfigUsers {
		cert := load(user)
		if _, err := cert.Verify(asClientOf("ca.crt")); err != nil {
			t.Errorf("%s: %v", user, err)
		}
		if _, err := cert.Verify(asClientOf("etcd-ca.crt")); err == nil {
			t.Errorf("%s may reach the database", user)
		}
	}
	if info, err := os.Stat(l.pki("ca.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the authority's key: %v, %v", info, err)
	}
	before, _ := os.ReadFile(l.pki("ca.crt"))
	if err := l.ensurePKI("192.0.2.7"); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.ReadFile(l.pki("ca.crt")); string(after) != string(before) {
		t.Error("a second call made new certificates")
	}
	text, err := l.renderKubeconfig(adminUser)
	if err != nil || !strings.Contains(text, "server: https://127.0.0.1:6443") {
		t.Errorf("kubeconfig: %v\n%s", err, text)
	}
}
