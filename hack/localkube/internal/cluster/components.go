// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"os"
	"strings"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/proc"
)

// component is one process of the cluster.
type component struct {
	name   string
	port   int // that it listens on, 0 for none worth checking
	args   []string
	inputs []string // files whose content it reads at its start
	env    []string // beyond the basic environment
}

// components lists the processes in the order of their start; their end is the reverse.
func (l Layout) components(node node) []component {
	pki, config := l.pki, l.config
	etcdURL := fmt.Sprintf("https://127.0.0.1:%d", etcdPort)
	etcdPeerURL := fmt.Sprintf("https://127.0.0.1:%d", etcdPeerPort)
	return []component{
		{
			name: "etcd", port: etcdPort,
			args: []string{
				l.binary("etcd"), "--name=" + nodeName, "--data-dir=" + l.path("etcd"),
				"--listen-client-urls=" + etcdURL, "--advertise-client-urls=" + etcdURL,
				"--listen-peer-urls=" + etcdPeerURL, "--initial-advertise-peer-urls=" + etcdPeerURL,
				"--initial-cluster=" + nodeName + "=" + etcdPeerURL,
				"--client-cert-auth", "--trusted-ca-file=" + pki("etcd-ca.crt"),
				"--cert-file=" + pki("etcd.crt"), "--key-file=" + pki("etcd.key"),
				"--peer-client-cert-auth", "--peer-trusted-ca-file=" + pki("etcd-ca.crt"),
				"--peer-cert-file=" + pki("etcd.crt"), "--peer-key-file=" + pki("etcd.key"),
				// A cluster to try things in need not wait for the disk at every write.
				"--unsafe-no-fsync",
			},
		},
		{
			name: "containerd", args: []string{node.Containerd, "--config=" + config("containerd.toml")},
			inputs: []string{config("containerd.toml")}, env: proxyEnv(),
		},
		{
			name: "kube-apiserver", port: apiPort,
			args: []string{
				l.binary("kube-apiserver"),
				"--advertise-address=" + node.IP, fmt.Sprintf("--secure-port=%d", apiPort),
				"--etcd-servers=" + etcdURL, "--etcd-cafile=" + pki("etcd-ca.crt"),
				"--etcd-certfile=" + pki("etcd.crt"), "--etcd-keyfile=" + pki("etcd.key"),
				"--client-ca-file=" + pki("ca.crt"),
				"--tls-cert-file=" + pki("kube-apiserver.crt"), "--tls-private-key-file=" + pki("kube-apiserver.key"),
				"--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
				"--service-cluster-ip-range=" + serviceCIDR,
				"--service-account-issuer=https://kubernetes.default.svc.cluster.local",
				"--service-account-key-file=" + pki("service-account.pub"),
				"--service-account-signing-key-file=" + pki("service-account.key"),
				"--kubelet-certificate-authority=" + pki("ca.crt"),
				"--kubelet-client-certificate=" + pki("apiserver-kubelet-client.crt"),
				"--kubelet-client-key=" + pki("apiserver-kubelet-client.key"),
				// The node's name does not resolve.
				"--kubelet-preferred-address-types=InternalIP",
				"--allow-privileged=true",
			},
		},
		{
			name: "kube-controller-manager", port: 10257,
			args: []string{
				l.binary("kube-controller-manager"),
				"--kubeconfig=" + config("kube-controller-manager.kubeconfig"), "--bind-address=127.0.0.1",
				"--leader-elect=false", "--use-service-account-credentials",
				"--service-account-private-key-file=" + pki("service-account.key"),
				"--flex-volume-plugin-dir=" + l.volumePlugins(),
				"--root-ca-file=" + pki("ca.crt"),
				"--cluster-signing-cert-file=" + pki("ca.crt"), "--cluster-signing-key-file=" + pki("ca.key"),
			},
		},
		{
			name: "kube-scheduler", port: 10259,
			args: []string{
				l.binary("kube-scheduler"),
				"--kubeconfig=" + config("kube-scheduler.kubeconfig"), "--bind-address=127.0.0.1", "--leader-elect=false",
			},
		},
		{
			name: "kubelet", port: kubeletPort,
			args: []string{
				l.binary("kubelet"), "--config=" + config("kubelet.yaml"),
				"--kubeconfig=" + config("kubelet.kubeconfig"), "--root-dir=" + l.kubeletRoot(),
				"--hostname-override=" + nodeName, "--node-ip=" + node.IP,
			},
			inputs: []string{config("kubelet.yaml")},
		},
		{
			name: "kube-proxy", port: proxyHealthPort, args: []string{l.binary("kube-proxy"), "--config=" + config("kube-proxy.yaml")},
			inputs: []string{config("kube-proxy.yaml")},
		},
		{
			name: "coredns", port: dnsReadyPort, args: []string{l.binary("coredns"), "-conf=" + config("Corefile")},
			inputs: []string{config("Corefile")},
		},
	}
}

// spec reads the component's inputs, so that their change restarts it. So does
// another set of certificates, which every component trusts or shows.
func (l Layout) spec(c component) (proc.Spec, error) {
	s := proc.Spec{Name: c.name, Args: c.args, Env: append(basicEnv(), c.env...), LogFile: l.log(c.name)}
	for _, file := range append([]string{l.pki("ca.crt")}, c.inputs...) {
		data, err := os.ReadFile(file)
		if err != nil {
			return proc.Spec{}, fmt.Errorf("read an input of %s: %w", c.name, err)
		}
		s.Inputs = append(s.Inputs, string(data))
	}
	return s, nil
}

// basicEnv keeps the caller's environment out of the cluster: it may hold
// secrets, and two callers' differences must not look like a changed component.
func basicEnv() []string {
	return []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"}
}

// proxyEnv lets containerd pull images where the machine reaches registries.
func proxyEnv() []string {
	var env []string
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"} {
		if v, ok := os.LookupEnv(name); ok && !strings.Contains(v, "\n") {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// componentNames is for what must work without knowing the node, such as `down`.
func componentNames() []string {
	var names []string
	for _, c := range (Layout{}).components(node{}) {
		names = append(names, c.name)
	}
	return names
}
