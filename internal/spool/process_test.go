// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"sparkrtc.dev/recording-operator/internal/ingest"
)

// childFolder is set in the environment of a test binary that is to be killed.
const childFolder = "SPOOL_TEST_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		child(folder)
	}
	os.Exit(m.Run())
}

// child takes deliveries through an API server that comes and goes, until it is killed. It says which it has
// acknowledged and which are written.
func child(folder string) {
	say := func(verb, digest string) {
		// One write a line, so that a line is whole or not there.
		_, _ = os.Stdout.WriteString(verb + " " + digest + "\n")
	}
	api := &apiServer{}
	var calls atomic.Int64
	api.set(func(d ingest.Delivery) error {
		if calls.Add(1)%300 == 0 {
			return errDown
		}
		say("written", d.Digest)
		return nil
	})
	s, err := Open(Options{Dir: folder, Ingester: api, Sources: sources{}})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go s.Run(context.Background())
	for worker := range 8 {
		go func() {
			for n := 0; ; n++ {
				d := deliver(fmt.Sprintf("%d-%d-%d", os.Getpid(), worker, n/3), n)
				if _, err := s.Ingest(context.Background(), d); err != nil {
					_, _ = fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				say("acknowledged", d.Digest)
			}
		}()
	}
	select {}
}

// Whenever the process is killed: what it has acknowledged is written or on disk, and the file is whole.
func TestKilled(t *testing.T) {
	folder := t.TempDir()
	acknowledged, written := map[string]bool{}, map[string]bool{}
	for round := range 5 {
		command := exec.CommandContext(t.Context(), os.Args[0])
		command.Env = append(os.Environ(), childFolder+"="+folder)
		command.Stderr = os.Stderr
		output, err := command.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := command.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(output)
		for left := 100 + rand.IntN(3000); lines.Scan(); left-- {
			if left == 0 {
				if err := command.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			verb, digest, _ := strings.Cut(lines.Text(), " ")
			map[string]map[string]bool{"acknowledged": acknowledged, "written": written}[verb][digest] = true
		}
		if err := command.Wait(); command.ProcessState.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("the child was not killed: %v", err)
		}
		s, f, err := openStore(folder, testLimits)
		if err != nil || f.damage != nil {
			t.Fatal(err, f.damage)
		}
		onDisk := map[string]bool{}
		for _, e := range f.events {
			r, err := s.event(e.id)
			if err != nil {
				t.Fatal(err)
			}
			onDisk[r.Digest] = true
		}
		for digest := range acknowledged {
			if !written[digest] && !onDisk[digest] {
				t.Errorf("round %d: %s is lost", round, digest)
			}
		}
		t.Logf("round %d: %d acknowledged, %d written, %d on disk", round, len(acknowledged), len(written), len(onDisk))
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A disk that is full refuses, loses nothing, and takes again once there is room.
func testDiskFull(t *testing.T, folder string, makeRoom func()) {
	t.Helper()
	h := makeHouse(t, folder, nil)
	h.api.down()
	var digests []string
	for job := 0; ; job++ {
		d := deliver(fmt.Sprint(job), 0)
		d.Body = append(d.Body, strings.Repeat(" ", 40_000)...)
		_, err := h.Ingest(t.Context(), d)
		if err != nil {
			if ingest.IsInvalid(err) || errors.Is(err, errFull) {
				t.Fatalf("another error: %v", err)
			}
			break
		}
		digests = append(digests, d.Digest)
	}
	if len(digests) < 10 {
		t.Fatalf("only %d had room", len(digests))
	}
	if _, err := h.Ingest(t.Context(), deliver("again", 0)); err == nil {
		t.Log("there was room for a small one")
	}
	makeRoom()
	h.ingest(t, deliver("last", 0), ingest.Spooled)
	h.api.up()
	defer h.run(t)()
	eventually(t, "the spool is empty", func() bool { return h.Stats().Bytes == 0 })
	written := map[string]bool{}
	for _, d := range h.api.written {
		written[d.Digest] = true
	}
	for _, digest := range append(digests, "last-0") {
		if !written[digest] {
			t.Errorf("%s is lost", digest)
		}
	}
}

// The limit of a process's files stands for a full disk where nobody may mount one.
func TestDiskFull(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	// The log that go test keeps of opened files has to stay below it too.
	limit.Cur = 16 << 20
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Skip(err)
	}
	makeRoom := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
	defer makeRoom()
	testDiskFull(t, t.TempDir(), makeRoom)
}

func TestDiskFullMounted(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("spool", folder, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("no right to mount:", err)
	}
	defer func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) }()
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	testDiskFull(t, folder, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}

// A folder that cannot be used says so, and two processes do not share one.
func TestFolders(t *testing.T) {
	open := func(folder string) error {
		s, err := Open(Options{Dir: folder})
		if err == nil {
			t.Cleanup(func() { _ = s.Close() })
		}
		return err
	}
	folder := t.TempDir()
	if err := open(folder); err != nil {
		t.Fatal(err)
	}
	if err := open(folder); err == nil || !strings.Contains(err.Error(), "another process uses the spool in "+folder) {
		t.Errorf("a second process: %v", err)
	}
	if err := open(filepath.Join(folder, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	for _, name := range []string{fileName, lockName} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
}
