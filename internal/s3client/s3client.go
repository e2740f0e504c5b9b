// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package s3client makes clients of S3 servers, with what is special about each dialect in one place. The operator and
// its steps both use it.
package s3client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"sparkrtc.dev/recording-operator/api/v1alpha1"
	"sparkrtc.dev/recording-operator/internal/networks"
)

// ErrCA says that the certificates of an S3Location cannot be used.
var ErrCA = errors.New("spec.s3.caSecretRef holds no PEM certificate")

// ErrEndpoint says that the endpoint of an S3Location is not a URL of a server.
var ErrEndpoint = errors.New("spec.s3.endpoint is not the URL of an S3 server")

// Access is what a client proves itself with. It is never printed.
type Access struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	// Endpoint is the only one that these may be sent to; empty: that of the location, whichever it is.
	Endpoint string
	// CA holds PEM certificates that replace the system's; nil: the system's.
	CA []byte
}

// Deadlines of a connection.
type Deadlines struct {
	// Connect bounds the TCP connection, TLS the handshake on it, and Header the time from the end of a request to the
	// first byte of its response.
	Connect, TLS, Header time.Duration
}

// Transport is an HTTP transport that trusts ca (nil: the system's certificates) and never connects to denied networks.
// It takes no proxy from the environment: a proxy would connect in its place, to whatever address. The error is ErrCA.
func Transport(ca []byte, denied []netip.Prefix, deadlines Deadlines) (*http.Transport, error) {
	dialer := net.Dialer{Timeout: deadlines.Connect, Control: networks.Control(denied)}
	transport := &http.Transport{
		DialContext:           dialer.DialContext,
		TLSHandshakeTimeout:   deadlines.TLS,
		ResponseHeaderTimeout: deadlines.Header,
		IdleConnTimeout:       deadlines.Header,
		// An object that is stored with a Content-Encoding is wanted as it is stored.
		DisableCompression: true,
	}
	if ca != nil {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(ca) {
			return nil, ErrCA
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return transport, nil
}

// New is a client for the server of a location. It connects to nothing yet. A request that fails in passing is sent at
// most attempts times.
func New(location *v1alpha1.S3Location, access Access, transport http.RoundTripper, attempts int) (*minio.Core, error) {
	parsed, err := url.Parse(endpointOf(location))
	if err != nil {
		return nil, ErrEndpoint
	}
	if access.Endpoint != "" && !sameServer(access.Endpoint, parsed) {
		return nil, ErrOtherEndpoint
	}
	region := location.Region
	if region == "" {
		region = "us-east-1" // signed as such; otherwise the bucket would be asked for its region first
	}
	client, err := minio.NewCore(parsed.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(access.AccessKeyID, access.SecretAccessKey, access.SessionToken),
		Secure:       parsed.Scheme == "https",
		Transport:    transport,
		Region:       region,
		BucketLookup: lookup(location.Provider),
		MaxRetries:   attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrEndpoint, err)
	}
	return client, nil
}

// endpointOf is the URL of a location's server.
func endpointOf(location *v1alpha1.S3Location) string {
	if location.Endpoint == "" {
		return "https://s3.amazonaws.com" // only provider AWS may leave it out
	}
	return location.Endpoint
}

// lookup says where the bucket's name goes.
func lookup(provider v1alpha1.S3Provider) minio.BucketLookupType {
	if virtualHosts(provider) {
		return minio.BucketLookupDNS
	}
	return minio.BucketLookupPath
}

// virtualHosts says whether the bucket's name goes before that of the host: OBS refuses path-style requests on its own
// domains (403 VirtualHostDomainRequired), and AWS discourages them; a server in one's own network has no names for its
// buckets.
func virtualHosts(provider v1alpha1.S3Provider) bool {
	return provider == v1alpha1.S3ProviderHuaweiOBS || provider == v1alpha1.S3ProviderAWS
}
