// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

// sampleTables writes the content of stbl (ISO/IEC 14496-12, 8.5 to 8.7). Each table is one pass over the samples.
func (l *layout) sampleTables(w *headerWriter, p *plan) {
	w.fullBox("stsd", 0, 0, func() {
		w.uint32(uint32(len(p.Entries))) //nolint:gosec // a list in memory
		for _, entry := range p.Entries {
			w.bytes(entry)
		}
	})
	w.fullBox("stts", 0, 0, func() {
		w.uint32(uint32(p.durationRuns)) //nolint:gosec // at most the count
		w.table(8*p.durationRuns, func() { p.durations(w) })
	})
	if p.shifted {
		version := byte(0)
		if p.negative {
			version = 1
		}
		w.fullBox("ctts", version, 0, func() {
			w.uint32(uint32(p.shiftRuns)) //nolint:gosec // at most the count
			w.table(8*p.shiftRuns, func() { p.shifts(w) })
		})
	}
	if p.keys < p.count {
		w.fullBox("stss", 0, 0, func() {
			w.uint32(uint32(p.keys)) //nolint:gosec // at most the count
			w.table(4*p.keys, func() { p.keyNumbers(w) })
		})
	}
	w.fullBox("stsz", 0, 0, func() {
		if p.size > 0 {
			w.uint32(uint32(p.size))  //nolint:gosec // checked by measure
			w.uint32(uint32(p.count)) //nolint:gosec // checked by measure
			return
		}
		w.uint32(0)
		w.uint32(uint32(p.count)) //nolint:gosec // checked by measure
		w.table(4*p.count, func() {
			for s := range p.Samples {
				w.uint32(uint32(s.Size)) //nolint:gosec // checked by measure
			}
		})
	})
	w.fullBox("stsc", 0, 0, func() {
		w.uint32(uint32(p.chunkRuns)) //nolint:gosec // at most the count
		w.table(12*p.chunkRuns, func() { p.chunkTable(w) })
	})
	kind, size := "stco", int64(4)
	if l.wide {
		kind, size = "co64", 8
	}
	w.fullBox(kind, 0, 0, func() {
		w.uint32(uint32(p.chunkCount)) //nolint:gosec // at most the count
		p.offsetsAt = w.at
		w.skip(size * p.chunkCount)
	})
}

// runWriter writes a table of runs.
type runWriter struct {
	w     *headerWriter
	count uint32
	value uint32
}

func (r *runWriter) add(value uint32) {
	if value != r.value {
		r.close()
	}
	r.value = value
	r.count++
}

func (r *runWriter) close() {
	if r.count > 0 {
		r.w.uint32(r.count)
		r.w.uint32(r.value)
	}
	r.count = 0
}

func (p *plan) durations(w *headerWriter) {
	runs := runWriter{w: w}
	for _, delta := range p.steps() {
		runs.add(uint32(delta)) //nolint:gosec // checked by measure
	}
	runs.close()
}

func (p *plan) shifts(w *headerWriter) {
	runs := runWriter{w: w}
	for s := range p.Samples {
		runs.add(uint32(s.PTS - s.DTS + p.lift)) //nolint:gosec // signed in version 1
	}
	runs.close()
}

func (p *plan) keyNumbers(w *headerWriter) {
	number := uint32(0)
	for s := range p.Samples {
		number++
		if s.Key {
			w.uint32(number)
		}
	}
}

func (p *plan) chunkTable(w *headerWriter) {
	var last chunk
	number := uint32(0)
	for c := range p.chunks() {
		number++
		if c != last {
			w.uint32(number)
			w.uint32(uint32(c.samples))   //nolint:gosec // at most the count
			w.uint32(uint32(c.entry) + 1) //nolint:gosec // checked by measure
		}
		last = c
	}
}
