// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints what was done and what came of it.
func (c *chaos) report(v *verdict) {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	out := func(format string, arguments ...any) { _, _ = fmt.Fprintf(table, format+"\n", arguments...) }

	out("faults\ttimes\tseconds in all\t")
	for _, name := range slices.Sorted(maps.Keys(c.faults.count)) {
		out("%s\t%d\t%.1f\t", name, c.faults.count[name], c.faults.took[name].Seconds())
	}
	c.reportEvents(out)
	out("\nforgeries sent\ttimes\t")
	for _, what := range slices.Sorted(maps.Keys(c.forger.tally.counts)) {
		out("%s\t%d\t", what, c.forger.tally.counts[what])
	}
	c.reportBacklogs(out)
	out("\nfound\t\t")
	out("recordings that have to be there\t%d\t", v.recordings)
	out("tasks that have to be there\t%d\t", v.tasks)
	for _, finding := range v.findings() {
		out("%s\t%d\t", finding.what, len(finding.cases))
	}
	_ = table.Flush()
	for _, finding := range v.findings() {
		list(os.Stdout, finding.what, finding.cases)
	}
}

func (c *chaos) reportEvents(out func(string, ...any)) {
	copies := 0
	for _, d := range c.load.ledger.deliveries {
		copies += d.copies
	}
	out("\nevents\ttimes\t")
	out("events\t%d\t", len(c.load.ledger.deliveries))
	out("sent, with those sent more than once\t%d\t", copies)
	for _, what := range slices.Sorted(maps.Keys(c.load.tally.counts)) {
		out("%s\t%d\t", what, c.load.tally.counts[what])
	}
	// What a receiver counted between the last read and its death is lost.
	out("\nresponses, as far as killed receivers had been read\ttimes\t")
	totals := c.fleet.totals()
	for _, name := range slices.Sorted(maps.Keys(totals)) {
		if outcome, ok := strings.CutPrefix(name, answered); ok {
			out("%s\t%.0f\t", outcome, totals[name])
		}
	}
}

func (c *chaos) reportBacklogs(out func(string, ...any)) {
	out("\nwaiting when the API server was back\twritten\tin seconds\ta second\t")
	for _, b := range c.faults.backlogs {
		more := ""
		if !b.empty {
			more = " (then another fault)"
		}
		out("%d\t%d\t%.1f\t%.0f\t%s", b.waiting, b.drained, b.took.Seconds(), b.rate(), more)
	}
	out("\nwith nothing else going on\t\t\t\t")
	out("%d\t%d\t%.1f\t%.0f\t", c.drained.waiting, c.drained.drained, c.drained.took.Seconds(), c.drained.rate())
	out("bare creates\t\t\t%.0f\t", c.creates)
	out("ratio\t\t\t%.2f\t", c.drained.rate()/c.creates)
}

type finding struct {
	what  string
	cases []string
}

func (v *verdict) findings() []finding {
	return []finding{
		{"never answered with 200", v.unanswered}, {"lost", v.lost}, {"twice", v.twice}, {"with wrong facts", v.wrong}, {"forgeries in", v.forged},
		{"never reconciled", v.unreconciled}, {"other problems", v.other},
	}
}

// list names the first of many.
func list(w io.Writer, what string, cases []string) {
	const most = 10
	if len(cases) == 0 {
		return
	}
	_, _ = fmt.Fprintf(w, "\n%s:\n", what)
	for _, text := range cases[:min(most, len(cases))] {
		_, _ = fmt.Fprintf(w, "  %s\n", text)
	}
	if len(cases) > most {
		_, _ = fmt.Fprintf(w, "  and %d more\n", len(cases)-most)
	}
}

// say tells how far the run is.
func (c *chaos) say(format string, arguments ...any) {
	fmt.Printf("[%5.1fs] %s\n", time.Since(c.begin).Seconds(), fmt.Sprintf(format, arguments...))
}
