// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// letterTimeout bounds one request to a pod's admin listener. A replay waits for the API server.
const letterTimeout = 30 * time.Second

// maxLetters bounds what is read of a pod's answer: a list of the dead letters of its store.
const maxLetters = 64 << 20

// letter is a dead letter as a pod tells of it; the body only when it is asked for alone. -o prints it.
type letter struct {
	// Pod holds the letter; the ID is that pod's.
	Pod       string    `json:"pod"`
	ID        string    `json:"id"`
	Namespace string    `json:"namespace"`
	Source    string    `json:"source"`
	Received  time.Time `json:"received"`
	// Cause is undecodable, invalid or expired; Reason says in words what is wrong.
	Cause     string `json:"cause,omitempty"`
	Reason    string `json:"reason"`
	EventType string `json:"eventType,omitempty"`
	Bytes     int    `json:"bytes"`
	Body      string `json:"body,omitempty"`
	// BodyEncoding is base64 when the body is not UTF-8.
	BodyEncoding string `json:"bodyEncoding,omitempty"`
}

// name is what the letter is called on the command line.
func (l *letter) name() string { return l.Pod + "/" + l.ID }

// raw is the body as it came.
func (l *letter) raw() ([]byte, error) {
	if l.BodyEncoding != "base64" {
		return []byte(l.Body), nil
	}
	body, err := base64.StdEncoding.DecodeString(l.Body)
	if err != nil {
		return nil, fmt.Errorf("read the body of dead letter %s: %w", l.name(), err)
	}
	return body, nil
}

// replayed is what became of a dead letter; -o prints it.
type replayed struct {
	Pod     string `json:"pod"`
	ID      string `json:"id"`
	Outcome string `json:"outcome,omitempty"`
	File    string `json:"file,omitempty"`
	// Problem says why the letter is still there.
	Problem string `json:"problem,omitempty"`
}

// letterBox is the admin listener of one pod of the operator, reached through the API server.
type letterBox struct {
	pod  string
	base string
	http *http.Client
}

// letterBoxOf is the letterBox of a pod. The listener is on the pod's loopback, so the right to forward its ports is
// what opens it.
func (c *cluster) letterBoxOf(pod *corev1.Pod, port int) (*letterBox, error) {
	t, err := c.tunnelTo(pod, port)
	if err != nil {
		return nil, err
	}
	return &letterBox{
		pod: pod.Name, base: fmt.Sprintf("http://localhost:%d/v1/dead-letters", port),
		http: &http.Client{Transport: t.transport()},
	}, nil
}

func (b *letterBox) list(ctx context.Context) ([]letter, error) {
	var answer struct {
		Items []letter `json:"items"`
	}
	if err := b.ask(ctx, http.MethodGet, "", &answer); err != nil {
		return nil, err
	}
	for i := range answer.Items {
		answer.Items[i].Pod = b.pod
	}
	return answer.Items, nil
}

func (b *letterBox) get(ctx context.Context, id string) (*letter, error) {
	l := &letter{}
	if err := b.ask(ctx, http.MethodGet, "/"+url.PathEscape(id), l); err != nil {
		return nil, err
	}
	l.Pod = b.pod
	return l, nil
}

func (b *letterBox) replay(ctx context.Context, id string) (*replayed, error) {
	r := &replayed{}
	if err := b.ask(ctx, http.MethodPost, "/"+url.PathEscape(id)+"/replay", r); err != nil {
		return nil, err
	}
	r.Pod, r.ID = b.pod, id
	return r, nil
}

func (b *letterBox) delete(ctx context.Context, id string) error {
	return b.ask(ctx, http.MethodDelete, "/"+url.PathEscape(id), nil)
}

// ask makes one request and decodes the answer into result unless that is nil. An answer that says no is an
// exitError with the pod's own words.
func (b *letterBox) ask(ctx context.Context, method, path string, result any) error {
	ctx, cancel := context.WithTimeout(ctx, letterTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, b.base+path, nil)
	if err != nil {
		return fmt.Errorf("ask pod %s: %w", b.pod, err)
	}
	response, err := b.http.Do(request)
	if err != nil {
		return fmt.Errorf("ask pod %s (does it run with --admin-bind-address?): %w", b.pod, errors.Unwrap(err))
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxLetters))
	if err != nil {
		return fmt.Errorf("read the answer of pod %s: %w", b.pod, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		return refusal(b.pod, response.StatusCode, body)
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(body, result); err != nil {
		return fmt.Errorf("read the answer of pod %s: %w", b.pod, err)
	}
	return nil
}

// refusal is a pod's answer that says no.
func refusal(pod string, code int, body []byte) error {
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error == "" {
		answer.Error = string(body)
	}
	err := fmt.Errorf("pod %s says %d: %s", pod, code, plain(answer.Error))
	switch {
	case code == http.StatusNotFound:
		return &exitError{code: ExitFailed, err: fmt.Errorf("%w; `kubectl recordings dead-letters list -A` lists what is there", err)}
	case code >= http.StatusInternalServerError || code == http.StatusTooManyRequests:
		return &exitError{code: ExitNotNow, err: err}
	default:
		return &exitError{code: ExitRefused, err: err}
	}
}
