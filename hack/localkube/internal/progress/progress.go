// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

// Package progress shows a person what is being done and for how long already.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// Printer writes one line per step, each with the time since the start.
type Printer struct {
	out   io.Writer
	start time.Time
	// terminal: the time of a long step is shown in one line that is written over.
	terminal bool
	// beat is how often a long step shows that it goes on.
	beat time.Duration
	mu   sync.Mutex
}

// New returns a Printer whose clock starts now. A long step shows its time each second when out is a terminal, and once a
// minute otherwise.
func New(out io.Writer) *Printer {
	p := &Printer{out: out, start: time.Now(), beat: time.Minute}
	if file, ok := out.(*os.File); ok {
		info, err := file.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if p.terminal {
		p.beat = time.Second
	}
	return p
}

// Linef prints one line.
func (p *Printer) Linef(format string, args ...any) {
	p.print("\n", format, args...)
}

// print writes one line; on a terminal it takes the place of a line without an end.
func (p *Printer) print(end, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	begin := ""
	if p.terminal {
		begin = "\r\033[K"
	}
	fmt.Fprintf(p.out, "%s[%4ds] %s%s", begin, int(time.Since(p.start).Seconds()), fmt.Sprintf(format, args...), end)
}

// Long announces work that takes its time, and shows that it goes on. The function that it returns ends that; call it
// exactly once.
func (p *Printer) Long(format string, args ...any) (done func()) {
	what := fmt.Sprintf(format, args...)
	p.Linef("%s", what)
	end := "\n"
	if p.terminal {
		end = ""
	}
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
				p.print(end, "... still running after %d s: %s", int(time.Since(began).Seconds()), what)
			}
		}
	})
	return func() {
		close(stop)
		wg.Wait()
	}
}
