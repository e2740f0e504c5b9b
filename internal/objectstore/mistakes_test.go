// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package objectstore_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/objectstore"
	"sparkrtc.dev/recording-operator/internal/testing/s3server"
)

// refusing answers every request with an error of S3; a response to HEAD has no body.
func refusing(t *testing.T, status int, code string) string {
	t.Helper()
	return serving(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>internal words</Message><Region>elsewhere-1</Region></Error>", code)
	})
}

func serving(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

// closed is an endpoint at which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return "http://" + listener.Addr().String()
}

// withCertificate serves TLS with a certificate of its own authority, and returns that as PEM.
func withCertificate(t *testing.T, host string, expires time.Time) (endpoint string, authority []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: expires.Add(-48 * time.Hour), NotAfter: expires,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	if ip := net.ParseIP(host); ip != nil {
		template.IPAddresses = []net.IP{ip}
	} else {
		template.DNSNames = []string{host}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server.URL, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// TestBucket_CheckNamesTheMistake: each mistake in a StorageLocation, its Secret or the network gives the sentence that is
// true of it and says what to correct, and nothing of what the server sent.
func TestBucket_CheckNamesTheMistake(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for the pauses between attempts")
	}
	server := s3server.Start(t, "recordings")
	tomorrow := time.Now().Add(24 * time.Hour)
	foreign, _ := withCertificate(t, "127.0.0.1", tomorrow)
	misnamed, misnamedCA := withCertificate(t, "storage.example.com", tomorrow)
	expired, expiredCA := withCertificate(t, "127.0.0.1", time.Now().Add(-24*time.Hour))
	plain := strings.TrimPrefix(server.Endpoint, "http://")
	location := func(endpoint string) *v1alpha1.S3Location {
		return &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: endpoint, Bucket: "recordings"}
	}
	virtual := location("http://storage.invalid:9000")
	virtual.Provider = v1alpha1.S3ProviderHuaweiOBS
	withRegion := location(refusing(t, http.StatusBadRequest, "AuthorizationHeaderMalformed"))
	withRegion.Region = "cn-north-1"
	withCA := location(foreign)
	withCA.CASecretRef = &v1alpha1.SecretKeyReference{Name: "ca", Key: "ca.crt"}

	tests := map[string]struct {
		location *v1alpha1.S3Location
		access   objectstore.Access
		kind     error
		says     string
	}{
		"wrong port":        {location(closed(t)), access, objectstore.ErrUnreachable, "refuses the connection"},
		"wrong host":        {location("http://storage.invalid:9000"), access, objectstore.ErrUnreachable, "the host storage.invalid is not found"},
		"bucket in host":    {virtual, access, objectstore.ErrUnreachable, "the host recordings.storage.invalid is not found; provider HuaweiOBS puts the bucket's name before the endpoint's"},
		"https for http":    {location("https://" + plain), access, objectstore.ErrUnreachable, "does not speak TLS; is the endpoint http and not https?"},
		"http for https":    {location("http://" + strings.TrimPrefix(foreign, "https://")), access, objectstore.ErrRejected, "(HTTP 400); are spec.s3.region and spec.s3.provider right, and is the endpoint http and not https?"},
		"unknown CA":        {location(foreign), access, objectstore.ErrUntrusted, "is not trusted; is spec.s3.endpoint right? A CA of your own goes into spec.s3.caSecretRef"},
		"another CA":        {withCA, objectstore.Access{CA: misnamedCA}, objectstore.ErrUntrusted, "is not trusted; are spec.s3.endpoint and the certificate that spec.s3.caSecretRef names right?"},
		"another's name":    {location(misnamed), objectstore.Access{CA: misnamedCA}, objectstore.ErrUntrusted, "is for another host"},
		"expired":           {location(expired), objectstore.Access{CA: expiredCA}, objectstore.ErrUntrusted, "has expired or is not valid yet"},
		"a web server":      {location(serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<!DOCTYPE html><p>hello")) })), access, objectstore.ErrRejected, "does not answer as an S3 server; is spec.s3.endpoint right?"},
		"an empty server":   {location(serving(t, func(http.ResponseWriter, *http.Request) {})), access, objectstore.ErrRejected, "does not answer as an S3 server"},
		"a page not found":  {location(serving(t, http.NotFound)), access, objectstore.ErrRejected, "does not answer as an S3 server"},
		"no bucket":         {server.Location("elsewhere", ""), access, objectstore.ErrNoBucket, "the bucket elsewhere does not exist at 127.0.0.1"},
		"unknown key":       {server.Location("recordings", ""), objectstore.Access{AccessKeyID: "nobody", SecretAccessKey: "s"}, objectstore.ErrForbidden, "does not know the accessKeyID"},
		"wrong key":         {server.Location("recordings", ""), objectstore.Access{AccessKeyID: s3server.AccessKeyID, SecretAccessKey: "s"}, objectstore.ErrForbidden, "the secretAccessKey does not belong to the accessKeyID"},
		"unknown to AWS":    {location(refusing(t, http.StatusForbidden, "InvalidAccessKeyId")), access, objectstore.ErrForbidden, "does not know the accessKeyID"},
		"no right":          {location(refusing(t, http.StatusForbidden, "AccessDenied")), access, objectstore.ErrForbidden, "the credentials do not permit this"},
		"expired token":     {location(refusing(t, http.StatusBadRequest, "ExpiredToken")), access, objectstore.ErrForbidden, "the sessionToken has expired"},
		"clocks differ":     {location(refusing(t, http.StatusForbidden, "RequestTimeTooSkewed")), access, objectstore.ErrForbidden, "the clocks of the node and of the store differ too much"},
		"path style":        {location(refusing(t, http.StatusForbidden, "VirtualHostDomainRequired")), access, objectstore.ErrForbidden, "set spec.s3.provider to HuaweiOBS"},
		"wrong region":      {withRegion, access, objectstore.ErrRejected, "the bucket recordings is in another region (HTTP 400); correct spec.s3.region"},
		"no region":         {location(refusing(t, http.StatusBadRequest, "AuthorizationHeaderMalformed")), access, objectstore.ErrRejected, "correct spec.s3.region, which is not set"},
		"moved":             {location(refusing(t, http.StatusMovedPermanently, "PermanentRedirect")), access, objectstore.ErrRejected, "redirects it (HTTP 301); the bucket may be in another region"},
		"moved for now":     {location(refusing(t, http.StatusTemporaryRedirect, "TemporaryRedirect")), access, objectstore.ErrRejected, "redirects it (HTTP 307)"},
		"another dialect":   {location(refusing(t, http.StatusBadRequest, "InvalidRequest")), access, objectstore.ErrRejected, "(HTTP 400); are spec.s3.region and spec.s3.provider right"},
		"overloaded":        {location(refusing(t, http.StatusServiceUnavailable, "SlowDown")), access, objectstore.ErrUnavailable, "cannot serve the request now (HTTP 503)"},
		"out of order":      {location(refusing(t, http.StatusInternalServerError, "InternalError")), access, objectstore.ErrUnavailable, "cannot serve the request now (HTTP 500)"},
		"a code of no kind": {location(refusing(t, http.StatusTeapot, "internal words")), access, objectstore.ErrRejected, "(HTTP 418)"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := open(t, test.location, test.access).Check(t.Context())
			if !errors.Is(err, test.kind) || !strings.Contains(fmt.Sprint(err), test.says) {
				t.Errorf("got %v, want one of the kind %q that says %q", err, test.kind, test.says)
			}
			if strings.Contains(fmt.Sprint(err), "internal words") || strings.Contains(fmt.Sprint(err), "elsewhere-1") {
				t.Errorf("%v: these are the server's words", err)
			}
		})
	}
}

// TestBucket_CheckTakesWriteOnlyCredentials: credentials that may not list are all right where HEAD says that the bucket
// is there.
func TestBucket_CheckTakesWriteOnlyCredentials(t *testing.T) {
	endpoint := serving(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte("<Error><Code>AccessDenied</Code></Error>"))
		}
	})
	location := &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: endpoint, Bucket: "recordings"}
	if err := open(t, location, access).Check(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestBucket_CheckStaysBelowThePrefix: credentials that are limited to a prefix may list below it alone.
func TestBucket_CheckStaysBelowThePrefix(t *testing.T) {
	var asked []string
	endpoint := serving(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("prefix")+" "+r.URL.Query().Get("max-keys"))
		_, _ = w.Write([]byte("<ListBucketResult/>"))
	})
	location := &v1alpha1.S3Location{Provider: v1alpha1.S3ProviderOther, Endpoint: endpoint, Bucket: "recordings", Prefix: "results/"}
	if err := open(t, location, access).Check(t.Context()); err != nil || len(asked) != 1 || asked[0] != "results/ 1" {
		t.Errorf("%v, asked for %q", err, asked)
	}
}
