// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// processes are those whose CPU time is measured, by name.
type processes map[string]int

// theProcesses are this one and its children: etcd, the API server and the manager.
func theProcesses() (processes, error) {
	found := processes{"load": os.Getpid()}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	for _, path := range stats {
		name, fields := readStat(path)
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				return nil, err
			}
			found[name] = pid
		}
	}
	return found, nil
}

// ticksPerSecond is the unit of CPU time in /proc on Linux, whatever the kernel's own clock.
const ticksPerSecond = 100

// cpu is the time that each process has used so far, its children's not included, in milliseconds.
func (p processes) cpu() map[string]float64 {
	used := map[string]float64{}
	for name, pid := range p {
		// Fields 14 and 15 of proc(5), counted from the third here: user and system time.
		if _, fields := readStat(fmt.Sprintf("/proc/%d/stat", pid)); len(fields) > 12 {
			user, _ := strconv.ParseFloat(fields[11], 64)
			system, _ := strconv.ParseFloat(fields[12], 64)
			used[name] = (user + system) * 1000 / ticksPerSecond
		}
	}
	return used
}

// readStat reads a process's name and the fields after it. A process that is gone has none.
func readStat(path string) (name string, fields []string) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", nil
	}
	_, rest, _ := strings.Cut(string(content), "(")
	end := strings.LastIndex(rest, ")")
	if end < 0 {
		return "", nil
	}
	return rest[:end], strings.Fields(rest[end+1:])
}

const pprofAddress = "127.0.0.1:18082"

// operator is the manager as a process of its own, so that its memory is its own too.
type operator struct {
	process *exec.Cmd
	// ended has the process's error once it has ended.
	ended     chan error
	processes processes
	spool     string
	startTook time.Duration
	callbacks string
	metrics   string
}

func startManager(ctx context.Context, binary string, kubeconfig []byte, arguments []string) (*operator, error) {
	file, err := os.CreateTemp("", "load-kubeconfig-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.Write(kubeconfig); err != nil {
		return nil, err
	}
	log, err := os.Create("dist/load-manager.log")
	if err != nil {
		return nil, err
	}
	spool, err := os.MkdirTemp("", "load-spool-")
	if err != nil {
		return nil, err
	}
	const door, health, metrics = "127.0.0.1:18090", "127.0.0.1:18081", "127.0.0.1:18080"
	arguments = append([]string{"--callback-bind-address=" + door, "--health-probe-bind-address=" + health, "--metrics-bind-address=" + metrics,
		"--pprof-bind-address=" + pprofAddress, "--namespaces=" + namespace, "--spool-dir=" + spool, "--admin-bind-address=0"}, arguments...)
	process := exec.CommandContext(ctx, binary, arguments...)
	process.Env = append(os.Environ(), "KUBECONFIG="+file.Name())
	process.Stderr = log
	began := time.Now()
	if err := process.Start(); err != nil {
		return nil, fmt.Errorf("start the manager: %w", err)
	}
	started := &operator{process: process, ended: make(chan error, 1), spool: spool, callbacks: "http://" + door, metrics: "http://" + metrics + "/metrics"}
	go func() { started.ended <- process.Wait() }()
	if err := waitFor(ctx, "the manager to be ready; see "+log.Name(), func(ctx context.Context) (bool, error) {
		select {
		case err := <-started.ended:
			return false, fmt.Errorf("the manager ended (%w); see %s", err, log.Name())
		default:
		}
		response, err := get(ctx, "http://"+health+"/readyz")
		if err != nil {
			return false, nil //nolint:nilerr // it is not there yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	}); err != nil {
		started.stop()
		return nil, err
	}
	started.startTook = time.Since(began)
	started.processes, err = theProcesses()
	return started, err
}

func (o *operator) stop() {
	if o.process.Process.Signal(syscall.SIGTERM) == nil {
		_ = <-o.ended //nolint:staticcheck // how it ends is not what is measured
	}
	_ = os.RemoveAll(o.spool)
}

// settle waits until the operator has looked at every file and has nothing left to do.
func (o *operator) settle(ctx context.Context) error {
	return waitFor(ctx, "the operator to settle", func(ctx context.Context) (bool, error) {
		response, err := get(ctx, o.metrics)
		if err != nil {
			return false, err
		}
		defer func() { _ = response.Body.Close() }()
		waiting := 0.
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			series, value, _ := strings.Cut(lines.Text(), "} ")
			if series == `recording_files{reason="New"` || strings.HasPrefix(series, "workqueue_depth{") && strings.Contains(series, `name="recordingfile"`) {
				count, err := strconv.ParseFloat(value, 64)
				if err != nil {
					return false, err
				}
				waiting += count
			}
		}
		return waiting == 0, nil
	})
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

// memory reads a line of /proc/PID/status, in MiB.
func (o *operator) memory(line string) int {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.process.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), line+":")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		return 0
	}
	return kib / 1024
}
