// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

const adminUser = "admin"

// kubeconfigUsers each have a certificate and a kubeconfig of their own.
var kubeconfigUsers = []string{adminUser, "kubelet", "kube-proxy", "kube-controller-manager", "kube-scheduler", "coredns"}

// The certificates live as long as the cluster does at most: `down` throws them away.
const validFor = 10 * 365 * 24 * time.Hour

// leaf is a certificate to be made.
type leaf struct {
	file, authority string
	subject         pkix.Name
	names           []string
	ips             []string
	usage           []x509.ExtKeyUsage
}

var (
	asClient = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	asServer = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	asBoth   = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
)

// leaves lists every certificate. etcd has an authority of its own: a client that the
// cluster's authority signs for, as it does for any approved request, must not
// thereby reach the database.
func leaves(nodeIP string) []leaf {
	return []leaf{
		{
			file: "kube-apiserver", authority: "ca", subject: pkix.Name{CommonName: "kube-apiserver"}, usage: asServer,
			names: []string{
				"localhost", nodeName, "kubernetes", "kubernetes.default", "kubernetes.default.svc",
				"kubernetes.default.svc.cluster.local",
			},
			ips: []string{"127.0.0.1", nodeIP, apiServiceIP},
		},
		{
			file: "apiserver-kubelet-client", authority: "ca", usage: asClient,
			subject: pkix.Name{CommonName: "kube-apiserver-kubelet-client", Organization: []string{"system:masters"}},
		},
		{
			file: "kubelet-server", authority: "ca", usage: asServer, names: []string{nodeName}, ips: []string{nodeIP},
			subject: pkix.Name{CommonName: nodeName},
		},
		{
			file: "etcd", authority: "etcd-ca", usage: asBoth, names: []string{"localhost"}, ips: []string{"127.0.0.1"},
			subject: pkix.Name{CommonName: "etcd"},
		},
		client(adminUser, "localkube-admin", "system:masters"),
		client("kubelet", "system:node:"+nodeName, "system:nodes"),
		client("kube-proxy", "system:kube-proxy"),
		client("kube-controller-manager", "system:kube-controller-manager"),
		client("kube-scheduler", "system:kube-scheduler"),
		client("coredns", "system:coredns"),
	}
}

func client(file, user string, groups ...string) leaf {
	return leaf{file: file, authority: "ca", usage: asClient, subject: pkix.Name{CommonName: user, Organization: groups}}
}

// ensurePKI makes all keys and certificates in one go, unless they are there.
func (l Layout) ensurePKI(nodeIP string) error {
	dir := l.path("pki")
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	tmp := dir + ".tmp"
	if err := errors.Join(os.RemoveAll(tmp), os.MkdirAll(tmp, 0o700)); err != nil {
		return fmt.Errorf("make the directory for certificates: %w", err)
	}
	if err := makePKI(tmp, nodeIP); err != nil {
		return fmt.Errorf("make the certificates: %w", err)
	}
	return os.Rename(tmp, dir)
}

func makePKI(dir, nodeIP string) error {
	type authority struct {
		cert *x509.Certificate
		key  *ecdsa.PrivateKey
	}
	authorities := map[string]authority{}
	for _, name := range []string{"ca", "etcd-ca"} {
		template := &x509.Certificate{
			Subject: pkix.Name{CommonName: "localkube-" + name}, IsCA: true, BasicConstraintsValid: true,
			KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		}
		cert, key, err := issue(dir, name, template, nil, nil)
		if err != nil {
			return err
		}
		authorities[name] = authority{cert, key}
	}
	for _, c := range leaves(nodeIP) {
		template := &x509.Certificate{
			Subject: c.subject, DNSNames: c.names, ExtKeyUsage: c.usage, KeyUsage: x509.KeyUsageDigitalSignature,
		}
		for _, ip := range c.ips {
			template.IPAddresses = append(template.IPAddresses, net.ParseIP(ip))
		}
		by := authorities[c.authority]
		if _, _, err := issue(dir, c.file, template, by.cert, by.key); err != nil {
			return err
		}
	}
	return makeServiceAccountKey(dir)
}

// issue signs a certificate, with itself when there is no issuer, and writes it
// with its new key.
func issue(dir, file string, template, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour) // clocks differ
	template.NotAfter = template.NotBefore.Add(validFor)
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, &key.PublicKey, issuerKey)
	if err != nil {
		return nil, nil, fmt.Errorf("sign %s: %w", file, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	if err := writePEM(filepath.Join(dir, file+".crt"), "CERTIFICATE", der); err != nil {
		return nil, nil, err
	}
	return cert, key, writeKey(filepath.Join(dir, file+".key"), key)
}

func makeServiceAccountKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, "service-account.pub"), "PUBLIC KEY", public); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, "service-account.key"), key)
}

func writeKey(path string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(path, "EC PRIVATE KEY", der)
}

func writePEM(path, kind string, der []byte) error {
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}
