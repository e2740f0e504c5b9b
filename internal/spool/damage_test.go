// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var testLimits = limits{eventBytes: 64 << 20, letterBytes: 16 << 20}

// failer is a test, be it Go's or rapid's.
type failer interface {
	Helper()
	Fatal(arguments ...any)
	Fatalf(format string, arguments ...any)
}

// fastDir is a folder in memory where there is one: what these tests do to a disk, it need not be asked to sync.
func fastDir(t failer) (dir string, remove func()) {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		dir, err = os.MkdirTemp("", "spool")
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, func() { _ = os.RemoveAll(dir) }
}

// written is what a file was given, by number.
type written struct{ events, letters map[uint64]string }

func nothingWritten() written {
	return written{events: map[uint64]string{}, letters: map[uint64]string{}}
}

// fileMaker makes files commit by commit.
type fileMaker struct {
	tb    failer
	store *store
	held  written
}

func makeFile(tb failer, dir string) *fileMaker {
	tb.Helper()
	s, _, err := openStore(dir, testLimits)
	if err != nil {
		tb.Fatal(err)
	}
	return &fileMaker{tb: tb, store: s, held: nothingWritten()}
}

func (m *fileMaker) write(apply func(*change) error) {
	m.tb.Helper()
	if err := m.store.write(context.Background(), operation{apply: apply}); err != nil {
		m.tb.Fatal(err)
	}
}

// commit adds events and a letter of the given sizes, and removes the first events.
func (m *fileMaker) commit(sizes []int, removed int) {
	m.tb.Helper()
	m.write(func(c *change) error {
		for i, id := range slices.Sorted(maps.Keys(m.held.events)) {
			if i >= removed {
				break
			}
			delete(m.held.events, id)
			if err := remove(c.events, &c.ledger.Events, id); err != nil {
				return err
			}
		}
		for i, size := range sizes {
			d := deliver(fmt.Sprintf("job-%d", i%3), size)
			d.Body = append(d.Body, bytes.Repeat([]byte{byte(size)}, size)...)
			r := recordOf(d)
			bucket, t, held := c.events, &c.ledger.Events, m.held.events
			if i%5 == 4 {
				bucket, t, held, r.Cause = c.letters, &c.ledger.Letters, m.held.letters, Undecodable
			}
			content, err := r.encode()
			if err != nil {
				return err
			}
			id, err := put(bucket, t, content)
			if err != nil {
				return err
			}
			held[id] = string(d.Body)
		}
		return nil
	})
}

// close returns the file's content.
func (m *fileMaker) close(dir string) []byte {
	m.tb.Helper()
	if err := m.store.close(); err != nil {
		m.tb.Fatal(err)
	}
	return readFile(m.tb, dir)
}

func readFile(tb failer, dir string) []byte {
	tb.Helper()
	content, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		tb.Fatal(err)
	}
	return content
}

// reopen opens a spool with the given content, and returns what it holds. Whatever the content, what is held has to be
// readable and the file fit for use.
func reopen(tb failer, dir string, content []byte) (held written, f found) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(dir, fileName), content, 0o600); err != nil {
		tb.Fatal(err)
	}
	s, f, err := openStore(dir, testLimits)
	if err != nil {
		tb.Fatalf("open: %v", err)
	}
	held, last := nothingWritten(), uint64(0)
	for _, e := range f.events {
		r, err := s.event(e.id)
		if err != nil || e.id <= last || r.lane() != e.lane {
			tb.Fatalf("event %d after %d: %v", e.id, last, err)
		}
		held.events[e.id], last = string(r.Body), e.id
	}
	for id := range uint64(200) {
		if r, err := s.letter(id); err == nil {
			held.letters[id] = string(r.Body)
		}
	}
	if t := s.tallies(); int(t.Events.Count) != len(held.events) || int(t.Letters.Count) != len(held.letters) {
		tb.Fatalf("ledger %+v, but %d events and %d letters", t, len(held.events), len(held.letters))
	}
	m := &fileMaker{tb: tb, store: s, held: written{events: maps.Clone(held.events), letters: maps.Clone(held.letters)}}
	// The first events go, so that pages are freed, and the buckets grow beyond what lies within the root page.
	for range 3 {
		m.commit([]int{100, 900, 900, 900}, len(m.held.events)/2)
	}
	for id, body := range m.held.events {
		if _, old := held.events[id]; !old && id <= last {
			tb.Fatalf("number %d was given again", id)
		}
		if r, err := s.event(id); err != nil || string(r.Body) != body {
			tb.Fatalf("event %d after other commits: %v", id, err)
		}
	}
	m.close(dir)
	if again, err := inspect(filepath.Join(dir, fileName)); err != nil || again.damage != nil || len(again.events) != len(m.held.events) {
		tb.Fatalf("after other commits: %v, %v, %d events", err, again.damage, len(again.events))
	}
	return held, f
}

