// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"sparkrtc.dev/recording-operator/internal/testing/operator"
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

// operated is the receiver and the manager as processes of their own, so that their memory is their own too.
type operated struct {
	*operator.Operator
	processes processes
	spool     string
}

func startOperator(ctx context.Context, o *options, kubeconfig []byte, arguments []string) (*operated, error) {
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
	process := func(name, binary, health string, own ...string) operator.Process {
		return operator.Process{
			Name: name, Binary: binary, Health: health, Kubeconfig: kubeconfig, Log: "dist/load-" + name + ".log",
			Arguments: slices.Concat([]string{"--namespaces=" + namespace}, own, arguments),
		}
	}
	started, err := operator.Start(ctx,
		process("receiver", o.receiver, receiverHealth, "--callback-bind-address="+callbackAddress, "--metrics-bind-address=0",
			"--pprof-bind-address="+profiled(receiverPprofAddress), "--spool-dir="+spool),
		process("manager", o.manager, managerHealth, "--metrics-bind-address="+managerMetrics, "--pprof-bind-address="+profiled(managerPprofAddress)),
	)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(spool))
	}
	run := &operated{Operator: started, spool: spool}
	if run.processes, err = theProcesses(); err != nil {
		run.stop()
		return nil, err
	}
	return run, nil
}

func (o *operated) stop() {
	o.Stop()
	_ = os.RemoveAll(o.spool)
}

// settle waits until the manager has counted so many files, has looked at every one and has nothing left to do.
func (o *operated) settle(ctx context.Context, files int) error {
	return operator.WaitFor(ctx, 100*time.Millisecond, fmt.Sprintf("the operator to settle with %d files", files), func(ctx context.Context) (bool, error) {
		response, err := operator.Get(ctx, "http://"+managerMetrics+"/metrics")
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
