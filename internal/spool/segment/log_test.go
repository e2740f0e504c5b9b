// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var noon = time.Date(2026, 4, 1, 12, 0, 0, 0, time.UTC)

func open(tb testing.TB, options Options) *Log {
	tb.Helper()
	if options.MaxSegments == 0 {
		options.MaxSegments = 8
	}
	l, lost, err := Open(options)
	if err != nil || lost != 0 {
		tb.Fatalf("%d lost, %v", lost, err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l
}

func appendTo(tb testing.TB, l *Log, key, payload string, due time.Time) {
	tb.Helper()
	if err := l.Append(tb.Context(), key, []byte(payload), due); err != nil {
		tb.Fatal(err)
	}
}

// drain removes all segments that are due, and returns the payloads that were in them.
func drain(tb testing.TB, l *Log, now time.Time) (found []string) {
	tb.Helper()
	buffer := l.Buffer()
	for {
		s, _ := l.Next(now)
		if s == nil {
			return found
		}
		records, lost, err := l.Read(s, buffer)
		if err != nil || lost != 0 {
			tb.Fatalf("%d lost, %v", lost, err)
		}
		for _, r := range records {
			found = append(found, string(r.Payload))
		}
		if err := l.Remove(s); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestLog_KeepsRecordsOverARestart(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Size: 1 << 10})
	var want []string
	for n := range 60 {
		want = append(want, fmt.Sprint("record ", n))
		appendTo(t, l, "media", want[n], time.Time{})
	}
	before := l.Stats()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, Options{Dir: dir, Size: 1 << 10})
	if after := l.Stats(); after != before || after.Records != 60 || after.Segments < 2 {
		t.Errorf("before %+v, after %+v", before, after)
	}
	appendTo(t, l, "media", "new", time.Time{})
	if got := drain(t, l, noon); !slices.Equal(got, append(want, "new")) {
		t.Errorf("found %q", got)
	}
	if stats := l.Stats(); stats != (Stats{}) {
		t.Errorf("left %+v", stats)
	}
	if len(l.bytes) != 0 || l.reserved != 0 {
		t.Errorf("accounts of an empty log: %v, %d", l.bytes, l.reserved)
	}
}

func TestLog_ManyCallersShareACommit(t *testing.T) {
	l := open(t, Options{Dir: t.TempDir(), Size: 16 << 10, MaxSegments: 100})
	var callers sync.WaitGroup
	for n := range 500 {
		callers.Go(func() { appendTo(t, l, "media", fmt.Sprint("record ", n), time.Time{}) })
	}
	callers.Wait()
	got := drain(t, l, noon)
	slices.Sort(got)
	if got = slices.Compact(got); len(got) != 500 {
		t.Errorf("%d records", len(got))
	}
}

func TestLog_BoundCountsSegments(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir, Size: 1 << 10, MaxSegments: 3})
	fill := func() (count int) {
		for ; ; count++ {
			// Each key has one record, so that no share is the limit.
			err := l.Append(t.Context(), fmt.Sprint("key-", count), make([]byte, 200), time.Time{})
			if errors.Is(err, ErrFull) {
				return count
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	if count := fill(); count != 12 {
		t.Errorf("%d records of 240 bytes fit into 3 segments of 1024", count)
	}
	files, err := list(dir)
	if err != nil || len(files) > 3+2 {
		t.Errorf("%d files, %v", len(files), err)
	}
	// The reader makes room by appending again what it takes from a segment.
	s, _ := l.Next(noon)
	records, _, err := l.Read(s, l.Buffer())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := l.AppendAgain(t.Context(), r.Key, r.Payload, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Remove(s); err != nil {
		t.Fatal(err)
	}
	if got := drain(t, l, noon); len(got) != 12 {
		t.Errorf("%d records are left", len(got))
	}
	if count := fill(); count != 12 {
		t.Errorf("%d records fit after it was drained", count)
	}
}

// One key takes at most half of what is free, so another always finds room.
func TestLog_KeyTakesHalfOfWhatIsFree(t *testing.T) {
	l := open(t, Options{Dir: t.TempDir(), Size: 16 << 10, MaxSegments: 4})
	used := map[string]int64{}
	for _, key := range []string{"greedy", "second", "third"} {
		for {
			err := l.Append(t.Context(), key, make([]byte, 100), time.Time{})
			if errors.Is(err, ErrFull) {
				if !strings.Contains(err.Error(), key) {
					t.Errorf("the error does not name the key: %v", err)
				}
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			used[key] += 128
		}
	}
	const all = 64 << 10
	near := func(got, want int64) bool { return got > want*9/10 && got <= want }
	if !near(used["greedy"], all/2) || !near(used["second"], all/4) || !near(used["third"], all/8) {
		t.Errorf("used %v of %d", used, all)
	}
}

func TestLog_NextWaitsForWhatIsDue(t *testing.T) {
	l := open(t, Options{Dir: t.TempDir()})
	appendTo(t, l, "media", "later", noon.Add(time.Minute))
	if s, next := l.Next(noon); s != nil || !next.Equal(noon.Add(time.Minute)) {
		t.Fatalf("%v, %v", s, next)
	}
	// It is still appended to, and due when the first of its records is.
	appendTo(t, l, "media", "sooner", noon.Add(time.Second))
	if s, next := l.Next(noon); s != nil || !next.Equal(noon.Add(time.Second)) {
		t.Fatalf("%v, %v", s, next)
	}
	s, _ := l.Next(noon.Add(time.Second))
	if s == nil {
		t.Fatal("nothing is due")
	}
	appendTo(t, l, "media", "in another segment", time.Time{})
	if got := l.Stats().Segments; got != 2 {
		t.Errorf("%d segments", got)
	}
	l.Defer(s, noon.Add(time.Hour))
	if got := drain(t, l, noon); !slices.Equal(got, []string{"in another segment"}) || l.Due(noon) {
		t.Errorf("found %q", got)
	}
	if got := drain(t, l, noon.Add(time.Hour)); len(got) != 2 {
		t.Errorf("found %q", got)
	}
}

func TestLog_ChangedTellsOfAppends(t *testing.T) {
	l := open(t, Options{Dir: t.TempDir()})
	appendTo(t, l, "media", "x", time.Time{})
	<-l.Changed()
}

func TestOpen_SaysWhyAFolderIsUnusable(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	if _, _, err := Open(Options{Dir: dir}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second process: %v", err)
	}
	if _, _, err := Open(Options{Dir: filepath.Join(dir, "none")}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Fatalf("%v, %v", entries, err)
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(t.Context(), "media", nil, time.Time{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

// Files that are no segments are left alone, and damaged ones are counted once.
func TestOpen_CountsDamageOnce(t *testing.T) {
	dir := t.TempDir()
	l := open(t, Options{Dir: dir})
	for n := range 10 {
		appendTo(t, l, "media", fmt.Sprint("record ", n), time.Time{})
	}
	path := l.path(l.segments[0].id)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[40*4+20] ^= 1
	for name, content := range map[string][]byte{path: data, filepath.Join(dir, "notes.seg"): []byte("x"), filepath.Join(dir, strings.Repeat("0", 16)+".seg"): []byte("junk")} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l, lost, err := Open(Options{Dir: dir, MaxSegments: 8})
	if err != nil || lost != 2 {
		t.Fatalf("%d lost, %v", lost, err)
	}
	defer func() { _ = l.Close() }()
	if got := drain(t, l, noon); len(got) != 9 {
		t.Errorf("found %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "notes.seg")); err != nil {
		t.Error(err)
	}
}
