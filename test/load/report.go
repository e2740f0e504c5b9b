// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
)

// report is everything that was measured.
type report struct {
	Machine string `json:"machine"`
	// Files that were there before the operator started.
	Files        int     `json:"files"`
	StartSeconds float64 `json:"startSeconds"`
	Start        memory  `json:"start"`
	Settled      memory  `json:"settled"`
	End          memory  `json:"end"`
	Peak         memory  `json:"peak"`
	// Jobs is how long after the response to a COMPLETE the step's Job is there, when nothing else goes on.
	Jobs phase `json:"jobs"`
	// Others are the kinds of callbacks that make no file.
	Others []measured `json:"others,omitempty"`
	// Callbacks that were sent; each has made one file.
	Callbacks   int          `json:"callbacks"`
	Comparisons []comparison `json:"comparisons"`
}

// memory is resident, in MiB, by process.
type memory map[string]int

// comparison is of so many clients.
type comparison struct {
	Clients int `json:"clients"`
	// Requests of each phase, of all rounds together.
	Requests int `json:"requests"`
	// Ratios are the rates of callbacks to those of bare creates, of each round.
	Ratios []float64 `json:"ratios"`
	// Bare creates are made with controller-runtime's client, Lean ones without decoding the answer.
	Bare      phase `json:"bare"`
	Lean      phase `json:"lean"`
	Callbacks phase `json:"callbacks"`
	// Afterwards is what the operator still had to do once the last callback was answered.
	Afterwards phase `json:"afterwards"`
}

// phase is what one phase measured.
type phase struct {
	Seconds float64  `json:"seconds"`
	Rate    float64  `json:"rate"`
	Latency *latency `json:"latency,omitempty"`
	// CPU is milliseconds for each request, by process.
	CPU map[string]float64 `json:"cpu"`
}

// latency is in milliseconds.
type latency struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

func (p phase) totalCPU() float64 {
	total := 0.
	for _, used := range p.CPU {
		total += used
	}
	return total
}

// print writes the report for people to read.
func (r *report) print(out io.Writer) {
	_, _ = fmt.Fprintf(out, "%s\n%d files, both processes ready after %.1f s\n", r.Machine, r.Files, r.StartSeconds)
	for _, process := range []string{"receiver", "manager"} {
		_, _ = fmt.Fprintf(out, "%s: ready with %d MiB; settled %d MiB, in the end %d MiB, at most %d MiB\n",
			process, r.Start[process], r.Settled[process], r.End[process], r.Peak[process])
	}
	if l := r.Jobs.Latency; l != nil {
		_, _ = fmt.Fprintf(out, "a step's Job after the response to its COMPLETE: median %.0f ms, at most %.0f ms of %d\n", l.P50, l.Max, jobsMeasured)
	}
	for _, compared := range r.Comparisons {
		compared.print(out)
	}
	_, _ = fmt.Fprint(out, "\n", describeOthers(r.Others))
	_, _ = fmt.Fprintf(out, "\n%d callbacks made %d files: none lost, none twice\n", r.Callbacks, r.Callbacks)
}

func (c comparison) print(out io.Writer) {
	names := slices.Sorted(maps.Keys(c.Bare.CPU))
	_, _ = fmt.Fprintf(out, "\n%d client(s), %d requests in %d rounds\n", c.Clients, c.Requests, len(c.Ratios))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintf(table, "\trate/s\tp50 ms\tp90\tp99\tmax\tCPU ms/request\t%s\t\n", strings.Join(names, "\t"))
	for _, row := range []struct {
		name string
		phase
	}{{"bare creates", c.Bare}, {"lean creates", c.Lean}, {"callbacks", c.Callbacks}, {"afterwards", c.Afterwards}} {
		_, _ = fmt.Fprintf(table, "%s\t%.0f\t", row.name, row.Rate)
		if l := row.Latency; l != nil {
			_, _ = fmt.Fprintf(table, "%.2f\t%.2f\t%.2f\t%.2f\t", l.P50, l.P90, l.P99, l.Max)
		} else {
			_, _ = fmt.Fprint(table, "\t\t\t\t")
		}
		_, _ = fmt.Fprintf(table, "%.2f\t", row.totalCPU())
		for _, name := range names {
			_, _ = fmt.Fprintf(table, "%.2f\t", row.CPU[name])
		}
		_, _ = fmt.Fprintln(table)
	}
	_ = table.Flush()
	compare := func(what string, with phase) {
		_, _ = fmt.Fprintf(out, "callbacks to %s creates: rate %.2f, by CPU %.2f, median answer %.2f times\n", what,
			c.Callbacks.Rate/with.Rate, with.totalCPU()/c.Callbacks.totalCPU(), c.Callbacks.Latency.P50/with.Latency.P50)
	}
	compare("bare", c.Bare)
	_, _ = fmt.Fprintf(out, "  in the rounds from %.2f to %.2f\n", slices.Min(c.Ratios), slices.Max(c.Ratios))
	compare("lean", c.Lean)
}

// machine says what the figures were measured on, and what else it was doing.
func machine() string {
	model := "unknown processor"
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if _, rest, found := strings.Cut(string(info), "model name\t: "); found {
			model, _, _ = strings.Cut(rest, "\n")
		}
	}
	load, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		load = []byte("unknown")
	}
	return fmt.Sprintf("%d cores (%s), %s, load average before %s", runtime.NumCPU(), model, runtime.Version(), strings.TrimSpace(string(load)))
}
