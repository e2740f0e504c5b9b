// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

// api asks the API server the few questions that localkube has. For all else there is kubectl.
type api struct{ http *http.Client }

func (l Layout) api() (*api, error) {
	ca, err := os.ReadFile(l.pki("ca.crt"))
	if err != nil {
		return nil, fmt.Errorf("read the cluster's authority: %w", err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	cert, err := tls.LoadX509KeyPair(l.pki(adminUser+".crt"), l.pki(adminUser+".key"))
	if err != nil {
		return nil, fmt.Errorf("read the admin's certificate: %w", err)
	}
	return &api{http: &http.Client{
		Timeout: 3 * time.Second,
		Transport: &http.Transport{
			Proxy:             nil, // the cluster is on this machine, whatever the environment says
			TLSClientConfig:   &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{cert}},
			DisableKeepAlives: true,
		},
	}}, nil
}

func (a *api) get(ctx context.Context, url string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return body, nil
}

func apiURL(path string) string { return fmt.Sprintf("https://127.0.0.1:%d%s", apiPort, path) }

func (a *api) ready(ctx context.Context) error {
	_, err := a.get(ctx, apiURL("/readyz"))
	return err
}

func (a *api) nodeReady(ctx context.Context) error {
	body, err := a.get(ctx, apiURL("/api/v1/nodes/"+nodeName))
	if err != nil {
		return err
	}
	return nodeIsReady(body)
}

func nodeIsReady(body []byte) error {
	var n struct {
		Status struct {
			Conditions []struct{ Type, Status, Message string }
		}
	}
	if err := json.Unmarshal(body, &n); err != nil {
		return fmt.Errorf("read the node: %w", err)
	}
	for _, c := range n.Status.Conditions {
		if c.Type == "Ready" {
			if c.Status == "True" {
				return nil
			}
			return fmt.Errorf("not ready: %s", c.Message)
		}
	}
	return errors.New("the kubelet has not reported yet")
}

// healthy asks a component of the node whether it is content with itself.
func (a *api) healthy(port int) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := a.get(ctx, fmt.Sprintf("http://127.0.0.1:%d/healthz", port))
		return err
	}
}

// serviceAnswers goes to the API server by its Service, as a pod would.
func (a *api) serviceAnswers(ctx context.Context) error {
	_, err := a.get(ctx, "https://"+apiServiceIP+"/readyz")
	return err
}

// dnsAnswers asks the cluster's DNS, by its Service, for a name that is always there.
func dnsAnswers(ctx context.Context) error {
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, network, net.JoinHostPort(dnsServiceIP, "53"))
	}}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	got, err := r.LookupHost(ctx, "kubernetes.default.svc.cluster.local.")
	if err != nil {
		return fmt.Errorf("ask the cluster's DNS at %s: %w", dnsServiceIP, err)
	}
	if !slices.Contains(got, apiServiceIP) {
		return fmt.Errorf("DNS says that the API server is at %v instead of %s", got, apiServiceIP)
	}
	return nil
}
