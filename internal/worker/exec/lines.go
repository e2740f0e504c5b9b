// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package exec

import "bytes"

// Lines is an io.Writer that hands each whole line, without its end, to Each. A line longer than maxLine is cut, so
// that a program that never ends its line cannot fill the memory.
type Lines struct {
	Each func(line []byte)

	rest []byte
}

// maxLine bounds a line, in bytes: a program's longest lines are a few KiB.
const maxLine = 64 << 10

// Write never fails.
func (l *Lines) Write(data []byte) (int, error) {
	written := len(data)
	for len(data) > 0 {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			l.keep(data)
			break
		}
		l.keep(data[:end])
		l.Each(l.rest)
		l.rest = l.rest[:0]
		data = data[end+1:]
	}
	return written, nil
}

// Close hands over a last line that has no end.
func (l *Lines) Close() error {
	if len(l.rest) > 0 {
		l.Each(l.rest)
		l.rest = nil
	}
	return nil
}

func (l *Lines) keep(data []byte) {
	if room := maxLine - len(l.rest); len(data) > room {
		data = data[:room]
	}
	l.rest = append(l.rest, data...)
}
