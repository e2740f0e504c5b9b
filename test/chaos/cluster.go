// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
)

// cluster is etcd and an API server, which keep their ports and what they hold when they are killed and started again.
type cluster struct {
	etcd, apiServer *process
	config          *rest.Config
	k8s             client.Client
	probe           *http.Client
	kubeconfig      string
}

// adminToken lets everybody in this program do everything; the API server listens on the loopback address alone.
const adminToken = "chaos"

// startCluster starts both from the binaries of envtest, below folder.
func startCluster(ctx context.Context, assets, folder string) (_ *cluster, err error) {
	if assets == "" {
		return nil, errors.New("KUBEBUILDER_ASSETS must name the folder of etcd and kube-apiserver (make test-chaos sets it)")
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	c := &cluster{kubeconfig: filepath.Join(folder, "kubeconfig")}
	etcdURL := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	c.etcd, err = newProcess(folder, "etcd", filepath.Join(assets, "etcd"),
		"--data-dir="+filepath.Join(folder, "etcd"), "--listen-client-urls="+etcdURL, "--advertise-client-urls="+etcdURL,
		fmt.Sprintf("--listen-peer-urls=http://127.0.0.1:%d", ports[1]), "--log-level=warn")
	if err != nil {
		return nil, err
	}
	certificates, err := writeCredentials(folder)
	if err != nil {
		return nil, err
	}
	c.apiServer, err = newProcess(folder, "kube-apiserver", filepath.Join(assets, "kube-apiserver"),
		"--etcd-servers="+etcdURL, "--bind-address=127.0.0.1", "--endpoint-reconciler-type=none", fmt.Sprintf("--secure-port=%d", ports[2]),
		"--cert-dir="+certificates, "--token-auth-file="+filepath.Join(folder, "tokens"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://127.0.0.1", "--service-account-key-file="+filepath.Join(folder, "sa.key"),
		"--service-account-signing-key-file="+filepath.Join(folder, "sa.key"),
		"--service-cluster-ip-range=10.0.0.0/24", "--disable-admission-plugins=ServiceAccount")
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.etcd.start(), c.apiServer.start()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	return c, c.connect(ctx, fmt.Sprintf("https://127.0.0.1:%d", ports[2]), filepath.Join(certificates, "apiserver.crt"))
}

// writeCredentials writes what the API server reads, and returns the folder where it puts its own certificate.
func writeCredentials(folder string) (certificates string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", err
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	certificates = filepath.Join(folder, "certificates")
	return certificates, errors.Join(
		os.WriteFile(filepath.Join(folder, "sa.key"), block, 0o600),
		os.WriteFile(filepath.Join(folder, "tokens"), []byte(adminToken+",admin,1,system:masters\n"), 0o600),
		os.Mkdir(certificates, 0o700),
	)
}

// connect waits until the API server is up, and makes the clients and the kubeconfig.
func (c *cluster) connect(ctx context.Context, host, authority string) (err error) {
	c.config = &rest.Config{
		Host: host, BearerToken: adminToken, QPS: -1, Timeout: 30 * time.Second,
		TLSClientConfig: rest.TLSClientConfig{CAFile: authority},
	}
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("it did not start within a minute"))
	defer cancel()
	// The API server makes its certificate when it first starts.
	if err := insist(ctx, func() error { _, err := os.Stat(authority); return err }); err != nil {
		return err
	}
	if c.probe, err = rest.HTTPClientFor(c.config); err != nil {
		return err
	}
	c.probe.Timeout = time.Second
	if err := c.waitUp(ctx); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(clientgoscheme.AddToScheme(scheme), v1alpha1.AddToScheme(scheme)); err != nil {
		return err
	}
	if _, err := envtest.InstallCRDs(c.config, envtest.CRDInstallOptions{
		Scheme: scheme, Paths: []string{filepath.Join("config", "crd", "bases")}, ErrorIfPathMissing: true,
	}); err != nil {
		return fmt.Errorf("install the CRDs: %w", err)
	}
	if c.k8s, err = client.New(c.config, client.Options{Scheme: scheme}); err != nil {
		return err
	}
	return clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"chaos": {Server: host, CertificateAuthority: authority}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"chaos": {Token: adminToken}},
		Contexts:       map[string]*clientcmdapi.Context{"chaos": {Cluster: "chaos", AuthInfo: "chaos"}},
		CurrentContext: "chaos",
	}, c.kubeconfig)
}

// up says whether the API server and etcd behind it answer.
func (c *cluster) up(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.config.Host+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := c.probe.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func (c *cluster) waitUp(ctx context.Context) error {
	for !c.up(ctx) {
		if err := wait(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("wait for the API server (%s): %w", c.apiServer.log.Name(), err)
		}
	}
	return nil
}

func (c *cluster) stop() {
	c.apiServer.kill()
	c.etcd.kill()
}

// wait waits, but not beyond the end of the context.
func wait(ctx context.Context, duration time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(duration):
		return nil
	}
}

// freePorts are ports of the loopback address that nobody listens on now. They lie below those that the kernel gives to
// connections, so that they are still free when what listened on them is started again.
func freePorts(n int) ([]int, error) {
	const lowest, highest = 20000, 32000
	var ports []int
	for port := lowest + mathrand.IntN(highest-lowest); len(ports) < n; port++ {
		if port > highest {
			return nil, errors.New("no free ports")
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		_ = listener.Close()
		ports = append(ports, port)
	}
	return ports, nil
}
