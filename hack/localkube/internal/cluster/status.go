// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"context"
	"fmt"
	"os"

	"sparkrtc.dev/recording-operator/hack/localkube/internal/proc"
)

// ComponentStatus is one process of the cluster.
type ComponentStatus struct {
	Name    string
	PID     int
	Running bool
	Log     string
}

// CheckResult is the answer to one question; Err is nil when it is a good one.
type CheckResult struct {
	Name string
	Err  error
}

// Status is what a person wants to know about the cluster.
type Status struct {
	Exists     bool
	Components []ComponentStatus
	Checks     []CheckResult
}

// Healthy is true when everything runs and answers.
func (s Status) Healthy() bool {
	if !s.Exists {
		return false
	}
	for _, c := range s.Components {
		if !c.Running {
			return false
		}
	}
	for _, c := range s.Checks {
		if c.Err != nil {
			return false
		}
	}
	return true
}

// Status looks, and changes nothing.
func (c *Cluster) Status(ctx context.Context) (Status, error) {
	var s Status
	_, exists, err := c.readMarker()
	if err != nil || !exists {
		return s, err
	}
	s.Exists = true
	for _, name := range componentNames() {
		r, err := proc.Book(c.book()).Get(name)
		if err != nil {
			return s, err
		}
		s.Components = append(s.Components, ComponentStatus{Name: name, PID: r.PID, Running: r.Alive(), Log: c.log(name)})
	}
	if _, err := os.Stat(c.pki("ca.crt")); err != nil {
		s.Checks = append(s.Checks, CheckResult{"certificates", fmt.Errorf("missing: %w", err)})
		return s, nil
	}
	client, err := c.api()
	if err != nil {
		return s, err
	}
	for _, check := range client.checks() {
		s.Checks = append(s.Checks, CheckResult{check.name, check.ask(ctx)})
	}
	return s, nil
}
