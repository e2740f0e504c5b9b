/*
Copyright 2026 The SparkRTC Recording Operator Authors.

Licensed under the Apache License, Version 2.0 (the "License");
you may not use this file except in compliance with the License.
You may obtain a copy of the License at

    http://www.apache.org/licenses/LICENSE-2.0

Unless required by applicable law or agreed to in writing, software
distributed under the License is distributed on an "AS IS" BASIS,
WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
See the License for the specific language governing permissions and
limitations under the License.
*/

package storage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"sparkrtc.dev/recording-operator/internal/task"
	"sparkrtc.dev/recording-operator/internal/worker/failure"
)

// Deadlines of a download. The body has none in total, since it may be large: it must move.
const (
	dialTimeout   = 10 * time.Second
	headerTimeout = 30 * time.Second
	idleTimeout   = 60 * time.Second
	// downloads run side by side, at most this many.
	downloads = 4
	// downloadTries is how often one file is tried when the server fails; the Job's retries come on top.
	downloadTries = 3
	maxRedirects  = 5
)

// download reads URLs of allowed hosts, without credentials; a Ref is a URL.
type download struct {
	allowed []string
	client  *http.Client
	idle    time.Duration
	pause   time.Duration
	log     *slog.Logger
}

func newDownload(allowedHosts []string, log *slog.Logger) *download {
	d := &download{allowed: allowedHosts, idle: idleTimeout, pause: time.Second, log: log}
	dialer := &net.Dialer{Timeout: dialTimeout}
	d.client = &http.Client{
		CheckRedirect: d.checkRedirect,
		Transport: &http.Transport{
			// No Proxy: an environment variable must not send recordings elsewhere.
			DialContext:           dialer.DialContext,
			TLSHandshakeTimeout:   dialTimeout,
			ResponseHeaderTimeout: headerTimeout,
			IdleConnTimeout:       idleTimeout,
			MaxConnsPerHost:       downloads,
			DisableCompression:    true,
			ForceAttemptHTTP2:     true,
		},
	}
	return d
}

// check says whether a URL may be fetched.
func (d *download) check(target *url.URL) error {
	switch {
	case target.Scheme != "https" && target.Scheme != "http":
		return failure.Permanent(task.ReasonForbidden, "the scheme %.20q is not allowed, only https and http", target.Scheme)
	case target.User != nil:
		return failure.Permanent(task.ReasonForbidden, "a URL of host %.80q holds a user name", target.Host)
	case !d.allows(target):
		return failure.Permanent(task.ReasonForbidden, "the host %.80q is not allowed", target.Host)
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
		return failure.Permanent(task.ReasonForbidden, "more than %d redirects", maxRedirects)
	case !strings.EqualFold(request.URL.Host, previous.Host):
		return failure.Permanent(task.ReasonForbidden, "a redirect from host %.80q to %.80q", previous.Host, request.URL.Host)
	case previous.Scheme == "https" && request.URL.Scheme != "https":
		return failure.Permanent(task.ReasonForbidden, "a redirect from https to %.20q", request.URL.Scheme)
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
	name, err := relativeKey(strings.TrimPrefix(from.Path, "/"), strings.TrimPrefix(target.Path, "/"))
	if err != nil {
		return "", err
	}
	return name, CheckKey(name)
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
	var left atomic.Int64
	left.Store(maxBytes)
	return sideBySide(ctx, downloads, len(objects), stored, func(ctx context.Context, index int) error {
		return d.withTries(ctx, objects[index], filepath.Join(dir, objects[index].File), &left)
	})
}

// withTries repeats what may heal at once.
func (d *download) withTries(ctx context.Context, object Object, file string, left *atomic.Int64) error {
	for try := 1; ; try++ {
		err := d.one(ctx, object.Ref, file, left)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			// Another download has failed, or the container is told to stop: this one says nothing of its own.
			return context.Cause(ctx)
		}
		found := failure.Of(err)
		if found.Permanent || try == downloadTries {
			return found.About(object.Ref)
		}
		d.log.Info("Downloading again", "url", d.Describe(object.Ref), "try", try, "reason", found.Reason)
		pause, done := context.WithTimeout(ctx, d.pause*time.Duration(try))
		<-pause.Done()
		done()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

func (d *download) one(ctx context.Context, ref, file string, left *atomic.Int64) error {
	target, err := url.Parse(ref)
	if err != nil {
		return failure.Permanent(task.ReasonInvalidTask, "the URL cannot be read")
	}
	if err := d.check(target); err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, ref, http.NoBody)
	if err != nil {
		return failure.Permanent(task.ReasonInvalidTask, "the URL cannot be read")
	}
	response, err := d.client.Do(request)
	if err != nil {
		return d.explain(err, ref)
	}
	defer func() { _ = response.Body.Close() }()
	if err := d.checkStatus(response, ref); err != nil {
		return err
	}
	return d.store(response.Body, ref, file, left, cancel)
}

// errIdle is the cause when a body stopped moving.
var errIdle = errors.New("no byte came in time")

// store writes the body, as long as it moves and fits. What a failed try has written is given back to the bound.
func (d *download) store(body io.Reader, ref, file string, left *atomic.Int64, cancel context.CancelCauseFunc) error {
	idle := time.AfterFunc(d.idle, func() { cancel(errIdle) })
	defer idle.Stop()
	target, err := os.Create(file) //nolint:gosec // a name of our own
	if err != nil {
		return fmt.Errorf("store %s: %w", d.Describe(ref), err)
	}
	bounded := &boundedWriter{to: target, left: left, moved: func() { idle.Reset(d.idle) }}
	_, err = io.Copy(bounded, body)
	closeErr := target.Close()
	switch {
	case errors.Is(err, errTooLarge):
		return failure.Permanent(task.ReasonTooLarge, "more bytes than allowed, at %s", d.Describe(ref))
	case err != nil:
		left.Add(bounded.written)
		return d.explain(err, ref)
	case closeErr != nil:
		return fmt.Errorf("store %s: %w", d.Describe(ref), closeErr)
	}
	return nil
}

func (d *download) checkStatus(response *http.Response, ref string) error {
	where := d.Describe(ref)
	switch code := response.StatusCode; {
	case code == http.StatusOK:
		return nil
	case code == http.StatusNotFound, code == http.StatusGone:
		return failure.Permanent(task.ReasonNotFound, "%s is not there (HTTP %d)", where, code)
	case code == http.StatusForbidden, code == http.StatusUnauthorized:
		return failure.Permanent(task.ReasonForbidden, "%s is refused (HTTP %d)", where, code)
	case code >= 500, code == http.StatusTooManyRequests, code == http.StatusRequestTimeout:
		return failure.Transient(task.ReasonStorageUnavailable, "%s cannot be had now (HTTP %d)", where, code)
	default:
		return failure.Permanent(task.ReasonUnsupported, "%s answers HTTP %d", where, code)
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
	return failure.Transient(task.ReasonStorageUnavailable, "%s cannot be had now: %w", d.Describe(ref), err)
}

// boundedWriter takes what it writes from a bound that other downloads share.
type boundedWriter struct {
	to      io.Writer
	left    *atomic.Int64
	moved   func()
	written int64
}

// Write writes all or fails with errTooLarge.
func (w *boundedWriter) Write(data []byte) (int, error) {
	w.moved()
	if w.left.Add(-int64(len(data))) < 0 {
		return 0, errTooLarge
	}
	w.written += int64(len(data))
	return w.to.Write(data)
}