// contains reports whether everything in less is in more.
func contains(more, less map[uint64]string) bool {
	for id, body := range less {
		if more[id] != body {
			return false
		}
	}
	return true
}

// Whatever is broken of what the last commit wrote, as if the power had gone and the disk had lied about its sync,
// everything that was committed before is there, and nothing that was not written.
func TestTornCommit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, remove := fastDir(t)
		defer remove()
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{1, 200, 900, 900, 900, 3000, 5000, 20000}), 1, 40)
		m := makeFile(t, dir)
		for range rapid.IntRange(0, 6).Draw(t, "commits") {
			m.commit(sizes.Draw(t, "sizes"), rapid.IntRange(0, 20).Draw(t, "removed"))
		}
		before := readFile(t, dir)
		earlier := written{events: maps.Clone(m.held.events), letters: maps.Clone(m.held.letters)}
		removed := rapid.IntRange(0, 20).Draw(t, "removed last")
		m.commit(sizes.Draw(t, "sizes of the last"), removed)
		after := m.close(dir)

		var changed []int
		for at := 0; at < len(after); at += pageSize {
			if at+pageSize > len(before) || !bytes.Equal(before[at:at+pageSize], after[at:at+pageSize]) {
				changed = append(changed, at)
			}
		}
		torn := bytes.Clone(after)
		for _, at := range changed {
			page := torn[at : at+pageSize]
			switch rapid.SampledFrom([]string{"kept", "kept", "lost", "garbage", "half", "flipped"}).Draw(t, "page") {
			case "lost":
				clear(page)
				if at+pageSize <= len(before) {
					copy(page, before[at:])
				}
			case "garbage":
				_, _ = rand.NewChaCha8([32]byte{rapid.Byte().Draw(t, "garbage")}).Read(page)
			case "half":
				clear(page[pageSize/2:])
			case "flipped":
				page[rapid.IntRange(0, 200).Draw(t, "at")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			}
		}
		if rapid.Bool().Draw(t, "truncate") && len(after) > len(before) {
			torn = torn[:rapid.IntRange(len(before), len(after)).Draw(t, "length")]
		}
		held, f := reopen(t, dir, torn)
		// What the last commit removed may be there or not.
		for id := range earlier.events {
			if _, kept := m.held.events[id]; !kept {
				delete(earlier.events, id)
			}
		}
		if !contains(held.events, earlier.events) || !contains(held.letters, earlier.letters) {
			t.Fatalf("%d of %d events are left, %d of %d letters: %v", len(held.events), len(earlier.events), len(held.letters), len(earlier.letters), f.damage)
		}
	})
}

// soak is a file with records of all sizes, in many commits, what it holds, and what was ever written to it.
func soak(tb testing.TB) (content []byte, last, ever written) {
	tb.Helper()
	dir := tb.TempDir()
	ever = nothingWritten()
	m := makeFile(tb, dir)
	for n := range 30 {
		m.commit([]int{1, 900, 900, 300, 700, 5000, n * 300}, n%4)
		maps.Copy(ever.events, m.held.events)
		maps.Copy(ever.letters, m.held.letters)
	}
	return m.close(dir), m.held, ever
}

func checkGenuine(t failer, held, ever written) {
	t.Helper()
	if !contains(ever.events, held.events) || !contains(ever.letters, held.letters) {
		t.Fatal("a record that was never written")
	}
}

// Wherever bits flip and wherever the file ends: no panic, no hang, nothing that was not written, and a file that works.
func TestFlippedBits(t *testing.T) {
	content, last, ever := soak(t)
	rapid.Check(t, func(t *rapid.T) {
		dir, remove := fastDir(t)
		defer remove()
		broken := bytes.Clone(content)
		for range rapid.IntRange(1, 8).Draw(t, "flips") {
			// Most of what matters lies at the beginning of a page.
			page := rapid.IntRange(0, len(broken)/pageSize-1).Draw(t, "page")
			within := rapid.OneOf(rapid.IntRange(0, 127), rapid.IntRange(0, pageSize-1)).Draw(t, "within")
			broken[page*pageSize+within] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		}
		if rapid.IntRange(0, 4).Draw(t, "truncate") == 0 {
			broken = broken[:rapid.IntRange(0, len(broken)).Draw(t, "length")]
		}
		held, f := reopen(t, dir, broken)
		checkGenuine(t, held, ever)
		if f.damage == nil && (!maps.Equal(held.events, last.events) || !maps.Equal(held.letters, last.letters)) {
			t.Fatalf("%d events of %d, and no damage was seen", len(held.events), len(last.events))
		}
	})
}

