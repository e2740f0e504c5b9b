// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package networks

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	// connectTimeout bounds a TCP connection, and again the TLS handshake on it.
	connectTimeout = 5 * time.Second
	// maxHeader bounds the header of a response, in bytes. The caller bounds the body.
	maxHeader = 16 << 10
)

// Client makes an HTTP client for servers that somebody else chose. It never connects to denied networks, whatever a name
// leads to. It follows no redirect, uses no proxy (which would connect in its place, to whatever address), and keeps no
// connection open (one that the server has closed meanwhile would count as a failure). roots are the authorities of the
// servers' certificates; nil: the system's. timeout bounds a request, from the name to the last byte of the response.
func Client(denied []netip.Prefix, roots *x509.CertPool, timeout time.Duration) *http.Client {
	dialer := net.Dialer{Timeout: connectTimeout, Control: Control(denied)}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			TLSHandshakeTimeout:    connectTimeout,
			MaxResponseHeaderBytes: maxHeader,
			DisableKeepAlives:      true,
			DisableCompression:     true,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
	}
}
