// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// payload is as long as a stored callback.
var payload = make([]byte, 800)

func benchmarkAppend(b *testing.B, callers int) {
	b.Helper()
	l := open(b, Options{Dir: b.TempDir(), MaxSegments: 1 << 20})
	b.SetParallelism(callers)
	var keys atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		key := fmt.Sprint(keys.Add(1))
		for pb.Next() {
			if err := l.Append(b.Context(), key, payload, time.Time{}); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkAppend_1Caller: each record is synced before the next one comes.
func BenchmarkAppend_1Caller(b *testing.B) {
	l := open(b, Options{Dir: b.TempDir(), MaxSegments: 1 << 20})
	for b.Loop() {
		appendTo(b, l, "media", string(payload), time.Time{})
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkAppend_64Callers: callers share commits.
func BenchmarkAppend_64Callers(b *testing.B) { benchmarkAppend(b, 32) } // on two processors

// BenchmarkOpen_200000Records opens a log that no cache of the kernel knows.
func BenchmarkOpen_200000Records(b *testing.B) {
	dir := b.TempDir()
	l := open(b, Options{Dir: dir, MaxSegments: 1 << 20})
	batch := make(chan struct{}, 512)
	for range 200_000 {
		batch <- struct{}{}
		go func() { appendTo(b, l, "media", string(payload), time.Time{}); <-batch }()
	}
	for range cap(batch) {
		batch <- struct{}{}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		b.StopTimer()
		dropCache(b, dir)
		b.StartTimer()
		l := open(b, Options{Dir: dir, MaxSegments: 1 << 20})
		if records := l.Stats().Records; records != 200_000 {
			b.Fatalf("%d records", records)
		}
		b.StopTimer()
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// dropCache makes the kernel forget the files of a folder.
func dropCache(b *testing.B, dir string) {
	b.Helper()
	ids, err := list(dir)
	if err != nil {
		b.Fatal(err)
	}
	l := &Log{dir: dir}
	const dontNeed = 4 // POSIX_FADV_DONTNEED
	for _, id := range ids {
		fd, err := syscall.Open(l.path(id), syscall.O_RDONLY, 0)
		if err != nil {
			b.Fatal(err)
		}
		if _, _, errno := syscall.Syscall6(syscall.SYS_FADVISE64, uintptr(fd), 0, 0, dontNeed, 0, 0); errno != 0 {
			b.Fatal(errno)
		}
		_ = syscall.Close(fd)
	}
}
