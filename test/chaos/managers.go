// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"
)

// managerCount is how many controller managers there are: one that leads, and one that stands by.
const managerCount = 2

// managers are the controller managers. As in a pod, one that exits because it lost its Lease is started again.
type managers []*process

func startManagers(o *options, folder, kubeconfig string, namespaces []string) (managers, error) {
	var started managers
	for i := range managerCount {
		p, err := newProcess(folder, fmt.Sprintf("manager-%d", i), o.manager,
			"--leader-elect", "--leader-election-namespace="+leaseNamespace, "--namespaces="+strings.Join(namespaces, ","),
			"--metrics-bind-address=0", "--health-probe-bind-address=0")
		if err != nil {
			return started, err
		}
		p.env, p.restarts = append(p.env, "KUBECONFIG="+kubeconfig), true
		started = append(started, p)
		if err := p.start(); err != nil {
			return started, err
		}
	}
	return started, nil
}

// problems are crashes.
func (m managers) problems() (problems []string) {
	for _, p := range m {
		problems = append(problems, p.crashed()...)
	}
	return problems
}

// stop ends the managers in order.
func (m managers) stop() error {
	var failures []error
	for _, p := range m {
		failures = append(failures, p.stop())
	}
	return errors.Join(failures...)
}
