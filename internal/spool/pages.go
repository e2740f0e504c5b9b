// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package spool

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
)

// bbolt trusts its file: it maps it into memory, has no checksums on its pages, and a page that is not what it should
// be ends in a panic, a fault of the bus or an endless walk. So before bbolt sees a file, a scan reads it page by page
// with plain reads, and checks all that bbolt would rely on. It is written against version 2 of the format, which
// bbolt has had since it was called bolt.
//
// bbolt never writes into a page that its newest two metas' trees share. So when what the last commit wrote is
// broken, the tree of the meta before it is whole.
const (
	pageSize   = 4096
	headerSize = 16
	// elementSize is that of an element of a page, and of the head of a bucket.
	elementSize = 16

	boltMagic   = 0xED0CDAED
	boltVersion = 2
	branchPage  = 0x01
	leafPage    = 0x02
	bucketFlag  = 0x01
	noFreelist  = ^uint64(0)
	// maxDepth bounds the walk: at two keys a page, a tree this deep would not fit on any disk.
	maxDepth = 48
)

// native is the byte order of the machine that wrote the file.
var native = binary.NativeEndian

// meta is one of the two pages that a commit ends with.
type meta struct {
	root, freelist, pages, txid uint64
}

// scan reads trees of one file.
type scan struct {
	file    io.ReaderAt
	pages   uint64
	visited map[uint64]bool
	visitor *visitor
	// problems are what bbolt could not bear, or the visitor could not.
	problems []error
}

// readMetas returns the metas that are whole, the newest first, and those that are not, which may still lead to a tree.
func readMetas(file io.ReaderAt) (whole, broken []meta) {
	for i := range 2 {
		var page [80]byte
		// What cannot be read stays zero.
		_, _ = file.ReadAt(page[:], int64(i)*pageSize)
		content := page[headerSize:]
		m := meta{
			root: native.Uint64(content[16:]), freelist: native.Uint64(content[32:]),
			pages: native.Uint64(content[40:]), txid: native.Uint64(content[48:]),
		}
		sum := fnv.New64a()
		_, _ = sum.Write(content[:56])
		if native.Uint32(content) == boltMagic && native.Uint32(content[4:]) == boltVersion &&
			native.Uint32(content[8:]) == pageSize && native.Uint64(content[56:]) == sum.Sum64() {
			whole = append(whole, m)
		} else {
			broken = append(broken, m)
		}
	}
	slices.SortFunc(whole, func(a, b meta) int { return cmp.Compare(b.txid, a.txid) })
	return whole, broken
}

// scanTree visits all records that can be reached from a meta, and returns what is wrong. It goes on after a problem:
// what lies beside a broken page is still good.
func scanTree(file io.ReaderAt, size int64, m meta, v *visitor) []error {
	s := &scan{file: file, pages: m.pages, visited: map[uint64]bool{}, visitor: v}
	if m.pages > uint64(size)/pageSize { //nolint:gosec // a size is never negative
		s.problem(fmt.Errorf("the file ends before page %d of %d", uint64(size)/pageSize, m.pages)) //nolint:gosec // a size is never negative
		s.pages = uint64(size) / pageSize                                                           //nolint:gosec // a size is never negative
	}
	if m.freelist != noFreelist {
		s.problem(errors.New("there is a list of free pages, which is never written"))
	}
	s.page("", m.root, nil, nil, 0)
	return s.problems
}

func (s *scan) problem(err error) { s.problems = append(s.problems, err) }

// page walks a page and what is below it. Its keys have to begin with low and lie below high; nil is no bound.
func (s *scan) page(bucket string, id uint64, low, high []byte, depth int) {
	content, err := s.read(id, depth)
	if err != nil {
		s.problem(fmt.Errorf("page %d: %w", id, err))
		return
	}
	s.elements(bucket, id, content, low, high, depth)
}

// read reads a page and those that it overflows into, each once.
func (s *scan) read(id uint64, depth int) ([]byte, error) {
	if id < 2 || id >= s.pages || depth > maxDepth {
		return nil, errors.New("is out of bounds")
	}
	content := make([]byte, pageSize)
	if _, err := s.file.ReadAt(content, int64(id)*pageSize); err != nil { //nolint:gosec // bounded by the file's size
		return nil, err
	}
	if native.Uint64(content) != id {
		return nil, errors.New("is another page")
	}
	overflow := uint64(native.Uint32(content[12:]))
	if overflow >= s.pages-id {
		return nil, errors.New("overflows the file")
	}
	for i := id; i <= id+overflow; i++ {
		if s.visited[i] {
			return nil, errors.New("is used twice")
		}
		s.visited[i] = true
	}
	if overflow == 0 {
		return content, nil
	}
	content = make([]byte, (overflow+1)*pageSize)
	_, err := s.file.ReadAt(content, int64(id)*pageSize) //nolint:gosec // bounded by the file's size
	return content, err
}

