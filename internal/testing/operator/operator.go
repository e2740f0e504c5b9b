// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package operator runs the receiver and the manager as processes of their own, as programs that measure them need it.
package operator

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is one that is to be started.
type Process struct {
	// Name of the process, Binary its path, and Health the host and port of its probes.
	Name, Binary, Health string
	// Kubeconfig is how it reaches the API server.
	Kubeconfig []byte
	// Arguments beside the address of its probes.
	Arguments []string
	// Log is the file that it logs to.
	Log string
}

// Operator is what runs.
type Operator struct {
	started []*server
	// StartTook is how long it took until all were ready.
	StartTook time.Duration
}

// server is one process that runs.
type server struct {
	name    string
	process *exec.Cmd
	// ended has the process's error once it has ended.
	ended chan error
}

// Start starts the processes one after the other, each when the one before it is ready. Stop has to be called, unless it
// fails.
func Start(ctx context.Context, processes ...Process) (*Operator, error) {
	began := time.Now()
	o := &Operator{}
	for i := range processes {
		if err := o.start(ctx, &processes[i]); err != nil {
			o.Stop()
			return nil, err
		}
	}
	o.StartTook = time.Since(began)
	return o, nil
}

func (o *Operator) start(ctx context.Context, of *Process) error {
	if other, err := Get(ctx, "http://"+of.Health+"/healthz"); err == nil {
		return errors.Join(fmt.Errorf("start the %s: another process serves probes at %s, perhaps one of an earlier run; end it", of.Name, of.Health), other.Body.Close())
	}
	kubeconfig, err := os.CreateTemp("", of.Name+"-kubeconfig-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(kubeconfig.Name()) }() // it is read once
	_, err = kubeconfig.Write(of.Kubeconfig)
	if err := errors.Join(err, kubeconfig.Close()); err != nil {
		return err
	}
	log, err := os.Create(of.Log)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // the process has its own
	process := exec.CommandContext(ctx, of.Binary, append([]string{"--health-probe-bind-address=" + of.Health}, of.Arguments...)...)
	process.Env, process.Stderr = append(os.Environ(), "KUBECONFIG="+kubeconfig.Name()), log
	if err := process.Start(); err != nil {
		return fmt.Errorf("start the %s: %w", of.Name, err)
	}
	s := &server{name: of.Name, process: process, ended: make(chan error, 1)}
	o.started = append(o.started, s)
	go func() { s.ended <- process.Wait() }()
	return WaitFor(ctx, 100*time.Millisecond, "the "+of.Name+" to be ready; see "+of.Log, func(ctx context.Context) (bool, error) {
		select {
		case err := <-s.ended:
			s.ended <- err // for Stop
			return false, fmt.Errorf("the %s ended (%w); see %s", of.Name, err, of.Log)
		default:
		}
		response, err := Get(ctx, "http://"+of.Health+"/readyz")
		if err != nil {
			return false, nil //nolint:nilerr // it is not there yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

// Stop asks the processes to end and waits until they have.
func (o *Operator) Stop() {
	for _, s := range o.started {
		_ = s.process.Process.Signal(syscall.SIGTERM) // it may have ended
		_ = <-s.ended                                 //nolint:staticcheck // how it ends is its own matter
	}
}

// Memory reads a line of /proc/PID/status of each process, such as VmRSS, in MiB.
func (o *Operator) Memory(line string) map[string]int {
	found := map[string]int{}
	for _, s := range o.started {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.process.Process.Pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(status), line+":")
		if fields := strings.Fields(rest); len(fields) > 0 {
			kib, _ := strconv.Atoi(fields[0])
			found[s.name] = kib / 1024
		}
	}
	return found
}

// Get requests a URL. The caller closes the body.
func Get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

// patience is for what depends on the number of files, on a machine that may be slow.
const patience = 10 * time.Minute

// WaitFor asks again and again, until the answer is yes or an error. It gives up after ten minutes.
func WaitFor(ctx context.Context, interval time.Duration, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it takes more than %v", patience))
	defer cancel()
	for {
		ok, err := done(ctx)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		case <-time.After(interval):
		}
	}
}
