// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/ingest"
	"sparkrtc.dev/recording-operator/internal/spool/segment"
	"sparkrtc.dev/recording-operator/internal/testing/killed"
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
	api := &apiServer{}
	var calls atomic.Int64
	api.set(func(d ingest.Delivery) error {
		if calls.Add(1)%300 == 0 {
			return errDown
		}
		killed.Report("written", d.Digest)
		return nil
	})
	s, err := Open(Options{Dir: folder, Ingester: api, Rejecter: &rejecter{}, Ready: func(context.Context) error { return errDown }})
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
				killed.Report("acknowledged", d.Digest)
			}
		}()
	}
	select {}
}

// Whenever the process is killed, what it has acknowledged is written or on disk.
func TestSpool_KillLosesNothing(t *testing.T) {
	folder := t.TempDir()
	acknowledged, written := map[string]bool{}, map[string]bool{}
	for round := range 5 {
		killed.Run(t, childFolder+"="+folder, 100+rand.IntN(3000), func(verb, record string) {
			map[string]map[string]bool{"acknowledged": acknowledged, "written": written}[verb][record] = true
		})
		l, _, err := segment.Open(segment.Options{Dir: folder, MaxSegments: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		onDisk := digestsOnDisk(t, l)
		for digest := range acknowledged {
			if !written[digest] && !onDisk[digest] {
				t.Errorf("round %d: %s is lost", round, digest)
			}
		}
		t.Logf("round %d: %d acknowledged, %d written, %d on disk", round, len(acknowledged), len(written), len(onDisk))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// digestsOnDisk reads all segments, and removes none.
func digestsOnDisk(t *testing.T, l *segment.Log) map[string]bool {
	t.Helper()
	far := time.Unix(1<<40, 0)
	found := map[string]bool{}
	for {
		s, _ := l.Next(time.Time{})
		if s == nil {
			return found
		}
		records, _, err := l.Read(s, l.Buffer())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			decoded, err := decodeRecord(r.Payload)
			if err != nil {
				t.Fatal(err)
			}
			found[decoded.Delivery.Digest] = true
		}
		l.Defer(s, far)
	}
}

// A disk that is full refuses, loses nothing, and takes again once there is room. What is refused for now stays where it
// is while it cannot be put at the end.
func testDiskFull(t *testing.T, folder string, fillDisk func(), makeRoom func()) {
	t.Helper()
	clk := fakeClock()
	h := makeHarness(t, folder, func(o *Options) { o.Clock = clk })
	h.api.down()
	var digests []string
	spool := func(job int) error {
		d := in(fmt.Sprint("namespace-", job), 0)
		d.Event.RoomID = strings.Repeat("x", 40_000)
		_, err := h.Ingest(t.Context(), d)
		if err == nil {
			digests = append(digests, d.Digest)
		}
		return err
	}
	job := 0
	for ; job < 10; job++ {
		if err := spool(job); err != nil {
			t.Fatal(err)
		}
	}
	fillDisk()
	for ; ; job++ {
		if err := spool(job); err != nil {
			if ingest.IsInvalid(err) || errors.Is(err, segment.ErrFull) {
				t.Fatalf("another error: %v", err)
			}
			break
		}
	}
	if len(digests) < 20 {
		t.Fatalf("only %d had room", len(digests))
	}
	h.api.set(func(ingest.Delivery) error { return errForbidden })
	stop := h.run(t)
	eventually(t, "the API server refuses", func() bool { clk.Step(time.Second); _, calls := h.api.count(); return calls > 2*len(digests) })
	stop()
	makeRoom()
	h.api.up()
	if err := spool(job + 1); err != nil {
		t.Error(err)
	}
	stop = h.run(t)
	defer func() { stop() }()
	eventually(t, "the spool is empty", func() bool { clk.Step(time.Minute); return h.Stats().Bytes == 0 })
	written := h.writtenDigests()
	for _, digest := range digests {
		if written[digest] == 0 {
			t.Errorf("%s is lost", digest)
		}
	}
}

// The limit of a process's files stands for a full disk where nobody may mount one.
func TestDiskFull_FileSizeLimit(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	// Less than a segment: writes fail in the middle of one, and no other can be made.
	limit.Cur = 3 << 20
	fillDisk := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			t.Skip(err)
		}
	}
	makeRoom := func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
	defer makeRoom()
	testDiskFull(t, t.TempDir(), fillDisk, makeRoom)
}

func TestDiskFull_Mounted(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("spool", folder, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("no right to mount:", err)
	}
	defer func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) }()
	ballast := filepath.Join(folder, "ballast")
	fillDisk := func() {
		if err := os.WriteFile(ballast, make([]byte, 10<<20), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	testDiskFull(t, folder, fillDisk, func() {
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	})
}

// A folder that cannot be used says so, and two processes do not share one.
func TestOpen_SaysWhyAFolderIsUnusable(t *testing.T) {
	folder := t.TempDir()
	makeHarness(t, folder, nil)
	if _, err := Open(Options{Dir: folder}); !errors.Is(err, segment.ErrLocked) || !strings.Contains(err.Error(), folder) {
		t.Errorf("a second process: %v", err)
	}
	if _, err := Open(Options{Dir: filepath.Join(folder, "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
