// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// process is a program that is started, stopped and started again, always with the same arguments.
type process struct {
	name string
	path string
	args []string
	env  []string
	log  *os.File

	mu      sync.Mutex
	command *exec.Cmd
	ended   chan struct{}
	// wanted says that the process is to run: when it ends, it did so by itself.
	wanted  bool
	crashes []string
	// restarts says that the process may exit with an error, as code 1, and is then started again after restartDelay.
	restarts bool
}

// restartDelay is how long the kubelet waits at first before it starts a container again.
const restartDelay = time.Second

func newProcess(logs, name, path string, args ...string) (*process, error) {
	log, err := os.Create(filepath.Join(logs, name+".log"))
	if err != nil {
		return nil, err
	}
	return &process{name: name, path: path, args: args, env: os.Environ(), log: log}, nil
}

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.startLocked()
}

func (p *process) startLocked() error {
	command := exec.Command(p.path, p.args...)
	command.Env, command.Stdout, command.Stderr = p.env, p.log, p.log
	// An interrupt at the keyboard is for this program, which ends the others in order.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	ended := make(chan struct{})
	p.command, p.ended, p.wanted = command, ended, true
	go func() {
		err := command.Wait()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.wanted && p.restarts && command.ProcessState.ExitCode() == 1 {
			time.AfterFunc(restartDelay, p.startAgain)
		} else if p.wanted {
			p.crashes = append(p.crashes, fmt.Sprintf("%s ended by itself: %v (%s)", p.name, err, p.log.Name()))
		}
		close(ended)
	}()
	return nil
}

// startAgain starts a process that ended by itself, unless it was killed or started meanwhile.
func (p *process) startAgain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.ended:
	default:
		return
	}
	if !p.wanted {
		return
	}
	if err := p.startLocked(); err != nil {
		p.crashes = append(p.crashes, err.Error())
	}
}

// running says whether the process is meant to run.
func (p *process) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted
}

// crashed says how often the process ended without being told to.
func (p *process) crashed() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.crashes
}

func (p *process) signal(signal syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.command != nil {
		_ = p.command.Process.Signal(signal) // it may have ended
	}
}

// pause stops the process in mid-air; it keeps its connections and says nothing.
func (p *process) pause()  { p.signal(syscall.SIGSTOP) }
func (p *process) resume() { p.signal(syscall.SIGCONT) }

// kill ends the process without a word, as a power cut does.
func (p *process) kill() {
	_ = p.end(syscall.SIGKILL, time.Minute) // nothing survives it
}

// stop asks the process to end.
func (p *process) stop() error {
	p.resume()
	if err := p.end(syscall.SIGTERM, 45*time.Second); err != nil {
		p.kill()
		return err
	}
	return nil
}

func (p *process) end(signal syscall.Signal, patience time.Duration) error {
	p.mu.Lock()
	ended := p.ended
	p.wanted = false
	p.mu.Unlock()
	if ended == nil {
		return nil
	}
	p.signal(signal)
	select {
	case <-ended:
		return nil
	case <-time.After(patience):
		return errors.New(p.name + " did not end")
	}
}
