// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sparkrtc.dev/recording-operator/internal/testing/killed"
)

// childFolder is set in the environment of a test binary that is to be killed.
const childFolder = "SEGMENT_TEST_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		child(folder)
	}
	os.Exit(m.Run())
}

// child appends until it is killed, and says what is durable; another goroutine removes whole segments and says what was
// in them first.
func child(folder string) {
	fail := func(err error) {
		_, _ = fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	l, _, err := Open(Options{Dir: folder, MaxSegments: 1000, Size: 32 << 10})
	if err != nil {
		fail(err)
	}
	for worker := range 8 {
		go func() {
			for n := 0; ; n++ {
				record := fmt.Sprintf("%d-%d-%d-%s", os.Getpid(), worker, n, strings.Repeat("x", n%700))
				if err := l.Append(context.Background(), fmt.Sprint(worker), []byte(record), time.Time{}); err != nil {
					fail(err)
				}
				killed.Report("durable", record)
			}
		}()
	}
	buffer := l.Buffer()
	for range l.Changed() {
		s, _ := l.Next(noon)
		if s == nil || rand.IntN(4) > 0 {
			continue
		}
		records, _, err := l.Read(s, buffer)
		if err != nil {
			fail(err)
		}
		for _, r := range records {
			killed.Report("taken", string(r.Payload))
		}
		if err := l.Remove(s); err != nil {
			fail(err)
		}
	}
}

// Whenever the process is killed, what was durable is on disk or was taken, and the log opens.
func TestLog_KillLosesNothing(t *testing.T) {
	folder := t.TempDir()
	durable, taken := map[string]bool{}, map[string]bool{}
	for round := range 5 {
		killed.Run(t, childFolder+"="+folder, 100+rand.IntN(5000), func(verb, record string) {
			map[string]map[string]bool{"durable": durable, "taken": taken}[verb][record] = true
		})
		onDisk := map[string]bool{}
		l, _, err := Open(Options{Dir: folder, MaxSegments: 1000, Size: 32 << 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range l.segments {
			records, _, err := l.Read(s, l.Buffer())
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range records {
				onDisk[string(r.Payload)] = true
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		for record := range durable {
			if !taken[record] && !onDisk[record] {
				t.Errorf("round %d: %.30s is lost", round, record)
			}
		}
		t.Logf("round %d: %d durable, %d taken, %d on disk", round, len(durable), len(taken), len(onDisk))
	}
}

// limitFiles bounds the size of this process's files until makeRoom is called.
func limitFiles(t *testing.T, size uint64) (makeRoom func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = size
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Skip(err)
	}
	makeRoom = func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { makeRoom(); signal.Reset(syscall.SIGXFSZ) })
	return makeRoom
}

// A write that fails in the middle of a segment, when no other can be made: the caller hears of it, what was durable
// stays, and once there is room records are taken again, in another segment.
func TestLog_FailedSegmentIsNotAppendedToAgain(t *testing.T) {
	// The log that go test keeps of opened files has to stay below the limit too.
	const limit = 8 << 20
	l := open(t, Options{Dir: t.TempDir(), Size: 3 * limit})
	record := strings.Repeat("x", 60_000)
	var want []string
	put := func() error {
		payload := fmt.Sprint(len(want), record)
		err := l.Append(t.Context(), "media", []byte(payload), time.Time{})
		if err == nil {
			want = append(want, payload)
		}
		return err
	}
	for range 10 {
		if err := put(); err != nil {
			t.Fatal(err)
		}
	}
	makeRoom := limitFiles(t, limit)
	var err error
	for err == nil {
		err = put()
	}
	if !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("another error: %v", err)
	}
	// The second is the one that was ready already.
	failed := slices.Clone(l.segments)
	if len(want) < 100 || len(failed) != 2 {
		t.Fatalf("%d had room, in %d segments", len(want), len(failed))
	}
	if err := put(); !errors.Is(err, syscall.EFBIG) {
		t.Errorf("a second one: %v", err)
	}
	makeRoom()
	if err := put(); err != nil {
		t.Fatal(err)
	}
	if len(l.segments) != 3 || l.active.Segment != l.segments[2] {
		t.Errorf("%d segments; one that failed was appended to", len(l.segments))
	}
	var found []string
	for _, s := range l.segments {
		records, _, err := l.Read(s, l.Buffer())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			found = append(found, string(r.Payload))
		}
	}
	if !slices.Equal(found, want) {
		t.Errorf("%d records of %d", len(found), len(want))
	}
}

// A full disk refuses while a segment is made, loses nothing, and takes records again once there is room. Many callers
// at one time get their own answer each.
func TestLog_FullDiskRefusesAndRecovers(t *testing.T) {
	folder := t.TempDir()
	if err := syscall.Mount("segments", folder, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("no right to mount:", err)
	}
	defer func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) }()
	l := open(t, Options{Dir: folder, Size: 1 << 20, MaxSegments: 100})
	var mu sync.Mutex
	var stored, refused int
	var callers sync.WaitGroup
	for worker := range 16 {
		callers.Go(func() {
			for n := range 20 {
				err := l.Append(t.Context(), fmt.Sprint(worker, "-", n), make([]byte, 30_000), time.Time{})
				mu.Lock()
				switch {
				case err == nil:
					stored++
				case errors.Is(err, syscall.ENOSPC):
					refused++
				default:
					t.Errorf("another error: %v", err)
				}
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	if stored < 100 || refused == 0 {
		t.Errorf("%d stored, %d refused", stored, refused)
	}
	if got := drain(t, l, noon); len(got) != stored {
		t.Errorf("%d records of %d", len(got), stored)
	}
	appendTo(t, l, "media", "last", time.Time{})
	if got := drain(t, l, noon); len(got) != 1 {
		t.Errorf("found %q", got)
	}
}
