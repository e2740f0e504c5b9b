// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package storage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/internal/s3client"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
	"sparkrtc.dev/recording-operator/internal/workerapi"
)

// maxRedirects is how many redirects one download follows.
const maxRedirects = 5

// download reads URLs of allowed hosts, without credentials; a Ref is a URL.
type download struct {
	allowed []string
	client  *http.Client
	pause   time.Duration
	log     *slog.Logger
}

func newDownload(allowedHosts []string, denied []netip.Prefix, log *slog.Logger) (*download, error) {
	d := &download{allowed: allowedHosts, pause: time.Second, log: log}
	transport, err := s3client.Transport(nil, denied, s3client.Deadlines{Connect: connectTimeout, TLS: connectTimeout, Header: headerTimeout})
	if err != nil {
		return nil, err
	}
	transport.MaxConnsPerHost = serverTransfers
	transport.MaxIdleConnsPerHost = serverTransfers
	transport.ForceAttemptHTTP2 = true
	d.client = &http.Client{CheckRedirect: d.checkRedirect, Transport: stallGuard{next: transport, idle: stallTimeout}}
	return d, nil
}

// check says whether a URL may be fetched.
func (d *download) check(target *url.URL) error {
	switch {
	case target.Scheme != "https" && target.Scheme != "http":
		return failure.Permanent(workerapi.ReasonForbidden, "the scheme %.20q is not allowed, only https and http", target.Scheme)
	case target.User != nil:
		return failure.Permanent(workerapi.ReasonForbidden, "a URL of host %.80q holds a user name", target.Host)
	case !d.allows(target):
		return failure.Permanent(workerapi.ReasonForbidden, "the host %.80q is not allowed", target.Host)
	}
	return nil
}

// allows compares with allowedHosts: an entry without port means the scheme's own port.
func (d *download) allows(target *url.URL) bool {
	defaultPort := "443"
	if target.Scheme == "http" {
		defaultPort = "80"
	}
	port := target.Port()
	if port == "" {
		port = defaultPort
	}
	for _, entry := range d.allowed {
		host, allowedPort, err := net.SplitHostPort(entry)
		if err != nil {
			host, allowedPort = strings.Trim(entry, "[]"), defaultPort
		}
		if strings.EqualFold(host, target.Hostname()) && allowedPort == port {
			return true
		}
	}
	return false
}

// checkRedirect follows redirects within one host alone, and never from https to http.
func (d *download) checkRedirect(request *http.Request, via []*http.Request) error {
	previous := via[len(via)-1].URL
	switch {
	case len(via) > maxRedirects:
		return failure.Permanent(workerapi.ReasonForbidden, "more than %d redirects", maxRedirects)
	case !strings.EqualFold(request.URL.Host, previous.Host):
		return failure.Permanent(workerapi.ReasonForbidden, "a redirect from host %.80q to %.80q", previous.Host, request.URL.Host)
	case previous.Scheme == "https" && request.URL.Scheme != "https":
		return failure.Permanent(workerapi.ReasonForbidden, "a redirect from https to %.20q", request.URL.Scheme)
	}
	return d.check(request.URL)
}

// Resolve gives the URL that uri means; its host must be allowed.
func (d *download) Resolve(base, uri string) (string, error) {
	if err := checkURIText(uri); err != nil {
		return "", err
	}
	from, err := url.Parse(base)
	if err != nil {
		return "", errors.New("the playlist's own URL cannot be read")
	}
	relative, err := url.Parse(uri)
	if err != nil {
		return "", fmt.Errorf("the URI %.80q cannot be read", withoutQuery(uri))
	}
	if relative.Scheme == "" && relative.Host == "" {
		if err := checkDecoded(relative); err != nil {
			return "", err
		}
	}
	target := from.ResolveReference(relative)
	target.Fragment = ""
	if err := d.check(target); err != nil {
		return "", err
	}
	return target.String(), nil
}

// RelativeName is the path below the playlist's folder, on the same host.
func (d *download) RelativeName(base, ref string) (string, error) {
	from, err := url.Parse(base)
	if err != nil {
		return "", errors.New("the playlist's own URL cannot be read")
	}
	target, err := url.Parse(ref)
	if err != nil || target.Scheme != from.Scheme || target.Host != from.Host {
		return "", fmt.Errorf("%.80q does not lie beside the playlist", withoutQuery(ref))
	}
	return relativeKey(from.Path, target.Path)
}

// Describe leaves the query and userinfo out: they may hold a signature.
func (d *download) Describe(ref string) string {
	parsed, err := url.Parse(ref)
	if err != nil {
		return "a URL that cannot be read"
	}
	return (&url.URL{Scheme: parsed.Scheme, Host: parsed.Host, Path: parsed.Path}).String()
}

// Copy downloads side by side.
func (d *download) Copy(ctx context.Context, objects []Object, dir string, maxBytes int64, stored func(index int) error) error {
	room := newBudget(maxBytes)
	receiver := receiver{server: d, pause: d.pause, log: d.log}
	return storeSideBySide(ctx, serverTransfers, len(objects), stored, func(ctx context.Context, index int) error {
		return receiver.receiveFile(ctx, objects[index].Ref, filepath.Join(dir, objects[index].File), room)
	})
}

// open asks for a whole URL always: not every web server tells one version of a file from the next.
func (d *download) open(ctx context.Context, ref string, _ int64, _ string) (opened, error) {
	target, err := url.Parse(ref)
	if err != nil {
		return opened{}, failure.Permanent(workerapi.ReasonInvalidStep, "the URL cannot be read")
	}
	if err := d.check(target); err != nil {
		return opened{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ref, http.NoBody)
	if err != nil {
		return opened{}, failure.Permanent(workerapi.ReasonInvalidStep, "the URL cannot be read")
	}
	response, err := d.client.Do(request)
	if err != nil {
		return opened{}, d.explain(err, ref)
	}
	if err := d.checkStatus(response, ref); err != nil {
		_ = response.Body.Close()
		return opened{}, err
	}
	return opened{body: response.Body, size: response.ContentLength}, nil
}

func (d *download) checkStatus(response *http.Response, ref string) error {
	where := d.Describe(ref)
	switch code := response.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return failure.Permanent(workerapi.ReasonNotFound, "%s is not there (HTTP %d)", where, code)
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return failure.Permanent(workerapi.ReasonForbidden, "%s is refused (HTTP %d)", where, code)
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return failure.Transient(workerapi.ReasonStorageUnavailable, "%s cannot be had now (HTTP %d)", where, code)
	default:
		return failure.Permanent(workerapi.ReasonUnsupported, "%s answers HTTP %d", where, code)
	}
}

// explain drops net/http's own message, which names the URL with its query.
func (d *download) explain(err error, ref string) error {
	if found, ok := errors.AsType[*failure.Error](err); ok {
		return found
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	where, host := d.Describe(ref), ""
	if parsed, parseErr := url.Parse(ref); parseErr == nil {
		host = parsed.Host
	}
	if !errors.Is(err, context.Canceled) {
		d.log.Warn("Download failed", "url", where, "error", withoutQuery(err.Error()))
	}
	return connectionError(err, where, host)
}