// elements walks the elements of a page, which may be one inside of a leaf's value.
func (s *scan) elements(bucket string, id uint64, content []byte, low, high []byte, depth int) {
	flags, count := native.Uint16(content[8:]), int(native.Uint16(content[10:]))
	if flags != leafPage && flags != branchPage || headerSize+count*elementSize > len(content) {
		s.problem(fmt.Errorf("page %d: is neither branch nor leaf", id))
		return
	}
	if count == 0 && (flags == branchPage || low != nil) {
		s.problem(fmt.Errorf("page %d: is empty", id))
		return
	}
	for i := range count {
		key, value, child, err := element(content, flags, i)
		if err == nil && !inOrder(key, low, high, i == 0) {
			err = errors.New("has a key out of order")
		}
		if err != nil {
			s.problem(fmt.Errorf("page %d, element %d: %w", id, i, err))
			continue
		}
		low = key
		if flags == branchPage {
			s.page(bucket, child, key, s.next(content, flags, i+1, count, high), depth+1)
			continue
		}
		switch flags := native.Uint32(content[headerSize+i*elementSize:]); flags {
		case bucketFlag:
			s.bucket(bucket, string(key), value, depth)
		case 0:
			err = s.visitor.visit(bucket, key, value)
		default:
			err = fmt.Errorf("has flags %#x", flags)
		}
		if err != nil {
			s.problem(fmt.Errorf("page %d, element %d: %w", id, i, err))
		}
	}
}

// inOrder reports whether a key may follow low, and is below high. The first of a page has to be the one that the branch
// above has for the page: by that key bbolt looks in the branch for what it is to replace when it writes the page anew.
func inOrder(key, low, high []byte, first bool) bool {
	follows := bytes.Compare(key, low) > 0
	if first && low != nil {
		follows = bytes.Equal(key, low)
	}
	return len(key) > 0 && follows && (high == nil || bytes.Compare(key, high) < 0)
}

// next is the key that those of a branch's child have to be below.
func (s *scan) next(content []byte, flags uint16, i, count int, high []byte) []byte {
	if i >= count {
		return high
	}
	key, _, _, err := element(content, flags, i)
	if err != nil {
		return high
	}
	return key
}

// bucket walks a bucket: its pages, or, when it is small, the page that lies in its value.
func (s *scan) bucket(parent, name string, value []byte, depth int) {
	if parent != "" || len(value) < elementSize {
		s.problem(fmt.Errorf("bucket %q is none", name))
		return
	}
	root := native.Uint64(value)
	if err := s.visitor.bucket(name, native.Uint64(value[8:])); err != nil {
		s.problem(fmt.Errorf("bucket %q: %w", name, err))
	}
	if root != 0 {
		s.page(name, root, nil, nil, depth+1)
		return
	}
	inline := value[elementSize:]
	// A number that is not zero would be freed as a page's when the bucket gets pages of its own.
	if len(inline) < headerSize || native.Uint64(inline) != 0 || native.Uint16(inline[8:]) != leafPage {
		s.problem(fmt.Errorf("bucket %q is none", name))
		return
	}
	s.elements(name, 0, inline, nil, nil, depth+1)
}

// element returns the i-th element: key and value of a leaf's, key and child of a branch's.
func element(content []byte, flags uint16, i int) (key, value []byte, child uint64, err error) {
	at := headerSize + i*elementSize
	head := content[at:]
	var position, keySize, valueSize uint32
	if flags == branchPage {
		position, keySize, child = native.Uint32(head), native.Uint32(head[4:]), native.Uint64(head[8:])
	} else {
		position, keySize, valueSize = native.Uint32(head[4:]), native.Uint32(head[8:]), native.Uint32(head[12:])
	}
	start := uint64(at) + uint64(position) //nolint:gosec // an offset in a page
	middle, end := start+uint64(keySize), start+uint64(keySize)+uint64(valueSize)
	if end > uint64(len(content)) {
		return nil, nil, 0, errors.New("lies outside of its page")
	}
	return content[start:middle], content[middle:end], child, nil
}