// The root page says which buckets there are and what number comes next, which no record has a checksum over.
func TestBrokenRoot(t *testing.T) {
	root := func(content []byte) int {
		metas, _ := readMetas(bytes.NewReader(content))
		return int(metas[0].root)
	}
	t.Run("records", func(t *testing.T) { breakPage(t, root, []int{100, 200, 300, 400, 500}) })
	t.Run("few records", func(t *testing.T) { breakPage(t, root, []int{20}) })
	t.Run("no records", func(t *testing.T) { breakPage(t, root, nil) })
}

// A branch says which pages there are and where their keys begin, which no record has a checksum over either.
func TestBrokenBranch(t *testing.T) {
	branch := func(content []byte) int {
		metas, _ := readMetas(bytes.NewReader(content))
		root := content[metas[0].root*pageSize:][:pageSize]
		_, bucket, _, err := element(root, leafPage, 0)
		id := int(native.Uint64(bucket))
		if err != nil || native.Uint16(content[id*pageSize+8:]) != branchPage {
			t.Fatalf("page %d is no branch: %v", id, err)
		}
		return id
	}
	breakPage(t, branch, slices.Repeat([]int{900}, 40))
}

// breakPage breaks a page of a file byte by byte. The file had some events that are gone.
func breakPage(t *testing.T, page func(content []byte) int, sizes []int) {
	t.Helper()
	dir, remove := fastDir(t)
	defer remove()
	m := makeFile(t, dir)
	m.commit(sizes, 0)
	m.commit(nil, len(sizes)/2)
	content := m.close(dir)
	start := page(content) * pageSize
	for at := range 256 {
		for _, mask := range []byte{1, 4, 0xff} {
			broken := bytes.Clone(content)
			broken[start+at] ^= mask
			held, f := reopen(t, dir, broken)
			if f.damage == nil && (!maps.Equal(held.events, m.held.events) || !maps.Equal(held.letters, m.held.letters)) {
				t.Fatalf("byte %d: %d events of %d, and no damage was seen", at, len(held.events), len(m.held.events))
			}
		}
	}
}

// FuzzFile does the same with whatever the fuzzer makes of the file: each four bytes are a page, an offset and a mask.
func FuzzFile(f *testing.F) {
	content, _, ever := soak(f)
	f.Add([]byte{0, 0, 16, 1}, uint32(0))
	f.Add([]byte{1, 0, 64, 255, 0, 0, 64, 255}, uint32(0))
	f.Add([]byte{}, uint32(5000))
	f.Fuzz(func(t *testing.T, changes []byte, cut uint32) {
		broken := bytes.Clone(content)
		for ; len(changes) >= 4; changes = changes[4:] {
			at := int(changes[0])*pageSize + int(changes[1])*256 + int(changes[2])
			broken[at%len(broken)] ^= changes[3]
		}
		dir, remove := fastDir(t)
		defer remove()
		held, _ := reopen(t, dir, broken[:len(broken)-int(cut)%len(broken)])
		checkGenuine(t, held, ever)
	})
}

// A file that is no spool at all is put aside, and so is an empty one; an unfinished new one is forgotten.
func TestStrangeFiles(t *testing.T) {
	for name, content := range map[string][]byte{
		"empty": nil, "text": []byte("hello"), "zeros": make([]byte, 1<<16), "noise": bytes.Repeat([]byte("noise"), 1<<14),
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, newName), []byte("half done"), 0o600); err != nil {
				t.Fatal(err)
			}
			held, f := reopen(t, dir, content)
			if f.damage == nil || len(held.events) > 0 {
				t.Errorf("%v, %d events", f.damage, len(held.events))
			}
			kept, err := os.ReadFile(filepath.Join(dir, brokenName))
			if err != nil || !bytes.Equal(kept, content) {
				t.Errorf("the broken file was not kept: %v", err)
			}
		})
	}
}
