// Copyright 2026 The SparkRTC Recording Operator Authors.
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// The bounds that the working tenant is promised.
const (
	slowestAnswer = 250 * time.Millisecond // of 99 in 100 callbacks
	slowestFiles  = 2.                     // times the delay in quiet times
	// latestStatus is of every file's first status beside a backlog.
	latestStatus = time.Second
	// unnoticed is a delay that nobody minds, however many times the usual one it is: some milliseconds, most often.
	unnoticed = slowestAnswer
)

// sample is what the working tenant saw in one stretch of time: how long its callbacks waited for their answers, and how
// long after the answer to a COMPLETE its Job and its status came.
type sample struct {
	answers, jobs, statuses []time.Duration
	// refused are callbacks that were not answered with 200.
	refused int
}

// row is an attack beside the quiet time before it.
type row struct {
	attack          string
	quiet, attacked sample
	// written is how many objects and callbacks the attacker wrote.
	written int64
	// peak is resident memory at most, in MiB, by process.
	peak map[string]int
}

// report is everything that was measured.
type report []row

func quantile(of []time.Duration, q float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(of))
	return sorted[int(q*float64(len(sorted)-1))]
}

func mean(of []time.Duration) time.Duration {
	var sum time.Duration
	for _, one := range of {
		sum += one
	}
	return sum / time.Duration(max(len(of), 1))
}

// ratio is how many times as long a delay is under attack, on average.
func ratio(quiet, attacked []time.Duration) float64 {
	return float64(mean(attacked)) / float64(max(mean(quiet), time.Millisecond))
}

// print writes the report for people to read.
func (r report) print(out io.Writer) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(table, "attack\tanswers\tp50 ms\tp99 ms\tquiet p99\tfiles\tJob after ms\tquiet\ttimes\tmax\tstatus after ms\tquiet\ttimes\tmax\treceiver MiB\tmanager MiB\t")
	for _, row := range r {
		quiet, attacked := row.quiet, row.attacked
		_, _ = fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%d\t%s\t%s\t%.2f\t%s\t%s\t%s\t%.2f\t%s\t%d\t%d\t\n", row.attack,
			len(attacked.answers), ms(quantile(attacked.answers, .5)), ms(quantile(attacked.answers, .99)), ms(quantile(quiet.answers, .99)), len(attacked.jobs),
			ms(mean(attacked.jobs)), ms(mean(quiet.jobs)), ratio(quiet.jobs, attacked.jobs), ms(quantile(attacked.jobs, 1)),
			ms(mean(attacked.statuses)), ms(mean(quiet.statuses)), ratio(quiet.statuses, attacked.statuses), ms(quantile(attacked.statuses, 1)),
			row.peak["receiver"], row.peak["manager"])
	}
	_ = table.Flush()
}

func ms(d time.Duration) string { return fmt.Sprintf("%.0f", float64(d)/float64(time.Millisecond)) }

// verdict says which attack delayed the working tenant by more than it is promised.
func (r report) verdict() error {
	var problems []error
	for _, row := range r {
		if row.attacked.refused > 0 {
			problems = append(problems, fmt.Errorf("%s: %d callbacks were refused", row.attack, row.attacked.refused))
		}
		if p99 := quantile(row.attacked.answers, .99); p99 > slowestAnswer {
			problems = append(problems, fmt.Errorf("%s: callbacks were answered within %v (p99), more than %v", row.attack, p99, slowestAnswer))
		}
		if latest := quantile(row.attacked.statuses, 1); row.attack == backlog && latest > latestStatus {
			problems = append(problems, fmt.Errorf("%s: a file had its first status after %v, more than %v", row.attack, latest, latestStatus))
		}
		for _, of := range []struct {
			what            string
			quiet, attacked []time.Duration
		}{{"Jobs", row.quiet.jobs, row.attacked.jobs}, {"statuses", row.quiet.statuses, row.attacked.statuses}} {
			if times := ratio(of.quiet, of.attacked); times > slowestFiles && mean(of.attacked) > unnoticed {
				problems = append(problems, fmt.Errorf("%s: %s came after %.2f times the usual delay, more than %.2f, and after more than %v",
					row.attack, of.what, times, slowestFiles, unnoticed))
			}
		}
	}
	return errors.Join(problems...)
}
