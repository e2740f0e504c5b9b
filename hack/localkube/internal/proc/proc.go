// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package proc starts detached processes and remembers them well enough to
// never signal a process that merely got the same id later.
package proc

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Spec is a process to be run.
type Spec struct {
	Name    string
	Args    []string // Args[0] is the binary's path
	Env     []string
	LogFile string
	// Inputs is the content of the files that the process reads at its start;
	// a change of it is a change of the process.
	Inputs []string
}

// Hash identifies what is run: another hash means that a restart is due.
func (s Spec) Hash() string {
	h := sha256.New()
	for _, part := range [][]string{s.Args, s.Env, s.Inputs} {
		for _, v := range part {
			fmt.Fprintf(h, "%d:%s", len(v), v)
		}
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// Record is what is kept about a started process. The start time, in clock ticks
// since boot, together with the boot's id tells it from a later one with its pid.
type Record struct {
	Name   string `json:"name"`
	PID    int    `json:"pid"`
	Start  string `json:"start"`
	BootID string `json:"bootID"`
	Hash   string `json:"hash"`
}

// Alive says whether exactly this process still runs.
func (r Record) Alive() bool {
	if r.PID <= 0 || r.BootID != bootID() {
		return false
	}
	start, state, err := stat(r.PID)
	return err == nil && start == r.Start && state != "Z"
}

// Book is the directory with one record per process.
type Book string

func (b Book) path(name string) string { return filepath.Join(string(b), name+".json") }

// Get returns the record of a name; a zero Record when there is none.
func (b Book) Get(name string) (Record, error) {
	data, err := os.ReadFile(b.path(name))
	if errors.Is(err, os.ErrNotExist) {
		return Record{Name: name}, nil
	}
	if err != nil {
		return Record{}, fmt.Errorf("read the process record of %s: %w", name, err)
	}
	var r Record
	if err := json.Unmarshal(data, &r); err != nil {
		// Half-written by a machine that went down: such a process is not running.
		return Record{Name: name}, nil
	}
	return r, nil
}

// Start runs the process in a session of its own, without standard input, and
// records it. The channel gets the process' end, for as long as the caller lives.
func (b Book) Start(s Spec) (Record, <-chan error, error) {
	if err := os.MkdirAll(string(b), 0o755); err != nil {
		return Record{}, nil, fmt.Errorf("make the directory for process records: %w", err)
	}
	log, err := os.OpenFile(s.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return Record{}, nil, fmt.Errorf("open the log of %s: %w", s.Name, err)
	}
	defer log.Close()
	fmt.Fprintf(log, "---- %s: %s\n", time.Now().Format(time.RFC3339), strings.Join(s.Args, " "))
	cmd := exec.Command(s.Args[0], s.Args[1:]...)
	cmd.Env = s.Env
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return Record{}, nil, fmt.Errorf("start %s: %w", s.Name, err)
	}
	start, _, err := stat(cmd.Process.Pid)
	if err != nil {
		return Record{}, nil, fmt.Errorf("%s ended at once; see %s", s.Name, s.LogFile)
	}
	r := Record{Name: s.Name, PID: cmd.Process.Pid, Start: start, BootID: bootID(), Hash: s.Hash()}
	if err := b.put(r); err != nil {
		// A process that nobody knows of would outlive every `down`.
		_ = cmd.Process.Kill()
		return Record{}, nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return r, ended, nil
}

func (b Book) put(r Record) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tmp := b.path(r.Name) + ".tmp"
	if err := os.WriteFile(tmp, data, 0o644); err != nil {
		return fmt.Errorf("record the process %s: %w", r.Name, err)
	}
	return os.Rename(tmp, b.path(r.Name))
}

// Stop ends the process: politely, and after grace for certain. It forgets the
// record. It is not an error when the process is gone already.
func (b Book) Stop(name string, grace time.Duration) error {
	r, err := b.Get(name)
	if err != nil {
		return err
	}
	if err := Terminate(r, grace); err != nil {
		return err
	}
	if err := os.Remove(b.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget the process %s: %w", name, err)
	}
	return nil
}

// Terminate ends a recorded process and waits until it is gone.
func Terminate(r Record, grace time.Duration) error {
	if !r.Alive() {
		return nil
	}
	_ = syscall.Kill(r.PID, syscall.SIGTERM)
	if waitGone(r, grace) {
		return nil
	}
	_ = syscall.Kill(r.PID, syscall.SIGKILL)
	if waitGone(r, 10*time.Second) {
		return nil
	}
	return fmt.Errorf("%s (pid %d) does not end, not even by SIGKILL", r.Name, r.PID)
}

func waitGone(r Record, limit time.Duration) bool {
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if !r.Alive() {
			return true
		}
	}
	return !r.Alive()
}

// Of describes a running process that was found rather than started.
func Of(pid int) (Record, error) {
	start, _, err := stat(pid)
	if err != nil {
		return Record{}, err
	}
	return Record{Name: "process", PID: pid, Start: start, BootID: bootID()}, nil
}

// stat reads a process' start time and state.
func stat(pid int) (start, state string, err error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", "", err
	}
	return parseStat(string(data))
}

// parseStat takes /proc/PID/stat apart. The second field is the program's name
// in parentheses and may itself hold spaces and parentheses.
func parseStat(line string) (start, state string, err error) {
	end := strings.LastIndexByte(line, ')')
	if end < 0 {
		return "", "", fmt.Errorf("unexpected process status %q", line)
	}
	fields := strings.Fields(line[end+1:])
	if len(fields) < 20 {
		return "", "", fmt.Errorf("unexpected process status %q", line)
	}
	return fields[19], fields[0], nil // fields 22 and 3, counted from one
}

func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}
