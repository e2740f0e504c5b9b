// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package rtcapi speaks the part of SparkRTC's service API that registers recording callbacks: ShowRecordCallback and
// UpdateRecordCallback of version 2 (`GET` and `PUT /v2/apps/{app_id}/record-callback`).
package rtcapi

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"k8s.io/utils/clock"

	"sparkrtc.dev/recording-operator/internal/networks"
)

const (
	// requestTimeout bounds one request, from the name to the last byte of the response. The service probes the callback
	// URL before it answers a PUT.
	requestTimeout = 20 * time.Second
	// maxResponse bounds a response, in bytes; the service's has a few hundred.
	maxResponse = 64 << 10
)

// Credentials are an access key of Huawei Cloud. They are never printed.
type Credentials struct{ AccessKeyID, SecretAccessKey string }

// Format hides the credentials from every verb of fmt.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[credentials]")) }

// Key is the private key that the service signs callbacks with (auth_key). It is never printed.
type Key string

// Format hides the key from every verb of fmt.
func (Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[private key]")) }

// Callback is what an app has registered. Its zero value is nothing.
type Callback struct {
	URL string
	// Key is empty when callbacks are not signed.
	Key Key
}

// Config is what a Client needs.
type Config struct {
	// Endpoint is the URL of the service, of ParseEndpoint.
	Endpoint *url.URL
	// ProjectID is the project that the app belongs to.
	ProjectID   string
	Credentials Credentials
	// DeniedNetworks are never connected to, whatever the endpoint's name leads to.
	DeniedNetworks []netip.Prefix
	// RootCAs are the authorities of the endpoint's certificate; nil: the system's.
	RootCAs *x509.CertPool
	Clock   clock.PassiveClock
}

// Client sends signed requests to the service, as networks.Client does, and bounds every response in time and size.
type Client struct {
	endpoint    *url.URL
	projectID   string
	credentials Credentials
	http        *http.Client
	clock       clock.PassiveClock
}

// ErrEndpoint says that an endpoint is not a URL such as https://rtc-api.myhuaweicloud.com.
var ErrEndpoint = errors.New("the endpoint must be a URL of https with a host, an optional port and nothing else")

// ParseEndpoint reads the URL of a service: https and a host, which the result has in lower case, with its port unless that
// is 443. Its error is ErrEndpoint.
func ParseEndpoint(text string) (*url.URL, error) {
	endpoint, err := url.Parse(text)
	if err != nil || endpoint.Scheme != "https" || endpoint.Hostname() == "" || endpoint.User != nil ||
		endpoint.Path != "" && endpoint.Path != "/" || endpoint.RawQuery != "" || endpoint.Fragment != "" {
		return nil, ErrEndpoint
	}
	return &url.URL{Scheme: "https", Host: strings.ToLower(strings.TrimSuffix(endpoint.Host, ":443"))}, nil
}

// New makes a Client. It connects to nothing yet.
func New(config Config) *Client {
	return &Client{
		endpoint: config.Endpoint, projectID: config.ProjectID, credentials: config.Credentials, clock: config.Clock,
		http: networks.Client(config.DeniedNetworks, config.RootCAs, requestTimeout),
	}
}

// answer is what the service sends: an error, or the callback of an app.
type answer struct {
	ErrorCode      string    `json:"error_code"`
	RecordCallback *callback `json:"record_callback"`
}

// callback is a recording callback in JSON, in both directions.
type callback struct {
	URL     string `json:"url"`
	AuthKey string `json:"auth_key,omitempty"`
}

// Show returns what the app has registered. Its error is an *Error.
func (c *Client) Show(ctx context.Context, appID string) (Callback, error) {
	return c.do(ctx, http.MethodGet, appID, nil)
}

// Update registers a callback, in place of what the app has registered. The service may probe the URL first. Its error is
// an *Error; without a response, the callback may be registered or not, and doing it again is right.
func (c *Client) Update(ctx context.Context, appID string, to Callback) error {
	body, err := json.Marshal(callback{URL: to.URL, AuthKey: string(to.Key)})
	if err != nil {
		return &Error{Kind: Malformed, text: "the callback cannot be encoded"}
	}
	_, err = c.do(ctx, http.MethodPut, appID, body)
	return err
}

// appIDForm is what the ID of an app is made of. Anything else could lead to another path of the API.
var appIDForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func (c *Client) do(ctx context.Context, method, appID string, body []byte) (Callback, error) {
	if !appIDForm.MatchString(appID) {
		return Callback{}, &Error{Kind: Refused, text: "the app ID must have 1 to 128 letters, digits, hyphens and underscores"}
	}
	target := c.endpoint.JoinPath("v2", "apps", appID, "record-callback")
	request, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return Callback{}, &Error{Kind: Refused, text: "the request cannot be made"}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set(headerProject, c.projectID)
	sign(request, body, c.credentials.AccessKeyID, c.credentials.SecretAccessKey, c.clock.Now())
	response, err := c.http.Do(request)
	if err != nil {
		return Callback{}, unreachable(err, c.endpoint.Host)
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	if err != nil {
		return Callback{}, unreachable(err, c.endpoint.Host)
	}
	return c.read(response.StatusCode, content)
}

// read reads a response.
func (c *Client) read(status int, content []byte) (Callback, error) {
	var a answer
	valid := len(content) <= maxResponse && json.Unmarshal(content, &a) == nil
	if status != http.StatusOK {
		return Callback{}, refusal(status, a.ErrorCode, c.endpoint.Host)
	}
	if !valid {
		return Callback{}, &Error{Kind: Malformed, Status: status, text: fmt.Sprintf("the host %s does not respond as the service's API does", c.endpoint.Host)}
	}
	if a.RecordCallback == nil {
		return Callback{}, nil
	}
	return Callback{URL: a.RecordCallback.URL, Key: Key(a.RecordCallback.AuthKey)}, nil
}
