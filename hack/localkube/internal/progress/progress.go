// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package progress tells a person what is being done and for how long already.
package progress

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// Printer writes one line per step, each with the time since the start.
type Printer struct {
	out   io.Writer
	start time.Time
	beat  time.Duration
	mu    sync.Mutex
}

// New returns a Printer whose clock starts now.
func New(out io.Writer) *Printer {
	return &Printer{out: out, start: time.Now(), beat: 15 * time.Second}
}

// Linef prints one line.
func (p *Printer) Linef(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "[%4ds] %s\n", int(time.Since(p.start).Seconds()), fmt.Sprintf(format, args...))
}

// Long announces work that takes its time, and says every now and then that it
// goes on. The function that it returns ends that; call it exactly once.
func (p *Printer) Long(format string, args ...any) (done func()) {
	what := fmt.Sprintf(format, args...)
	p.Linef("%s", what)
	began := time.Now()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		t := time.NewTicker(p.beat)
		defer t.Stop()
		for {
			select {
			case <-stop:
				return
			case <-t.C:
				p.Linef("... still at it after %d s: %s", int(time.Since(began).Seconds()), what)
			}
		}
	})
	return func() {
		close(stop)
		wg.Wait()
	}
}
