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

// theProcesses are this one and its children: etcd, the API server, the receiver and the manager.
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

// The addresses that the two processes listen on.
const (
	callbackAddress      = "127.0.0.1:18090"
	receiverHealth       = "127.0.0.1:18091"
	receiverPprofAddress = "127.0.0.1:18092"
	managerMetrics       = "127.0.0.1:18080"
	managerHealth        = "127.0.0.1:18081"
	managerPprofAddress  = "127.0.0.1:18082"
)

// operator is the receiver and the manager as processes of their own, so that their memory is their own too.
type operator struct {
	started   []*server
	processes processes
	spool     string
	startTook time.Duration
}

// server is one of them.
type server struct {
	name    string
	process *exec.Cmd
	// ended has the process's error once it has ended.
	ended chan error
}

func startOperator(ctx context.Context, o *options, kubeconfig []byte, arguments []string) (*operator, error) {
	file, err := os.CreateTemp("", "load-kubeconfig-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	if _, err := file.Write(kubeconfig); err != nil {
		return nil, err
	}
	spool, err := os.MkdirTemp("", "load-spool-")
	if err != nil {
		return nil, err
	}
	// Profiles are off in a pod, and take memory.
	profiled := func(address string) string {
		if o.profiles == "" {
			return ""
		}
		return address
	}
	began := time.Now()
	started := &operator{spool: spool}
	for _, process := range []struct {
		name, binary, health string
		arguments            []string
	}{
		{"receiver", o.receiver, receiverHealth, []string{"--callback-bind-address=" + callbackAddress, "--metrics-bind-address=0",
			"--pprof-bind-address=" + profiled(receiverPprofAddress), "--spool-dir=" + spool}},
		{"manager", o.manager, managerHealth, []string{"--metrics-bind-address=" + managerMetrics, "--pprof-bind-address=" + profiled(managerPprofAddress)}},
	} {
		all := append([]string{"--health-probe-bind-address=" + process.health, "--namespaces=" + namespace}, process.arguments...)
		if err := started.start(ctx, process.name, file.Name(), exec.CommandContext(ctx, process.binary, append(all, arguments...)...), process.health); err != nil {
			started.stop()
			return nil, err
		}
	}
	started.startTook = time.Since(began)
	started.processes, err = theProcesses()
	return started, err
}

// start starts one process and waits until it is ready.
func (o *operator) start(ctx context.Context, name, kubeconfig string, process *exec.Cmd, health string) error {
	log, err := os.Create("dist/load-" + name + ".log")
	if err != nil {
		return err
	}
	process.Env, process.Stderr = append(os.Environ(), "KUBECONFIG="+kubeconfig), log
	if err := process.Start(); err != nil {
		return fmt.Errorf("start the %s: %w", name, err)
	}
	s := &server{name: name, process: process, ended: make(chan error, 1)}
	o.started = append(o.started, s)
	go func() { s.ended <- process.Wait() }()
	return waitFor(ctx, "the "+name+" to be ready; see "+log.Name(), func(ctx context.Context) (bool, error) {
		select {
		case err := <-s.ended:
			return false, fmt.Errorf("the %s ended (%w); see %s", name, err, log.Name())
		default:
		}
		response, err := get(ctx, "http://"+health+"/readyz")
		if err != nil {
			return false, nil //nolint:nilerr // it is not there yet
		}
		return response.StatusCode == http.StatusOK, response.Body.Close()
	})
}

func (o *operator) stop() {
	for _, s := range o.started {
		if s.process.Process.Signal(syscall.SIGTERM) == nil {
			_ = <-s.ended //nolint:staticcheck // how it ends is not what is measured
		}
	}
	_ = os.RemoveAll(o.spool)
}

// settle waits until the manager has counted so many files, has looked at every one and has nothing left to do.
func (o *operator) settle(ctx context.Context, files int) error {
	return waitFor(ctx, fmt.Sprintf("the operator to settle with %d files", files), func(ctx context.Context) (bool, error) {
		response, err := get(ctx, "http://"+managerMetrics+"/metrics")
		if err != nil {
			return false, err
		}
		defer func() { _ = response.Body.Close() }()
		waiting, counted := 0., 0.
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			series, value, _ := strings.Cut(lines.Text(), "} ")
			ofFiles := strings.HasPrefix(series, "recording_files{")
			queued := strings.HasPrefix(series, "workqueue_depth{") && strings.Contains(series, `name="recordingfile"`)
			if !ofFiles && !queued {
				continue
			}
			count, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return false, err
			}
			if ofFiles {
				counted += count
			}
			if queued || series == `recording_files{reason="Pending"` {
				waiting += count
			}
		}
		return waiting == 0 && counted >= float64(files), nil
	})
}

func get(ctx context.Context, url string) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	return http.DefaultClient.Do(request)
}

// memory reads a line of /proc/PID/status of each process, in MiB.
func (o *operator) memory(line string) memory {
	found := memory{}
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
