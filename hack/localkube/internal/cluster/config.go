// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"embed"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"text/template"
)

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").
	Funcs(template.FuncMap{"base64": base64.StdEncoding.EncodeToString}).
	ParseFS(templateFiles, "templates/*"))

// settings is all that the configuration files depend on.
type settings struct {
	NodeName, NodeIP        string
	PodCIDR, ServiceCIDR    string
	DNSServiceIP            string
	DNSPort, DNSReadyPort   int
	PKI, Config             string
	KubeletRoot, PodLogs    string
	VolumePlugins           string
	ContainerdRoot, RunDir  string
	ContainerdSocket        string
	Snapshotter, PauseImage string
	CNIPlugins, CNIConfig   string
	CNINetworks, CNIName    string
	ResolvConf, CgroupName  string
	NFTTable                string
	KubeletPort             int
}

func (l Layout) settings(node node) settings {
	return settings{
		NodeName: nodeName, NodeIP: node.IP,
		PodCIDR: podCIDR, ServiceCIDR: serviceCIDR,
		DNSServiceIP: dnsServiceIP, DNSPort: dnsPort, DNSReadyPort: dnsReadyPort,
		PKI: l.path("pki"), Config: l.path("config"),
		KubeletRoot: l.kubeletRoot(), PodLogs: l.podLogs(), VolumePlugins: l.volumePlugins(),
		ContainerdRoot: l.path("containerd"), RunDir: runDir,
		ContainerdSocket: containerdSocket(),
		Snapshotter:      node.Snapshotter, PauseImage: pauseImage,
		CNIPlugins: node.CNIPlugins, CNIConfig: l.path("config", "cni"),
		CNINetworks: cniNetworks(), CNIName: cniName,
		ResolvConf: node.ResolvConf, CgroupName: cgroupName,
		NFTTable: nftTable, KubeletPort: kubeletPort,
	}
}

// configFiles maps a template to its place below config/.
var configFiles = map[string]string{
	"containerd.toml": "containerd.toml",
	"cni.conflist":    "cni/10-localkube.conflist",
	"kubelet.yaml":    "kubelet.yaml",
	"kube-proxy.yaml": "kube-proxy.yaml",
	"Corefile":        "Corefile",
}

func render(name string, data any) (string, error) {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		return "", fmt.Errorf("render %s: %w", name, err)
	}
	return out.String(), nil
}

// writeConfig writes every configuration file and the kubeconfigs.
func (l Layout) writeConfig(s settings) error {
	for name, place := range configFiles {
		text, err := render(name, s)
		if err != nil {
			return err
		}
		if err := writeFile(l.config(place), text, 0o644); err != nil {
			return err
		}
	}
	for _, user := range kubeconfigUsers {
		path := l.config(user + ".kubeconfig")
		if user == adminUser {
			path = l.Kubeconfig()
		}
		text, err := l.renderKubeconfig(user)
		if err != nil {
			return err
		}
		if err := writeFile(path, text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (l Layout) renderKubeconfig(user string) (string, error) {
	data := struct {
		Server, User  string
		CA, Cert, Key []byte
	}{Server: fmt.Sprintf("https://127.0.0.1:%d", apiPort), User: user}
	for file, into := range map[string]*[]byte{"ca.crt": &data.CA, user + ".crt": &data.Cert, user + ".key": &data.Key} {
		content, err := os.ReadFile(l.pki(file))
		if err != nil {
			return "", fmt.Errorf("write the kubeconfig of %s: %w", user, err)
		}
		*into = content
	}
	return render("kubeconfig", data)
}

// writeFile leaves a file alone whose content is right already: kube-proxy ends
// itself when its configuration is written to.
func writeFile(path, text string, mode os.FileMode) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == text {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the directory of %s: %w", path, err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
